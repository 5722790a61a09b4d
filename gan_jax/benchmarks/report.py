"""What the benchmark prints: what is compared, on what, and the times of both sides and of the loop."""

import importlib.util
import os
import platform
from importlib.metadata import version

import jax
import numpy as np

from gan_jax.benchmarks.cases import Case
from gan_jax.benchmarks.times import LOG_EVERY, OURS, loop_times, matrix_rate, own_times, ratio, round_times

TORCH_DEVICES = {"cpu": "cpu", "gpu": "cuda"}  # jax's name: PyTorch's


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
    from gan_jax.benchmarks import torch_side  # only here: PyTorch need not be installed

    return "" if torch_side.sees(TORCH_DEVICES[platform]) else "install a PyTorch that sees the GPU"


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
