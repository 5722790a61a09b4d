"""Normalisation by a label map."""

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax.layers.spade import Spade

KEY = jax.random.key(0)
X = 3 + 2 * jax.random.normal(KEY, (2, 8, 8, 5))
LABELS = jax.nn.one_hot(jax.random.randint(KEY, (2, 16, 16), 0, 4), 4)


def test_published_size():
    shapes = jax.eval_shape(lambda: Spade(True).init(KEY, jnp.zeros((1, 4, 4, 64)), jnp.zeros((1, 8, 8, 10))))
    assert sum(leaf.size for leaf in jax.tree.leaves(shapes["params"])) == 159_232


def test_without_gain_and_bias_it_is_plain_normalisation():
    layer = Spade(True)
    variables = layer.init(KEY, X, LABELS)
    still = {
        **variables["params"],
        **{name: jax.tree.map(jnp.zeros_like, variables["params"][name]) for name in ("gain", "bias")},
    }
    y, _ = layer.apply({**variables, "params": still}, X, LABELS, mutable=["batch_stats"])
    np.testing.assert_allclose(y, (X - X.mean((0, 1, 2))) / np.sqrt(X.var((0, 1, 2)) + 1e-5), atol=1e-5)


def test_a_place_is_changed_by_the_labels_around_it():
    """Each place by those at most two places away, on the map that is half as large."""
    layer = Spade(False)
    variables = layer.init(KEY, X, LABELS)
    draw = lambda labels: layer.apply(variables, X, labels)
    moved = np.abs(draw(LABELS.at[0, 8, 8].set(1 - LABELS[0, 8, 8])) - draw(LABELS)).sum(-1)
    # The nearest of a square of four: only one of them counts.
    square = np.abs(draw(LABELS.at[0, 8:10, 8:10].set(1 - LABELS[0, 8:10, 8:10])) - draw(LABELS)).sum(-1)
    rows, columns = np.nonzero(square[0])
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (2, 6, 2, 6)
    assert not square[1].any() and not moved[1].any()
