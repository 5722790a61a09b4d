"""What every recipe must keep."""

import jax
import numpy as np
import pytest


@pytest.fixture
def require_shares_are_the_whole():
    """require_shares_are_the_whole(one, four, batch, key): a step on four shares of a batch is the step on all of it.

    The recipes `one` and `four` are the same, made for no axis and for the axis "data". The step is mapped with
    out_axes=None, which raises where a mean over the devices was forgotten. All of it runs operation by operation:
    these, once compiled, serve all cases, and a program of each case's own would not.
    """

    def require(one, four, batch, key, atol=1e-5):
        state = one.init(key, batch)
        mapped = jax.vmap(four.step, axis_name="data", in_axes=(None, 0, None), out_axes=None)
        shares = jax.tree.map(lambda x: x.reshape(len(x), 4, -1, *x.shape[2:]).swapaxes(0, 1), batch)
        compare = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=atol)
        jax.tree.map(compare, mapped(state, shares, key), one.step(state, batch, key))

    return require
