"""how fast a round is: gan_jax's beside PyTorch's, and the loop's beside the bare round's

python -m gan_jax benchmark                 # with PyTorch's side where it is installed
python -m gan_jax benchmark --case=dcgan64 --batch_size=512 --dtype=bfloat16 --steps_per_call=10   # a GPU's

Both sides play the same game from the same weights; the losses of the first round show it. Then they are timed in
turns, so that what slows the machine for a while slows both.
"""

import sys

import jax

from gan_jax.benchmarks.cases import CaseConfig
from gan_jax.benchmarks.report import report
from gan_jax.config.flags import Parsed
from gan_jax.training import loop

Options = CaseConfig


def main(parsed: Parsed) -> None:
    """Prints the report."""
    options = parsed.config
    if jax.device_count() > 1:
        raise ValueError(f"the benchmark is for one device, and jax sees {jax.device_count()}: show it one")
    try:
        report(options.case, options.chosen(), options.rounds)
    except loop.Interrupted as stop:
        sys.exit(128 + stop.signal)
    except KeyboardInterrupt:
        sys.exit(130)
