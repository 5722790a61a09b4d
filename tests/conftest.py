"""What all tests share: four CPU devices in one process, a cache of compiled programs, and runs of experiments and commands.

Experiments and commands run in this process where that will do, since one of its own spends seconds on imports.
"""

import importlib
import os

os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=4"

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import jax
import numpy as np
import pytest
from absl import logging
from jax.experimental.compilation_cache import compilation_cache

from gan_jax import __main__ as gan_jax_main
from gan_jax.runs import launch
from gan_jax.runs.experiment import find
from gan_jax.runs.restore import restore

ROOT = Path(__file__).parents[1]
TINY = ("--game=non_saturating", "--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """What compares with PyTorch, which requirements.txt lacks, is marked, to be run alone."""
    for item in items:
        if "torch" in item.fixturenames:
            item.add_marker("torch")


@pytest.fixture(scope="module", autouse=True)
def forgets_what_it_compiled():
    """A compiled program takes maps of memory, of which Linux allows a process 65,530: all tests need more than that."""
    yield
    jax.clear_caches()


@pytest.fixture(autouse=True)
def forgets_before_there_are_too_many(request):
    """As above, of modules whose slow tests compile as much by themselves; what is compiled in haste takes more maps."""
    yield
    maps = Path("/proc/self/maps")
    if request.node.get_closest_marker("slow") and maps.exists() and maps.read_bytes().count(b"\n") > 30_000:
        jax.clear_caches()


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory):
    """Compilation is most of what the tests take, and they compile the same again and again: so it is kept.

    In the folder GAN_JAX_TEST_CACHE, where several processes or runs of tests are to share it.
    """
    folder = os.environ.get("GAN_JAX_TEST_CACHE") or str(tmp_path_factory.mktemp("compiled"))
    kept = {"jax_compilation_cache_dir": folder, "jax_persistent_cache_min_compile_time_secs": 0}
    before = {name: getattr(jax.config, name) for name in kept}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kept.items():
            jax.config.update(name, value)
            patch.setenv(name.upper(), str(value))  # for processes that the tests start
        compilation_cache.reset_cache()  # JAX looks only once whether there is one
        yield
    for name, value in before.items():
        jax.config.update(name, value)
    compilation_cache.reset_cache()


@pytest.fixture(scope="session", autouse=True)
def offline():
    """No test depends on the internet, or on what its user has downloaded."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAN_JAX_OFFLINE", "1")  # for processes that the tests start too
        yield


@pytest.fixture(autouse=True)
def stays_as_it_was():
    """What `launch` changes for a whole process is put back after a test."""
    kept = ("jax_compilation_cache_dir", "jax_persistent_cache_min_compile_time_secs")
    verbosity, hook = logging.get_verbosity(), sys.unraisablehook
    before = {name: getattr(jax.config, name) for name in kept}
    yield
    logging.set_verbosity(verbosity)
    sys.unraisablehook = hook
    for name, value in before.items():
        if getattr(jax.config, name) != value:
            jax.config.update(name, value)


@pytest.fixture(scope="module")
def compiled_in_haste():
    """For tests that do not need the compiler to optimise: that takes a third of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")  # for processes that the tests start
        jax.config.update("jax_disable_most_optimizations", True)
        yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="session")
def run_experiment():
    """run_experiment(*flags, experiment="dcgan") runs an experiment here, on all devices; returns its exit code."""

    def run_experiment(*given: str, experiment: str = "dcgan") -> int:
        return launch.main(find(experiment), given)

    return run_experiment


@pytest.fixture(scope="session")
def run_study():
    """run_study("attack", *flags) makes a study here; returns its exit code."""

    def run_study(name: str, *given: str) -> int:
        study = importlib.import_module(f"experiments.{name}").main
        return study.main(study, given)

    return run_study


@pytest.fixture(scope="session")
def run_command():
    """run_command("sample", *flags) runs a command of `python -m gan_jax` here; returns its exit code."""
    return lambda *arguments: gan_jax_main.run(list(arguments))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of what the tests of a module share."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(scope="module")
def trained_once(folder, run_experiment):
    """trained_once(name, *flags, experiment=) is the directory of a run, which the tests of a module share."""

    def trained_once(name: str, *given: str, experiment: str) -> Path:
        workdir = folder / name
        if not workdir.exists():
            assert run_experiment(*given, f"--workdir={workdir}", experiment=experiment) == 0
        return workdir

    return trained_once


@pytest.fixture(scope="session")
def configured():
    """configured(*flags, experiment=) is the configuration that these flags give an experiment, not yet resolved."""
    return lambda *given, experiment="dcgan": find(experiment).parse(given).config


@pytest.fixture
def start():
    """start(*flags, module=, devices=) starts the command in a process of its own, which dies with the test."""
    processes = []

    def start(*given: str, module: str = "experiments.dcgan", devices: int = 4, **options) -> subprocess.Popen:
        env = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}"}
        pipes = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        command = (sys.executable, "-m", module, *given)
        processes.append(subprocess.Popen(command, cwd=ROOT, env=env, **(pipes | options)))
        return processes[-1]

    yield start
    for process in processes:
        process.kill()
        process.communicate()


@pytest.fixture(scope="session")
def saved():
    """saved(workdir) is the state of a run's newest checkpoint, as numpy arrays."""
    return lambda workdir: jax.tree.map(np.asarray, restore(workdir).state)


@pytest.fixture(scope="session")
def assert_same(saved):
    """assert_same(run, other) compares two directories bit for bit: newest states, metrics, and pictures of samples."""

    def assert_same(run: Path, other: Path) -> None:
        ours, theirs = saved(run), saved(other)
        assert jax.tree.structure(ours) == jax.tree.structure(theirs)
        jax.tree.map(lambda a, b: np.testing.assert_array_equal(a, b, strict=True), ours, theirs)
        assert (run / "metrics.jsonl").read_bytes() == (other / "metrics.jsonl").read_bytes()
        grids = {path.name: path.read_bytes() for path in other.glob("samples/*")}  # none of what draws nothing
        assert {path.name: path.read_bytes() for path in run.glob("samples/*")} == grids

    return assert_same


@pytest.fixture(scope="session")
def wait_for():
    """wait_for(condition, process) returns when the condition holds, or the process has ended."""

    def wait_for(condition: Callable[[], bool], process: subprocess.Popen, seconds: float = 300) -> None:
        end = time.monotonic() + seconds
        while not condition() and process.poll() is None:
            assert time.monotonic() < end, "waited for in vain"
            time.sleep(0.002)

    return wait_for


@pytest.fixture(scope="session")
def tiny() -> tuple[str, ...]:
    """Flags of networks and data that take next to no time."""
    return TINY
