"""Images and their degraded twins: what restoration learns to undo. A new task is a new function here, and nothing else.

A degradation is a function (image uint8 [H, W, C], amount, random numbers) -> the fields of an example beside its "target", which
is the image itself: {"image": what is left of it}, and {"mask": bool [H, W, 1]} where something is missing, True there.
"""

import dataclasses
import functools
import io
from collections.abc import Callable
from typing import NamedTuple

import jax
import numpy as np
from PIL import Image, ImageDraw
from scipy import ndimage

from gan_jax.colour import LUMINANCE, linear
from gan_jax.data import pixels
from gan_jax.data.fingerprint import of_names
from gan_jax.data.source import Source
from gan_jax.data.spec import Spec

Random = np.random.RandomState
Fields = dict[str, np.ndarray]

HOLES = ("center", "random", "freeform")
MISSING = 128  # what is seen of what is missing: gray
# Of the pieces of `data.photos` that are trained on: KMeans(8, random_state=0) of every 20th pixel, by scikit-learn.
PALETTE = np.array(
    [
        [12, 29, 24],
        [2, 69, 71],
        [70, 56, 40],
        [189, 75, 30],
        [115, 107, 80],
        [219, 159, 101],
        [152, 158, 150],
        [218, 227, 238],
    ]
)
CLUSTER_BLUR = 1.5  # pixels
VERSIONS = 16  # of each image that is learnt, where chance has a part in them


def gray(image: np.ndarray, amount: None, random: Random) -> Fields:
    """Without its colours: [H, W, 1], luma as Pillow has it (ITU-R BT.601, black 0, white 255)."""
    return {"image": _of_pillow(_to_pillow(image).convert("L"))}


def lightness(image: np.ndarray, amount: None, random: Random) -> Fields:
    """The grays that are as light as its colours: [H, W, 1], of equal L of CIELAB (`gan_jax.colour`), rounded."""
    light = linear(np.arange(256) / 127.5 - 1)  # of each level
    luminance = light[image] @ LUMINANCE if image.shape[-1] == 3 else light[image[..., 0]]
    return {"image": np.round(np.interp(luminance, light, np.arange(256))).astype(np.uint8)[..., None]}


