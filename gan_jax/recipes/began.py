"""How BEGAN is trained (Berthelot et al. 2017, arXiv:1703.10717): D is an autoencoder, and G's images are to be given back.

L(v) is how badly D gives an image v back (`networks.began`). With one batch of real images x and of noise z for each player,
section 3.3:

    D minimises  L(x) - k L(G(z_D))
    G minimises  L(G(z_G))
    k ← k + λ (γ L(x) - L(G(z_G))), clipped to [0, 1]

k, which starts at 0, is what this system remembers beside its players: it holds E L(G(z)) / E L(x) near γ, the "diversity
ratio". M = L(x) + |γ L(x) - L(G(z_G))| is recorded; it falls as training converges.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key
from gan_jax.recipes import gan, measures
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State
from gan_jax.recipes.players import PyTree, descend, update_ema, with_player

Array = jax.Array


class Balance(NamedTuple):
    """How D's two tasks are balanced: γ in [0, 1], less for better and more uniform images; λ, the rate at which k moves."""

    gamma: float = 0.5
    rate: float = 0.001

    def after(self, k: Array, real: Array, fake: Array) -> tuple[Array, Array]:
        """(k, M) after a round with these mean errors of real and fake images."""
        excess = self.gamma * real - fake
        return jnp.clip(k + self.rate * excess, 0, 1), real + jnp.abs(excess)


def make(setup: gan.Setup, balance: Balance) -> Recipe:
    """The recipe; a step takes one batch.

    Args: setup: its discriminator's scores are errors, at least 0, and its game is not used.
    """

    def init(key: Key, batch: Batch) -> State:
        return gan.init_state(setup, key, part(batch, 0)).replace(memory={"k": jnp.zeros(())})

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        d_key, g_key, noise_key = jax.random.split(jax.random.fold_in(key, state.step), 3)
        examples, k = part(batch, 0), state.memory["k"]
        fake, _ = gan.generate_fakes(setup, state.players["generator"], d_key, examples)

        def error(params: PyTree, images: Array) -> tuple[Array, PyTree]:
            variables = state.players["discriminator"].variables
            (errors, _), variables = gan.score(setup, params, variables, images, noise_key)
            return jnp.mean(errors), variables

        def d_loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
            real, variables = error(params, examples["image"])
            total = real - k * error(params, fake)[0]
            return total, (variables, {"d_loss": total, "real_error": real})

        def g_loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
            generator = state.players["generator"].replace(params=params)
            fake, variables = gan.generate_fakes(setup, generator, g_key, examples)
            total, _ = error(state.players["discriminator"].params, fake)
            return total, (variables, {"g_loss": total, "fake_error": total})

        spread = measures.relative_spread(fake, examples["image"], setup.axis_name)
        after, d_metrics = descend(
            state, "discriminator", d_loss, setup.d_optimizer, setup.axis_name, norm="d_gradient_norm"
        )
        after, g_metrics = descend(
            after, "generator", g_loss, setup.g_optimizer, setup.axis_name, norm="g_gradient_norm"
        )
        if setup.ema:
            after = with_player(after, "generator", update_ema(after.players["generator"], setup.ema, state.step))
        metrics = d_metrics | g_metrics | {"sample_spread": spread}
        k, measure = balance.after(k, metrics["real_error"], metrics["fake_error"])
        return after.replace(step=state.step + 1, memory={"k": k}), metrics | {"k": k, "convergence": measure}

    return Recipe(
        init=init,
        step=step,
        batches_per_step=1,
        sampler=gan.make_sampler(setup),
        features=gan.make_features(setup),
    )
