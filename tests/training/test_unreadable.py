"""What only cannot be read is no damage: it is an error in one line, and nothing is moved."""

import gc
import grp  # noqa: F401  (Orbax imports both late, which only root can)
import os
import pwd  # noqa: F401
import resource
import shutil
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import jax
import numpy as np
import pytest

from gan_jax.training.checkpoint import Checkpoints, ReadError
from gan_jax.training.files import require_utf8
from tests.training.example_states import arrays_of, saved, state

NOBODY = 65534


@pytest.fixture
def run():
    """A run's directory with two checkpoints, in a folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        saved(Path(folder) / "checkpoints", [1, 2]).close()
        yield Path(folder)


@contextmanager
def unprivileged(run):
    """Root may read everything; whoever else the tests are run by may not."""
    if os.geteuid():
        yield
        return
    for path in [run, *run.rglob("*")]:
        os.chown(path, NOBODY, NOBODY)
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def few_files(run):
    """No file can be opened.

    A new file has the lowest number that is free, and the limit is on that number: a limit at the count of
    open files would leave room where there are holes in their numbers.
    """
    gc.collect()  # so that nothing is closed in between
    lowest = os.dup(0)
    os.close(lowest)
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)


def link(path, target):
    path.unlink()
    path.symlink_to(target)


NO_PERMISSION = {
    "the arrays": lambda directory: arrays_of(directory, 2),
    "their folder": lambda directory: directory / "2" / "state",
    "the metadata": lambda directory: directory / "2" / "state" / "_METADATA",
    "the checksum": lambda directory: directory / "2" / "integrity" / "metadata",
    "the checkpoint": lambda directory: directory / "2",
    "all checkpoints": lambda directory: directory,
}


def refused(run, said, read_only=False):
    """Asserts that nothing can be restored, for a reason, and that nothing is moved."""
    before = sorted(run.rglob("*"))
    with pytest.raises(ReadError, match=said) as error:
        Checkpoints(run / "checkpoints", read_only=read_only).restore(state(0))
    assert "\n" not in str(error.value)
    assert sorted(run.rglob("*")) == before
    return str(error.value)


@pytest.mark.parametrize("what", NO_PERMISSION)
def test_no_permission(run, what):
    path = NO_PERMISSION[what](run / "checkpoints")
    mode = path.stat().st_mode
    path.chmod(0)
    with unprivileged(run):
        said = []
        for read_only in (False, True):
            with pytest.raises(ReadError, match="Permission denied") as error:
                Checkpoints(run / "checkpoints", read_only=read_only).restore(state(0))
            said.append(str(error.value))
    path.chmod(mode)
    assert str(path) in said[0] and said[0] == said[1]
    assert not (run / "damaged").exists()
    jax.tree.map(np.testing.assert_array_equal, Checkpoints(run / "checkpoints").restore(state(0)), state(2))


@pytest.mark.skipif(not os.path.exists("/proc/self/mem"), reason="needs Linux's /proc")
def test_an_error_of_the_disk(run):
    link(arrays_of(run / "checkpoints", 2), "/proc/self/mem")  # which cannot be read from its beginning
    assert "nothing was moved" in refused(run, "Input/output error")


def test_a_loop_of_links(run):
    """Orbax says that the file does not exist."""
    path = run / "checkpoints" / "2" / "state" / "_METADATA"
    link(path, path)
    refused(run, "Too many levels of symbolic links", read_only=True)
    refused(run, "Too many levels of symbolic links")


def test_too_many_open_files(run):
    checkpoints = Checkpoints(run / "checkpoints")
    with few_files(run), pytest.raises(ReadError, match="Too many open files"):
        checkpoints.restore(state(0))
    assert not (run / "damaged").exists()
    assert int(checkpoints.restore(state(0)).step) == 2


UNFORESEEN = {
    "of the system": ValueError("x: RESOURCE_EXHAUSTED: reading [OS error 12: ENOMEM Cannot allocate memory] checksum"),
    "of a path": UnicodeEncodeError("utf-8", "\udcc3", 0, 1, "surrogates not allowed"),
    "of another kind": NotImplementedError("no such format"),
}


@pytest.mark.parametrize("what", UNFORESEEN)
def test_what_nobody_foresaw_is_no_damage(run, monkeypatch, what):
    before = sorted(run.rglob("*"))

    def fail(*_, **__):
        raise UNFORESEEN[what]

    checkpoints = Checkpoints(run / "checkpoints")
    monkeypatch.setattr(checkpoints._manager, "restore", fail)
    said = {"of the system": "Cannot allocate memory", "of a path": "surrogates", "of another kind": "no such format"}
    with pytest.raises(
        ReadError, match=f"cannot read the checkpoint of step 2 in .*: .*{said[what]}.*; it may be whole"
    ):
        checkpoints.restore(state(0))
    assert sorted(run.rglob("*")) == before


def test_too_little_memory(run, monkeypatch):
    before = sorted(run.rglob("*"))

    def full(*_, **__):
        raise MemoryError

    checkpoints = Checkpoints(run / "checkpoints")
    monkeypatch.setattr(checkpoints._manager, "restore", full)
    with pytest.raises(MemoryError, match="too little memory for the checkpoint of step 2"):
        checkpoints.restore(state(0))
    assert sorted(run.rglob("*")) == before


def test_a_path_that_is_another_to_others(run):
    """Python takes file names for ASCII, say, where the locale does; TensorStore takes them for UTF-8."""
    shutil.move(run / "checkpoints", run / "é1" / "checkpoints")
    given = (
        str(run / "é1" / "checkpoints").encode().decode("ascii", "surrogateescape")
    )  # as the command line has it then
    assert os.path.isdir(given)
    with pytest.raises(ReadError, match="its name is not UTF-8 .*; set PYTHONUTF8=1"):
        Checkpoints(given)
    assert [path.name for path in run.iterdir()] == ["é1"]
    require_utf8(run / "é1")
    other = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = "import sys; from pathlib import Path; from gan_jax.training.files import require_utf8 as r; r(Path(sys.argv[1]))"
    command = (sys.executable, "-c", code, run / "é1")
    root = Path(__file__).parents[2]
    ended = subprocess.run(command, cwd=root, env=os.environ | other, capture_output=True, text=True)
    assert ended.returncode == 1 and "its name is not UTF-8 where file names are" in ended.stderr
    assert not subprocess.run(command, cwd=root, env=os.environ | other | {"PYTHONUTF8": "1"}).returncode
