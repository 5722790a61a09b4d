"""A run's directory: what it says of the run, and that no other run is overwritten."""

import json
import os
import platform
import re
import sys
from collections.abc import Collection, Mapping
from importlib import metadata
from pathlib import Path

import jax

from gan_jax.config.options import flat, options, replace
from gan_jax.config.stored import from_json, to_json, with_absolute_paths
from gan_jax.data import DataSpec
from gan_jax.data.classes import apart
from gan_jax.data.fingerprint import Fingerprint
from gan_jax.runs import same_data
from gan_jax.runs.commit import commit
from gan_jax.runs.experiment import Experiment
from gan_jax.runs.lock import alone
from gan_jax.training.files import replace_file, require_utf8

LIBRARIES = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")


def short(name: str) -> str:
    """A name, such as a dataset's, as part of a file's: folder:my/cats is folder_my_cats."""
    return re.sub(r"[^\w.]+", "_", name)


def open_run(
    experiment: Experiment,
    config: object,
    spec: DataSpec,
    given: Mapping[str, str],
    found: Fingerprint | None = None,
) -> Path:
    """Makes or re-opens config.run.workdir and writes its config.json; returns it.

    Args:
      given: the flags that were given, as of `config.given`; of earlier starts the others stay.
      found: what is trained on; None where that is drawn as it is needed.

    Raises ValueError if it holds another configuration, naming the flags that differ, or a run on other data, or
    anything but a run; OSError if it cannot be written to; lock.Locked if it is being trained. Nothing is written then.
    """
    workdir = Path(config.run.workdir)
    content = {
        "experiment": experiment.name,
        "flags": to_json(with_absolute_paths(config)),
        "data": spec.to_json(),
        "dataset": same_data.to_json(found),
        "command": sys.argv,
        "given": dict(given),
        "commit": commit(),
        **surroundings(),
    }
    if (workdir / "config.json").exists():
        run, allow = read_config(workdir), content["flags"].get("allow_changed_data", False)
        _require_same(run, content, experiment, workdir)
        if "given" in run:
            content["given"] = run["given"] | content["given"]
        same_data.require_same(workdir, same_data.of_run(run), found, allow)
    elif workdir.exists() and not workdir.is_dir():
        raise ValueError(f"--workdir={workdir} is a file, not a directory")
    elif workdir.exists() and others(workdir):
        raise ValueError(f"--workdir={workdir} holds other things than a run; name a new or an empty directory")
    try:
        require_utf8(workdir.absolute())
        workdir.mkdir(parents=True, exist_ok=True)
        with alone(workdir):
            replace_file(workdir / "config.json", (json.dumps(content, indent=2) + "\n").encode())
    except OSError as error:
        raise OSError(f"cannot write to the run directory {workdir}: {error.strerror}") from error
    return workdir


def as_there(experiment: Experiment, config: object, given: Collection[str]) -> object:
    """The configuration; all that was not given, as the run in its directory has it, if there is one of the experiment.

    So to go on with a run its directory is enough, whatever the defaults are now.
    Raises ValueError if the directory's run cannot be read.
    """
    if not (Path(config.run.workdir) / "config.json").exists():
        return config
    run = read_config(config.run.workdir)
    if run["experiment"] != experiment.name:
        return config
    there = flat(read_flags(config.run.workdir, run, experiment))
    kept = [each.name for each in options(config) if not each.resumable and each.name not in given]
    return replace(config, **{name: there[name] for name in kept})


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
    """What config.json of a run says: {"experiment", "flags", "data", ...}; of version 0.1 too.

    Raises ValueError if there is none, or it cannot be read.
    """
    path = Path(workdir) / "config.json"
    if not path.exists():
        raise ValueError(f"{workdir} is not a run directory: it has no config.json")
    try:
        content = json.loads(path.read_text())
    except ValueError as error:  # it is no JSON, or no text
        raise ValueError(f"{path} is damaged: {error}") from error
    if isinstance(content, dict) and {"experiment", "flags", "image_shape", "class_names"} <= content.keys():
        content["data"] = _data_of_first_version(content)
    if not (isinstance(content, dict) and {"experiment", "flags", "data"} <= content.keys()):
        raise ValueError(f"{path} is damaged: it does not describe a run")
    return content


def read_flags(workdir: str | Path, content: dict, experiment: Experiment) -> object:
    """The configuration of a run's config.json; a flag that it lacks, of a later version, has its default.

    Raises ValueError for a flag that there is not any more.
    """
    try:
        config = from_json(experiment.default, content["flags"])
        lacking = flat(experiment.default).keys() - content["flags"].keys()
        return experiment.resolve(config) if lacking else config
    except ValueError as error:
        raise ValueError(f"{workdir}/config.json: {error}") from error


def _data_of_first_version(content: dict) -> dict:
    """Version 0.1 knew images of one shape, and the names of their labels."""
    flags, classes, shape = content["flags"], content["class_names"], content["image_shape"]
    if content["experiment"] == "mixture2d":
        return {"example": {"image": ["float32", [flags["trials"], 2]]}, "classes": [], "class_counts": []}
    example = {"image": ["uint8", shape], "label": ["int32", []]}
    if content["experiment"] == "sgan":
        example = {"unlabelled": {"image": example["image"]}, "labelled": example}
    return {"example": example, "classes": classes, "class_counts": flags.get("class_counts", [])}


def _require_same(run: dict, asked: dict, experiment: Experiment, workdir: Path) -> None:
    """Raises ValueError, naming what differs, unless a run is of the configuration that is asked for."""
    other = f"{workdir} holds a run of another configuration ({{}}); choose another --workdir"
    if run["experiment"] != asked["experiment"]:
        there, here = run["experiment"], asked["experiment"]
        raise ValueError(other.format(f"experiment {there} there, {here} asked for"))
    there, here = to_json(read_flags(workdir, run, experiment)), asked["flags"]
    fixed = [each.name for each in options(experiment.default) if not each.resumable]
    allow = here.get("allow_changed_data", False)
    if "dataset" in fixed and same_data.moved(there["dataset"], here["dataset"], same_data.of_run(run), allow):
        fixed.remove("dataset")
    differing = [f"--{name}={there[name]} there, {here[name]} asked for" for name in fixed if there[name] != here[name]]
    example, own = _fields(run["data"]["example"]), _fields(asked["data"]["example"])
    differing += [
        f"{name} {example.get(name)} there, {own.get(name)} asked for"
        for name in example | own
        if example.get(name) != own.get(name)
    ]
    if run["data"]["classes"] != asked["data"]["classes"]:
        differing.append(f"classes: {apart(run=run['data']['classes'], data=asked['data']['classes'])}")
    if differing:
        raise ValueError(other.format("; ".join(differing)))


def _fields(example: dict) -> dict[str, str]:
    """What JSON says of an example's fields, in words: {"image": "uint8 [16, 16, 1]"}; of domains, {"a/image": ...}."""
    found = {}
    for name, field in example.items():
        if isinstance(field, dict):
            found |= {f"{name}/{inner}": text for inner, text in _fields(field).items()}
        else:
            found[name] = f"{field[0]} {field[1]}"
    return found
