"""images made of image files, by a run that translates

python -m gan_jax translate --workdir=RUN my_drawing.png                     # into RUN/translated
python -m gan_jax translate --workdir=RUN a_folder another.jpg --out=DIR     # folders, too
python -m gan_jax translate --workdir=RUN --degrade my_photo.jpg             # damaged first, as the run learnt to undo it
python -m gan_jax translate --workdir=RUN torn.png --masks=where_it_is_torn.png
python -m gan_jax translate --workdir=RUN map.png --style=a_photo.jpg        # of spade

Images keep their size, or become as many times larger as the run makes them: sides that the network does not take are reflected
at the edges, and cut back. Label maps, for spade, become as large as those that it learnt. Runs that colour see the brightness
of a coloured image. DIR/before-after.png shows the first ones.
"""

from dataclasses import dataclass
from pathlib import Path

from gan_jax.commands.options import WORKDIR, required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.runs import translate_files
from gan_jax.runs.file_examples import Given
from gan_jax.runs.restore import restore

TAKES_FILES = True  # beside its flags
NAMED = 10  # files in an error, at most


@dataclass(frozen=True)
class Options:
    """What is translated, and where to."""

    workdir: str | None = option(None, WORKDIR)
    out: str | None = option(None, "Folder for what is made, PNG; by default `translated` in the run's directory.")
    translator: str | None = option(None, "Which one, of a run that has several, as in a_to_b; by default its first.")
    noisy: bool | None = option(None, "With noise of its own, or without; by default as the run has it.")
    masks: str | None = option(
        None,
        "Of a run that fills holes: an image that is white where something is missing, or a folder of such, named as the images; "
        "by default what is transparent is missing.",
    )
    style: str | None = option(
        None, "Of spade: an image in whose style all are drawn; by default each in a style by chance."
    )
    degrade: bool = option(
        False, "Do to the images first what the run undoes, so that what comes of it can be seen beside them."
    )
    max_pixels: int = option(
        4_000_000, "Larger images are left out: a network takes several hundred bytes a pixel.", low=1
    )
    seed: int = option(0, "Of the network's own noise, if it has any, and of damage by chance.", low=0)


def main(parsed: Parsed) -> None:
    """Writes the images; says at the end what could not be read."""
    options = parsed.config
    workdir = Path(required(options.workdir))
    if not parsed.arguments:
        raise ValueError("image files or folders are needed, as in translate --workdir=RUN my_drawing.png")
    files, unread = translate_files.files_of(parsed.arguments)
    out, run = Path(options.out or workdir / "translated").expanduser(), restore(workdir)
    translator = translate_files.choose(run, options.translator, options.noisy, options.style)
    given = Given(options.degrade, options.masks, options.style, options.max_pixels)
    failed = list(translate_files.translate(run, translator, files, out, given, options.seed))
    if len(failed) < len(files):
        print(f"{len(files) - len(failed):,} images in {out}; the first are in {out / translate_files.SHEET}")
    if failed := [*failed, *unread]:
        more = len(failed) - NAMED
        named = "; ".join(failed[:NAMED]) + (f"; and {more:,} more" if more > 0 else "")
        raise ValueError(f"{len(failed):,} of {len(files) + len(unread):,} could not be translated: {named}")
