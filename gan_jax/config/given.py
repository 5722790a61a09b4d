"""The flags that a configuration was given: those whose values are not its experiment's default."""

import shlex
from collections.abc import Mapping

from gan_jax.config.options import Option, flat, options


def given(default: object, config: object) -> dict[str, str]:
    """What differs from the default, as text that the flags of these names take, in the order of the options."""
    own = flat(default)
    return {each.name: text_of(each) for each in options(config) if each.default != own[each.name]}


def text_of(each: Option) -> str:
    """An option's value as its flag takes it."""
    value = each.default
    if each.elements:
        return ",".join(map(str, value or ()))
    return str(value).lower() if each.kind is bool else str(value)


def command(experiment: str, flags: Mapping[str, str]) -> str:
    """The command that trains an experiment with these flags, as a shell takes it. Args: flags: as of `given`."""
    module = experiment if "." in experiment else f"experiments.{experiment}"
    return shlex.join(["python", "-m", module, *(f"--{name}={text}" for name, text in flags.items())])
