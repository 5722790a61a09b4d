"""What the scores of many features take: seconds and memory, of random features as large as Inception's.

python -m experiments.benchmark_scores
"""

import resource
import sys
import time

import numpy as np
from absl import app, flags

from experiments import common
from gan_jax.evaluation import metrics

FLAGS = flags.FLAGS

flags.DEFINE_integer("scored", 10000, "Features of each of the two sets.", lower_bound=10)

# The features that each is measured with: FID's 2048, and 512 for those that look at all pairs.
SIZES = {"frechet_distance": 2048, "kernel_distance": 2048, "precision_recall": 512, "density_coverage": 512}


def measure(name: str, count: int) -> tuple[float, float]:
    """Seconds that a score of `count` features against as many takes, and the process's largest memory by then in GB."""
    random = np.random.RandomState(0)
    real, fake = (random.standard_normal((count, SIZES[name])).astype(np.float32) for _ in range(2))
    began = time.perf_counter()
    getattr(metrics, name)(real, fake)
    seconds = time.perf_counter() - began
    unit = 1 if sys.platform == "darwin" else 1024  # bytes there, kilobytes on Linux
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e9


def main(_) -> None:
    for name, size in SIZES.items():
        seconds, gigabytes = measure(name, FLAGS.scored)
        print(f"{name:17} {FLAGS.scored} × {size:4}: {seconds:6.1f} s; memory so far {gigabytes:.2f} GB")


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
