"""Configurations: frozen dataclasses made of parts, each field an option with its help text, range and choices.

A configuration's fields are options or parts, which are configurations themselves. All options have different names, so that
each can be a flag (`config.flags`) and a configuration can be seen as one flat dict.
"""

import dataclasses
import difflib
import math
import typing
from collections.abc import Callable, Collection, Iterator
from types import UnionType
from typing import Any, NamedTuple, TypeVar

Config = TypeVar("Config")


class Option(NamedTuple):
    """One option of a configuration.

    Fields:
      name: of the field, and of its flag.
      default: its value in the configuration that it was found in.
      kind: int, float, str or bool; elements: whether it is a tuple of such; optional: whether it may be None.
      help: a sentence; group: the heading that it stands under.
      low, above, high: the bounds of a number, `above` without itself; None for none.
      choices: () -> the names that are allowed; None for any.
      resumable: whether a run can be gone on with under another value, for it changes nothing that is computed in a round.
      repeated: whether its flag is given again for each element of a tuple, not once with commas between.
    """

    name: str
    default: object
    kind: type
    elements: bool
    optional: bool
    help: str
    group: str
    low: float | None
    above: float | None
    high: float | None
    choices: Callable[[], Collection[str]] | None
    resumable: bool
    repeated: bool


def option(
    default: object,
    help: str,
    *,
    low: float | None = None,
    above: float | None = None,
    high: float | None = None,
    choices: Collection[str] | None = None,
    resumable: bool = False,
    repeated: bool = False,
    otherwise: str = "",
) -> Any:
    """A dataclass field that is an option (`Option`). `choices` may be a registry: what is added to it later counts too.

    otherwise: what the help says besides where there is no default.
    """
    listed = None if choices is None else lambda: choices
    metadata = dict(
        help=help,
        low=low,
        above=above,
        high=high,
        choices=listed,
        resumable=resumable,
        repeated=repeated,
        otherwise=otherwise,
    )
    return dataclasses.field(default=default, metadata=metadata)


def options(config: object, group: str = "") -> Iterator[Option]:
    """All options of a configuration, those of its parts included, in order. A part's group is its class's GROUP."""
    hints = typing.get_type_hints(type(config))
    group = getattr(config, "GROUP", group)
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            yield from options(value, group)
        else:
            names = ("help", "low", "above", "high", "choices", "resumable", "repeated")
            described = {name: field.metadata[name] for name in names}
            if value is None:
                described["help"] += field.metadata["otherwise"]
            yield Option(field.name, value, *_kind(hints[field.name]), group=group, **described)


def flat(config: object) -> dict[str, object]:
    """The values of all options by their names."""
    return {each.name: each.default for each in options(config)}


def replace(config: Config, **values: object) -> Config:
    """The configuration with these values of its options. Raises ValueError for a name that it does not have."""
    unknown = values.keys() - flat(config).keys()
    if unknown:
        raise ValueError(f"{type(config).__name__} has no option {', '.join(sorted(unknown))}")
    return _replace(config, values)


def check(config: object) -> None:
    """Raises ValueError, in one line, if a value is out of its range or none of its choices."""
    for each in options(config):
        values = each.default if each.elements and each.default is not None else [each.default]
        for value in values:
            if value is not None:
                _check(each, value)


def require_known(what: str, name: str, known: Collection[str]) -> None:
    """Raises a ValueError that lists the known names unless `name` is one of them."""
    if name not in known:
        close = difflib.get_close_matches(name, list(known), n=1)
        hint = f" (did you mean {close[0]}?)" if close else ""
        raise ValueError(f"unknown {what} {name!r}; choose from {', '.join(known)}{hint}")


def bounds(each: Option) -> str:
    """The range of a number, in words: "at least 0 and at most 1"; "" if it has none."""
    ends = (("at least", each.low), ("above", each.above), ("at most", each.high))
    return " and ".join(f"{word} {end:g}" for word, end in ends if end is not None)


def _check(each: Option, value: object) -> None:
    if each.choices is not None:
        require_known(each.name, value, each.choices())
    if each.kind not in (int, float):
        return
    if not math.isfinite(value):
        raise ValueError(f"{each.name}={value}: must be finite")
    too_small = (each.low is not None and value < each.low) or (each.above is not None and value <= each.above)
    if too_small or (each.high is not None and value > each.high):
        raise ValueError(f"{each.name}={value}: must be {bounds(each)}")


def _kind(hint: object) -> tuple[type, bool, bool]:
    """(int, float, str or bool; whether it is a tuple of them; whether it may be None)."""
    arguments = typing.get_args(hint) if typing.get_origin(hint) in (UnionType, typing.Union) else (hint,)
    (kind,) = [each for each in arguments if each is not type(None)]
    elements = typing.get_origin(kind) is tuple
    return typing.get_args(kind)[0] if elements else kind, elements, type(None) in arguments


def _replace(config: Config, values: dict[str, object]) -> Config:
    changed = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        if dataclasses.is_dataclass(value):
            changed[field.name] = _replace(value, values)
        elif field.name in values:
            changed[field.name] = values[field.name]
    return dataclasses.replace(config, **changed)
