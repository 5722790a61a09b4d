"""samples of a run, as one picture, a folder of PNG files or an .npz; shapes also as OBJ files, or turning

python -m gan_jax sample --workdir=RUN --num=64 --seed=1
python -m gan_jax sample --workdir=RUN --label=7          # of a class-conditional run; or 0..9, a row of each
python -m gan_jax sample --workdir=RUN --num=50000 --format=npz
python -m gan_jax sample --workdir=RUN --style_mixing=0..3   # of a run with styles: rows with these layers of columns
python -m gan_jax sample --workdir=RUN --latents=latent.npy   # of latents of your own, as `explore` and `latent` leave them
"""

import zipfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image
from tqdm import tqdm

from gan_jax.commands.options import CUTOFF, STANDING, TRUNCATION, WORKDIR, required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.data.classes import class_numbers
from gan_jax.latents.mixing import mixed
from gan_jax.pictures import films, grids, image_files
from gan_jax.pictures.kinds import Kind
from gan_jax.pictures.obj import obj
from gan_jax.pictures.solids import turning
from gan_jax.randomness import example_keys
from gan_jax.runs import directory, drawing
from gan_jax.runs.restore import TrainedRun, restore

SHEET = 6  # rows and columns where styles are mixed
SUFFIXES = {"grid": ".png", "png": "", "npz": ".npz", "obj": "", "turn": ".gif", "play": ".gif", "slices": ".png"}
OF = {"obj": "voxels", "turn": "voxels", "play": "video", "slices": "video"}  # the kinds that some formats are of


@dataclass(frozen=True)
class Options:
    """What is drawn, and where it is written."""

    workdir: str | None = option(None, WORKDIR)
    num: int | None = option(
        None, "How many images; of each of several labels. By default 64; of several labels, in rows, 10.", low=1
    )
    seed: int = option(0, "Of the latents. Image i depends on the seed and i, not on num.", low=0)
    label: str | None = option(
        None, "What to draw, of a class-conditional run: a class by name or number; a row each of 1,4 or 0..9."
    )
    truncation: float | None = option(None, TRUNCATION, low=0)
    cutoff: int | None = option(None, CUTOFF, low=1)
    style_mixing: str | None = option(
        None,
        "Of a run with styles, a sheet: samples in rows, with these layers, as in 0..3 or 4,5, of others in columns; --num of "
        f"each, by default {SHEET}.",
    )
    latents: str | None = option(
        None,
        "A file of latents z to draw, .npy [N, d] or the .npz that `latent` leaves, in place of latents by chance.",
    )
    standing_batches: int = option(0, STANDING, low=0)
    frames: int | None = option(None, "Of a run that draws videos of any length: how many frames.", low=1)
    format: str = option(
        "grid",
        "One picture of all; a folder of numbered PNG files; an .npz of images and labels; of voxels a folder of OBJ files, or "
        "a picture that turns.",
        choices=SUFFIXES,
    )
    out: str | None = option(
        None, "Where to write; by default into the run directory. A file; a folder for --format=png."
    )


class Samples(NamedTuple):
    """Images [num, H, W, C], or what else a run draws, in [-1, 1], drawn as they are asked for, some at a time.

    Fields: shape: of all; labels: int32 [num], and names: the classes'; labels is None where there are none.
    """

    images: Iterator[np.ndarray]
    shape: tuple[int, ...]
    labels: np.ndarray | None
    names: Sequence[str]


def stream(
    run: TrainedRun, num: int, seed: int, *, labels: str | None = None, truncation: float | None = None
) -> Samples:
    """`num` samples; or of each of the labels, in turn. Image i depends on all but `num`.

    Args: labels: as in "7", "1,4" or "0..9"; None draws them by the data's frequencies. truncation: of the latents; a run with
      styles is to be truncated before (`TrainedRun.truncated`).

    Raises ValueError if the run draws nothing or has no such label; and, as images are asked for, if one is not finite.
    """
    chosen = None if labels is None else run.class_numbers(labels)
    total = num * (1 if chosen is None else len(chosen))
    keys = example_keys(jax.random.key(seed), total)
    sampler, condition = run.sampler, run.conditions(keys, chosen)
    drawn = drawing.require_finite(drawing.draw_of(sampler, run.state, keys, condition, truncation))
    found = None if condition is None or "label" not in condition else np.asarray(condition["label"])
    shape = (total, *run.drawn_shape)
    return Samples(_with_bar(drawn, total), shape, found, run.spec.classes)


