"""Training of a classifier, which may become an extractor: its features and class probabilities measure what GANs draw."""

import jax
import numpy as np

from gan_jax.data import Source, places
from gan_jax.evaluation import features
from gan_jax.pictures import grids
from gan_jax.pictures.kinds import kind_of
from gan_jax.recipes.contract import State
from gan_jax.runs import directory, drawing, training
from gan_jax.runs.training import Run


def train(run: Run, *, width: int | None) -> None:
    """Trains a classifier and says its accuracy on the test images; writes extractor.npz.

    Args: width: of its `networks.cnn.Classifier`; None of another network, which becomes no extractor.
    """
    test = run.data.test()

    def measure(state: State) -> dict:
        if width is not None:
            save(run, state, width)
        right = check_predictions(run, state, test)
        return {"test_accuracy": float(right.mean()), "test_images": len(test)}

    measured = training.train(run, measure=measure)
    if measured:
        extractor = "" if width is None else f"; {run.workdir / 'extractor.npz'} is the extractor"
        print(f"accuracy on {len(test)} test images: {measured['test_accuracy']:.2%}{extractor}")


def save(run: Run, state: State, width: int) -> None:
    """Writes extractor.npz into the run's directory. Its network has the name of the dataset, without the folders above it."""
    config = run.config.data
    features.save_classifier(
        run.workdir / "extractor.npz",
        state.players["classifier"].ema,
        name="-".join(directory.short(part) for part in (places.title(config.dataset), config.classes) if part)
        + "-cnn",
        image_shape=run.data.spec.seen_shape,
        num_classes=len(run.data.spec.classes),
        classes=run.data.spec.classes,
        width=width,
    )


def check_predictions(run: Run, state: State, test: Source) -> np.ndarray:
    """Whether the classifier is right about each test image, bool [N]; draws some about which it is not."""
    examples, classify, kind = test[np.arange(len(test))], jax.jit(run.phases[0].recipe.classify), kind_of(test.spec)
    found = drawing.chunks(len(test), lambda rows: classify(state, examples[kind.name][rows]).argmax(axis=-1))
    right = np.concatenate(list(found)) == examples["label"]
    if not right.all():
        mistaken = kind.of_examples(examples[kind.name][~right][: drawing.GRID])
        grids.save(grids.grid(kind.shown(mistaken)), run.workdir / "mistaken.png")
    return right
