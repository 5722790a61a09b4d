"""The scores by name: what each is computed from, which way is better, and the number.

One more is a function of two sets of images and a line in SCORES.
"""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np

from gan_jax.evaluation import metrics, solids, videos
from gan_jax.evaluation.features import Extractor, Features, extract

KINDS = ("image", "voxels", "video")
PIXELS = 2000  # images that scores of pixels are computed from, at most


class Images(NamedTuple):
    """A set of images, as the scores see it.

    Fields:
      count: how many there are.
      pixels: the first of them, PIXELS at most, uint8 [n, ..., C].
      features: of all; None without an extractor.
    """

    count: int
    pixels: np.ndarray
    features: Features | None


class Score(NamedTuple):
    """How images are scored.

    Fields: compute: (real, fake) -> the numbers by name; better: "lower" or "higher", None where it should be as real ones score;
    sees: one of KINDS, whose pixels it takes, or of an extractor "features" or "classes", the probabilities of classes that the
    images have.
    """

    compute: Callable[[Images, Images], dict[str, float]]
    better: str | None
    sees: str


def look(batches: Iterable[np.ndarray], count: int, extractor: Extractor | None, *, title: str = "") -> Images:
    """Reads a set of `count` uint8 images, which come in batches [B, H, W, C]; keeps what the scores need of it.

    Args: title: of the progress bar; "" for none. Raises as `features.extract`.
    """
    kept: list[np.ndarray] = []

    def passing():
        for images in batches:
            missing = PIXELS - sum(map(len, kept))
            if missing > 0:
                kept.append(np.array(images[:missing]))  # a copy, which does not hold on to the batch
            elif extractor is None:
                return
            yield images

    features = extract(extractor, passing(), total=count, title=title) if extractor else None
    if extractor is None:
        deque(passing(), maxlen=0)
    if not kept:
        raise ValueError("there are no images to look at")
    return Images(count, np.concatenate(kept), features)


def compute(names: Sequence[str], real: Images, fake: Images, extractor: Extractor | None) -> dict[str, float]:
    """The scores of `names`, under names that state the extractor and how many images were compared.

    {"frechet_distance[mnist-cnn,10k]": 3.2, "sliced_wasserstein_28[2k]": 11.5, ...}. Only Inception's Fréchet distance
    is FID, and only its kernel distance KID. Raises ValueError for what a score cannot be computed from.
    """
    found = {}
    for name in names:
        score = SCORES[name]
        if score.sees in KINDS:
            what = _counts(len(real.pixels), len(fake.pixels))
        else:
            what = f"{extractor.name},{_counts(real.count, fake.count)}"
        try:
            numbers = score.compute(real, fake)
        except ValueError as error:
            raise ValueError(f"{name} of {real.count} real and {fake.count} other images: {error}") from error
        for number, value in numbers.items():
            if extractor and extractor.name == "inception":
                number = INCEPTIONS.get(number, number)
            found[f"{number}[{what}]"] = float(value)
    return found


def better(number: str) -> str | None:
    """Which way a number that `compute` names is better, "lower" or "higher"; None if it is none of a score."""
    base = number.partition("[")[0]
    base = {inceptions: name for name, inceptions in INCEPTIONS.items()}.get(base, base)
    if base == "elbo" or base.startswith(
        ("iwae_", "psnr", "ssim", "labels_kept", "linear_svm", "same_class")
    ):  # `runs.likelihood`, `restoration`, `runs.domain_scores`, `runs.linear_svm`, `runs.frame_scores`
        return "higher"
    if base in ("perceptual", "path_length", "frame_frechet_distance") or base.split("_")[0] == "l1":
        return "lower"
    for name, score in SCORES.items():  # as precision and recall of precision_recall, or sliced_wasserstein_28
        if base == name or base in name.split("_") or base.startswith(f"{name}_"):
            return score.better
    return None


def of_kind(kind: str) -> list[str]:
    """The names of the scores of what is of a kind, one of KINDS."""
    return [name for name, score in SCORES.items() if score.sees == kind or score.sees not in KINDS]


