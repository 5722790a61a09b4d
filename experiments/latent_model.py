"""What `experiments.latent` works with: a run's generator, and a classifier."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from experiments import classify, evaluation, images
from gan_jax import inversion
from gan_jax.data.classes import class_numbers, listed
from gan_jax.randomness import Key
from gan_jax.recipe import Recipe, State
from gan_jax.recipes.classifier import Classify


class Model(NamedTuple):
    """A trained generator, asked for one label if it knows any.

    Fields:
      generate: latents [n, d] -> images [n, H, W, C] in [-1, 1]; differentiable.
      render: the same of arrays [..., d], however many -> images [..., H, W, C].
      draw: (key, n) -> latents [n, d].
      prior: what latents are drawn from, a name in randomness.LATENTS.
    """

    generate: inversion.Generate
    render: Callable[[np.ndarray], np.ndarray]
    draw: Callable[[Key, int], np.ndarray]
    prior: str


class Judge(NamedTuple):
    """A classifier.

    Fields:
      name: "mnist-cnn", or a run's directory.
      names: of its classes.
      probabilities: images [n, H, W, C] in [-1, 1] -> [n, K]; differentiable.
    """

    name: str
    names: Sequence[str]
    probabilities: Classify


def open_model(content: dict, recipe: Recipe, state: State, label: str | None) -> Model:
    """The generator of a run. Raises ValueError unless a label is named where labels can be asked for, and only there."""
    experiment, names = content["experiment"], content["class_names"]
    given = lambda count: ()
    if recipe.sample_labels is not None:
        if label is None:
            raise ValueError(
                f"a run of {experiment} draws what it is asked for: name a class by --label, of {listed(names)}"
            )
        number = one_class("label", label, names)
        given = lambda count: (np.full(count, number, np.int32),)
    elif label is not None:
        raise ValueError(f"label={label}: a run of {experiment} cannot be asked for a label")

    prior = content["flags"].get("latent")
    if prior not in inversion.PROJECTIONS:
        raise ValueError(f"a run of {experiment} draws latents otherwise than {' or '.join(inversion.PROJECTIONS)}")

    def render(latents: np.ndarray) -> np.ndarray:
        flat = np.reshape(latents, (-1, latents.shape[-1]))
        drawn = images.require_finite(images.generate(recipe, state, flat, *given(len(flat))))
        drawn = np.concatenate(list(drawn))
        return drawn.reshape(*latents.shape[:-1], *drawn.shape[1:])

    return Model(
        generate=lambda latents: recipe.generate(state, latents, *given(len(latents))),
        render=render,
        draw=lambda key, count: np.asarray(recipe.latents(key, count)),
        prior=prior,
    )


def find_judge(workdir: str | None, content: dict) -> Judge:
    """The classifier of a run of sgan or of classifier, or else the network that comes with the generator's dataset.

    Raises ValueError or OSError if there is none, or it takes other images.
    """
    shape = tuple(content["image_shape"])
    if workdir is not None:
        names, taken, probabilities = classify.load(workdir)
        if taken != shape:
            raise ValueError(f"classifier={workdir} takes images of the shape {taken}, these have {shape}")
        return Judge(Path(workdir).name, names, probabilities)
    dataset, names = content["flags"]["dataset"], content["class_names"]
    asked = SimpleNamespace(dataset=dataset, extractor=None, inception_weights=None)
    extractor = evaluation.find_extractor(asked, shape)
    if extractor is None:
        raise ValueError(
            f"no classifier comes with {dataset}: train one, if it has classes (python -m experiments.classifier "
            f"--dataset={dataset}), and name its run by --classifier"
        )
    probabilities = lambda images: extractor.apply(extractor.variables, (images + 1) * 127.5)[1]
    if content["flags"]["classes"]:  # it knows all classes of the dataset, of which the run has learnt some
        known = jax.eval_shape(probabilities, jnp.zeros((1, *shape))).shape[-1]
        names = [str(number) for number in range(known)]
    return Judge(extractor.name, names, probabilities)


def one_class(flag: str, value: str, names: Sequence[str]) -> int:
    """The number of the class that a flag names. Raises ValueError unless it is one."""
    numbers = class_numbers(flag, value, names)
    if len(numbers) > 1:
        raise ValueError(f"{flag}={value}: one class at a time")
    return numbers[0]


def judged(judge: Judge, drawn: np.ndarray) -> np.ndarray:
    """The probabilities [..., K] of images [..., H, W, C] in [-1, 1], however many."""
    flat, probabilities = drawn.reshape(-1, *drawn.shape[-3:]), jax.jit(judge.probabilities)
    chunks = images.chunks(len(flat), lambda rows: probabilities(flat[rows]))
    return np.concatenate(list(chunks)).reshape(*drawn.shape[:-3], -1)