def downscale(image: np.ndarray, amount: int, random: Random) -> Fields:
    """`amount` times smaller on each side, bicubic, antialiased. Raises ValueError if it does not divide the sides."""
    height, width = image.shape[:2]
    if height % amount or width % amount:
        raise ValueError(f"downscale:{amount}: does not divide the sides of images of {height}x{width}")
    small = (height // amount, width // amount)
    return {"image": pixels.resize(image[None], small, "none", Image.Resampling.BICUBIC)[0]}


def hole(image: np.ndarray, amount: str, random: Random) -> Fields:
    """A part is missing. center: a square of half the sides; random: a rectangle, its sides a quarter to a half; freeform: strokes.

    The strokes are broken lines of random widths (as in Yu et al. 2019, arXiv:1806.03589, section 3.2, of fewer parameters).
    """
    height, width = image.shape[:2]
    if amount == "freeform":
        mask = _strokes(height, width, random)
    else:
        mask = np.zeros((height, width), bool)
        centred = amount == "center"
        high, wide = (side // 2 if centred else random.randint(side // 4, side // 2 + 1) for side in (height, width))
        top, left = (room // 2 if centred else random.randint(room + 1) for room in (height - high, width - wide))
        mask[top : top + high, left : left + wide] = True
    return {"image": np.where(mask[..., None], np.uint8(MISSING), image), "mask": mask[..., None]}


def edges(image: np.ndarray, amount: None, random: Random) -> Fields:
    """A drawing of its edges, black on white: [H, W, 1]. The stronger, the darker, by Sobel's filters of its luma."""
    luma = np.asarray(_to_pillow(image).convert("L"), float)
    slope = np.hypot(ndimage.sobel(luma, 0), ndimage.sobel(luma, 1)) / 4  # of a step by one: 1
    return {"image": (255 - np.clip(2 * slope, 0, 255)).astype(np.uint8)[..., None]}


def clusters(image: np.ndarray, amount: None, random: Random) -> Fields:
    """A label map: of a little blurred image each pixel's nearest of PALETTE, "labels", and in that one's colour, "image"."""
    if image.shape[-1] != 3:
        raise ValueError("degrade=clusters: of images in colour")
    blurred = ndimage.gaussian_filter(image.astype(float), (CLUSTER_BLUR, CLUSTER_BLUR, 0))
    labels = np.argmin(((blurred[..., None, :] - PALETTE) ** 2).sum(-1), axis=-1)
    return {"labels": labels.astype(np.int32)[..., None], "image": PALETTE[labels].astype(np.uint8)}


def noise(image: np.ndarray, amount: float, random: Random) -> Fields:
    """With normal noise, its deviation `amount` times white; cut off at black and white."""
    noisy = image + 255 * amount * random.standard_normal(image.shape)
    return {"image": np.clip(np.round(noisy), 0, 255).astype(np.uint8)}


def jpeg(image: np.ndarray, amount: int, random: Random) -> Fields:
    """Stored as JPEG of this quality, and read again."""
    file = io.BytesIO()
    _to_pillow(image).save(file, "JPEG", quality=amount)
    return {"image": _of_pillow(Image.open(file))}


class Degradation(NamedTuple):
    """Fields: function; usual: its amount unless another is given, None if it has none; allowed: amounts; drawn: the amounts with
    which chance has a part in it, or whether it always has."""

    function: Callable[[np.ndarray, object, Random], Fields]
    usual: int | float | str | None = None
    allowed: tuple = ()
    drawn: bool | tuple = False


DEGRADATIONS: dict[str, Degradation] = {
    "gray": Degradation(gray),
    "lightness": Degradation(lightness),
    "downscale": Degradation(downscale, 4, (2, 8)),
    "hole": Degradation(hole, "center", HOLES, drawn=HOLES[1:]),
    "edges": Degradation(edges),
    "clusters": Degradation(clusters),
    "noise": Degradation(noise, 0.1, (0.0, 1.0), drawn=True),
    "jpeg": Degradation(jpeg, 20, (1, 95)),
}


@dataclasses.dataclass(frozen=True)
class Degraded:
    """A `Source` of the images of another, each as "target", with what a degradation leaves of it; its labels are kept.

    Where chance has a part there are several versions of each image: example i is of image i mod N, and always the same.
    """

    source: Source
    name: str
    amount: int | float | str | None
    versions: int = 1

    def __len__(self) -> int:
        return len(self.source) * (self.versions if self.by_chance else 1)

    def __getitem__(self, indices: np.ndarray) -> dict[str, np.ndarray]:
        whole = self.source[np.asarray(indices) % len(self.source)]
        each = [self._degraded(*pair) for pair in zip(whole["image"], indices, strict=True)]
        fields = {name: np.stack([one[name] for one in each]) for name in self._spec} if each else {}
        empty = {name: np.zeros((0, *field.shape), field.dtype) for name, field in self._spec.items()}
        others = {name: value for name, value in whole.items() if name != "image"}
        return {**(fields or empty), "target": whole["image"], **others}

    @property
    def by_chance(self) -> bool:
        """Whether chance has a part in it."""
        drawn = DEGRADATIONS[self.name].drawn
        return drawn if isinstance(drawn, bool) else self.amount in drawn

    def _degraded(self, image: np.ndarray, index: int) -> Fields:
        return DEGRADATIONS[self.name].function(image, self.amount, np.random.RandomState([index, 17]))

    @functools.cached_property
    def _spec(self) -> Spec:
        """Of what is left."""
        field = self.source.spec["image"]
        left = self._degraded(np.zeros(field.shape, np.uint8), 0)
        return {name: jax.ShapeDtypeStruct(value.shape, value.dtype) for name, value in left.items()}

    @property
    def spec(self) -> Spec:
        others = {name: field for name, field in self.source.spec.items() if name != "image"}
        return {**self._spec, "target": self.source.spec["image"], **others}

    @property
    def classes(self) -> tuple[str, ...]:
        return self.source.classes

    @functools.cached_property
    def labels(self) -> np.ndarray:
        return np.tile(self.source.labels, len(self) // max(1, len(self.source)))

    @property
    def digest(self) -> str | None:
        own = getattr(self.source, "digest", None)
        return own and of_names([(f"{own} {self.name}:{self.amount}", len(self))])


def degraded(source: Source, text: str, versions: int = 1) -> Degraded:
    """The pairs of a degradation named as in "gray" or "downscale:4".

    Args: versions: of each image, where chance has a part in them.
    Raises ValueError if there is no such degradation, or images do not fit.
    """
    pairs = Degraded(source, *parse(text), versions)
    pairs._degraded(np.zeros(source.spec["image"].shape, np.uint8), 0)  # whether they fit
    return pairs


def of_image(image: np.ndarray, text: str, seed: int) -> Fields:
    """The example of an image uint8 [H, W, C] and a degradation, of `seed` where chance has a part, with the image as "target".

    Rows and columns at the end for which a smaller image has no pixel are left out. Raises ValueError as `degraded`.
    """
    name, amount = parse(text)
    if name == "downscale":
        image = image[: image.shape[0] // amount * amount, : image.shape[1] // amount * amount]
    return {**DEGRADATIONS[name].function(image, amount, np.random.RandomState([seed, 19])), "target": image}


def parse(text: str) -> tuple[str, int | float | str | None]:
    """The name of a degradation and its amount. Raises ValueError if there is none."""
    name, colon, amount = text.partition(":")
    if name not in DEGRADATIONS:
        raise ValueError(f"degrade={text}: unknown degradation {name!r}; choose from {', '.join(DEGRADATIONS)}")
    kind = DEGRADATIONS[name]
    return name, _amount(text, kind, amount) if colon else kind.usual


def _amount(text: str, kind: Degradation, amount: str) -> int | float | str:
    if kind.usual is None:
        raise ValueError(f"degrade={text}: {text.partition(':')[0]} takes no amount")
    if isinstance(kind.usual, str):
        if amount not in kind.allowed:
            raise ValueError(f"degrade={text}: choose from {', '.join(kind.allowed)}")
        return amount
    low, high = kind.allowed
    try:
        value = type(kind.usual)(amount)
        fits = low <= value <= high
    except ValueError:
        fits = False
    if not fits:
        what = "a whole number" if isinstance(kind.usual, int) else "a number"
        raise ValueError(f"degrade={text}: must be {what} from {low:g} to {high:g}")
    return value


def _strokes(height: int, width: int, random: Random) -> np.ndarray:
    """A mask of one to four broken lines."""
    mask, side = Image.new("1", (width, height)), min(height, width)
    draw = ImageDraw.Draw(mask)
    for _ in range(random.randint(1, 5)):
        place, angle = random.uniform(0, (width, height)), random.uniform(0, 2 * np.pi)
        thickness = random.uniform(side / 16, side / 6)
        for _ in range(random.randint(2, 7)):
            angle += random.uniform(-1, 1) + np.pi * (random.uniform() < 0.3)
            end = np.clip(
                place + random.uniform(side / 10, side / 3) * np.array([np.cos(angle), np.sin(angle)]),
                0,
                (width, height),
            )
            draw.line([*place, *end], fill=1, width=max(1, round(thickness)))
            draw.ellipse([*(end - thickness / 2), *(end + thickness / 2)], fill=1)
            place = end
    return np.array(mask)


def _to_pillow(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def _of_pillow(image: Image.Image) -> np.ndarray:
    return np.asarray(image).reshape(image.height, image.width, -1)
