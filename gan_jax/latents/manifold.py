"""An adversary that stays on what a generator draws: it changes latents, not pixels, so that every image looks as data do.

On-manifold adversarial training (Stutz et al. 2019, arXiv:1812.00740, section 3.4; Jalal et al. 2017, arXiv:1712.09196, section 5).
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.attacks.gradient import Classify, losses
from gan_jax.attacks.training import Adversary
from gan_jax.latents.inversion import Project
from gan_jax.randomness import Key

Array = jax.Array


def adversary(
    draw: Callable[[Key], Array],
    generate: Callable[[Array, Array], Array],
    project: Project,
    epsilon: float,
    *,
    steps: int,
) -> Adversary:
    """Of every two images the second is drawn in its class, of a latent that steps changed until it is hard to tell.

    Args:
      draw: keys [n] -> latents [n, d]; generate: (latents, labels [n]) -> images [n, H, W, C]; project: latents to the prior.
      epsilon: by how much each number of a latent is changed, at most; steps: how many are made, each two and a half times
        epsilon / steps long.
    """
    size = 2.5 * epsilon / steps

    def attack(classify: Classify, images: Array, labels: Array, keys: Key) -> Array:
        first = draw(keys)
        gradient = jax.grad(lambda latents: jnp.sum(losses(classify, generate(latents, labels), labels)))
        found = first
        for _ in range(steps):
            found = project(first + jnp.clip(found + size * jnp.sign(gradient(found)) - first, -epsilon, epsilon))
        drawn = jnp.arange(len(images)) % 2 == 1
        return jax.lax.stop_gradient(jnp.where(drawn[:, None, None, None], generate(found, labels), images))

    return attack
