import json

import numpy as np
import pytest
from jax import ShapeDtypeStruct

from gan_jax.data import DataSpec, example_batch
from gan_jax.data.spec import labelled_image

VIDEO = {"video": ShapeDtypeStruct((5, 8, 8, 3), np.uint8), "caption": ShapeDtypeStruct((7,), np.int32)}
VOXELS = {"voxels": ShapeDtypeStruct((4, 5, 6), np.bool_), "age": ShapeDtypeStruct((), np.float32)}
SPECS = {
    "images": DataSpec(labelled_image(16, 16, 1), ("cat", "dog"), (5, 7)),
    "not counted": DataSpec(labelled_image(16, 16, 1), ("cat", "dog")),
    "unlabelled": DataSpec(labelled_image(16, 8, 3)),
    "video": DataSpec(VIDEO),
    "voxels": DataSpec(VOXELS, ("chair",), (3,)),
    "domains": DataSpec({"b": VIDEO, "a": labelled_image(9, 8, 3), "c": VOXELS}, ("cat",), (2,)),
}


def test_labelled_image():
    image, label = ShapeDtypeStruct((2, 3, 1), np.uint8), ShapeDtypeStruct((), np.int32)
    assert labelled_image(2, 3, 1) == {"image": image, "label": label}


@pytest.mark.parametrize("name", SPECS)
def test_json_round_trip(name):
    spec = SPECS[name]
    again = DataSpec.from_json(json.loads(json.dumps(spec.to_json())))
    assert again == spec
    assert list(again.example) == list(spec.example)  # in their order
    assert again.to_json() == spec.to_json()


def test_json_is_plain():
    assert SPECS["images"].to_json() == {
        "example": {"image": ["uint8", [16, 16, 1]], "label": ["int32", []]},
        "classes": ["cat", "dog"],
        "class_counts": [5, 7],
    }
    nested = SPECS["domains"].to_json()["example"]
    assert nested["a"] == {"image": ["uint8", [9, 8, 3]], "label": ["int32", []]}
    assert nested["c"] == {"voxels": ["bool", [4, 5, 6]], "age": ["float32", []]}


def test_json_of_numpy_s_numbers():
    spec = DataSpec(labelled_image(*np.array([8, 8, 1])), ("cat",), tuple(np.array([3])))
    assert json.loads(json.dumps(spec.to_json()))["class_counts"] == [3]


GOOD = SPECS["images"].to_json()
DAMAGED = {
    "nothing": {},
    "a list": [],
    "no classes": {name: GOOD[name] for name in ("example", "class_counts")},
    "no shape": GOOD | {"example": {"image": ["uint8"]}},
    "no dtype": GOOD | {"example": {"image": ["pixels", [8, 8, 1]]}},
    "no sizes": GOOD | {"example": {"image": ["uint8", ["a", "b"]]}},
    "a number": GOOD | {"example": {"image": 3}},
    "no fields": GOOD | {"example": ["image"]},
}


@pytest.mark.parametrize("case", DAMAGED)
def test_damaged_json(case):
    with pytest.raises(ValueError, match=r": does not describe data \(.*\)$") as error:
        DataSpec.from_json(DAMAGED[case])
    assert "\n" not in str(error.value)


def test_image_shape():
    assert SPECS["images"].image_shape == (16, 16, 1)
    assert SPECS["unlabelled"].image_shape == (16, 8, 3)
    assert SPECS["domains"].image_shape == (9, 8, 3)  # of a, the first that has images
    assert DataSpec({"image": labelled_image(9, 8, 3)}).image_shape == (9, 8, 3)  # a domain of that name


@pytest.mark.parametrize(
    "example, names", [(VIDEO, "video, caption"), ({"a": VIDEO, "b": VOXELS}, "a, b"), ({"image": VIDEO}, "image")]
)
def test_no_image(example, names):
    with pytest.raises(ValueError) as error:
        DataSpec(example).image_shape  # noqa: B018  it raises
    assert str(error.value) == f"the examples have no image; they have {names}"


def test_example_batch():
    batch = example_batch(SPECS["domains"].example, batch_size=3, batches=2)
    assert list(batch) == ["b", "a", "c"]
    shapes = {
        "b": {"video": (2, 3, 5, 8, 8, 3), "caption": (2, 3, 7)},
        "a": {"image": (2, 3, 9, 8, 3), "label": (2, 3)},
        "c": {"voxels": (2, 3, 4, 5, 6), "age": (2, 3)},
    }
    for domain, fields in shapes.items():
        assert {name: array.shape for name, array in batch[domain].items()} == fields
        for name, array in batch[domain].items():
            assert isinstance(array, np.ndarray) and array.dtype == SPECS["domains"].example[domain][name].dtype
            assert not array.any()
    assert example_batch(labelled_image(4, 4, 1))["image"].shape == (1, 1, 4, 4, 1)
