"""What a run says before its first round, of what it learns and by what."""

from collections.abc import Mapping

import jax

from gan_jax.config.options import flat
from gan_jax.data import Domains
from gan_jax.recipes.contract import State
from gan_jax.runs.names import subject


def banner(run, state: State) -> str:
    """A run (`training.Run`) in a few aligned lines. Args: state: one of the run's; only its shapes matter."""
    lines = {
        "experiment": run.experiment,
        "data": _data(run),
        "an example": "; ".join(_fields(run.data.spec.example)),
        "parameters": _parameters(run, state),
        "devices": _devices(),
        "rounds": f"{run.config.run.steps:,}, of batches of {run.phases[0].batch_size}" + _growing(run),
        "directory": str(run.workdir),
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:{width}}  {text}" for name, text in lines.items())


def count_parameters(state: State) -> dict[str, int]:
    """How many numbers each player learns."""
    return {name: sum(leaf.size for leaf in jax.tree.leaves(player.params)) for name, player in state.players.items()}


def _data(run) -> str:
    """digits: 1,797 examples, 10 classes; of several domains, how many each has."""
    values, spec, source = flat(run.config), run.data.spec, run.data.source
    parts = []
    if isinstance(source, Domains):
        parts += [f"{len(domain):,} {name}" for name, domain in source.sources.items()]
    elif source is not None:
        parts.append(f"{len(source):,} examples")
    if spec.classes:
        parts.append(f"{len(spec.classes):,} class{'es' * (len(spec.classes) != 1)}")
    return ": ".join(filter(None, (subject(values), ", ".join(parts))))


def _fields(example: Mapping, domain: str = "") -> list[str]:
    """image 16×16×1 uint8, label int32; of several domains, with their names before."""
    if any(isinstance(field, Mapping) for field in example.values()):
        return [text for name, fields in example.items() for text in _fields(fields, f"{name}: ")]
    shown = (
        f"{name} {'×'.join(map(str, field.shape))} {field.dtype}".replace("  ", " ") for name, field in example.items()
    )
    return [domain + ", ".join(shown)]


def _parameters(run, state: State) -> str:
    """Of each player; of all trials together, where there are some in one state."""
    shown = ", ".join(f"{name} {count:,}" for name, count in count_parameters(state).items())
    trials = flat(run.config).get("trials", 1)
    return shown + (f" (of {trials} trials together)" if trials > 1 else "")


def _devices() -> str:
    kinds = [device.device_kind for device in jax.devices()]
    shown = ", ".join(f"{kinds.count(kind)} × {kind}" for kind in dict.fromkeys(kinds))
    return shown + (f" in {jax.process_count()} processes" if jax.process_count() > 1 else "")


def _growing(run) -> str:
    return f" at first; there are {len(run.phases)} phases" if len(run.phases) > 1 else ""
