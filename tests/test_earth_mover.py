"""What a WGAN's critic says: its loss, negated, against the earth mover's distance that scipy works out."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from scipy.stats import wasserstein_distance

from gan_jax import games, penalties, terms
from gan_jax.networks import mlp
from gan_jax.recipes import gan

# The generators: scale · z + shift, on the line; real points are ±1, with deviation 0.2.
SCALES = np.array([0.3, 1.0, 2.0, 0.3, 1.0, 2.0, 1.0, 0.5])
SHIFTS = np.array([0.0, 0.0, 0.0, 1.0, 1.5, 2.0, 4.0, 6.0])


class Affine(nn.Module):
    @nn.compact
    def __call__(self, z, label=None, *, train):
        return self.param("scale", nn.initializers.ones, ()) * z + self.param("shift", nn.initializers.zeros, ())


def real_points(key, count):
    sign, noise = jax.random.split(key)
    return jnp.sign(jax.random.normal(sign, (count, 1))) + 0.2 * jax.random.normal(noise, (count, 1))


def test_the_critic_s_loss_tracks_the_earth_mover_s_distance():
    adam = optax.adam(optax.cosine_decay_schedule(3e-3, 1500), b1=0.0, b2=0.9)
    penalty = terms.penalty(penalties.gradient_penalty, 10.0)
    critic = mlp.Discriminator((64, 64), lambda x: nn.leaky_relu(x, 0.2))
    setup = gan.Setup(Affine(), critic, games.wasserstein, adam, adam, latent_size=1, d_terms={"penalty": penalty})
    d_step = gan.make_d_step(setup)

    def estimate(scale, shift):
        """-d without the penalty, after training the critic against a generator that stands still."""
        state = gan.make(setup).init(jax.random.key(0), {"image": jnp.zeros((1, 1, 1))})
        params = {"scale": scale, "shift": shift}
        state = state.replace(generator=state.generator.replace(params=params))

        def step(state, key):
            data, noise = jax.random.split(key)
            return d_step(state, real_points(data, 256), noise)

        _, metrics = jax.lax.scan(step, state, jax.random.split(jax.random.key(1), 1500))
        return (metrics["real_score"] - metrics["fake_score"])[-200:].mean()

    estimates = np.asarray(jax.jit(jax.vmap(estimate))(jnp.asarray(SCALES), jnp.asarray(SHIFTS)))
    z = np.random.default_rng(0).standard_normal(100_000)
    real = np.asarray(real_points(jax.random.key(2), 100_000))[:, 0]
    distances = np.array([wasserstein_distance(real, scale * z + shift) for scale, shift in zip(SCALES, SHIFTS)])
    assert np.corrcoef(estimates, distances)[0, 1] > 0.999
    np.testing.assert_allclose(estimates, distances, rtol=0.1, atol=0.05)
