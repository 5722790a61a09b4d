"""Images as examples found by index (`sources`), and examples as the batch of a step (`pipeline`)."""

from gan_jax.data.pipeline import batches, indices
from gan_jax.data.source import Source, in_memory, nbytes
from gan_jax.data.sources import DATASETS, load

__all__ = ["DATASETS", "Source", "batches", "in_memory", "indices", "load", "nbytes"]
