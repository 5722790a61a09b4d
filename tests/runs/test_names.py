"""Names of runs say what differs from the default; they can be files, and different runs have different ones."""

import pytest

from gan_jax.config.flags import parse
from gan_jax.config.given import command, given
from gan_jax.config.options import flat
from gan_jax.runs.experiment import find
from gan_jax.runs.names import LONGEST, default_name

MANY = tuple(
    f"--{flag}"
    for flag in (
        "game=hinge", "network=mlp", "hidden=500,500", "augment=translate:2,rotate:15,scale:0.15", "d_lr=0.0004",
        "g_lr=0.0004", "lr_decay=cosine", "decay_rounds=16000",
    )
)  # fmt: skip


@pytest.fixture
def named(configured):
    return lambda *given, experiment="dcgan": default_name(find(experiment), configured(*given, experiment=experiment))


@pytest.mark.parametrize(
    "experiment, flags, name",
    [
        ("dcgan", (), "dcgan-digits-seed0"),
        ("dcgan", ("--network=mlp",), "dcgan-digits-network=mlp-seed0"),
        (
            "cyclegan",
            ("--domain_b=recolored:digits", "--width=8"),
            "cyclegan-digits_and_recolored_digits-width=8-seed0",
        ),
        ("cyclegan", ("--dataset=unaligned:horses",), "cyclegan-unaligned_horses-seed0"),
        ("dcgan", ("--network=dcgan", "--game=non_saturating_r1"), "dcgan-digits-seed0"),  # given, and the default
        ("dcgan", ("--network=mlp", "--hidden=500,500", "--seed=3"), "dcgan-digits-network=mlp-hidden=500,500-seed3"),
        ("dcgan", ("--d_lr=1e-4", "--d_spectral_norm"), "dcgan-digits-d_lr=0.0001-d_spectral_norm=true-seed0"),
        ("dcgan", ("--dataset=folder:my/cats", "--image_size=64"), "dcgan-folder_my_cats-image_size=64-seed0"),
        ("dcgan", ("--augment=translate:2,rotate:15",), "dcgan-digits-augment=translate_2,rotate_15-seed0"),
        ("mixture2d", ("--mixture=grid25",), "mixture2d-grid25-seed0"),
        ("classifier", ("--dataset=mnist",), "classifier-mnist-seed0"),
    ],
)
def test_a_name_says_what_differs(experiment, flags, name, named):
    assert named(*flags, experiment=experiment) == f"runs/{name}"


def test_what_may_change_when_a_run_goes_on_is_not_in_its_name(named):
    others = ("--steps=99999", "--eval_every=10", "--sample_every=7", "--data_dir=elsewhere", "--num_samples=50")
    assert named("--game=hinge", *others) == named("--game=hinge")


def test_of_many_flags_the_last_become_a_hash_of_all(named):
    long, other = named(*MANY), named(*MANY[:-1], "--decay_rounds=16001")
    assert len(long) < LONGEST + 40 and long.startswith("runs/dcgan-digits-game=hinge-") and long.endswith("-seed0")
    assert long != other and long == named(*reversed(MANY))
    assert len(named("--classes=" + 300 * "a")) < 60  # of one long flag nothing but the hash is left


def test_the_command_gives_the_same_configuration(configured):
    """It is that of the flags that differ, whatever their kinds, as a shell takes it."""
    flags = (*MANY, "--d_spectral_norm", "--penalty=r1,r2", "--dataset=folder:my cats", "--nodistributed", "--ema=0")
    default, config = find("dcgan").default, configured(*flags)
    differing = given(default, config)
    assert "distributed" not in differing and differing["d_spectral_norm"] == "true"
    assert flat(parse(default, [f"--{name}={text}" for name, text in differing.items()]).config) == flat(config)
    assert command("dcgan", {"dataset": "folder:my cats"}) == "python -m experiments.dcgan '--dataset=folder:my cats'"
    assert command("my_lab.my_gan", {}) == "python -m my_lab.my_gan"
