"""Measures of videos, uint8 [N, T, H, W, C], that need no network: where what is bright is, how it moves, whether it repeats."""

import numpy as np
from scipy import signal

Array = np.ndarray
TURNED = 1.0  # pixels that what is bright must have come back before it counts as a turn: less is rounding


def centres(videos: Array) -> Array:
    """The centre of brightness of each frame, in pixels down and to the right, [N, T, 2]; of a black one the middle."""
    bright = videos.mean(axis=-1)
    total = bright.sum(axis=(2, 3))
    middle = (np.array(bright.shape[2:]) - 1) / 2
    down, right = (np.arange(side) for side in bright.shape[2:])
    found = np.stack([bright.sum(axis=3) @ down, bright.sum(axis=2) @ right], axis=-1)
    return np.where(total[..., None] > 0, found / np.maximum(total, 1e-9)[..., None], middle)


def speeds(videos: Array) -> Array:
    """How far the centre moves from a frame to the next, in pixels, [N, T - 1]."""
    return np.linalg.norm(np.diff(centres(videos), axis=1), axis=-1)


def bounces(videos: Array) -> Array:
    """How often the centre turns back, downwards and sideways, int [N]: after a way of TURNED at least."""
    ways = centres(videos).transpose(0, 2, 1)  # [N, 2, T]
    turns = lambda way: sum(len(signal.find_peaks(sign * way, prominence=TURNED)[0]) for sign in (1, -1))
    return np.array([sum(map(turns, both)) for both in ways])


def autocorrelation(videos: Array) -> Array:
    """[N, T - 1]: how alike a video is to itself 1, 2, … frames later, in [-1, 1]; about its mean frame, 1 of one that repeats.

    Of one that stands still, which has nothing but a mean, it is 1.
    """
    flat = videos.reshape(*videos.shape[:2], -1).astype(np.float32)
    flat -= flat.mean(axis=1, keepdims=True)
    found = []
    for lag in range(1, videos.shape[1]):
        early, late = flat[:, :-lag], flat[:, lag:]
        energy = np.sqrt(np.sum(early**2, axis=(1, 2)) * np.sum(late**2, axis=(1, 2)))
        found.append(np.where(energy > 0, np.sum(early * late, axis=(1, 2)) / np.maximum(energy, 1e-9), 1))
    return np.stack(found, axis=1)


def repeats(videos: Array) -> Array:
    """The largest autocorrelation a quarter to three quarters of a video later, [N]: 1 of what repeats every half or oftener."""
    frames = videos.shape[1]
    return autocorrelation(videos)[:, max(1, frames // 4) - 1 : max(1, 3 * frames // 4)].max(axis=1)


def cut_around(videos: Array, side: int) -> Array:
    """Each frame's square of so many pixels around its centre of brightness, uint8 [N, T, side, side, C]; black beyond edges."""
    found = np.zeros((*videos.shape[:2], side, side, videos.shape[-1]), np.uint8)
    corners = np.round(centres(videos) - (side - 1) / 2).astype(int)
    padded = np.pad(videos, [(0, 0), (0, 0), (side, side), (side, side), (0, 0)])
    for video, frame in np.ndindex(*videos.shape[:2]):
        top, left = corners[video, frame] + side
        found[video, frame] = padded[video, frame, top : top + side, left : left + side]
    return found
