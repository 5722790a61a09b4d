"""what a trained classifier says of image files: class and probability

python -m gan_jax classify --workdir=RUN my_digit.png another.jpg

Takes runs that classify, as of sgan and of classifier. An image is cut to its centre square and resized to the side of
those that the network learnt; it should look as they do: MNIST's digits, say, are light on dark.
"""

from dataclasses import dataclass

from gan_jax.commands.options import WORKDIR, required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.runs.classify import describe, probabilities
from gan_jax.runs.restore import restore

TAKES_FILES = True  # beside its flags


@dataclass(frozen=True)
class Options:
    """Which run classifies."""

    workdir: str | None = option(None, WORKDIR)


def main(parsed: Parsed) -> None:
    """Prints the class of each image file."""
    workdir, paths = required(parsed.config.workdir), parsed.arguments
    if not paths:
        raise ValueError("one or more image files are needed, as in classify --workdir=RUN my_digit.png")
    run = restore(workdir)
    found = probabilities(run, paths)
    print(
        "\n".join(f"{path}: class {describe(run.spec.classes, each)}" for path, each in zip(paths, found, strict=True))
    )
