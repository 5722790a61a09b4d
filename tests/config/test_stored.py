"""Configurations in files: every option, also of a version that had fewer or other ones."""

import dataclasses
import json

import pytest

from gan_jax.config.options import flat
from gan_jax.config.stored import RENAMED, from_json, to_json
from gan_jax.runs.experiment import find, names


@pytest.mark.parametrize("name", names())
def test_there_and_back(name):
    default = find(name).default
    stored = json.loads(json.dumps(to_json(default)))
    assert stored.keys() == flat(default).keys()
    assert from_json(default, stored) == default


def test_what_is_lacking_has_its_default():
    default = find("dcgan").default
    stored = to_json(dataclasses.replace(default, run=dataclasses.replace(default.run, seed=7)))
    del stored["latent_size"], stored["width"]
    config = from_json(default, stored)
    assert (config.run.seed, config.players.latent_size, config.architecture.width) == (7, 100, 32)


def test_what_is_unknown_now_is_named():
    with pytest.raises(ValueError, match="a flag --frobnicate that this version does not know"):
        from_json(find("dcgan").default, {"frobnicate": 1})


def test_what_was_renamed():
    old = dict(
        average=0.5, latent="uniform", d_shift=2, d_turn=15.0, d_zoom=0.1, hidden=["8", "16"], penalty_weight=[3]
    )
    config = from_json(find("dcgan").default, old)
    assert (config.gan.ema, config.players.prior, config.players.hidden) == (0.5, "uniform", (8, 16))
    assert config.augmentation.augment == ("translate:2", "rotate:15", "scale:0.1")
    assert config.gan.penalty_weight == (3.0,)
    none = from_json(find("dcgan").default, dict(d_shift=0, d_turn=0.0, d_zoom=0.0))
    assert none.augmentation.augment == ()
    assert from_json(find("sgan").default, {"d_average": 0.9}).d_ema == 0.9
    assert from_json(find("classifier").default, {"shift": 2}).translate == 2
    own = from_json(find("dcgan").default, {"augment": ["mirror", "translate_reflect:8"]}).augmentation
    assert (own.augment, own.augment_fill) == (("mirror", "translate:8"), "reflect")
    assert from_json(find("dcgan").default, {"augment": ["translate:8"]}).augmentation.augment_fill == "black"


def test_a_side_may_be_a_number():
    """As it was in config.json before sizes could be HxW, and as code says it."""
    default = find("dcgan").default
    config = from_json(default, {"image_size": 64})
    assert config.data.image_size == "64" and to_json(config)["image_size"] == "64"
    assert config.data == dataclasses.replace(default.data, image_size=64)


def test_every_renamed_flag_became_one_that_there_is():
    known = {each for name in names() for each in flat(find(name).default)} | {"vmap_trials"}
    for renamed in RENAMED.values():
        assert set(renamed.flags) <= known
