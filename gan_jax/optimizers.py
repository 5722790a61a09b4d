"""Optimizer transforms that GANs need and optax lacks."""

import jax
import jax.numpy as jnp
import optax


def clip_weights(limit: float) -> optax.GradientTransformation:
    """Keeps every parameter in [-limit, limit] (WGAN: Arjovsky et al. 2017, arXiv:1701.07875, algorithm 1, line 7).

    Goes last in an `optax.chain`: it changes the update so that the updated parameter is clipped. Its `update` needs
    the parameters.
    """

    def clipped(update, param):
        return jnp.clip(param + update, -limit, limit) - param

    return optax.stateless(lambda updates, params: jax.tree.map(clipped, updates, params))
