"""After an error the process is gone within seconds, whatever still runs in it; otherwise it ends as Python does."""

import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
CODE = """
import atexit, sys, threading, time
from gan_jax.runs import leaving
leaving.GRACE = 0.3
atexit.register(print, "at exit", flush=True)
threading.Thread(target=time.sleep, args=(float(sys.argv[2]),)).start()
print("last words")
leaving.leave(int(sys.argv[1]))
"""


def leave(code: int, seconds: float) -> tuple[int, str, float]:
    """The exit code of a process that leaves with one while a thread sleeps; what it printed, and how long it took."""
    began = time.monotonic()
    command = (sys.executable, "-c", CODE, str(code), str(seconds))
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert ended.stderr == ""
    return ended.returncode, ended.stdout, time.monotonic() - began


def test_a_thread_that_waits_for_ever_is_left_after_an_error():
    code, printed, seconds = leave(2, 50)
    assert (code, printed) == (2, "last words\n") and seconds < 30


def test_without_such_a_thread_python_ends_as_ever():
    assert leave(2, 0)[:2] == (2, "last words\nat exit\n")


def test_without_an_error_all_is_waited_for():
    code, printed, seconds = leave(0, 1)
    assert (code, printed) == (0, "last words\nat exit\n") and seconds > 1
