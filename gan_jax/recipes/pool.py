"""A pool of images that D has yet to see or has seen, so that it does not forget what G drew before.

Shrivastava et al. 2017 (arXiv:1612.07828, section 2.3), in the form of CycleGAN's authors' code (Zhu et al. 2017, section 4). An
entry may be a tuple, such as an image and its latent: what belongs together stays together. The pool is of the global batch, one
example after another and each with a key of its own, so it is the same however a batch is spread over devices.
"""

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key, example_keys

Entries = dict  # a pytree of arrays [n, ...]


def start(size: int, entry: Entries) -> dict:
    """An empty pool: {"count": int32 [], "stored": [size, ...] of each array}.

    Args: size: 1 at least; entry: of which only shapes and types matter.
    """
    zeros = lambda x: jnp.zeros((size, *x.shape), x.dtype)
    return {"count": jnp.zeros((), jnp.int32), "stored": jax.tree.map(zeros, entry)}


def through(pool: dict, entries: Entries, key: Key, axis_name: str | None = None) -> tuple[dict, Entries]:
    """(the pool after a batch has gone through it, what D is shown in its place, [B, ...]).

    While the pool fills, an entry is stored and shown. Afterwards, with probability ½, one that is stored is shown, any of them,
    and the new one is stored in its place; or else the new one is shown and not stored.

    Args: entries: pytree of arrays [B, ...]; key: of this batch; axis_name: the mapped axis over which it is spread.
    """
    size = len(jax.tree.leaves(pool["stored"])[0])
    count = len(jax.tree.leaves(entries)[0])
    whole, first = entries, 0
    if axis_name is not None:
        whole, first = jax.lax.all_gather(entries, axis_name, tiled=True), jax.lax.axis_index(axis_name) * count
    keys = example_keys(key, len(jax.tree.leaves(whole)[0]))

    def one(pool: dict, new: tuple[Entries, Key]) -> tuple[dict, Entries]:
        entry, key = new
        swap_key, place_key = jax.random.split(key)
        filling = pool["count"] < size
        swaps = jax.random.bernoulli(swap_key) & ~filling
        place = jnp.where(filling, pool["count"], jax.random.randint(place_key, (), 0, size))
        old = jax.tree.map(lambda stored: stored[place], pool["stored"])
        shown = jax.tree.map(lambda old, new: jnp.where(swaps, old, new), old, entry)
        kept = jax.tree.map(lambda old, new: jnp.where(swaps | filling, new, old), old, entry)
        stored = jax.tree.map(lambda stored, kept: stored.at[place].set(kept), pool["stored"], kept)
        return {"count": pool["count"] + filling, "stored": stored}, shown

    pool, shown = jax.lax.scan(one, pool, (whole, keys))
    return pool, jax.tree.map(lambda x: jax.lax.dynamic_slice_in_dim(x, first, count), shown)
