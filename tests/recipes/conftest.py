"""What every recipe must keep."""

import jax
import numpy as np
import pytest


@pytest.fixture(scope="module")
def start():
    """start(recipe, batch, key) is a recipe's first state; recipes of like states share one, for it takes long to compile."""
    known = {}

    def start(recipe, batch, key):
        shapes = str(jax.eval_shape(recipe.init, key, batch))
        if shapes not in known:
            known[shapes] = jax.jit(recipe.init)(key, batch)
        return known[shapes]

    return start


@pytest.fixture
def require_shares_are_the_whole(start):
    """require_shares_are_the_whole(one, four, batch, key): a step on four shares of a batch is the step on all of it.

    The recipes `one` and `four` are the same, made for no axis and for the axis "data". The step is mapped with
    out_axes=None, which raises where a mean over the devices was forgotten.
    """

    def require(one, four, batch, key, atol=1e-5):
        state = start(one, batch, key)
        mapped = jax.jit(jax.vmap(four.step, axis_name="data", in_axes=(None, 0, None), out_axes=None))
        shares = jax.tree.map(lambda x: x.reshape(len(x), 4, -1, *x.shape[2:]).swapaxes(0, 1), batch)
        compare = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=atol)
        jax.tree.map(compare, mapped(state, shares, key), jax.jit(one.step)(state, batch, key))

    return require
