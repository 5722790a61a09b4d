"""Two metrics on the pixels of images: how far samples are from the data, and how much they resemble one another.

Both take uint8 images and need no trained network. Both draw from `numpy.random.RandomState(seed)`, whose stream NumPy
keeps fixed, so a value can be had again, but for rounding.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import correlate1d

PATCH = 7  # side of a descriptor
SMOOTH = np.array([1, 4, 6, 4, 1]) / 16  # the filter of Laplacian pyramids, along one axis
SCALE_WEIGHTS = np.array([0.0448, 0.2856, 0.3001, 0.2363, 0.1333])  # of MS-SSIM, from fine to coarse
WINDOW, WINDOW_SIGMA = 11, 1.5  # of SSIM, in pixels
C1, C2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2  # of SSIM, for pixels in 0..255
CHUNK = 2**20  # about so many numbers of images at once, and
DIRECTIONS = 16  # so many directions, which bounds memory


def sliced_wasserstein(
    real: np.ndarray,
    fake: np.ndarray,
    *,
    seed: int = 0,
    patches: int = 128,
    directions: int = 512,
) -> dict[int, float]:
    """The sliced Wasserstein distance of patches, one for each level of a Laplacian pyramid; 0 for equal sets.

    Karras et al. 2018 (Progressive GAN, arXiv:1710.10196, section 5), as in their code, metrics/sliced_wasserstein.py:
    from every image and level, `patches` random 7×7 patches; each set's patches of a level are brought to mean 0 and
    deviation 1 per channel by their own statistics and projected on random unit directions; the distance is the mean
    of |a - b| over the sorted projections a and b, and over directions (4 repeats of 128 in theirs), times 1000. So a
    set's overall brightness and contrast do not count. The value falls with the number of images, as samples of one
    distribution come closer: compare values at equal numbers only.

    Where their code leaves it open, or ours differs:
      - Levels go on while the smaller side is at least 16, as in theirs; here the first is there even if it is below.
      - A level of odd side n is followed by one of (n + 1) / 2, the pixels of even index; theirs takes even sides only.
        A level that is not square is named by its smaller side.
      - Pixels are 0..255, as in theirs. (Another range would give the same but for rounding: patches are normalised.)
      - Both sets' patches are at the same positions, image by image; theirs draws each set's. So equal sets are at
        distance exactly 0, and the distance is symmetric. Directions are the same for both sets in theirs too.
      - Of the larger set only the first images are taken, as many as the other has; theirs needs equal numbers.
      - A channel that is constant (deviation 0) is 0 after normalising; theirs gives NaN.

    Memory: about 50 kB for each image of `real` and channel, at 128 patches. Sorting uses all CPU cores.

    Args:
      real, fake: uint8 images [N, H, W, C] and [M, H, W, C]; N and M at least 2, H and W at least 7, C 1 or 3.
      seed: of the positions and the directions, 0 .. 2³² - 1.
      patches: per image and level.
      directions: per level, each uniform on the sphere.
    Returns: {side in pixels: distance × 1000}, from the finest level to the coarsest.
    Raises ValueError for images that are not so, or if a number is below 1.
    """
    _check("sliced_wasserstein", real, fake, number=2, side=PATCH)
    if min(patches, directions) < 1:
        raise ValueError(f"sliced_wasserstein needs at least 1 patch and 1 direction, got {patches} and {directions}")
    number = min(len(real), len(fake))
    state = np.random.RandomState(seed)
    distances = {}
    sides = _sides(real.shape[1:3], 16)
    for level, (height, width) in enumerate(sides):
        rows = state.randint(0, height - PATCH + 1, size=(number, patches))
        columns = state.randint(0, width - PATCH + 1, size=(number, patches))
        coarsest = level == len(sides) - 1
        a, b = (_descriptors(images[:number], level, coarsest, rows, columns) for images in (real, fake))
        vectors = state.randn(directions, a.shape[1])
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        distances[min(height, width)] = 1e3 * _mean_distance(a, b, vectors.astype(np.float32))
    return distances


def ms_ssim(images: np.ndarray, *, pairs: int = 1000, seed: int = 0) -> float:
    """How much images resemble one another: the mean of `multi_scale_ssim` over random pairs; 1 if all are the same.

    Odena et al. 2017 (AC-GAN, arXiv:1610.09585, section 4.2), who take 100 pairs within each class. A value above that
    of real images means that samples are less diverse than those.

    Args:
      images: uint8 [N, H, W, C], N at least 2, C 1 or 3.
      pairs: how many, each of two different indices, drawn independently: a pair may come twice.
      seed: of the pairs, 0 .. 2³² - 1.
    Returns: a number in [0, 1].
    Raises ValueError for images that are not so, or if there are no pairs.
    """
    _check("ms_ssim", images, images, number=2)
    if pairs < 1:
        raise ValueError(f"ms_ssim needs at least 1 pair, got {pairs}")
    state = np.random.RandomState(seed)
    first = state.randint(0, len(images), size=pairs)
    second = (first + state.randint(1, len(images), size=pairs)) % len(images)
    return float(multi_scale_ssim(images[first], images[second]).mean())


def multi_scale_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The multi-scale structural similarity of image i of `a` and image i of `b`: symmetric, 1 if they are equal.

    Wang, Simoncelli, Bovik 2003 (Multiscale structural similarity for image quality assessment, eq. 7): the product
    over five scales, each to its weight, of the mean of contrast times structure, at the coarsest scale of SSIM, which
    has luminance too. Statistics are those of a Gaussian window of 11×11, σ 1.5, wherever it fits in the image;
    K₁ 0.01, K₂ 0.03, L 255; each next scale is the means of 2×2 pixels.

    Conventions, the first three as in tf.image.ssim_multiscale:
      - A negative mean counts as 0, before the power.
      - The product is taken per channel and then averaged over channels. (Wang et al. have gray images.)
      - An odd side is made even by repeating the last row or column. (pytorch-msssim adds zeros on both sides.)
      - Images too small for five scales have as many as have a smaller side of at least 11, but one at least, their
        weights scaled to sum 1: 28×28 has two, 64×64 three. All five keep the published weights, whose sum is 1.0001.
      - If the smaller side s is below 11 the window is s×s with σ 1.5 s / 11, as in Karras et al.'s metrics/ms_ssim.py:
        an image of 8×8 is one window.

    Args: a, b: uint8 images of equal shape [N, H, W, C], N at least 1, C 1 or 3.
    Returns: float64 [N], in [0, 1].
    Raises ValueError for images that are not so.
    """
    _check("multi_scale_ssim", a, b, number=1)
    if len(a) != len(b):
        raise ValueError(f"multi_scale_ssim needs as many images in both, got {len(a)} and {len(b)}")
    parts = _chunks(a.shape)
    return np.concatenate([_multi_scale_ssim(a[part].astype(float), b[part].astype(float)) for part in parts])


