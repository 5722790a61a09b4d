"""Images to features and class probabilities, by a network that was trained on other images.

Scores of different networks cannot be compared, so an extractor's name is part of every score's name. Those in
`gan_jax/evaluation/extractors` were trained by `experiments.classifier`; weights are part of a measure's definition,
so they come with the project, and everybody measures with the same.
"""

import io
import itertools
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from flax import traverse_util
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from tqdm import tqdm

from gan_jax.networks import cnn, inception
from gan_jax.training.checkpoint import checksum
from gan_jax.training.files import replace_file

EXTRACTORS = Path(__file__).parent / "extractors"
OF_KINDS = {"voxels": "furniture", "video": "moving_1_digits"}  # which of them sees what none was trained for
CHUNK = 128  # images a pass

Array = jax.Array


class Features(NamedTuple):
    """What is known of N images: features [N, d] and class probabilities [N, K], float32."""

    features: np.ndarray
    probabilities: np.ndarray


class Extractor(NamedTuple):
    """A network that looks at images.

    Fields:
      name: "mnist-cnn", "inception"; part of the names of all scores.
      channels: of the images that it takes; several where it takes more than one kind.
      apply: (variables, images [B, H, W, C] of any size, uint8 or floats in [0, 255]) -> (features [B, d], probabilities
        [B, K]). Differentiable in floats.
      variables: the network's.
      classes: what it calls them, in order; () where that is not known.
      knows_classes: whether it was trained for such images, so that its class probabilities say something of them.
      maps: (variables, images as `apply`'s) -> the maps [B, h, w, c] of its convolutions, of the images as large as they are;
        None where they are not known. Differentiable in floats.
      logits: (variables, images as `apply`'s) -> the logits [B, K] of the class probabilities; None where they are not known.
        Differentiable in floats.
      sides: (H, W), or (D, H, W), of the images or volumes that it was trained on, to which others are resized; () if unknown.
      rank: the axes of one: 3 of an image [H, W, C], 4 of a volume [D, H, W, C].
    """

    name: str
    channels: tuple[int, ...]
    apply: Callable[[dict, Array], tuple[Array, Array]]
    variables: dict
    classes: tuple[str, ...] = ()
    knows_classes: bool = True
    maps: Callable[[dict, Array], list[Array]] | None = None
    logits: Callable[[dict, Array], Array] | None = None
    sides: tuple[int, ...] = ()
    rank: int = 3

    @property
    def fingerprint(self) -> str:
        """CRC-32 of all weights: equal for equal networks."""
        return f"{checksum(self.variables):08x}"


def save_classifier(path: str | Path, variables: dict, **described) -> None:
    """Writes a `cnn.Classifier` as an extractor: one .npz of its weights and of what describes it.

    Args: described: name, image_shape (H, W, C) or (D, H, W, C), num_classes, width, maybe classes, and what else is worth knowing.
    """
    arrays = {name: np.asarray(leaf) for name, leaf in traverse_util.flatten_dict(variables, sep="/").items()}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, described=np.array(json.dumps(described)), **arrays)
    replace_file(path, buffer.getvalue())


