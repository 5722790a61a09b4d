"""What a step makes of its batch."""

import jax.numpy as jnp
import numpy as np

from gan_jax.recipes.batch import condition_of, part, to_unit_range


def test_pixels_to_unit_range():
    np.testing.assert_allclose(to_unit_range(jnp.array([0, 255], jnp.uint8)), [-1, 1])


def test_points_are_taken_as_they_are():
    points = jnp.array([[3.0, -4.0]])
    assert to_unit_range(points) is points


def test_a_part_is_one_of_the_batches_of_each_domain():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    batch = {"a": {"image": pixels, "label": pixels[..., 0].astype(np.int32)}, "b": {"image": pixels[:2]}}
    found = part(batch, 1)
    np.testing.assert_allclose(found["a"]["image"], pixels[1] / 127.5 - 1, rtol=1e-6)
    np.testing.assert_array_equal(found["a"]["label"], [4, 6])
    np.testing.assert_allclose(found["b"]["image"], pixels[1] / 127.5 - 1, rtol=1e-6)
    np.testing.assert_allclose(part(batch, -1)["a"]["image"], pixels[2] / 127.5 - 1, rtol=1e-6)


def test_a_condition_is_the_fields_that_are_asked_for():
    batch = {"image": jnp.zeros((2, 1)), "label": jnp.array([1, 2]), "age": jnp.array([3.0, 4.0])}
    assert condition_of(batch, ()) is None
    found = condition_of(batch, ("label", "age"))
    assert found["label"] is batch["label"] and found["age"] is batch["age"] and len(found) == 2