def of_latents(run: TrainedRun, path: str, labels: str | None = None) -> Samples:
    """What is drawn of a file's latents, .npy [N, d] or .npz with an array `latents`; of labels in turn.

    Raises ValueError or OSError if there are none of this network's, or labels are missing or not to be asked for.
    """
    try:
        found = np.load(path, allow_pickle=False)
        latents = np.float32(found if isinstance(found, np.ndarray) else found["latents"])
    except (ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise ValueError(f"latents={path}: is neither .npy nor .npz with an array `latents`") from error
    own = run.latent_shape
    if latents.ndim < 2 or latents.shape[1:] != own or not len(latents) or not np.isfinite(latents).all():
        raise ValueError(
            f"latents={path}: must be finite numbers [N, {', '.join(map(str, own))}], not {list(latents.shape)}"
        )
    drawn = run.generate(latents, label=labels)
    chosen = None if labels is None else np.resize(run.class_numbers(labels), len(latents))
    return Samples((each for each in [drawn]), drawn.shape, chosen, run.spec.classes)


def draw(run: TrainedRun, num: int, seed: int, *, truncation: float | None = None) -> np.ndarray:
    """`num` images [num, H, W, C] in [-1, 1]; image i depends on the seed and i alone. Raises as `stream`."""
    return np.concatenate(list(stream(run, num, seed, truncation=truncation).images))


def draw_labels(
    run: TrainedRun, labels: str, num: int | None, seed: int, *, truncation: float | None = None
) -> Image.Image:
    """The picture of `num` images of one label, as in "7"; or of a row of each, as in "1,4" or "0..9".

    The images of a column have the same latent. Raises as `stream`.
    """
    chosen = run.class_numbers(labels)
    columns = num or (drawing.GRID if len(chosen) == 1 else drawing.COLUMNS)
    drawn = drawing.row_chunks(run.sampler, run.state, chosen, jax.random.key(seed), columns, truncation)
    drawn = np.concatenate(list(_with_bar(drawing.require_finite(drawn), columns * len(chosen))))
    if len(chosen) == 1:
        return grids.grid(run.kind.pictures(drawn))
    return grids.rows(run.kind.pictures(drawn), [run.spec.classes[label] for label in chosen])


def draw_mixed(run: TrainedRun, layers: str, num: int, seed: int, labels: str | None) -> Image.Image:
    """The sheet: samples in the first column and the first row, and what each row is with these layers of each column.

    They are the first 2 num samples of the seed. Raises ValueError if the run has no styles, or no such layers or labels.
    """
    keys = example_keys(jax.random.key(seed), 2 * num)
    ws = run.styles(keys, None if labels is None else run.class_numbers(labels))
    try:
        chosen = class_numbers("style_mixing", layers, [str(number) for number in range(ws.shape[1])])
    except ValueError as error:
        raise ValueError(
            f"style_mixing={layers}: name layers from 0 to {ws.shape[1] - 1}, as in 0..3 or 4,5"
        ) from error
    own = jnp.concatenate([ws[:num, None], mixed(ws[:num], ws[num:], chosen)], axis=1)
    every = jnp.concatenate([ws[num:], own.reshape(-1, *ws.shape[1:])])
    drawn = drawing.by_rows(run.sampler.styles.generate, run.state, every)
    images = np.concatenate(list(drawing.require_finite(drawn)))
    return grids.grid(np.concatenate([np.zeros_like(images[:1]), images]), columns=num + 1)


def file_name(label: str | None, truncation: float | None, cutoff: int | None = None) -> str:
    """What is asked for of labels and latents, for the names of files; "" by default."""
    of_label = "" if label is None else "-label" + directory.short(label)
    of_layers = "" if cutoff is None else f"-cutoff{cutoff}"
    return of_label + ("" if truncation is None else f"-truncation{truncation:g}") + of_layers


def write(options: Options) -> Path:
    """Writes what is asked for; returns where. Raises ValueError or OSError."""
    if options.style_mixing is not None and (options.latents, options.format) != (None, "grid"):
        raise ValueError(f"style_mixing={options.style_mixing}: without --latents, and as a grid")
    run, truncation = restore(required(options.workdir)).truncated(options.truncation, options.cutoff)
    if options.latents is not None and (options.num, truncation) != (None, None):
        raise ValueError(
            f"latents={options.latents}: without --num and --truncation, as all of the file are drawn as they are"
        )
    run = run.standing(options.standing_batches, truncation)
    if options.frames is not None:
        run = run.longer(options.frames)
    if (of := OF.get(options.format, run.kind.name)) != run.kind.name:
        raise ValueError(f"format={options.format}: of {of}; a run of {run.experiment} draws {run.kind.name}")
    standing = f"-standing{options.standing_batches}" if options.standing_batches else ""
    of = f"seed{options.seed}" if options.latents is None else directory.short(Path(options.latents).stem)
    mixing_of = "" if options.style_mixing is None else f"-mixing{directory.short(options.style_mixing)}"
    asked = file_name(options.label, options.truncation, options.cutoff) + mixing_of
    out = Path(options.out or run.workdir / f"sample{asked}{standing}-{of}{SUFFIXES[options.format]}")
    if options.style_mixing is not None:
        grids.save(draw_mixed(run, options.style_mixing, options.num or SHEET, options.seed, options.label), out)
        return out
    if options.format == "grid" and options.label is not None and options.latents is None:
        grids.save(draw_labels(run, options.label, options.num, options.seed, truncation=truncation), out)
        return out
    num = options.num or drawing.GRID
    if options.latents is not None:
        samples = of_latents(run, options.latents, options.label)
    else:
        samples = stream(run, num, options.seed, labels=options.label, truncation=truncation)
    with closing(samples.images) as drawn:  # which wipes the bar before an error is said
        _write(out, options.format, run.kind, samples._replace(images=drawn))
    return out


def _write(out: Path, form: str, kind: Kind, samples: Samples) -> None:
    """Writes samples, in one of the forms of SUFFIXES."""
    names = None if samples.labels is None else [samples.names[label] for label in samples.labels]
    if form == "grid":
        grids.save(grids.grid(kind.pictures(np.concatenate(list(samples.images)))), out)
    elif form == "npz" and kind.name == "voxels":
        solid = (voxels > 0 for voxels in samples.images)
        image_files.write_npz(out, solid, samples.shape, samples.labels, name="voxels", dtype=bool)
    elif form == "npz":
        image_files.write_npz(out, map(kind.levels, samples.images), samples.shape, samples.labels)
    elif form == "png":
        image_files.write_pngs(out, (grids.to_pixels(kind.pictures(some)) for some in samples.images), names)
    elif form == "obj":
        write = lambda voxels, path: path.write_text(obj(voxels > 0))
        image_files.write_files(out, samples.images, write, ".obj", names)
    elif form == "turn":
        turning(np.concatenate(list(samples.images)) > 0, out)
    elif form == "play":
        films.playing(np.concatenate(list(samples.images)), out)
    else:
        grids.save(grids.grid(films.slices(np.concatenate(list(samples.images)))), out)


def _with_bar(chunks: Iterator[np.ndarray], total: int) -> Iterator[np.ndarray]:
    """The images, as they are, with a bar on stderr if there are many."""
    with tqdm(total=total, unit="image", disable=total <= drawing.CHUNK, leave=False, dynamic_ncols=True) as bar:
        for some in chunks:
            yield some
            bar.update(len(some))


def main(parsed: Parsed) -> None:
    """Writes the samples; says where."""
    print(write(parsed.config))