def load_classifier(path: str | Path) -> Extractor:
    """The extractor of a file that `save_classifier` wrote. Images are resized to those that it was trained on.

    One for RGB takes gray images too, as three equal channels. Unless it comes with the project, its name ends with its
    fingerprint, for others may be trained on the same images.

    Raises FileNotFoundError, or ValueError if the file is no such file.
    """
    path = Path(path)
    if not path.exists():
        raise FileNotFoundError(f"no extractor {path}; python -m experiments.classifier trains one")
    try:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file.files}
        described = json.loads(str(arrays.pop("described")))
        name, num_classes, width = (described[field] for field in ("name", "num_classes", "width"))
        *sides, channels = described["image_shape"]
        variables, network = traverse_util.unflatten_dict(arrays, sep="/"), cnn.Classifier(num_classes, width)
        example = jnp.zeros((1, *sides, channels))
        fresh = jax.eval_shape(lambda: network.init(jax.random.key(0), example, train=False))
        if jax.tree.map(jnp.shape, fresh) != jax.tree.map(jnp.shape, variables):
            raise ValueError("its weights are those of another network")
    except Exception as error:  # whatever the damage makes numpy raise
        raise ValueError(f"{path} is no extractor, or damaged: {error}") from error

    def outputs(variables: dict, images: Array) -> tuple[Array, Array]:
        shape = (len(images), *sides, images.shape[-1])
        pixels = jax.image.resize(images.astype(jnp.float32), shape, "linear")  # antialiased where it shrinks
        pixels = jnp.broadcast_to(pixels, (*shape[:-1], channels))
        with jax.default_matmul_precision("highest"):  # on accelerators too, so that all measure the same
            _, out = network.apply(variables, pixels / 127.5 - 1, train=False)
        return out["features"], out["class_logits"]

    def apply(variables: dict, images: Array) -> tuple[Array, Array]:
        found, logits = outputs(variables, images)
        return found, jax.nn.softmax(logits)

    def maps(variables: dict, images: Array) -> list[Array]:
        pixels = jnp.broadcast_to(images.astype(jnp.float32), (*images.shape[:-1], channels))
        convolutions = cnn.Maps(width, cnn.halvings(sides[-1]))
        with jax.default_matmul_precision("highest"):
            return convolutions.apply(variables, pixels / 127.5 - 1)

    taken = (1, 3) if channels == 3 else (channels,)
    logits = lambda variables, images: outputs(variables, images)[1]
    classes = tuple(described.get("classes", ()))
    shapes = dict(sides=tuple(sides), rank=len(sides) + 1)
    found = Extractor(name, taken, apply, variables, classes, maps=maps, logits=logits, **shapes)
    own = path.parent.resolve() != EXTRACTORS.resolve()
    return found._replace(name=f"{name}-{found.fingerprint}") if own else found


def for_any_images(image_shape: tuple[int, ...]) -> Extractor | None:
    """The network for images that none was trained for, whatever they show: it knows emoji, and so colours and shapes.

    None for what is no image [H, W, C] in gray or RGB.
    """
    if len(image_shape) != 3 or image_shape[-1] not in (1, 3):
        return None
    return load_classifier(EXTRACTORS / "emoji.npz")._replace(knows_classes=False)


def for_any(kind: str, shape: tuple[int, ...]) -> Extractor | None:
    """The network for what is of a kind that none was trained for: voxels by one that knows furniture, videos by one that knows
    moving digits, in gray. None if there is none for so many channels.
    """
    if kind == "image":
        return for_any_images(shape)
    if shape[-1] not in (1, 3):
        return None
    found = load_classifier(EXTRACTORS / f"{OF_KINDS[kind]}.npz")
    gray = lambda images: jnp.mean(images.astype(jnp.float32), axis=-1, keepdims=True)
    apply = lambda variables, images: found.apply(variables, gray(images))
    return found._replace(apply=apply, channels=(1, 3), knows_classes=False, maps=None, logits=None)


def of_each_channel(extractor: Extractor, channels: int = 3) -> Extractor:
    """One for images whose channels are images of their own, as of `data.stacked`.

    Features are those of all channels, side by side; classes are all tuples of the extractor's, and their probabilities the
    products.
    """

    def apply(variables: dict, images: Array) -> tuple[Array, Array]:
        apart = jnp.moveaxis(images, -1, 1).reshape(-1, *images.shape[1:3], 1)
        features, probabilities = extractor.apply(variables, apart)
        each = probabilities.reshape(len(images), channels, -1)
        joint = each[:, 0]
        for channel in range(1, channels):
            joint = (joint[:, :, None] * each[:, None, channel]).reshape(len(images), -1)
        return features.reshape(len(images), -1), joint

    classes = tuple("".join(names) for names in itertools.product(extractor.classes, repeat=channels))
    name = f"stacked_{extractor.name}"  # as the dataset is called
    return extractor._replace(name=name, channels=(channels,), apply=apply, classes=classes, maps=None, logits=None)


