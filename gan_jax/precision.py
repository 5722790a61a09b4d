"""Networks that compute in another number type than their parameters have: mixed precision."""

import jax
import jax.numpy as jnp
from flax import linen as nn

DTYPES = {"float32": jnp.float32, "bfloat16": jnp.bfloat16}


def apply(module: nn.Module, variables: dict, *inputs, dtype: jnp.dtype = jnp.float32, **options):
    """`module.apply(variables, *inputs, **options)` with parameters and inputs of float32 rounded to `dtype` before.

    So a layer computes in `dtype` what it does not itself say otherwise of; normalisation has its means and variances in
    float32. What comes out is float32 again, and changed variables are of the type that they were of: so parameters,
    statistics and losses stay float32 (Micikevicius et al. 2018, arXiv:1710.03740; bfloat16 needs no loss scaling).

    Args: options: of `module.apply`; `mutable` is a list of collections. Returns (outputs, changed variables).
    """
    if dtype == jnp.float32:
        return module.apply(variables, *inputs, **options)
    lower = lambda x: x.astype(dtype) if x.dtype == jnp.float32 else x
    rounded = {**variables, "params": jax.tree.map(lower, variables["params"])}
    outputs, changed = module.apply(rounded, *jax.tree.map(lower, inputs), **options)
    outputs = jax.tree.map(lambda x: x.astype(jnp.float32) if x.dtype == dtype else x, outputs)
    return outputs, jax.tree.map(
        lambda new, old: new.astype(old.dtype), changed, {name: variables[name] for name in changed}
    )
