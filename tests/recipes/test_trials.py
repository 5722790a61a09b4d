"""Trials together against each alone."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from gan_jax import games, penalties, terms
from gan_jax.data import mixtures
from gan_jax.networks import mlp
from gan_jax.recipes import gan
from gan_jax.recipes.trials import one, trials

SEEDS = [3, 4]
MIXTURE = mixtures.MIXTURES["ring8"]


def setup():
    sgd = optax.sgd(0.05)  # Adam would make much of the rounding of a gradient near 0
    d = mlp.Discriminator((16, 16), spectral=True)  # so that there are variables beside parameters
    lazy = {"r1": terms.penalty(penalties.r1, 1.0, every=2)}
    return gan.Setup(
        mlp.Generator((2,), (16, 16), bounded=False), d, games.relativistic, sgd, sgd, 2, d_terms=lazy, ema=0.9
    )


def train(seeds, steps):
    recipe = trials(gan.make(setup()))
    batches = mixtures.batches(MIXTURE, seeds=seeds, batch_size=16, batches_per_step=recipe.batches_per_step)
    init_keys, step_keys = jnp.stack([jax.random.split(jax.random.key(seed)) for seed in seeds], axis=1)
    state = jax.jit(recipe.init)(init_keys, next(batches))
    play = jax.jit(recipe.step)
    for _ in range(steps):
        state, metrics = play(state, next(batches), step_keys)
    return recipe, state, metrics, step_keys


def test_trial_k_is_the_single_run_of_its_seed():
    recipe, together, metrics, keys = train(SEEDS, 20)
    singles = [train([seed], 20) for seed in SEEDS]
    assert together.step == 20 and together.step.shape == ()
    close = lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-3, atol=2e-5)
    for k, (_, alone, _, _) in enumerate(singles):
        jax.tree.map(close, one(together, k), one(alone, 0))
    for name in metrics:
        close(metrics[name], np.mean([single[2][name] for single in singles]))
    samples = recipe.sampler.sample(together, keys, 5)
    assert samples.shape == (2, 5, 2)
    close(samples[1], gan.make(setup()).sampler.sample(one(together, 1), keys[1], 5))
    assert np.abs(samples[0] - samples[1]).max() > 1e-2
