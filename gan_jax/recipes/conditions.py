"""How the conditions of samples are drawn, where nothing is asked for."""

from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key
from gan_jax.recipes.contract import Condition


def of_classes(counts: Sequence[float]) -> tuple[tuple[str, ...], Callable[[Key], Condition] | None]:
    """(`gan.Setup`'s condition, and how it is drawn) of data whose classes have these counts; without any, ((), None)."""
    return (("label",), labels_by_frequency(counts)) if counts else ((), None)


def labels_by_frequency(counts: Sequence[float]) -> Callable[[Key], Condition]:
    """keys [n] -> {"label": int32 [n]}, drawn by the frequencies of the classes, [K], in any unit."""
    logarithms = jnp.log(jnp.asarray(counts, jnp.float32))

    def draw(keys: Key) -> Condition:
        return {"label": jax.vmap(lambda key: jax.random.categorical(key, logarithms))(keys).astype(jnp.int32)}

    return draw
