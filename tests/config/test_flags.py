"""Flags: made of options, on FlagValues of their own; wrong ones are answered with those that may be meant."""

import dataclasses
import shlex
from typing import ClassVar

import pytest
from absl import flags as absl_flags

from gan_jax.config.flags import flag, help_text, parse, unknown_flag, value_of
from gan_jax.config.options import option, options
from gan_jax.presets import PRESETS
from gan_jax.runs.experiment import find, names


@dataclasses.dataclass(frozen=True)
class Part:
    GROUP: ClassVar[str] = "part"
    size: int | None = option(None, "How large.", low=1)
    rates: tuple[float, ...] = option((0.5,), "How fast.")


@dataclasses.dataclass(frozen=True)
class Config:
    GROUP: ClassVar[str] = "own"
    d_lr: float = option(0.1, "D's rate.")
    g_lr: float = option(0.2, "G's rate.")
    part: Part = Part()
    quiet: bool = option(False, "Says nothing.")
    steps: int = option(3, "How long.")
    hidden: tuple[int, ...] | None = option(None, "Sizes.")


def test_what_is_given_and_what_is_not():
    parsed = parse(Config(), ["--d_lr=1e-3", "--size=4", "--rates=1,2", "--hidden=8,16", "--quiet", "rest.png"])
    assert parsed.config == Config(d_lr=1e-3, part=Part(4, (1.0, 2.0)), quiet=True, hidden=(8, 16))
    assert parsed.arguments == ["rest.png"]
    assert parsed.given.keys() == {"d_lr", "size", "rates", "hidden", "quiet"}
    assert parse(Config(), list(parsed.given.values())).config == parsed.config  # as text, they say the same again
    assert parse(Config(), []).config == Config()
    assert parse(Config(quiet=True), ["--noquiet"]).config == Config()


@pytest.mark.parametrize(
    "flag, said",
    [
        ("--lr=1", "unknown flag --lr; did you mean --d_lr, --g_lr?"),
        ("--learning-rate=1", "unknown flag --learning_rate; did you mean --d_lr, --g_lr?"),
        ("--epochs=1", "unknown flag --epochs; did you mean --steps?"),
        ("--stepz=1", "unknown flag --stepz; did you mean --steps?"),
        ("--xyzzy=1", "unknown flag --xyzzy; --help lists all"),
        ("--average=1", "unknown flag --average; --help lists all"),  # --ema is not among these flags
        ("--steps=many", "flag --steps=many"),
        ("--size=0", "size=0: must be at least 1"),
        ("--hidden=8,wide", "hidden=8,wide: must be whole numbers with commas between"),
        ("--rates=fast", "rates=fast: must be numbers with commas between"),
    ],
)
def test_a_wrong_flag_is_one_line(flag, said):
    with pytest.raises(ValueError) as error:
        parse(Config(), [flag])
    assert said in str(error.value) and "\n" not in str(error.value)


def test_a_renamed_flag_is_answered_with_its_new_name():
    assert unknown_flag("average", ["ema", "steps"]) == "unknown flag --average; it is now --ema=0.999"


def test_the_value_of_a_text():
    hidden = next(each for each in options(Config()) if each.name == "hidden")
    assert value_of(hidden, "8,16") == (8, 16)
    with pytest.raises(ValueError, match="hidden=x: must be whole numbers"):
        value_of(hidden, "x")


def test_nothing_is_global():
    """Two configurations have a flag of the same name and other defaults; absl's own flags know neither."""
    before = set(absl_flags.FLAGS)
    assert parse(Config(steps=5), []).config.steps == 5 and parse(Config(), []).config.steps == 3
    assert set(absl_flags.FLAGS) == before and "d_lr" not in before


@pytest.mark.parametrize("name", names())
def test_the_help_of_every_experiment(name, run_experiment, capsys):
    assert run_experiment("--help", experiment=name) == 0
    text = capsys.readouterr().out
    assert f"python -m experiments.{name}" in text
    for each in options(find(name).default):
        assert f"--{each.name}" in text
    groups = [each.group for each in options(find(name).default)]
    assert all(f"\n{group}:\n" in text for group in groups)


def test_the_help_of_a_gan_is_grouped_and_has_each_game_s_own_values():
    text = help_text(find("dcgan").default, "dcgan")
    heads = [line.rstrip(":") for line in text.splitlines() if line and not line.startswith(" ") and line.endswith(":")]
    assert heads == ["dcgan", "run", "data", "game and losses", "networks", "augmentation", "evaluation", "cluster"]
    flowing = " ".join(text.split())
    assert "By default the game's own: 1; wasserstein, wasserstein_gp 5." in flowing
    assert "5e-05" in flowing and all(game in flowing for game in PRESETS)


@pytest.mark.parametrize(
    "value, said",
    [
        ("runs/a-b_c.d", "--workdir=runs/a-b_c.d"),
        ("runs/my cats", "'--workdir=runs/my cats'"),
        ("it's $HOME", """'--workdir=it'"'"'s $HOME'"""),
    ],
)
def test_a_flag_can_be_pasted_into_a_shell(value, said):
    assert flag("workdir", value) == said
    assert shlex.split(said) == [f"--workdir={value}"]