def of_hues(extractor: Extractor) -> Extractor:
    """One for gray images that were given a hue, as of `data.recolored`: a colour whose brightest channel is as bright as white.

    Features are those of all channels, side by side; classes are those of the brightest at each place.
    """
    each = of_each_channel(extractor)

    def apply(variables: dict, images: Array) -> tuple[Array, Array]:
        features, _ = each.apply(variables, images)
        return features, extractor.apply(variables, jnp.max(images, axis=-1, keepdims=True))[1]

    return each._replace(name=f"colored_{extractor.name}", apply=apply, classes=extractor.classes)


def load_inception(path: str | Path) -> Extractor:
    """InceptionV3 as used for FID, with the weights of a PyTorch file (`networks.inception.load`)."""

    def apply(variables: dict, images: Array) -> tuple[Array, Array]:
        _, out = inception.InceptionV3().apply(variables, images)
        # The Inception score's authors leave out the last layer's bias.
        return out["features"], jax.nn.softmax(out["unbiased_logits"])

    return Extractor("inception", (1, 3), apply, inception.load(path))


def extract(extractor: Extractor, batches: Iterable[np.ndarray], *, total: int, title: str = "") -> Features:
    """The features of uint8 images that come in batches [B, H, W, C]; on all devices of this process.

    Args: total: how many images come, for the bar; title: of the progress bar; "" for no bar.
    Raises ValueError if the images have the wrong number of channels, or there are none.
    """
    devices = np.array(jax.local_devices())
    spread = NamedSharding(Mesh(devices, ("data",)), PartitionSpec("data"))
    whole = NamedSharding(Mesh(devices, ("data",)), PartitionSpec())
    variables = jax.device_put(extractor.variables, whole)
    apply = jax.jit(extractor.apply, out_shardings=spread)
    found = []  # of each chunk; the last is padded
    with tqdm(total=total, desc=title, unit="image", disable=not title, dynamic_ncols=True) as bar:
        for images in _chunks(batches, CHUNK * len(devices)):
            require_fitting(extractor, images.shape[1:])
            padded = np.zeros((CHUNK * len(devices), *images.shape[1:]), np.uint8)
            padded[: len(images)] = images
            outputs = apply(variables, jax.device_put(padded, spread))
            found.append([np.asarray(x)[: len(images)] for x in outputs])
            bar.update(len(images))
    if not found:
        raise ValueError("there are no images to look at")
    return Features(*(np.concatenate(column) for column in zip(*found)))


def require_fitting(extractor: Extractor, shape: tuple[int, ...]) -> None:
    """Raises ValueError unless the extractor takes what has such a shape, with as many axes and channels."""
    if len(shape) != extractor.rank:
        names = {3: "images", 4: "volumes"}
        raise ValueError(f"{extractor.name} takes {names[extractor.rank]}, these are {names[len(shape)]}")
    if shape[-1] not in extractor.channels:
        taken = " or ".join(map(str, extractor.channels))
        raise ValueError(f"{extractor.name} takes images of {taken} channels, these have {shape[-1]}")


def _chunks(batches: Iterable[np.ndarray], size: int) -> Iterator[np.ndarray]:
    """The images of all batches in pieces of `size`, the last of what is left."""
    waiting: list[np.ndarray] = []
    for images in batches:
        waiting.append(images)
        if sum(map(len, waiting)) >= size:
            images = np.concatenate(waiting)
            whole = len(images) - len(images) % size
            yield from np.split(images[:whole], whole // size)
            waiting = [images[whole:]]
    if any(map(len, waiting)):
        yield np.concatenate(waiting)
