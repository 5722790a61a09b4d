"""Mixtures of Gaussians in the plane: data of which one knows every mode, on which GANs show what they miss."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Mixture(NamedTuple):
    """Equally likely Gaussians of one standard deviation, around centers [K, 2]."""

    centers: np.ndarray
    deviation: float

    @property
    def scale(self) -> float:
        """The root mean square of a coordinate: networks learn points / scale."""
        return float(np.sqrt(np.mean(self.centers**2) + self.deviation**2))

    def draw(self, rng: np.random.Generator, count: int) -> np.ndarray:
        """Points [count, 2]."""
        modes = rng.integers(len(self.centers), size=count)
        return self.centers[modes] + self.deviation * rng.standard_normal((count, 2))


def ring(modes: int, *, radius: float = 1.0, deviation: float) -> Mixture:
    """Gaussians evenly on a circle, the first at angle 0."""
    angles = 2 * np.pi * np.arange(modes) / modes
    return Mixture(radius * np.stack([np.cos(angles), np.sin(angles)], axis=1), deviation)


def grid(side: int, *, spacing: float = 2.0, deviation: float) -> Mixture:
    """side² Gaussians on a square grid around 0."""
    ticks = spacing * (np.arange(side) - (side - 1) / 2)
    return Mixture(np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2), deviation)


# The first two as in VEEGAN (Srivastava et al. 2017, arXiv:1705.07761) and PacGAN (Lin et al. 2018, arXiv:1712.04086).
MIXTURES: dict[str, Mixture] = {
    "ring8": ring(8, deviation=0.01),
    "grid25": grid(5, deviation=0.05),
    "grid9": grid(3, deviation=0.05),
    "pair": ring(2, deviation=0.05),
}


def batches(
    mixture: Mixture,
    *,
    seeds: list[int],
    batch_size: int,
    batches_per_step: int,
    start_step: int = 0,
    process_index: int = 0,
    process_count: int = 1,
) -> Iterator[dict[str, np.ndarray]]:
    """Yields, from step `start_step` on, {"image": points / scale, float32 [batches_per_step, B, T, 2]}, one trial per seed.

    The points of trial k at step t are a function of (seeds[k], t), and of NumPy's default generator: a later NumPy may
    draw others. B is this process's share of batch_size; the
    shares of all processes, in order, are the batch of one.
    """
    share = batch_size // process_count
    first = process_index * share
    step = start_step
    while True:
        draws = [mixture.draw(np.random.default_rng([seed, step]), batches_per_step * batch_size) for seed in seeds]
        points = np.stack(draws, axis=1).reshape(batches_per_step, batch_size, len(seeds), 2) / mixture.scale
        yield {"image": points[:, first : first + share].astype(np.float32)}
        step += 1
