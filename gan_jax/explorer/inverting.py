"""One image at a time becomes a genome, on a thread of its own: how far it is can be asked for, and it can be stopped."""

import threading
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from gan_jax.latents.inversion import Found


class Progress(NamedTuple):
    """How far it is.

    Fields: step, of steps; latent: the nearest so far, float32 [d], and error, its mean squared error; None before the first step;
    done: whether it has ended; failed: what went wrong, in one line.
    """

    step: int
    steps: int
    latent: np.ndarray | None = None
    error: float | None = None
    done: bool = False
    failed: str | None = None


class Inverting:
    """The inversion of one image; begins at once. Attributes: progress."""

    def __init__(self, nearing: Callable[[], Iterator[Callable[[], Found]]], steps: int):
        """Args: nearing: () -> what is nearest before the first step and after each (`latents.paths.nearing`); steps: how many."""
        self.progress, self._nearing, self._stopped = Progress(0, steps), nearing, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def cancel(self) -> None:
        """Stops it after the step that it is at; waits until then."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            for step, best in enumerate(self._nearing()):
                found = best()
                self.progress = Progress(step, self.progress.steps, found.latents[0], float(found.errors[0]))
                if self._stopped.is_set():
                    break
            self.progress = self.progress._replace(done=True)
        except Exception as error:  # which nobody sees on a thread
            said = " ".join(str(error).split()) or type(error).__name__
            self.progress = self.progress._replace(done=True, failed=said)
