"""How near images are to those that they should be: PSNR, SSIM and the mean distance, on colours, on luma, or within a mask.

All take uint8 images [N, H, W, C], C 1 or 3, and give a number for each pair, float64 [N].
"""

import numpy as np

from gan_jax.evaluation.image_metrics import WINDOW, similarity_maps

WHITE = 255.0
# ITU-R BT.601, of RGB in [0, 255], to luma between 16 and 235.
LUMA, BLACK = np.array([65.481, 128.553, 24.966]) / WHITE, 16.0


def psnr(a: np.ndarray, b: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """10 log₁₀(255² / mean of (a - b)²), in dB; infinite for equal images.

    Args: mask: bool [N, H, W], where it is True pixels count; None counts all.
    Raises ValueError for other shapes, or if none counts.
    """
    _require("psnr", a, b, mask)
    with np.errstate(divide="ignore"):
        return 10 * np.log10(WHITE**2 / _mean(_difference(a, b) ** 2, mask))


def l1(a: np.ndarray, b: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """The mean of |a - b|, in [0, 255]. Args, raises: as `psnr`."""
    _require("l1", a, b, mask)
    return _mean(np.abs(_difference(a, b)), mask)


def ssim(a: np.ndarray, b: np.ndarray, mask: np.ndarray | None = None) -> np.ndarray:
    """Structural similarity (`image_metrics.similarity_maps`), the mean over places, and channels; 1 for equal images.

    Args: mask: as `psnr`'s: those places count that are the centre of a window and in the mask, and of an image that has none the
    number is NaN; None counts all.
    Raises as `psnr`.
    """
    _require("ssim", a, b, mask)
    maps, _ = similarity_maps(a.astype(float), b.astype(float))
    if mask is not None:
        top, left = (min(WINDOW, *a.shape[1:3]) // 2,) * 2
        mask = mask[:, top : top + maps.shape[1], left : left + maps.shape[2]]
    return _mean(maps, mask)


def luma(images: np.ndarray) -> np.ndarray:
    """Y of ITU-R BT.601, rounded, as super-resolution is measured: uint8 [N, H, W, 3] -> uint8 [N, H, W, 1]; white is 235.

    Gray images are given back as they are. (MATLAB's rgb2ycbcr rounds so too.)
    """
    if images.shape[-1] == 1:
        return images
    return np.round(BLACK + images @ LUMA).astype(np.uint8)[..., None]


def _difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a.astype(float) - b


def _mean(values: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Of [N, H, W, C] over all axes but the first, within the mask [N, H, W]."""
    if mask is None:
        return values.mean(axis=(1, 2, 3))
    with np.errstate(invalid="ignore"):
        return (values.mean(axis=-1) * mask).sum(axis=(1, 2)) / mask.sum(axis=(1, 2))


def _require(name: str, a: np.ndarray, b: np.ndarray, mask: np.ndarray | None) -> None:
    for images in (a, b):
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or not images.size:
            raise ValueError(f"{name} needs uint8 images [N, H, W, 1 or 3], got {images.dtype} {list(images.shape)}")
    if a.shape != b.shape:
        raise ValueError(f"{name} needs two arrays of equal shape, got {list(a.shape)} and {list(b.shape)}")
    if mask is not None:
        if mask.dtype != bool or mask.shape != a.shape[:3]:
            raise ValueError(f"{name} needs a mask of bool {list(a.shape[:3])}, got {mask.dtype} {list(mask.shape)}")
        if not mask.any(axis=(1, 2)).all():
            raise ValueError(f"{name}: image {int(np.argmin(mask.any(axis=(1, 2))))} has no pixel in its mask")
