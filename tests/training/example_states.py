"""States to be saved, and runs that saved them."""

import jax
import jax.numpy as jnp
import optax
from flax import struct

from gan_jax.training.checkpoint import Checkpoints


class State(struct.PyTreeNode):
    step: jax.Array
    params: dict
    opt_state: optax.OptState


def state(step):
    params = {"w": jnp.full((300, 40), step, jnp.float32), "empty": {}}
    return State(jnp.int32(step), params, optax.adam(1e-3).init(params))


def saved(directory, steps, keep=2):
    checkpoints = Checkpoints(directory, keep)
    for step in steps:
        checkpoints.save(step, state(step))
    checkpoints.wait()
    return checkpoints


def arrays_of(directory, step):
    """The largest file of a checkpoint: its arrays."""
    files = [path for path in (directory / str(step) / "state").rglob("*") if path.is_file()]
    return max(files, key=lambda path: path.stat().st_size)
