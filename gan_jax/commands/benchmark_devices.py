"""a round on 1, 2 and 4 virtual devices of one CPU, at the same global batch; and what a call of pmap costs

python -m gan_jax benchmark_devices --case=book28

The virtual devices share the cores, so at best the time stays the same: what it grows by is what smaller shares,
collectives and calls cost. Timed in turns, each number of devices in a process of its own.
"""

from gan_jax.benchmarks import devices
from gan_jax.benchmarks.cases import CaseConfig
from gan_jax.config.flags import Parsed

Options = CaseConfig


def main(parsed: Parsed) -> None:
    """Prints the report."""
    options = parsed.config
    devices.report(options.case, options.chosen(), options.rounds)
