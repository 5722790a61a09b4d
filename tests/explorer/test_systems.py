"""Every system that draws from noise can be explored."""

import numpy as np
import pytest

from gan_jax.pictures.grids import to_pixels
from gan_jax.runs.experiment import names
from gan_jax.runs.restore import restore
from tests.explorer.runs import OTHERS, RUNS, pixels

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
FEWER = {"vae": 2, "r3gan": 4, "stylegan": 4}  # directions, where the latents or the first layer have no more


def test_no_system_is_forgotten():
    assert {experiment for experiment, *_ in RUNS.values()} | OTHERS == set(names())


@pytest.mark.parametrize("name", RUNS)
def test_every_system(serving, explored, name):
    """Samples are those of the command; and all that comes of them can be drawn."""
    with serving(explored(name)) as client:
        shown = client.images("/api/samples", seed=3, count=5)
        run = restore(explored(name))
        wanted = to_pixels(run.kind.shown(run.sample(5, seed=3)))
        assert all(np.array_equal(pixels(image), own.squeeze()) for image, own in zip(shown, wanted, strict=True))
        assert len(np.unique(wanted)) > 2
        genome = shown[0]["genome"]
        assert len(client.images("/api/children", genome=genome, count=3, distance=0.2, seed=0)) == 3
        assert len(client.images("/api/cross", first=genome, second=shown[1]["genome"], count=2, seed=0)) == 2
        assert len(client.get("/api/run")[1]["genes"]) == FEWER.get(name, 8)
        (moved,) = client.images("/api/move", genome=genome, amounts=[3.0])
        assert moved["genome"] != genome
        (again,) = client.images("/api/draw", genomes=[genome])
        assert again["shown"] == shown[0]["shown"]


def test_what_draws_nothing_is_refused(serving, trained_once):
    given = ("--dataset=digits", "--degrade=edges", "--width=2", "--image_size=8", "--batch_size=8", "--steps=2")
    workdir = trained_once("pix2pix", *given, "--patch_layers=1", experiment="pix2pix")
    with pytest.raises(ValueError, match="a run of pix2pix, which draws nothing from noise"), serving(workdir):
        pass
