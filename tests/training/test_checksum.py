"""The checksum of arrays: of their bytes, in the order of the leaves, without a copy."""

import tracemalloc
import zlib

import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.training.checkpoint import checksum

ARRAYS = {
    "float32": np.linspace(0, 1, 35, dtype=np.float32).reshape(5, 7),
    "transposed": np.arange(35).reshape(5, 7).T,
    "strided": np.arange(35)[::3],
    "bfloat16": np.asarray(jnp.linspace(0, 1, 35, dtype=jnp.bfloat16).reshape(5, 7)),
    "bfloat16 scalar": np.asarray(jnp.bfloat16(0.5)),
    "scalar": np.array(3, np.int32),
    "number": 0.5,
    "bool": np.array([True, False]),
    "empty": np.zeros((0, 3), np.float32),
    "empty bfloat16": np.asarray(jnp.zeros((2, 0), jnp.bfloat16)),
    "of jax": jnp.arange(5.0),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_a_checksum_is_that_of_the_bytes(name):
    expected = zlib.crc32(np.asarray(ARRAYS[name]).tobytes())
    assert checksum(ARRAYS[name]) == checksum({"a": ARRAYS[name], "none": None}) == expected


def test_a_checksum_goes_by_the_order_of_the_leaves():
    everything = b"".join(np.asarray(array).tobytes() for array in ARRAYS.values())
    assert checksum(list(ARRAYS.values())) == zlib.crc32(everything)
    assert checksum({"b": np.int32(1), "a": np.int32(2)}) == checksum([np.int32(2), np.int32(1)])


def test_a_checksum_copies_nothing():
    array = np.ones(4_000_000, np.uint8).view(jnp.bfloat16)
    tracemalloc.start()
    checksum([array])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < array.nbytes / 10
