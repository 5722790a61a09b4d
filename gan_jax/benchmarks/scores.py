"""What the scores of many features take: seconds and memory, of random features as large as Inception's."""

import resource
import sys
import time

import numpy as np

from gan_jax.evaluation import metrics

# The features that each is measured with: FID's 2048, and 512 for those that look at all pairs.
SIZES = {"frechet_distance": 2048, "kernel_distance": 2048, "precision_recall": 512, "density_coverage": 512}


def measure(name: str, count: int) -> tuple[float, float]:
    """Seconds that a score of `count` features against as many takes; the process's largest memory by then, in GB."""
    random = np.random.RandomState(0)
    real, fake = (random.standard_normal((count, SIZES[name])).astype(np.float32) for _ in range(2))
    began = time.perf_counter()
    getattr(metrics, name)(real, fake)
    seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def report(count: int) -> None:
    """Prints what each score of `count` features against as many takes."""
    for name, size in SIZES.items():
        seconds, gigabytes = measure(name, count)
        print(f"{name:17} {count} × {size:4}: {seconds:6.1f} s; memory so far {gigabytes:.2f} GB")
