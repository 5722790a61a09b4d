"""Examples found by index (`sources`), and examples as the batch of a step (`pipeline`)."""

from gan_jax.data.pipeline import batches, indices
from gan_jax.data.source import ArraySource, Domains, Source, describe, in_memory, nbytes
from gan_jax.data.sources import DATASETS, load
from gan_jax.data.spec import DataSpec, example_batch

__all__ = [
    "DATASETS",
    "ArraySource",
    "DataSpec",
    "Domains",
    "Source",
    "batches",
    "describe",
    "example_batch",
    "in_memory",
    "indices",
    "load",
    "nbytes",
]
