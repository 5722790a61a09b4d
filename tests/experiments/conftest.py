"""Runs of experiments: in this process where that will do, since one of its own spends seconds on imports."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np
import pytest
from absl import flags, logging
from jax.experimental.compilation_cache import compilation_cache

from experiments import common, images, run_directory
from gan_jax.checkpoint import Checkpoints

ROOT = Path(__file__).parents[2]
TINY = ("--game=non_saturating", "--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8")


@pytest.fixture(scope="session", autouse=True)
def compiled_once(tmp_path_factory):
    """Compilation is most of what these tests take, and they compile the same again and again: so it is kept."""
    kept = {
        "jax_compilation_cache_dir": str(tmp_path_factory.mktemp("compiled")),
        "jax_persistent_cache_min_compile_time_secs": 0,
    }
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


def _config(experiment: str, given: tuple[str, ...]) -> SimpleNamespace:
    """What common.config_from_flags gives in a process that runs this experiment alone."""
    module = importlib.import_module(f"experiments.{experiment}")
    defaults = getattr(module, "DEFAULTS", {})
    before = {name: flags.FLAGS[name].default for name in defaults}
    try:
        for name, value in defaults.items():
            flags.FLAGS.set_default(name, value)
        common.parse_flags([experiment, *given])
        return SimpleNamespace(
            **{flag.name: flag.value for flag in flags.FLAGS.get_key_flags_for_module(f"experiments.{experiment}")}
        )
    finally:
        flags.FLAGS.unparse_flags()
        for name, value in before.items():
            flags.FLAGS.set_default(name, value)


@pytest.fixture
def play():
    """play(*flags, experiment="dcgan") runs an experiment here, on all devices; returns its exit code."""

    def play(*given: str, experiment: str = "dcgan") -> int:
        module = importlib.import_module(f"experiments.{experiment}")
        try:
            config = _config(experiment, given)
        except SystemExit as stop:
            return stop.code
        return common.run(module.prepare, config)

    verbosity, hook = logging.get_verbosity(), sys.unraisablehook  # parse_flags sets them
    yield play
    logging.set_verbosity(verbosity)
    sys.unraisablehook = hook


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Of what the tests of a module share."""
    return tmp_path_factory.mktemp("shared")


@pytest.fixture
def trained_once(folder, play):
    """trained_once(name, *flags, experiment=) is the directory of a run, which the tests of a module share."""

    def trained_once(name: str, *given: str, experiment: str) -> Path:
        workdir = folder / name
        if not workdir.exists():
            assert play(*given, f"--workdir={workdir}", experiment=experiment) == 0
        return workdir

    return trained_once


@pytest.fixture
def configured():
    """configured(*flags, experiment=) is the configuration that an experiment is prepared with."""
    verbosity, hook = logging.get_verbosity(), sys.unraisablehook  # parse_flags sets them
    yield lambda *given, experiment="dcgan": _config(experiment, given)
    logging.set_verbosity(verbosity)
    sys.unraisablehook = hook


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


@pytest.fixture
def saved():
    """saved(workdir) is the state of a run's newest checkpoint, as numpy arrays."""

    def saved(workdir: Path):
        content = run_directory.read_config(workdir)
        experiment = importlib.import_module(f"experiments.{content['experiment']}")
        shape = tuple(content["image_shape"])
        recipe = experiment.make(SimpleNamespace(**content["flags"]), shape)
        checkpoints = Checkpoints(workdir / "checkpoints")
        state = checkpoints.restore(jax.eval_shape(recipe.init, jax.random.key(0), images.example_batch(shape)))
        checkpoints.close()
        return jax.tree.map(np.asarray, state)

    return saved


@pytest.fixture
def tiny() -> tuple[str, ...]:
    """Flags of networks and data that take next to no time."""
    return TINY
