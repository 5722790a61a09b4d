"""A run as what latents are looked for with: its generator, and a classifier of what it draws."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.config.parts import ScoringConfig
from gan_jax.data.classes import class_numbers, listed
from gan_jax.latents import projection
from gan_jax.latents.inversion import PROJECTIONS
from gan_jax.latents.model import Classifier, Model
from gan_jax.randomness import example_keys
from gan_jax.recipes.contract import State
from gan_jax.runs import advice, drawing, monitor
from gan_jax.runs.restore import TrainedRun, restore

SPACES = ("z", "w", "w+")


def open_model(run: TrainedRun, label: str | None, space: str = "z") -> Model:
    """The generator of a run.

    Args: space: in SPACES: of latents; or, where there are styles, of those and noise (`projection`), all layers' or each layer's.
    Raises ValueError if it draws nothing, or its latents otherwise than PROJECTIONS know, or has no such space; and unless a
    class-conditional run is given one label, and another none.
    """
    sampler, state, number = run.sampler, run.state, _label(run, label)
    if space != "z":
        return _of_styles(run, number, space)
    if sampler.prior not in PROJECTIONS:
        raise ValueError(f"a run of {run.experiment} draws latents otherwise than {' or '.join(PROJECTIONS)}")
    condition = lambda shape: None if number is None else {"label": np.full(shape, number, np.int32)}
    encode = run.recipe.encode
    return Model(
        generate=lambda latents: sampler.generate(state, latents, condition(len(latents))),
        render=lambda latents: drawing.render(sampler, state, latents, condition(latents.shape[:-1])),
        draw=lambda key, count: np.asarray(sampler.latents(key, count)),
        prior=sampler.prior,
        encode=encode and partial(jax.jit(encode), state),
    )


def _of_styles(run: TrainedRun, number: int | None, space: str) -> Model:
    """The synthesis of a run's styles and noise."""
    styles, state = run.require_styles(f"space={space}: ", "; only z"), run.state
    labels = None if number is None else [number]
    own = projection.make(styles.noise(state), *run.styles_shape, each=space == "w+")

    def generate(state: State, vectors: jax.Array) -> jax.Array:
        ws, noise = own.unpack(vectors)
        return styles.generate(styles.with_noise(state, noise), ws)

    def render(vectors: np.ndarray) -> np.ndarray:
        flat = np.float32(vectors).reshape(-1, vectors.shape[-1])
        images = np.concatenate(list(drawing.require_finite(drawing.by_rows(generate, state, flat))))
        return images.reshape(*vectors.shape[:-1], *images.shape[1:])

    def parts(vectors: np.ndarray) -> dict[str, np.ndarray]:
        ws, noise = own.unpack(vectors.reshape(-1, vectors.shape[-1]))
        spread = lambda column: np.asarray(column).reshape(*vectors.shape[:-1], *column.shape[1:])
        maps = jax.tree_util.tree_leaves_with_path(noise)
        named = {"noise_" + "_".join(key.key for key in path[-2:-1]): spread(leaf) for path, leaf in maps}
        return {"latents": spread(ws), **named}

    return Model(
        generate=lambda vectors: generate(state, vectors),
        render=render,
        draw=lambda key, count: np.asarray(own.pack(run.styles(example_keys(key, count), labels))),
        prior="w",
        project=own.project,
        penalty=own.penalty,
        parts=parts,
    )


def find_classifier(workdir: str | None, run: TrainedRun) -> Classifier:
    """The classifier of another run, or else the network that comes with the dataset of this run.

    Raises ValueError or OSError if there is none, or it takes other images.
    """
    shape = run.spec.image_shape
    if workdir is not None:
        other = restore(workdir)
        logits, taken = partial(other.classifier, other.state), other.spec.image_shape
        if taken != shape:
            raise ValueError(f"classifier={workdir} takes images of the shape {taken}, these have {shape}")
        return _classifier(Path(workdir).name, other.spec.classes, lambda images: jax.nn.softmax(logits(images)))
    data, classes = run.config.data, run.spec.classes
    extractor = monitor.find_extractor(ScoringConfig(), data.dataset, shape)
    if extractor is None or not extractor.knows_classes:
        raise ValueError(f"no classifier comes with {data.dataset}: {advice.train_one(data.dataset, 'classifier')}")
    probabilities = lambda images: extractor.apply(extractor.variables, (images + 1) * 127.5)[1]
    if data.classes:  # it knows all classes of the dataset, of which the run has learnt some
        known = jax.eval_shape(probabilities, jnp.zeros((1, *shape))).shape[-1]
        classes = tuple(str(number) for number in range(known))
    return _classifier(extractor.name, classes, probabilities)


def one_class(flag: str, value: str, classes: tuple[str, ...]) -> int:
    """The number of the class that a flag names. Raises ValueError unless it is one."""
    numbers = class_numbers(flag, value, classes)
    if len(numbers) > 1:
        raise ValueError(f"{flag}={value}: one class at a time")
    return numbers[0]


def _label(run: TrainedRun, label: str | None) -> int | None:
    """The number of the label that all images are to have; None where there are none."""
    if label is not None:
        run.class_numbers(label)  # says if there is no such
        return one_class("label", label, run.spec.classes)
    if run.sampler.takes("label"):
        names = listed(run.spec.classes)
        raise ValueError(f"a run of {run.experiment} draws what it is asked for: name a class by --label, of {names}")
    return None


def _classifier(name: str, classes: tuple[str, ...], probabilities: Callable[[jax.Array], jax.Array]) -> Classifier:
    compiled = jax.jit(probabilities)

    def classify(images: np.ndarray) -> np.ndarray:
        flat = images.reshape(-1, *images.shape[-3:])
        found = np.concatenate(list(drawing.chunks(len(flat), lambda rows: compiled(flat[rows]))))
        return found.reshape(*images.shape[:-3], -1)

    return Classifier(name, classes, probabilities, classify)
