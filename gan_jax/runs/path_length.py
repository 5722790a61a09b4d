"""The perceptual path length of a run that draws images from noise (`evaluation.path_length`)."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from gan_jax.evaluation import path_length, perceptual
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.scores import short
from gan_jax.latents.interpolation import usual_path
from gan_jax.randomness import Key, example_keys
from gan_jax.recipes.contract import Sampler, State
from gan_jax.runs import drawing

Array = jax.Array
NAME = "path_length"


def require(sampler: Sampler, state: State, extractor: Extractor | None, image_shape: tuple[int, int, int]) -> None:
    """Raises ValueError, in one line, as `perceptual.require_maps`, or if images are computed in bfloat16."""
    perceptual.require_maps(extractor, image_shape)
    program = jax.make_jaxpr(of_pairs(sampler, extractor))(
        state, extractor.variables, example_keys(jax.random.key(0), 1)
    )
    if "bf16[" in str(program):
        raise ValueError(
            f"{NAME}: the generator computes in bfloat16, which rounds by more than a step of {path_length.EPSILON:g} changes"
        )


def mean_length(
    sampler: Sampler, state: State, extractor: Extractor, count: int, key: Key, truncation: float | None = None
) -> dict[str, float]:
    """The mean of so many pairs of latents, {"path_length[w,mnist-cnn,10k]": 1.09}: of styles in w, of others in z.

    Args: truncation: of the latents z, in either.
    """
    found = lengths(sampler, state, extractor, count, key, truncation)
    space = "w" if sampler.styles else "z"
    return {f"{NAME}[{space},{extractor.name},{short(count)}]": path_length.trimmed_mean(found)}


def lengths(
    sampler: Sampler, state: State, extractor: Extractor, count: int, key: Key, truncation: float | None = None
) -> np.ndarray:
    """Of each pair, [count]; pair i depends on the key and i alone. Its ends have one condition, by the data's frequencies."""
    keys, measure = example_keys(key, count), jax.jit(of_pairs(sampler, extractor, truncation))
    parts = drawing.chunks(count, lambda rows: measure(state, extractor.variables, keys[rows]))
    bar = tqdm(parts, NAME, -(-count // drawing.CHUNK), leave=False, dynamic_ncols=True)
    return np.concatenate(list(bar))


def of_pairs(sampler: Sampler, extractor: Extractor, truncation: float | None = None) -> Callable[..., Array]:
    """(state, the extractor's variables, keys [n]) -> `path_length.distances` of pairs, [n], at t ~ U[0, 1]: "full" paths."""
    styles = sampler.styles
    path = path_length.PATHS["lerp" if styles else usual_path(sampler.prior)]

    def measure(state: State, variables: dict, keys: Key) -> Array:
        n, (a_keys, b_keys, t_keys) = len(keys), jax.vmap(lambda key: jax.random.split(key, 3), out_axes=1)(keys)
        condition = sampler.conditions(a_keys, n)
        ends = [sampler.latents(each, n, truncation) for each in (a_keys, b_keys)]
        if styles:
            ends = [styles.of(state, z, condition) for z in ends]
            generate = lambda ws: styles.generate(state, ws)
        else:
            twice = jax.tree.map(lambda column: jnp.concatenate([column, column]), condition)
            generate = lambda z: sampler.generate(state, z, twice)
        t = jax.vmap(jax.random.uniform)(t_keys)
        return path_length.distances(extractor._replace(variables=variables), generate, path, *ends, t)

    return measure
