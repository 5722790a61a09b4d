"""`python -m gan_jax`: the list of commands, the help of each, and what is said of one that there is not."""

import subprocess
import sys
from pathlib import Path

import pytest

from gan_jax.__main__ import COMMANDS, main

FOLDER = Path(__file__).parents[1] / "gan_jax" / "commands"


def test_every_command_is_listed():
    modules = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "options"}
    assert modules == set(COMMANDS) and len(COMMANDS) == len(set(COMMANDS))


@pytest.mark.parametrize("given", [[], ["help"], ["--help"], ["-h"]])
def test_the_list_has_a_line_for_each(given, run_command, capsys):
    assert run_command(*given) == 0
    out, err = capsys.readouterr()
    lines = [line.split(maxsplit=1) for line in out.splitlines() if line.startswith("  ")]
    assert [name for name, _ in lines] == list(COMMANDS)
    assert all(described and described == described.strip(". ") for _, described in lines)
    assert err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name, run_command, capsys):
    """Which says what it is for, with its flags."""
    assert run_command(name, "--help") == 0
    out, err = capsys.readouterr()
    assert out.startswith(f"python -m gan_jax {name}") and "  --" in out
    assert err == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_of_an_unknown_flag_that_it_is(name, run_command, capsys):
    assert run_command(name, "--no_such_flag=1") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "unknown flag --no_such_flag" in line


@pytest.mark.parametrize(
    "name", [name for name in COMMANDS if name not in ("classify", "interpolate", "latent", "translate")]
)
def test_an_argument_that_is_no_flag_is_an_error(name, run_command, capsys):
    """But where image files are taken."""
    assert run_command(name, "stray") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and "stray" in line


@pytest.mark.parametrize(
    "name, hint", [("smaple", "did you mean sample?"), ("game-curve", "did you mean game_curves?"), ("xyz", "")]
)
def test_an_unknown_command_is_one_line_with_those_that_there_are(name, hint, run_command, capsys):
    assert run_command(name, "--workdir=none") == 2
    out, err = capsys.readouterr()
    assert out == ""
    (line,) = err.splitlines()
    assert line.startswith(f"error: unknown command '{name.replace('-', '_')}'; ") and hint in line
    assert ", ".join(COMMANDS) in line and ("did you mean" in line) == bool(hint)


def test_a_name_may_have_dashes(run_command, capsys):
    assert run_command("game-curves", "--help") == 0
    assert capsys.readouterr().out.startswith("python -m gan_jax game_curves")


def test_the_program_exits_with_the_commands_code(capsys):
    for given, code in [(["help"], 0), (["smaple"], 2), (["sample"], 2)]:
        with pytest.raises(SystemExit) as stop:
            main(given)
        assert stop.value.code == code
    assert "error: --workdir=RUN is needed" in capsys.readouterr().err


def test_the_list_comes_at_once():
    """Neither it nor `import gan_jax` waits for JAX."""
    code = "import sys, gan_jax.__main__ as main; main.run([]); sys.exit('jax' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parents[1], stdout=subprocess.DEVNULL).returncode == 0
    )
