"""Standing statistics: a trained generator's batch statistics, measured anew.

Running averages are of weights that have changed since, and those of an averaged generator's weights are of other weights; so
BigGAN's authors (Brock et al. 2019, arXiv:1809.11096, section 3 and appendix) draw many batches with the weights that are to be
sampled and take the means of their means and variances, as their code has it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from gan_jax.layers.norm import DECAY
from gan_jax.randomness import Key
from gan_jax.recipes.players import PyTree

COLLECTION = "batch_stats"


def batch_statistics(variables: PyTree, draw: Callable[[PyTree, Key], PyTree], keys: Key) -> PyTree:
    """{"batch_stats": the means, over a batch for each key, of each batch's means and variances}.

    Args:
      draw: (variables, key) -> the variables after a batch drawn in training, with running averages of decay DECAY.
    Raises ValueError if there are no batch statistics.
    """
    if COLLECTION not in variables:
        raise ValueError("the generator has no batch statistics")
    # After one batch an average that begins at 0 is 1 - DECAY of that batch's.
    from_zero = {**variables, COLLECTION: jax.tree.map(jnp.zeros_like, variables[COLLECTION])}
    found = [draw(from_zero, key)[COLLECTION] for key in keys]
    return {COLLECTION: jax.tree.map(lambda *each: sum(each) / (len(each) * (1 - DECAY)), *found)}
