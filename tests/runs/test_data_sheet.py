"""data.png: 64 real images of a run, as the networks see them and as augmented, there before the first round."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from gan_jax.config.options import flat
from gan_jax.data import ArraySource, Domains, pipeline
from gan_jax.pictures import grids, solids
from gan_jax.recipes.contract import Recipe
from gan_jax.runs import data_sheet, training
from gan_jax.runs.experiment import find

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

COLOURS = np.random.RandomState(0).randint(0, 256, (100, 8, 8, 3)).astype(np.uint8)
PLAIN = Recipe(None, None, 1)
DARKER = PLAIN._replace(augment=lambda images, keys, step: images - 0.5)


def of(images: np.ndarray) -> np.ndarray:
    """The picture of 8-bit images."""
    return np.asarray(grids.grid(images / 127.5 - 1).convert("RGB"))


def holds(sheet: Image.Image, part: np.ndarray) -> list[int]:
    """The columns of pixels at which a part begins in a sheet."""
    content = np.asarray(sheet)
    top = content.shape[0] - part.shape[0] - 6
    places = range(content.shape[1] - part.shape[1] + 1)
    return [x for x in places if (content[top : top + part.shape[0], x : x + part.shape[1]] == part).all()]


def test_images_are_those_of_the_first_batches_as_they_are():
    """Not with their colours in another order, or upside down."""
    sheet = data_sheet.sheet(ArraySource({"image": COLOURS}), PLAIN, seed=3)
    first = COLOURS[pipeline.indices(100, 3, 0, 64)]
    (place,) = holds(sheet, of(first))
    assert place < 20
    assert not holds(sheet, of(first[..., ::-1])) and not holds(sheet, of(first[:, ::-1]))


def test_augmented_beside_them():
    sheet = data_sheet.sheet(ArraySource({"image": COLOURS}), DARKER, seed=3)
    first = COLOURS[pipeline.indices(100, 3, 0, 64)]
    (left,) = holds(sheet, of(first))
    (right,) = holds(sheet, of(np.asarray(first / 127.5 - 1, np.float32) * 127.5 + 127.5 - 63.75))
    assert right > left + of(first).shape[1]


def test_an_augmentation_that_changes_nothing_is_not_shown():
    same = PLAIN._replace(augment=lambda images, keys, step: images)
    source = ArraySource({"image": COLOURS})
    assert data_sheet.sheet(source, same, 3).tobytes() == data_sheet.sheet(source, PLAIN, 3).tobytes()


def test_of_two_domains_a_row_each():
    gray = ArraySource({"image": COLOURS[:5, ..., :1]})
    sheet = data_sheet.sheet(Domains({"photo": ArraySource({"image": COLOURS}), "drawing": gray}), PLAIN, 0)
    one = data_sheet.sheet(gray, PLAIN, 0)
    assert sheet.height > 2 * one.height - 30


def test_voxels_and_videos_are_shown_as_people_see_them():
    """Rendered, and as strips of frames: eight of ten, one row."""
    voxels, videos = np.ones((3, 4, 4, 4), bool), np.zeros((3, 10, 8, 8, 1), np.uint8)
    found = data_sheet.images_of(ArraySource({"voxels": voxels}), 0, "voxels")
    assert found.shape == (3, solids.SIDE, solids.SIDE, 3)
    assert data_sheet.images_of(ArraySource({"video": videos}), 0, "video").shape == (3, 8, 64, 1)
    assert data_sheet.sheet(ArraySource({"video": videos}), PLAIN, 0) is not None


@pytest.mark.parametrize(
    "arrays", [{"image": np.zeros((5, 2), np.float32)}, {"points": np.zeros((5, 4, 4, 3), np.uint8)}]
)
def test_without_images_there_is_none(arrays, tmp_path):
    assert data_sheet.sheet(ArraySource(arrays), PLAIN, 0) is None
    assert data_sheet.sheet(None, PLAIN, 0) is None


@pytest.mark.parametrize(
    "experiment, given, columns",
    [
        ("dcgan", ("--network=mlp", "--hidden=8", "--augment=translate:2"), 2),
        ("sgan", ("--network=mlp", "--hidden=8", "--num_labeled=40"), 1),
        ("classifier", ("--channels=4",), 2),
    ],
)
def test_every_run_begins_with_one(experiment, given, columns, configured, tmp_path, monkeypatch):
    """Before the first round; and a run that goes on keeps it."""
    common = ("--image_size=8", "--batch_size=8", "--steps=2", f"--workdir={tmp_path / 'run'}")
    config = configured(*common, *given, experiment=experiment)
    training.prepare(find(experiment), config)
    path = tmp_path / "run" / "data.png"
    width = Image.open(path).width
    assert (width > 1000) == (columns == 2)
    before = path.stat().st_mtime_ns
    training.prepare(find(experiment), config)
    assert path.stat().st_mtime_ns == before
    assert not (tmp_path / "run" / "checkpoints").exists()


def test_the_recipe_says_what_its_networks_are_shown(configured):
    """As the step does: D's real images are moved."""
    config = dataclasses.replace(configured("--network=mlp", "--augment=translate:2", "--augment_fill=black"))
    config = find("dcgan").resolve(config)
    assert flat(config)["augment"] == ("translate:2",)
    (phase,) = training.phases_of(find("dcgan").make(config, find("dcgan").load(config).spec), config)
    images = jnp.ones((4, 16, 16, 1))
    moved = data_sheet.augmented(phase.recipe, images, 0)
    assert moved.shape == images.shape and (moved == -1).any() and (moved == 1).any()
