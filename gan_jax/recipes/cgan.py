"""How a conditional GAN is trained: as a GAN, but both players are told the label (Mirza & Osindero 2014).

arXiv:1411.1784, eq. 2: E log D(x|y) + E log(1 - D(G(z|y))), and likewise for every other game. A fake image has the label
of the real one beside it in the batch. So labels have the data's frequencies, and where a game or a penalty takes
images in pairs, both are of one class.
"""

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key, example_keys
from gan_jax.recipe import Batch, Metrics, Recipe
from gan_jax.recipes import gan

Array = jax.Array


def make(setup: gan.Setup, frequencies: Array) -> Recipe:
    """The recipe. Rounds are those of `gan.make`, on labelled images.

    Args:
      setup: its networks are called with labels, int32 [B] in 0..K-1 (`networks.conditional`). `pack` must be 1, for
        a pack of images has no one label: raises ValueError otherwise.
      frequencies: of the classes, [K], in any unit; `sample` draws labels by them.
    """
    if setup.pack != 1:
        raise ValueError(
            f"pack={setup.pack}: a pack of images has no one label, so a conditional GAN judges them singly"
        )
    d_step, g_step = gan.make_d_step(setup), gan.make_g_step(setup)
    logarithms = jnp.log(jnp.asarray(frequencies, jnp.float32))

    def init(key: Key, batch: Batch) -> gan.State:
        return gan.init_state(setup, key, batch["image"][0], batch["label"][0, :1])

    def step(state: gan.State, batch: Batch, key: Key) -> tuple[gan.State, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), setup.n_critic + 1)
        images, labels = gan.to_unit_range(batch["image"]), batch["label"]
        for i in range(setup.n_critic):
            state, d_metrics = d_step(state, images[i], keys[i], labels[i])
        state, g_metrics = g_step(state, images[-1], keys[-1], labels[-1])
        return state.replace(step=state.step + 1), d_metrics | g_metrics

    # Of an image's two keys one is for its latent and one for its label.
    two = jax.vmap(jax.random.split, out_axes=1)

    def sample_labels(key: Key, n: int) -> Array:
        _, keys = two(example_keys(key, n))
        return jax.vmap(lambda key: jax.random.categorical(key, logarithms))(keys).astype(jnp.int32)

    def latents(key: Key, n: int, bound: float | None = None) -> Array:
        keys, _ = two(example_keys(key, n))
        return gan.draw(setup, keys, n, bound)

    def generate(state: gan.State, z: Array, labels: Array) -> Array:
        return gan.render(setup, state, z, labels)

    def sample(state: gan.State, key: Key, n: int) -> Array:
        return generate(state, latents(key, n), sample_labels(key, n))

    return Recipe(
        init=init,
        step=step,
        sample=sample,
        parts=setup.n_critic + 1,
        sample_labels=sample_labels,
        latents=latents,
        generate=generate,
    )
