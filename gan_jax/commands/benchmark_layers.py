"""how near each layer comes to the arithmetic's limit: its forward pass and both of its gradients

python -m gan_jax benchmark_layers --case=dcgan64

The limit of a layer is the time of its products and sums at the rate at which the machine multiplies large matrices.
"""

from gan_jax.benchmarks import layers
from gan_jax.benchmarks.cases import CaseConfig
from gan_jax.config.flags import Parsed

Options = CaseConfig


def main(parsed: Parsed) -> None:
    """Prints the report."""
    layers.report(parsed.config.chosen(), parsed.config.rounds)
