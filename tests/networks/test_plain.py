"""The classifiers of the papers on robust training."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks.plain import Madry, Small

IMAGES = jax.random.uniform(jax.random.key(0), (2, 28, 28, 1), minval=-1)


@pytest.mark.parametrize(("network", "parameters"), [(Small, 166_406), (Madry, 3_274_634)])
def test_parameters_of_the_published_ones(network, parameters):
    """Wong et al. 2020 (their code's mnist_net) and Madry et al. 2018 (their challenge's network), of MNIST."""
    variables = jax.eval_shape(lambda: network(10).init(jax.random.key(0), IMAGES, train=False))
    assert set(variables) == {"params"}
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == parameters


@pytest.mark.parametrize("network", [Small, Madry])
def test_what_they_say(network):
    made = network(3, width=2)
    variables = made.init(jax.random.key(1), IMAGES, train=False)
    score, out = made.apply(variables, IMAGES, train=False)
    assert out["class_logits"].shape == (2, 3)
    assert (out["features"] >= 0).all()
    np.testing.assert_allclose(score, jax.nn.logsumexp(out["class_logits"], axis=1), rtol=1e-6)
    again, _ = made.apply(variables, IMAGES[:1], train=True)
    np.testing.assert_allclose(again, score[:1], rtol=1e-5)  # each image is seen alone
    assert jnp.all(jnp.isfinite(score))
