"""python -m gan_jax COMMAND --flags: what works on any run's directory, and on many runs."""

import ast
import importlib
import importlib.util
import pkgutil
import sys
import textwrap
from pathlib import Path

from gan_jax.config.options import require_known
from gan_jax.runs.leaving import leave

# In the order in which they are listed; each is a module of gan_jax.commands, whose first line describes it.
COMMANDS = (
    "sample",
    "evaluate",
    "report",
    "interpolate",
    "latent",
    "explore",
    "classify",
    "translate",
    "ablate",
    "mixtures",
    "game_curves",
    "benchmark",
    "benchmark_layers",
    "benchmark_volumes",
    "benchmark_rounds",
    "benchmark_devices",
    "benchmark_scores",
)
HELP = ("--help", "--helpfull", "-h", "help")


def main(arguments: list[str] | None = None) -> None:
    """Runs a command; exits with its code."""
    leave(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Runs a command; returns its exit code."""
    name, *rest = arguments or ["help"]
    if name in HELP:
        print(usage())
        return 0
    name = name.replace("-", "_")
    try:
        require_known("command", name, COMMANDS)
    except ValueError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    module = importlib.import_module(f"gan_jax.commands.{name}")
    if hasattr(module, "run"):
        return module.run(rest)
    from gan_jax.runs import launch  # here, so that the list of commands comes at once

    title = f"python -m gan_jax {name}: {module.__doc__.strip()}"
    takes_files = getattr(module, "TAKES_FILES", False)
    return launch.command(module.Options(), rest, title, module.main, takes_more=takes_files)


def usage() -> str:
    """The commands with a line each."""
    folders = importlib.util.find_spec("experiments").submodule_search_locations
    experiments = sorted(module.name for module in pkgutil.iter_modules(folders))
    return "\n".join(
        [
            "python -m gan_jax COMMAND [--flags]; python -m gan_jax COMMAND --help lists a command's flags",
            "",
            *(f"  {name:18} {_describe(name)}" for name in COMMANDS),
            "",
            "python -m experiments.NAME trains, or studies what was trained; --help lists its flags; the names are",
            *textwrap.wrap(", ".join(experiments), width=100),
        ]
    )


def _describe(name: str) -> str:
    """The first line of what a command's file says of it, without importing what it needs."""
    source = (Path(__file__).parent / "commands" / f"{name}.py").read_text(encoding="utf-8")
    return ast.get_docstring(ast.parse(source)).splitlines()[0]


if __name__ == "__main__":
    main()