def ranking(kind: str) -> list[str]:
    """The names of the scores of a kind by which one set is better than another."""
    return [name for name in of_kind(kind) if SCORES[name].better]


def computable(extractor: Extractor | None, kind: str = "image") -> list[str]:
    """The names of the scores of a kind that can be computed with this extractor, or with none."""
    seen = {
        "features": extractor is not None,
        "classes": extractor is not None and extractor.knows_classes,
    }
    return [name for name in of_kind(kind) if seen.get(SCORES[name].sees, True)]


def needing(names: Sequence[str], *seen: str) -> list[str]:
    """Those of `names` that are scores that see one of these, as `Score.sees` has it."""
    return [name for name in names if name in SCORES and SCORES[name].sees in seen]


def short(count: int) -> str:
    """10000 -> "10k"; 1797 -> "1797"."""
    return f"{count // 1000}k" if count % 1000 == 0 and count else str(count)


def _counts(real: int, fake: int) -> str:
    """10000 and 10000 -> "10k"; 1797 and 10000 -> "1797 real,10k fake"."""
    return short(real) if real == fake else f"{short(real)} real,{short(fake)} fake"


def _mode_coverage(real: Images, fake: Images) -> metrics.Coverage:
    labels = [images.features.probabilities.argmax(axis=1) for images in (fake, real)]
    return metrics.mode_coverage(labels[0], real.features.probabilities.shape[1], labels[1])


def _of_features(measure: Callable, *names: str) -> Callable[[Images, Images], dict[str, float]]:
    """A score by a measure of the features of real and fake images."""

    def compute(real: Images, fake: Images) -> dict[str, float]:
        return dict(zip(names, np.atleast_1d(measure(real.features.features, fake.features.features))))

    return compute


SCORES = {
    "frechet_distance": Score(_of_features(metrics.frechet_distance, "frechet_distance"), "lower", "features"),
    "kernel_distance": Score(
        _of_features(lambda real, fake: metrics.kernel_distance(real, fake)[0], "kernel_distance"), "lower", "features"
    ),
    "precision_recall": Score(_of_features(metrics.precision_recall, "precision", "recall"), "higher", "features"),
    "density_coverage": Score(_of_features(metrics.density_coverage, "density", "coverage"), "higher", "features"),
    "inception_score": Score(
        lambda real, fake: {"inception_score": metrics.inception_score(fake.features.probabilities)[0]},
        "higher",
        "classes",
    ),
    "mode_score": Score(
        lambda real, fake: {"mode_score": metrics.mode_score(fake.features.probabilities, real.features.probabilities)},
        "higher",
        "classes",
    ),
    "modes": Score(lambda real, fake: {"modes": _mode_coverage(real, fake).modes}, "higher", "classes"),
    "reverse_kl": Score(lambda real, fake: {"reverse_kl": _mode_coverage(real, fake).reverse_kl}, "lower", "classes"),
    "sliced_wasserstein": Score(
        lambda real, fake: {
            f"sliced_wasserstein_{side}": distance
            for side, distance in metrics.sliced_wasserstein(real.pixels, fake.pixels).items()
        },
        "lower",
        "image",
    ),
    "ms_ssim": Score(lambda real, fake: {"ms_ssim": metrics.ms_ssim(fake.pixels)}, "lower", "image"),
    "components": Score(
        lambda real, fake: {"components": np.mean(solids.components(fake.pixels[..., 0] > 0))}, None, "voxels"
    ),
    "symmetry": Score(
        lambda real, fake: {"symmetry": np.mean(solids.symmetry(fake.pixels[..., 0] > 0))}, None, "voxels"
    ),
    "speed": Score(lambda real, fake: {"speed": np.mean(videos.speeds(fake.pixels))}, None, "video"),
    "bounces": Score(lambda real, fake: {"bounces": np.mean(videos.bounces(fake.pixels))}, None, "video"),
    "repeats": Score(lambda real, fake: {"repeats": np.mean(videos.repeats(fake.pixels))}, None, "video"),
}
# What others call these, with Inception's features.
INCEPTIONS = {"frechet_distance": "FID", "kernel_distance": "KID"}
