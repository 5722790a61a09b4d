"""Whether images have one colour or many."""

import numpy as np


def hues(images: np.ndarray) -> np.ndarray:
    """The hue of each image's mean colour, in radians from red by way of green and blue, [N]. Args: images: uint8 [N, H, W, 3]."""
    red, green, blue = images.astype(np.float64).mean(axis=(1, 2)).T
    return np.arctan2(np.sqrt(3) / 2 * (green - blue), red - (green + blue) / 2)


def spread(hues: np.ndarray) -> float:
    """Circular variance of hues in radians, 1 - |mean of exp(i h)|: 0 of one hue, 1 of such as are spread evenly (Mardia 1972)."""
    return float(1 - np.abs(np.mean(np.exp(1j * hues))))
