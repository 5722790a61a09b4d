"""The end of a process: at once after an error, whatever threads of libraries still wait for."""

import os
import sys
import threading
import time
from typing import NoReturn

GRACE = 5.0  # seconds that Python has to end by itself


def leave(code: int) -> NoReturn:
    """Exits with a code, as sys.exit. After an error (code > 0) the process is gone within GRACE seconds.

    Otherwise Python would wait for every thread that is no daemon, such as those of a save that failed half-way.
    """
    if code:
        threading.Thread(target=_end, args=(code,), daemon=True).start()
    sys.exit(code)


def _end(code: int) -> None:
    threading.main_thread().join()
    time.sleep(GRACE)
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)