def _check(name: str, a: np.ndarray, b: np.ndarray, *, number: int, side: int = 1) -> None:
    for images in (a, b):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
            raise ValueError(f"{name} needs uint8 images [N, H, W, 1 or 3], got {images.dtype} {list(images.shape)}")
        if min(images.shape[1:3]) < side:
            raise ValueError(f"{name} needs images of at least {side}×{side} pixels, got {list(images.shape)}")
        if len(images) < number:
            raise ValueError(f"{name} needs at least {number} image{'s' * (number > 1)}, got {len(images)}")
    if a.shape[1:] != b.shape[1:]:
        raise ValueError(f"{name} needs images of equal shape, got {list(a.shape[1:])} and {list(b.shape[1:])}")


def _sides(shape: tuple[int, int], least: int) -> list[tuple[int, int]]:
    """(H, W) of the image and of every further halving, rounded up, whose smaller side is at least `least`."""
    sides = [shape]
    while min(half := tuple((side + 1) // 2 for side in sides[-1])) >= least:
        sides.append(half)
    return sides


def _chunks(shape: tuple[int, ...]) -> list[slice]:
    """Slices of the first axis, of about CHUNK numbers each."""
    size = max(1, CHUNK // int(np.prod(shape[1:])))
    return [slice(start, start + size) for start in range(0, shape[0], size)]


def _descriptors(images: np.ndarray, level: int, coarsest: bool, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The patches of one level at rows and columns [N, P], normalised: float32 [N × P, C × 7 × 7]."""
    channels = images.shape[3]
    patches = np.empty((*rows.shape, channels, PATCH, PATCH), np.float32)
    for part in _chunks(images.shape):
        windows = sliding_window_view(_laplacian(images[part], level, coarsest), (PATCH, PATCH), axis=(1, 2))
        patches[part] = windows[np.arange(len(windows))[:, None], rows[part], columns[part]]
    for channel in range(channels):
        of_channel = patches[:, :, channel]
        of_channel -= of_channel.mean(dtype=np.float64)
        deviation = np.sqrt(np.mean([np.mean(some**2, dtype=np.float64) for some in of_channel]))
        of_channel /= deviation if deviation > 0 else 1
    return patches.reshape(-1, channels * PATCH * PATCH)


def _laplacian(images: np.ndarray, level: int, coarsest: bool) -> np.ndarray:
    """One level of the Laplacian pyramid: what the next level does not hold, but all of the coarsest. float32."""
    images = images.astype(np.float32)
    for _ in range(level):
        images = _down(images)
    if coarsest:
        return images
    spread = np.zeros_like(images)
    spread[:, ::2, ::2] = 4 * _down(images)  # 4, because three of four pixels are 0
    return images - _smooth(spread)


def _down(images: np.ndarray) -> np.ndarray:
    return _smooth(images)[:, ::2, ::2]


def _smooth(images: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        images = correlate1d(images, SMOOTH, axis, mode="mirror")
    return images


def _mean_distance(a: np.ndarray, b: np.ndarray, vectors: np.ndarray) -> float:
    """The mean over vectors [K, D] of the Wasserstein distance of a's and b's [M, D] projections on them."""
    total = 0.0
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # sorting takes most of the time, and lets other threads run
        for start in range(0, len(vectors), DIRECTIONS):
            some = vectors[start : start + DIRECTIONS]
            projected = some @ a.T, some @ b.T
            for projections in projected:
                list(pool.map(np.ndarray.sort, projections))  # each row in place
            total += np.abs(projected[0] - projected[1]).sum(dtype=np.float64)
    return float(total / (len(vectors) * len(a)))


def _multi_scale_ssim(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    scales = min(len(_sides(a.shape[1:3], WINDOW)), len(SCALE_WEIGHTS))
    weights = SCALE_WEIGHTS[:scales]
    if scales < len(SCALE_WEIGHTS):
        weights = weights / weights.sum()
    product = 1.0
    for scale, weight in enumerate(weights):
        if scale:
            a, b = _halve(a), _halve(b)
        ssim, contrast_structure = similarity_maps(a, b)
        measured = ssim if scale == scales - 1 else contrast_structure
        product *= np.maximum(measured.mean(axis=(1, 2)), 0) ** weight
    return product.mean(axis=1)


def similarity_maps(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """SSIM at each place where the window fits, and the part of it that is contrast and structure, float [N, h, w, C] each.

    Wang et al. 2004 (Image quality assessment: from error visibility to structural similarity, eq. 13), with `multi_scale_ssim`'s
    window and constants, and the covariance of a population. Args: a, b: floats in [0, 255], [N, H, W, C].
    """
    mean_a, mean_b = _local_mean(a), _local_mean(b)
    variances = _local_mean(a * a + b * b) - (mean_a**2 + mean_b**2)  # so, equal images give exactly 1
    covariance = _local_mean(a * b) - mean_a * mean_b
    contrast_structure = (2 * covariance + C2) / (variances + C2)
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance * contrast_structure, contrast_structure


def _local_mean(images: np.ndarray) -> np.ndarray:
    """Weighted means over a Gaussian window at every place where it fits: [N, H - size + 1, W - size + 1, C]."""
    size = min(WINDOW, *images.shape[1:3])
    offsets = np.arange(size) - (size - 1) / 2
    window = np.exp(-0.5 * (offsets / (WINDOW_SIGMA * size / WINDOW)) ** 2)
    for axis in (1, 2):
        images = correlate1d(images, window / window.sum(), axis)
        fits = slice(size // 2, size // 2 + images.shape[axis] - size + 1)
        images = images[:, fits] if axis == 1 else images[:, :, fits]
    return images


def _halve(images: np.ndarray) -> np.ndarray:
    """Means of 2×2 pixels; the last row or column of an odd side is repeated."""
    odd = [(0, side % 2) for side in images.shape[1:3]]
    images = np.pad(images, [(0, 0), *odd, (0, 0)], mode="edge")
    return (images[:, ::2, ::2] + images[:, 1::2, ::2] + images[:, ::2, 1::2] + images[:, 1::2, 1::2]) / 4
