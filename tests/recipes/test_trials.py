"""Trials together against each alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games, penalties, terms
from gan_jax.data import mixtures
from gan_jax.networks import mlp
from gan_jax.recipes import gan
from gan_jax.recipes.trials import all_of, means, of_each, one, trials

SEEDS = [3, 4]
MIXTURE = mixtures.MIXTURES["ring8"]

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def setup():
    sgd = optax.sgd(0.05)  # Adam would make much of the rounding of a gradient near 0
    d = mlp.Discriminator((16, 16), spectral=True)  # so that there are variables beside parameters
    lazy = {"r1": terms.penalty(penalties.r1, 1.0, every=2)}
    return gan.Setup(
        mlp.Generator((2,), (16, 16), bounded=False), d, games.relativistic, sgd, sgd, 2, d_terms=lazy, ema=0.9
    )


@pytest.mark.slow
def test_trial_k_is_the_single_run_of_its_seed():
    recipe = trials(gan.make(setup()))
    init, step = jax.jit(recipe.init), jax.jit(recipe.step)  # compiled for two trials, and for one

    def train(seeds):
        batches = mixtures.batches(MIXTURE, seeds=seeds, batch_size=16, batches_per_step=recipe.batches_per_step)
        init_keys, step_keys = jnp.stack([jax.random.split(jax.random.key(seed)) for seed in seeds], axis=1)
        state = init(init_keys, next(batches))
        for _ in range(20):
            state, metrics = step(state, next(batches), step_keys)
        return state, metrics, step_keys

    together, metrics, keys = train(SEEDS)
    singles = [train([seed]) for seed in SEEDS]
    assert together.step == 20 and together.step.shape == ()
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)
    for k, (alone, _, _) in enumerate(singles):
        jax.tree.map(close, one(together, k), one(alone, 0))
    for name in metrics:
        close(metrics[name], np.mean([single[1][name] for single in singles]))
    samples = recipe.sampler.sample(together, keys, 5)
    assert samples.shape == (2, 5, 2)
    close(samples[1], gan.make(setup()).sampler.sample(one(together, 1), keys[1], 5))
    assert np.abs(samples[0] - samples[1]).max() > 1e-2
    jax.tree.map(close, all_of([one(together, k) for k in range(2)]), together)


def test_a_summary_may_tell_every_trial_s_own_metrics():
    metrics = {"d_loss": jnp.array([1.0, 3.0]), "g_loss": jnp.array([0.5, 0.7])}
    assert {name: float(value) for name, value in means(metrics).items()} == pytest.approx({"d_loss": 2, "g_loss": 0.6})
    own = {name: float(value) for name, value in of_each(metrics).items()}
    assert own == pytest.approx({"0/d_loss": 1, "1/d_loss": 3, "0/g_loss": 0.5, "1/g_loss": 0.7})
