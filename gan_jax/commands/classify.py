"""what a trained network says of image files: class and probability, or how strange they are

python -m gan_jax classify --workdir=RUN my_digit.png another.jpg
python -m gan_jax classify --workdir=RUN --anomaly my_digit.png          # a number, the larger the stranger
python -m gan_jax classify --workdir=RUN --anomaly                       # how well that tells classes left out of training

Takes runs that classify, as of sgan and of classifier; with --anomaly runs that have a likelihood, as of vae, and GANs, which
are inverted. An image is cut to its centre square and resized to the side of those that the network learnt; it should look as
they do: MNIST's digits, say, are light on dark.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gan_jax.commands.options import WORKDIR, required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.latents.paths import SearchConfig
from gan_jax.runs import anomaly
from gan_jax.runs.classify import describe, probabilities, read
from gan_jax.runs.restore import TrainedRun, restore

TAKES_FILES = True  # beside its flags


@dataclass(frozen=True)
class Options:
    """Which run classifies."""

    workdir: str | None = option(None, WORKDIR)
    anomaly: bool = option(False, "Say how strange images are; without files of test images, by class.")
    seed: int = option(0, "With --anomaly: of the latents that are drawn.", low=0)


def main(parsed: Parsed) -> None:
    """Prints the class of each image file, or how strange it is."""
    options, paths = parsed.config, parsed.arguments
    workdir = required(options.workdir)
    if not paths and not options.anomaly:
        raise ValueError("one or more image files are needed, as in classify --workdir=RUN my_digit.png")
    run = restore(workdir)
    print("\n".join(strangeness(run, options, paths) if options.anomaly else classes(run, paths)))


def classes(run: TrainedRun, paths: list[str]) -> Iterator[str]:
    """A line for each image file. Raises ValueError."""
    for path, found in zip(paths, probabilities(run, paths), strict=True):
        yield f"{path}: class {describe(run.spec.classes, found)}"


def strangeness(run: TrainedRun, options: Options, paths: list[str]) -> Iterator[str]:
    """A line for each image file; or, without any, for each class that the run did not learn. Raises ValueError."""
    if paths:
        for path, score in zip(
            paths, anomaly.scores(run, read(run, paths), SearchConfig(seed=options.seed)), strict=True
        ):
            yield f"{path}: {score:.4g} {anomaly.unit(run)}"
        return
    found = anomaly.detect(run, SearchConfig(seed=options.seed))
    yield f"AUROC among {found.count} test images, beside those of classes {', '.join(found.learnt)} (0.5 is chance)"
    for name, auroc in found.by_class.items():
        yield f"class {name}: {auroc:.3f}; by a PCA {found.pca[name]:.3f}"
