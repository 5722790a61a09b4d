"""What the first of several processes does alone, and what the others are told of it."""

import json
from collections.abc import Callable
from typing import TypeVar

import jax
import numpy as np
from jax.experimental import multihost_utils

from gan_jax.config.options import options, replace
from gan_jax.config.stored import from_json, to_json

Config = TypeVar("Config")
Result = TypeVar("Result")


def by_first(act: Callable[[], Result]) -> Result | None:
    """What `act` returns in the first process; None in the others. If it raises, they do not go on to wait for it."""
    result = error = None
    if jax.process_index() == 0:
        try:
            result = act()
        except (ValueError, OSError, RuntimeError) as raised:
            error = raised
    if jax.process_count() > 1 and multihost_utils.broadcast_one_to_all(np.int32(error is not None)) and not error:
        error = ValueError("the first process cannot start; it says why")
    if error:
        raise error
    return result


def of_first(act: Callable[[], Config], config: Config) -> Config:
    """The configuration that `act` returns in the first process, in all of them. Args: config: one that is like it."""
    found = by_first(act)
    if jax.process_count() == 1:
        return found
    text = np.frombuffer(json.dumps(to_json(found)).encode() if found is not None else b"", np.uint8)
    size = int(multihost_utils.broadcast_one_to_all(np.int32(len(text))))
    told = multihost_utils.broadcast_one_to_all(text if len(text) == size else np.zeros(size, np.uint8))
    own = {each.name: each.default for each in options(config) if each.resumable}  # process_id, say
    return replace(from_json(config, json.loads(bytes(told))), **own)
