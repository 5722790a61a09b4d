"""Training of a classifier that becomes an extractor: its features and class probabilities measure what GANs draw."""

import numpy as np

from gan_jax.data import Source, places
from gan_jax.evaluation import features
from gan_jax.pictures import grids
from gan_jax.recipes.contract import State
from gan_jax.runs import directory, drawing, training
from gan_jax.runs.training import Run


def train(run: Run, *, width: int) -> None:
    """Trains a `networks.cnn.Classifier` of this width, writes extractor.npz, and says its accuracy on the test images."""
    test = run.data.test()

    def measure(state: State) -> dict:
        save(run, state, width)
        right = check_predictions(run, test)
        return {"test_accuracy": float(right.mean()), "test_images": len(test)}

    measured = training.train(run, measure=measure)
    if measured:
        share = f"{measured['test_accuracy']:.2%}"
        print(f"accuracy on {len(test)} test images: {share}; {run.workdir / 'extractor.npz'} is the extractor")


def save(run: Run, state: State, width: int) -> None:
    """Writes extractor.npz into the run's directory. Its network has the name of the dataset, without the folders above it."""
    config = run.config.data
    features.save_classifier(
        run.workdir / "extractor.npz",
        state.players["classifier"].ema,
        name="-".join(directory.short(part) for part in (places.title(config.dataset), config.classes) if part)
        + "-cnn",
        image_shape=run.data.spec.image_shape,
        num_classes=len(run.data.spec.classes),
        classes=run.data.spec.classes,
        width=width,
    )


def check_predictions(run: Run, test: Source) -> np.ndarray:
    """Whether the extractor is right about each test image, bool [N]; draws some about which it is not."""
    examples = test[np.arange(len(test))]
    extractor = features.load_classifier(run.workdir / "extractor.npz")
    found = features.extract(extractor, [examples["image"]], total=len(test), title="test images")
    right = found.probabilities.argmax(axis=1) == examples["label"]
    if not right.all():
        mistaken = examples["image"][~right][: drawing.GRID]
        grids.save(grids.grid(mistaken / 127.5 - 1), run.workdir / "mistaken.png")
    return right
