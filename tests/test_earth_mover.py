"""What a WGAN's critic says, its loss negated, against the earth mover's distance where that is known."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from scipy.stats import wasserstein_distance_nd

from gan_jax import games, penalties, terms
from gan_jax.networks import mlp
from gan_jax.recipes import gan
from gan_jax.recipes.players import with_player

# Where the generators put all their points. The data are on a circle of radius 1.
PLACES = np.array([[0.3, 0.0], [0.0, 0.6], [-1.0, 0.0], [1.0, 1.0], [0.0, -2.0], [2.0, 2.0], [-4.0, 0.0], [0.0, 6.0]])
STEPS = 1000
WEIGHT = 10.0


class Point(nn.Module):
    """All latents to one point in the plane."""

    @nn.compact
    def __call__(self, z, condition=None, *, train):
        return jnp.broadcast_to(self.param("place", nn.initializers.zeros, (2,)), (len(z), 2))


def circle(key, count):
    angle = jax.random.uniform(key, (count,), maxval=2 * jnp.pi)
    return jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)


def test_the_critic_s_loss_tracks_the_earth_mover_s_distance():
    """All mass goes to one point, so the distance is the mean distance to it; scipy's linear programme agrees."""
    adam = optax.adam(optax.cosine_decay_schedule(3e-3, STEPS), b1=0.0, b2=0.9)
    penalty = terms.penalty(penalties.gradient_penalty, WEIGHT)
    critic = mlp.Discriminator((64, 64))
    setup = gan.Setup(Point(), critic, games.wasserstein, adam, adam, latent_size=1, d_terms={"penalty": penalty})
    d_step = gan.make_d_step(setup)

    def estimate(place):
        """-d without the penalty, once the critic has been trained against a generator that stands still."""
        state = gan.make(setup).init(jax.random.key(0), {"image": jnp.zeros((1, 1, 2))})
        state = with_player(state, "generator", state.players["generator"].replace(params={"place": place}))

        def step(state, key):
            data, noise = jax.random.split(key)
            return d_step(state, {"image": circle(data, 128)}, noise)

        _, metrics = jax.lax.scan(step, state, jax.random.split(jax.random.key(1), STEPS))
        return (metrics["real_score"] - metrics["fake_score"])[-100:].mean()

    estimates = np.asarray(jax.jit(jax.vmap(estimate))(jnp.asarray(PLACES)))
    real = np.asarray(circle(jax.random.key(2), 100_000))
    distances = np.array([np.linalg.norm(real - place, axis=1).mean() for place in PLACES])
    few = [wasserstein_distance_nd(real[:300], place[None]) for place in PLACES]
    np.testing.assert_allclose(few, distances, rtol=0.1)
    assert np.corrcoef(estimates, distances)[0, 1] > 0.998
    # The penalty lets the critic be a bit too steep: of slope s it makes s w - λ (s - 1)², most at s = 1 + w / 2λ.
    np.testing.assert_allclose(estimates, distances * (1 + distances / (2 * WEIGHT)), rtol=0.03)
