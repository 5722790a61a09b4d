"""A run's directory: its name, what it says of the run, and that no other run is overwritten."""

import json
import os
import platform
import re
import sys
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace

import jax

from gan_jax.data.classes import apart
from gan_jax.record import replace_file

# Flags that do not change what is computed at a step: a run may be gone on with under others.
FREE = frozenset(
    "workdir data_dir steps steps_per_call compilation_cache log_every sample_every checkpoint_every in_memory_gib data_workers "
    "eval_every eval_metrics num_samples extractor inception_weights "
    "distributed coordinator_address num_processes process_id".split()
)

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def default_name(experiment: str, subject: str, config: SimpleNamespace) -> str:
    """runs/EXPERIMENT-SUBJECT-GAME-seedN, without what the experiment does not have; a dataset, say, is the subject."""
    parts = (experiment, subject, getattr(config, "game", None), f"seed{config.seed}")
    return "runs/" + "-".join(short(part) for part in parts if part)


def short(name: str) -> str:
    """A name, such as a dataset's, as part of a file's: folder:my/cats is folder_my_cats."""
    return re.sub(r"[^\w.]+", "_", name)


def open_run(
    experiment: str, config: SimpleNamespace, image_shape: tuple[int, ...], class_names: tuple[str, ...]
) -> Path:
    """Makes or re-opens config.workdir and writes its config.json; returns it.

    Raises ValueError if it holds another configuration, naming the flags that differ, or anything but a run; OSError
    if it cannot be written to. Nothing is written then.
    """
    workdir = Path(config.workdir)
    content = {
        "experiment": experiment,
        "flags": vars(config),
        "image_shape": list(image_shape),
        "class_names": class_names,
        "command": sys.argv,
        **surroundings(),
    }
    if (workdir / "config.json").exists():
        _require_same(read_config(workdir), content, workdir)
    elif workdir.exists() and not workdir.is_dir():
        raise ValueError(f"--workdir={workdir} is a file, not a directory")
    elif workdir.exists() and others(workdir):
        raise ValueError(f"--workdir={workdir} holds other things than a run; name a new or an empty directory")
    try:
        workdir.mkdir(parents=True, exist_ok=True)
        replace_file(workdir / "config.json", (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise OSError(f"cannot write to the run directory {workdir}: {error.strerror}") from error
    return workdir


def others(folder: Path) -> bool:
    """Whether a folder holds anything but hidden files, which a run that was killed at its start may have left."""
    return any(not path.name.startswith(".") for path in folder.iterdir())


def surroundings() -> dict:
    """What a computation depends on beside its flags: {"devices", "machine", "versions"}."""
    cpus = Path("/proc/cpuinfo")  # Linux; elsewhere the system's own, shorter word
    models = re.findall(r"model name\s*: (.*)", cpus.read_text()) if cpus.exists() else []
    machine = {"system": platform.platform(), "processor": models[0] if models else platform.processor()}
    return {
        "devices": [f"{device} ({device.device_kind})" for device in jax.devices()],
        "machine": machine | {"cores": os.cpu_count()},
        "versions": {"python": platform.python_version()} | {name: metadata.version(name) for name in LIBRARIES},
    }


def read_config(workdir: str | Path) -> dict:
    """What config.json of a run says. Raises ValueError if there is none, or it cannot be read."""
    path = Path(workdir) / "config.json"
    if not path.exists():
        raise ValueError(f"{workdir} is not a run directory: it has no config.json")
    try:
        content = json.loads(path.read_text())
    except ValueError as error:  # it is no JSON, or no text
        raise ValueError(f"{path} is damaged: {error}") from error
    if not (isinstance(content, dict) and {"experiment", "flags", "image_shape", "class_names"} <= content.keys()):
        raise ValueError(f"{path} is damaged, or of another version: it does not describe a run as this one does")
    return content


def _require_same(run: dict, asked: dict, workdir: Path) -> None:
    asked = json.loads(json.dumps(asked))  # tuples become lists, as they did in the file
    differing = [
        f"--{name}={run['flags'].get(name)} there, {asked['flags'].get(name)} asked for"
        for name in sorted(run["flags"].keys() | asked["flags"].keys())
        if name not in FREE and run["flags"].get(name) != asked["flags"].get(name)
    ]
    differing += [
        f"{name} {run[name]} there, {asked[name]} asked for"
        for name in ("experiment", "image_shape")
        if run[name] != asked[name]
    ]
    if run["class_names"] != asked["class_names"]:
        differing.append(f"classes: {apart(run=run['class_names'], data=asked['class_names'])}")
    if differing:
        raise ValueError(
            f"{workdir} holds a run of another configuration ({'; '.join(differing)}); choose another --workdir"
        )
