"""Checkpoints: the state of a run on disk, by Orbax, written by one process and checked when read.

A save is atomic (Orbax writes beside and renames), so a process killed at any moment leaves the last whole one. Each
checkpoint carries a checksum of its arrays: what was damaged on disk is noticed, set aside, and the one before used.
"""

import sys
import zlib
from pathlib import Path
from typing import TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp

State = TypeVar("State")


class SaveError(OSError):
    """A checkpoint could not be written. The message says why and which one is the last good one."""


class Checkpoints:
    """The checkpoints of a run in `directory`, named by step; the latest `keep` of them stay.

    A reader of a run that may be training is `read_only`: it neither writes, nor clears away unfinished saves, nor sets
    damaged checkpoints aside. Saves go on in the background: an error shows at the next call. In a run of many
    processes only the first one reads and writes, so the others need not see its disk.
    """

    def __init__(self, directory: str | Path, keep: int = 2, *, read_only: bool = False):
        self._directory = Path(directory).absolute()
        self._keep = keep
        self._read_only = read_only
        self._manager = self._open()

    def _open(self) -> ocp.CheckpointManager:
        if not self._read_only:
            self._directory.mkdir(parents=True, exist_ok=True)
        options = ocp.CheckpointManagerOptions(
            create=False,  # Orbax refuses to when told which processes take part
            preservation_policy=ocp.checkpoint_managers.LatestN(self._keep),
            read_only=self._read_only,
            cleanup_tmp_directories=not self._read_only,  # of saves that were cut off; a reader's are still going on
            multiprocessing_options=ocp.options.MultiprocessingOptions(
                primary_host=0, active_processes={0}, barrier_sync_key_prefix="first_process"
            ),
        )
        return ocp.CheckpointManager(self._directory, options=options)

    def steps(self) -> list[int]:
        """The steps that have a checkpoint, in order."""
        return sorted(self._manager.all_steps())

    def save(self, step: int, state: State) -> None:
        """Starts to write `state` (a pytree of arrays) as the checkpoint of `step`. Raises SaveError."""
        arrays = jax.tree.map(np.array, state)  # copies: the devices go on while the disk is written
        try:
            self._manager.save(
                step,
                args=ocp.args.Composite(
                    state=ocp.args.StandardSave(arrays),
                    integrity=ocp.args.JsonSave({"crc32": checksum(arrays)}),
                ),
            )
        except Exception as error:  # Orbax and TensorStore raise many kinds, ValueError for a full disk
            raise self._save_error(error) from error

    def delete(self, step: int) -> None:
        """Removes a checkpoint."""
        self._manager.delete(step)

    def wait(self) -> None:
        """Returns when all that was saved is on disk. Raises SaveError."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._save_error(error) from error

    def restore(self, template: State) -> State | None:
        """The newest checkpoint that can be read, as numpy arrays in `template`'s structure; None if there is none.

        A damaged one is moved to `damaged/STEP` beside the directory, which is said on stderr.
        """
        for step in reversed(self.steps()):
            try:
                return self._read(step, template)
            except Exception as error:  # whatever the damage makes Orbax raise
                self._set_aside(step, error)
        return None

    def close(self) -> None:
        """Waits for the saves and lets go of the directory."""
        self._manager.close()

    def _read(self, step: int, template: State) -> State:
        shapes = jax.tree.map(lambda x: np.empty(x.shape, x.dtype), template)
        restored = self._manager.restore(
            step,
            args=ocp.args.Composite(state=ocp.args.StandardRestore(shapes), integrity=ocp.args.JsonRestore()),
        )
        state = jax.tree.map(np.asarray, restored.state)
        if checksum(state) != restored.integrity["crc32"]:
            raise ValueError("the arrays do not match their checksum")
        return state

    def _set_aside(self, step: int, error: Exception) -> None:
        reason = str(error).strip().splitlines()[0][:120] if str(error).strip() else type(error).__name__
        if self._read_only:
            print(f"checkpoint of step {step} cannot be read ({reason}); trying the one before", file=sys.stderr)
            return
        aside = self._directory.parent / "damaged"
        aside.mkdir(exist_ok=True)
        target = aside / str(step)
        number = 1
        while target.exists():
            number += 1
            target = aside / f"{step}-{number}"
        (self._directory / str(step)).rename(target)
        self._manager.close()
        self._manager = self._open()  # forgets the step
        before = f"going back to step {self.steps()[-1]}" if self.steps() else "no other is left: starting anew"
        print(f"checkpoint of step {step} is damaged ({reason}); moved to {target}; {before}", file=sys.stderr)

    def _save_error(self, error: Exception) -> SaveError:
        whole = [step for step in self.steps() if (self._directory / str(step)).exists()]
        last = f"the last good checkpoint is of step {whole[-1]}" if whole else "there is no earlier checkpoint"
        return SaveError(f"cannot save a checkpoint in {self._directory}: {_reason(error)}; {last}")


def _reason(error: Exception) -> str:
    """What the system said, without TensorStore's chain of contexts."""
    text = " ".join(str(error).split())
    for known in ("No space left on device", "File too large", "Permission denied", "Read-only file system"):
        if known in text:
            return known
    return text[:200] or type(error).__name__


def checksum(tree) -> int:
    """CRC-32 of all arrays' bytes, in the order of the tree's leaves."""
    crc = 0
    for leaf in jax.tree.leaves(tree):
        crc = zlib.crc32(np.ascontiguousarray(leaf).tobytes(), crc)
    return crc
