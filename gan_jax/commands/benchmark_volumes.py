"""3-D convolutions beside Flax's: each layer of a 3D-GAN, forward and backward

python -m gan_jax benchmark_volumes
python -m gan_jax benchmark_volumes --image_size=32 --width=32
"""

from dataclasses import dataclass

from gan_jax.benchmarks import volumes
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option


@dataclass(frozen=True)
class Options:
    """What is timed."""

    image_size: int = option(16, "Voxels a side: 16, 32 or 64.", low=1)
    width: int = option(16, "Channels of the largest hidden map.", low=1)
    batch_size: int = option(32, "Grids in a batch.", low=1)
    rounds: int = option(20, "How often each is timed, in turns.", low=1)


def main(parsed: Parsed) -> None:
    """Prints the report."""
    config = parsed.config
    volumes.report(config.image_size, config.width, config.batch_size, config.rounds)
