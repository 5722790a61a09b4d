"""Configurations in files: config.json has every option of a run, and runs of earlier versions stay readable."""

import json
from collections.abc import Callable, Mapping
from typing import NamedTuple, TypeVar

from gan_jax.config.options import flat, options, replace
from gan_jax.data import places

Config = TypeVar("Config")


class Renamed(NamedTuple):
    """What became of an option.

    Fields: example: the flag that does the same now; flags: the options that it became; values: its old value, and those
    of the other old options -> the new options' values.
    """

    example: str
    flags: tuple[str, ...]
    values: Callable[[object, Mapping[str, object]], dict[str, object]]


def _to(name: str, example: str) -> Renamed:
    return Renamed(example, (name,), lambda value, old: {name: value})


def _augment(_, old: Mapping[str, object]) -> dict[str, object]:
    amounts = {"translate": old.get("d_shift"), "rotate": old.get("d_turn"), "scale": old.get("d_zoom")}
    return {"augment": [f"{name}:{amount:g}" for name, amount in amounts.items() if amount]}


# Options of version 0.1 that have another name now.
RENAMED: dict[str, Renamed] = {
    "average": _to("ema", "--ema=0.999"),
    "d_average": _to("d_ema", "--d_ema=0.999"),
    "latent": _to("prior", "--prior=uniform"),
    "shift": _to("translate", "--translate=1"),
    "vmap_seeds": _to("vmap_trials", "--vmap_trials"),
    "d_shift": Renamed("--augment=translate:2", ("augment",), _augment),
    "d_turn": Renamed("--augment=rotate:15", ("augment",), _augment),
    "d_zoom": Renamed("--augment=scale:0.15", ("augment",), _augment),
}
# Options that experiments had in version 0.1 and that said nothing, or that are known otherwise now.
GONE = frozenset(
    ["eval_every", "eval_metrics", "num_samples", "extractor", "inception_weights", "class_counts", "num_classes"]
)


# Options of later versions, and what was done before there were any.
ADDED: dict[str, object] = {"depth": 0, "weight_std": 0.02, "weight_bound": False, "augment_fill": "black"}


def to_json(config: object) -> dict[str, object]:
    """Every option by its name, as JSON has them: tuples are lists."""
    return json.loads(json.dumps(flat(config)))


def with_absolute_paths(config: Config) -> Config:
    """The configuration with the places of its data and of other runs from the root on, so that it means the same in any folder."""
    absolute = dict.fromkeys(("dataset", "domain_a", "domain_b"), places.absolute) | {"data_dir": places.absolute_path}
    absolute |= dict.fromkeys(("generator", "classifier"), lambda path: path and places.absolute_path(path))
    return replace(config, **{name: absolute[name](value) for name, value in flat(config).items() if name in absolute})


def from_json(default: Config, stored: Mapping[str, object]) -> Config:
    """The configuration of what `to_json` gave, maybe in an earlier version: what is not there is as in ADDED, or has its
    default.

    Raises ValueError for an option that there is not any more.
    """
    known = {each.name: each for each in options(default)}
    stored = _with_reflections(stored)
    values = {name: value for name, value in ADDED.items() if name in known}
    for name, value in stored.items():
        if name in known:
            values[name] = value
        elif name in RENAMED:
            values |= {new: own for new, own in RENAMED[name].values(value, stored).items() if new in known}
        elif name not in GONE:
            raise ValueError(f"it has a flag --{name} that this version does not know")
    return replace(default, **{name: _typed(known[name], value) for name, value in values.items()})


def _with_reflections(stored: Mapping[str, object]) -> Mapping[str, object]:
    """Of runs made between versions 0.2 and 0.3, whose augmentation that reflects had a name of its own."""
    texts = stored.get("augment") or []
    if not any(text.startswith("translate_reflect") for text in texts):
        return stored
    own = [text.replace("translate_reflect", "translate") for text in texts]
    return {**stored, "augment": own, "augment_fill": "reflect"}


def _typed(each, value: object) -> object:
    """A value from JSON as the option has it."""
    if each.elements and value is not None:
        return tuple(each.kind(element) for element in value)
    if each.kind is str and isinstance(value, int) and not isinstance(value, bool):
        return str(value)  # an image_size was a number before it could be HxW
    return float(value) if each.kind is float and isinstance(value, int) and not isinstance(value, bool) else value
