"""The spec of an example: which fields it has, and the shape and dtype of each."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import numpy as np

# {"image": u8[H,W,C], "label": i32[]}; other examples have "target", "mask", "caption" i32[L], "video" u8[T,H,W,C],
# "voxels" bool[D,H,W], or what else there is: nothing below asks for a name, a rank or a dtype.
Spec = dict[str, jax.ShapeDtypeStruct]


def labelled_image(height: int, width: int, channels: int) -> Spec:
    """The spec of an 8-bit image with a label."""
    image = jax.ShapeDtypeStruct((height, width, channels), np.uint8)
    return {"image": image, "label": jax.ShapeDtypeStruct((), np.int32)}


class DataSpec(NamedTuple):
    """What a recipe, and the config.json of a run, know of the data.

    Fields:
      example: the spec of an example; of several domains, of each: {"a": {"image": ...}, "b": {"image": ...}}.
      classes: the names of labels 0, 1, ...; () where there are none.
      class_counts: how many examples each class has; () where they are not counted.
    """

    example: Spec | dict[str, Spec]
    classes: tuple[str, ...] = ()
    class_counts: tuple[int, ...] = ()

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(H, W, C) of the field "image", of the first domain that has one. Raises ValueError if there is none."""
        for spec in (self.example, *self.example.values()):
            if isinstance(spec, dict) and isinstance(spec.get("image"), jax.ShapeDtypeStruct):
                return spec["image"].shape
        raise ValueError(f"the examples have no image; they have {', '.join(self.example)}")

    @property
    def seen_shape(self) -> tuple[int, ...]:
        """Of an example as networks and scores see it, channels last: an image's (H, W, C), (D, H, W, 1) of voxels, a video's
        (T, H, W, C). Raises ValueError as `image_shape`.
        """
        if self.kind == "image":
            return self.image_shape
        return (*self.example[self.kind].shape, *[1] * (self.kind == "voxels"))

    @property
    def kind(self) -> str:
        """The name of what is seen of an example, of `pictures.kinds`: its field "voxels" or "video" if it has one, or "image"."""
        return next((name for name in ("voxels", "video") if name in self.example), "image")

    @property
    def voxels_side(self) -> int:
        """The side S of voxels [S, S, S]. Raises ValueError if the examples have none, or no cubes."""
        voxels = self.example.get("voxels")
        if not isinstance(voxels, jax.ShapeDtypeStruct):
            raise ValueError(f"the examples have no voxels; they have {', '.join(self.example)}")
        if len(set(voxels.shape)) != 1:
            raise ValueError(f"voxels {'×'.join(map(str, voxels.shape))}: must be a cube")
        return voxels.shape[0]

    @property
    def video_shape(self) -> tuple[int, int, int, int]:
        """(T, H, W, C) of videos of square frames. Raises ValueError if the examples have none."""
        video = self.example.get("video")
        if not isinstance(video, jax.ShapeDtypeStruct):
            raise ValueError(f"the examples have no video; they have {', '.join(self.example)}")
        if video.shape[1] != video.shape[2]:
            raise ValueError(f"frames {video.shape[1]}×{video.shape[2]}: must be square")
        return video.shape

    def to_json(self) -> dict[str, Any]:
        """What JSON can hold.

        {"example": {"image": ["uint8", [16, 16, 1]], "label": ["int32", []]}, "classes": ["cat"], "class_counts": [9]};
        the example is nested where there are domains.
        """
        example = _each(lambda field: [field.dtype.name, [int(size) for size in field.shape]], self.example)
        return {"example": example, "classes": list(self.classes), "class_counts": list(map(int, self.class_counts))}

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> "DataSpec":
        """Of what `to_json` made. Raises ValueError if it did not."""
        try:
            example = _each(lambda field: jax.ShapeDtypeStruct(tuple(map(int, field[1])), field[0]), content["example"])
            return cls(example, tuple(content["classes"]), tuple(content["class_counts"]))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{content}: does not describe data ({type(error).__name__}: {error})") from error


def example_batch(spec: Spec | dict[str, Spec], batch_size: int = 1, batches: int = 1) -> dict:
    """A step's batch of zeros, [batches, batch_size, ...] of each field, for its shapes. Nested as the spec is."""
    return _each(lambda field: np.zeros((batches, batch_size, *field.shape), field.dtype), spec)


def _each(act: Callable[[Any], Any], spec: dict[str, Any]) -> dict[str, Any]:
    """Acts on each field. Unlike `jax.tree.map`, it keeps the order of fields and domains."""
    return {name: _each(act, one) if isinstance(one, dict) else act(one) for name, one in spec.items()}
