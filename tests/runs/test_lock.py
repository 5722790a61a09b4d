"""One process at a time: who comes second is told who is there, and one that was killed keeps nobody out."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from gan_jax.runs import lock
from gan_jax.runs.lock import Locked, alone

ROOT = Path(__file__).parents[2]
HOLDS = """
import sys
from pathlib import Path
from gan_jax.runs.lock import alone
with alone(Path(sys.argv[1])):
    print()
    sys.stdin.read()
"""

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def hold():
    """hold(workdir) is another process that has it."""
    processes = []

    def hold(workdir: Path) -> subprocess.Popen:
        command = (sys.executable, "-c", HOLDS, workdir)
        processes.append(subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
        assert processes[-1].stdout.readline() == b"\n"
        return processes[-1]

    yield hold
    for process in processes:
        process.kill()
        process.communicate()


def test_who_is_there_is_said_until_it_is_killed(tmp_path, hold):
    other = hold(tmp_path)
    for _ in range(2):  # being refused erases nothing
        with pytest.raises(Locked) as error, alone(tmp_path):
            pass
        assert str(error.value) == f"{tmp_path} is being trained by process {other.pid} on {socket.gethostname()}"
    other.send_signal(signal.SIGKILL)
    other.wait()
    with alone(tmp_path), pytest.raises(Locked, match=f"by process {os.getpid()} on"), alone(tmp_path):
        pass
    with alone(tmp_path):  # it was let go
        pass


def test_a_file_system_without_locks(tmp_path, monkeypatch):
    def unsupported(*_):
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(lock.fcntl, "flock", unsupported)
    with alone(tmp_path), alone(tmp_path):
        pass


def test_a_run_that_is_being_trained(tmp_path, hold, run_experiment, tiny, capsys):
    """It is left as it is, by a run of the same configuration and before anything is trained; then it can go on."""
    run = tmp_path / "run"
    assert run_experiment(*tiny, "--steps=1", f"--workdir={run}") == 0
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != lock.FILE}
    capsys.readouterr()
    other = hold(run)
    assert run_experiment(*tiny, "--steps=2", f"--workdir={run}") == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"error: {run} is being trained by process {other.pid} on {socket.gethostname()}"
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.name != lock.FILE} == before
    other.kill()
    other.wait()
    assert run_experiment(*tiny, "--steps=2", f"--workdir={run}") == 0
