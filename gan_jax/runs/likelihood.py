"""Bounds on the likelihood of held-out images, of runs that have them (`contract.Likelihood`)."""

import jax
import numpy as np
from tqdm import tqdm

from gan_jax.data import Source
from gan_jax.evaluation.scores import short
from gan_jax.randomness import Key, example_keys
from gan_jax.recipes.contract import Likelihood, State
from gan_jax.runs import drawing, monitor


def bounds(
    likelihood: Likelihood, state: State, source: Source, split: str, count: int, key: Key, iwae: int | None = None
) -> dict[str, float]:
    """The mean bounds of `count` images of a source, in nats per image: {"elbo[test,10k]": -100.2, ...}.

    Args:
      split: what the source is called in their names.
      key: image i of the source's fixed random order is given latents by the key and i alone.
      iwae: of how many latents the importance-weighted bound is made, iwae_50 say; None leaves it out.
    """
    order = monitor.real_order(source, count)
    keys, images = example_keys(key, len(order)), lambda rows: source[order[rows]]["image"]
    what, found = f"[{split},{short(len(order))}]", {}
    computed = {"elbo": likelihood.elbo}
    if iwae is not None:
        computed[f"iwae_{iwae}"] = lambda state, images, keys: likelihood.importance_weighted(state, images, keys, iwae)
    for name, bound in computed.items():
        compiled = jax.jit(bound)
        parts = drawing.chunks(len(order), lambda rows: compiled(state, images(rows), keys[rows]))
        bar = tqdm(parts, name, -(-len(order) // drawing.CHUNK), leave=False, dynamic_ncols=True)
        found[name + what] = float(np.mean(np.concatenate(list(bar)), dtype=np.float64))
    return found
