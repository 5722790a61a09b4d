"""How fast a round is: ours against PyTorch's, and the loop against the bare round.

    python -m experiments.benchmark                 # with PyTorch's side where it is installed
    python -m experiments.benchmark --case=dcgan64 --batch_size=512 --dtype=bfloat16 --steps_per_call=10   # a GPU's

Both sides play the same game from the same weights; the losses of the first round show it. Then they are timed in
turns (`benchmark_times`), so that what slows the machine for a while slows both.
"""

import importlib.util
import os
import platform
import sys
from importlib.metadata import version

import jax
import numpy as np
from absl import app, flags

from experiments import common, gan_flags, presets  # noqa: F401 (gan_flags has --dtype)
from experiments.benchmark_cases import CASES, Case
from experiments.benchmark_times import LOG_EVERY, OURS, loop_times, matrix_rate, own_times, round_times
from gan_jax import loop
from gan_jax.precision import DTYPES

FLAGS = flags.FLAGS

flags.DEFINE_integer("rounds", 20, "How often each side is timed, in turns with the other.", lower_bound=1)
flags.DEFINE_string("case", "book28", f"What is played: {', '.join(CASES)}.")
CHANGES = ("batch_size", "dtype", "steps_per_call")  # flags of all experiments; given, they replace the case's own
for name in CHANGES:
    flags.declare_key_flag(name)
TORCH_DEVICES = {"cpu": "cpu", "gpu": "cuda"}  # jax's name: PyTorch's


def main(_) -> None:
    sys.exit(run(FLAGS.case, FLAGS.rounds, **changes()))


def changes() -> dict:
    """What the flags say otherwise than the case."""
    return {name: FLAGS[name].value for name in CHANGES if FLAGS[name].present}


def case_of(name: str, **changes) -> Case:
    """A case, with these fields in place of its own. Raises ValueError for an unknown case or dtype."""
    presets.require_known("case", name, CASES)
    case = CASES[name]._replace(**changes)
    presets.require_known("dtype", case.dtype, DTYPES)
    return case


def run(name: str, rounds: int, **fields) -> int:
    """Prints the report on a case with these fields; returns the exit code."""
    try:
        case = case_of(name, **fields)
        if jax.device_count() > 1:
            raise ValueError(f"the benchmark is for one device, and jax sees {jax.device_count()}: show it one")
        report(name, case, rounds)
    except loop.Interrupted as stop:
        return 128 + stop.signal
    except KeyboardInterrupt:
        return 130
    except (ValueError, OSError, RuntimeError) as error:
        return common.fail(error)
    return 0


def report(name: str, case: Case, rounds: int) -> None:
    """Prints what is compared, times it and prints that."""
    device = jax.devices()[0]
    packages = ["jax", "jaxlib", "flax"] + ["torch"] * has_torch()
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    calls = f", {case.steps_per_call} rounds a call" if case.steps_per_call > 1 else ""
    many = f", {case.trials} trials at once here, one after another in PyTorch" if case.trials > 1 else ""
    print(f"{name}: batch {case.batch_size}, {case.dtype}{calls}{many}")
    print(f"on {device.device_kind}, {os.cpu_count()} cores; Python {platform.python_version()}, {versions}")
    if why := _torch_missing(device.platform):
        print(f"a round, median of {rounds}:")
        _print_time(OURS, own_times(case, rounds), case)
        print(f"  to compare it with PyTorch's: {why}")
    else:
        _report_both(name, case, rounds, TORCH_DEVICES[device.platform])
    bare, looped = loop_times(case, rounds)
    print(f"the loop, median of {rounds} times {LOG_EVERY} rounds, in turns:")
    _print_time("bare round", bare, case)
    _print_time("loop.fit", looped, case)
    print(f"  the loop adds {100 * (ratio(looped, bare) - 1):.1f} % to a round (median of the turns' ratios)")


def has_torch() -> bool:
    """Whether PyTorch is installed."""
    return importlib.util.find_spec("torch") is not None


def _torch_missing(platform: str) -> str:
    """What to do so that PyTorch can play on this platform too; "" if it can."""
    if not has_torch():
        return "pip install torch" + (" (the CPU build is enough)" if platform == "cpu" else "")
    if platform not in TORCH_DEVICES:
        return "set JAX_PLATFORMS=cpu"
    from experiments import benchmark_torch  # only here: PyTorch need not be installed

    return "" if benchmark_torch.sees(TORCH_DEVICES[platform]) else "install a PyTorch that sees the GPU"


def _report_both(name: str, case: Case, rounds: int, device: str) -> None:
    times, apart, flop = round_times(name, case, rounds, device)
    print(f"the first round's losses, from the same weights, images and latents: {apart:.0e} apart (relative)")
    rate = matrix_rate(case.dtype)
    arithmetic = f"{flop / 1e9:.1f} GFLOP, and this machine multiplies matrices at {rate / 1e9:.0f} GFLOP/s"
    print(f"a round, median of {rounds}, in turns; {arithmetic}:")
    for side, own in times.items():
        share = flop / np.median(own) / rate
        ahead = "" if side == OURS else f"; gan_jax plays {ratio(own, times[OURS]):.2f} times as many"
        _print_time(side, own, case, f"{share:.0%} of that rate{ahead}")


def _print_time(what: str, times: list[float], case: Case, more: str = "") -> None:
    middle = np.median(times)
    line = f"  {what:16s} {1e3 * middle:8.1f} ms  {case.batch_size / middle:8.0f} images/s"
    print(line + (f"  ({more})" if more else ""))


def ratio(times: list[float], others: list[float]) -> float:
    """The median of the ratios within a turn: both had the machine in the same state."""
    return float(np.median(np.divide(times, others)))


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
