"""Flags on the command line, made of a configuration's options: parsed by absl, each configuration on FlagValues of its own.

So two experiments can be imported side by side, and nothing is global.
"""

import difflib
import shlex
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from absl import flags

from gan_jax.config.options import Option, bounds, check, options, replace, require_known
from gan_jax.config.stored import RENAMED

Config = TypeVar("Config")

# What people who come from elsewhere try, and our flags for it.
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "lr": ("d_lr", "g_lr", "classifier_lr"),
    "learning_rate": ("d_lr", "g_lr", "classifier_lr"),
    "epochs": ("steps",),
    "num_epochs": ("steps",),
    "iterations": ("steps",),
    "num_steps": ("steps",),
    "max_steps": ("steps",),
    "betas": ("beta1", "beta2"),
    "batch": ("batch_size",),
    "bs": ("batch_size",),
    "z_dim": ("latent_size",),
    "latent_dim": ("latent_size",),
    "nz": ("latent_size",),
    "loss": ("game",),
    "data": ("dataset",),
    "resolution": ("image_size",),
    "size": ("image_size",),
    "output": ("workdir", "out"),
    "output_dir": ("workdir",),
    "outdir": ("workdir",),
    "logdir": ("workdir",),
    "run": ("workdir",),
    "checkpoint": ("workdir",),
    "n": ("num",),
    "class": ("label", "classes"),
    "labels": ("label",),
    "num_classes": ("classes",),
    "aug": ("augment",),
    "diffaug": ("augment",),
    "gp": ("penalty",),
    "lambda_gp": ("penalty_weight",),
    "gp_weight": ("penalty_weight",),
    "fp16": ("dtype",),
    "bf16": ("dtype",),
    "num_workers": ("data_workers",),
    "fid": ("eval_every", "metrics"),
}


class Parsed(NamedTuple):
    """A command line: the configuration, the arguments that are no flags, and the flags that were given, as text."""

    config: object
    arguments: list[str]
    given: dict[str, str]


def parse(default: Config, arguments: Sequence[str], presets: Mapping[str, Config] = MappingProxyType({})) -> Parsed:
    """The configuration of a command line's arguments (without the program's name), `default` where nothing is given.

    Args: presets: what is the default instead, by the values of --preset.


    Raises ValueError, in one line, for a flag that there is not, with those that may be meant, and for a wrong value.
    """
    known = list(options(default))
    values = flags.FlagValues()
    for each in known:
        _define(each, values)
    try:
        rest = values(["program", *arguments])[1:]
    except flags.UnrecognizedFlagError as error:
        raise ValueError(unknown_flag(error.flagname, [each.name for each in known])) from error
    except flags.Error as error:
        raise ValueError(f"{error}{_value_hint(str(error))}") from error
    given = {each.name: convert(each, values[each.name].value) for each in known if values[each.name].present}
    preset = given.get("preset")
    if preset is not None:
        require_known("preset", preset, presets)
        default = presets[preset]
    config = replace(default, **given)
    check(config)
    return Parsed(config, rest, {name: values[name].serialize() for name in given})


def value_of(each: Option, text: str) -> object:
    """The value that an option has when its flag is given this text. Raises ValueError if it cannot have it."""
    values = flags.FlagValues()
    _define(each, values)
    try:
        values(["program", f"--{each.name}={text}"])
    except flags.Error as error:
        raise ValueError(str(error)) from error
    return convert(each, values[each.name].value)


def convert(each: Option, value: object) -> object:
    """absl's value of a flag as the option's: lists become tuples of its kind. Raises ValueError for other elements."""
    if not each.elements or value is None:
        return value
    try:
        return tuple(each.kind(element) for element in value)
    except ValueError as error:
        text, numbers = ",".join(value), "whole numbers" if each.kind is int else "numbers"
        raise ValueError(f"{each.name}={text}: must be {numbers} with commas between") from error


def flag(name: str, value: object) -> str:
    """--name=value as it can be pasted into a shell: quoted where need be."""
    return shlex.quote(f"--{name}={value}")


def unknown_flag(name: str, known: Iterable[str]) -> str:
    """What to say of a flag that there is not: what it may stand for."""
    known, name = list(known), name.lstrip("-").replace("-", "_")
    if name in RENAMED and set(RENAMED[name].flags) & set(known):
        return f"unknown flag --{name}; it is now {RENAMED[name].example}"
    meant = [other for other in SYNONYMS.get(name, ()) if other in known]
    meant = meant or [other for other in known if other.endswith(f"_{name}")]
    meant = meant or difflib.get_close_matches(name, known, n=3, cutoff=0.7)
    hint = f"did you mean {', '.join(f'--{other}' for other in meant)}?" if meant else "--help lists all"
    return f"unknown flag --{name}; {hint}"


def help_text(default: object, title: str) -> str:
    """All flags in their groups, with their defaults and choices."""
    lines, group = [title.strip()], None
    for each in sorted_by_group(default):
        if each.group != group:
            group = each.group
            lines += ["", f"{group}:"] if group else [""]
        lines += _help(each)
    return "\n".join(lines)


def sorted_by_group(default: object) -> list[Option]:
    """All options, those of a group together, groups in the order in which they come."""
    known = list(options(default))
    order = list(dict.fromkeys(each.group for each in known))
    return sorted(known, key=lambda each: order.index(each.group))


def _help(each: Option) -> list[str]:
    value = each.default
    shown = (
        ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower() if each.kind is bool else value
    )
    text = each.help
    if each.choices is not None:
        text += f" Choices: {', '.join(each.choices())}."
    text += f" ({bounds(each)})" if bounds(each) else ""
    head = f"  --{each.name}" + ("" if value is None else f"={shown}")
    body = textwrap.wrap(text, width=84)
    first = f"{head:28}  {body[0]}" if len(head) <= 28 else head
    rest = body[1:] if len(head) <= 28 else body
    return [first, *(f"{'':28}  {line}" for line in rest)]


def _define(each: Option, values: flags.FlagValues) -> None:
    default = each.default
    if each.elements:
        default = None if default is None else [str(element) for element in default]
        define = flags.DEFINE_multi_string if each.repeated else flags.DEFINE_list
        define(each.name, default, each.help, flag_values=values)
        return
    define = {int: flags.DEFINE_integer, float: flags.DEFINE_float, bool: flags.DEFINE_bool, str: flags.DEFINE_string}
    define[each.kind](each.name, default, each.help, flag_values=values)


def _value_hint(error: str) -> str:
    return "; flags look like --name=value" if "Missing value" in error else ""
