"""Checkpoints: the state of a run on disk, by Orbax, written by one process and checked when read.

A save is atomic (Orbax writes beside and renames), so a process killed at any moment leaves the last whole one. Each
checkpoint carries a checksum of its arrays: what was damaged on disk is noticed, set aside, and the one before used.
Checkpoints of other networks are not damaged: they are compared with the template first, and stay where they are. So do
those that cannot be read for a reason that is not in them (`damage`).
"""

import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import jax
import numpy as np
import orbax.checkpoint as ocp
from etils import epath

from gan_jax.training import legacy
from gan_jax.training.damage import Damage, is_damage, read_json, reason
from gan_jax.training.files import require_utf8

State = TypeVar("State")
ByPath = dict[legacy.Path, Any]  # a tree's leaves, in order

SHOWN = 3  # differences from the template that an error names


class SaveError(OSError):
    """A checkpoint could not be written. The message says why and which one is the last good one."""


class ReadError(OSError):
    """Checkpoints cannot be read, which does not prove them damaged. The message says why; nothing was moved."""


class TemplateError(ValueError):
    """A checkpoint is of another tree, other shapes or other dtypes than the template. The message says where."""


class Checkpoints:
    """The checkpoints of a run in `directory`, named by step; the latest `keep` of them stay.

    A reader of a run that may be training is `read_only`: it neither writes, nor clears away unfinished saves, nor sets
    damaged checkpoints aside. Saves go on in the background: an error shows at the next call. In a run of many
    processes only the first one reads and writes, so the others need not see its disk.

    As a context it closes itself; where an error leaves it, an error of closing is not said as well.

    Raises ReadError if the directory cannot be opened.
    """

    def __init__(self, directory: str | Path, keep: int = 2, *, read_only: bool = False):
        self._directory = Path(directory).absolute()
        self._keep = keep
        self._read_only = read_only
        try:
            require_utf8(self._directory)  # TensorStore would take another path for it
            if not read_only:
                self._directory.mkdir(parents=True, exist_ok=True)
            self._manager = self._open()
        except OSError as error:
            raise ReadError(f"cannot open the checkpoints in {self._directory}: {reason(error)}") from error

    def __enter__(self) -> "Checkpoints":
        return self

    def __exit__(self, kind: type | None, *_) -> None:
        try:
            self.close()
        except SaveError:
            if kind is None:
                raise

    def _open(self) -> ocp.CheckpointManager:
        options = ocp.CheckpointManagerOptions(
            create=False,  # Orbax cannot create it where `active_processes` are given
            preservation_policy=ocp.checkpoint_managers.LatestN(self._keep),
            read_only=self._read_only,
            cleanup_tmp_directories=not self._read_only,  # of saves that were cut off; a reader's are still going on
            # Made in the background, a folder that cannot be made leaves threads that wait 20 minutes for it.
            async_options=ocp.AsyncOptions(create_directories_asynchronously=False),
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
        arrays = jax.tree.map(np.array, state)  # copies, because training goes on while the disk is written
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
        """Removes a checkpoint. Raises SaveError."""
        try:
            self._manager.delete(step)
        except Exception as error:
            raise self._save_error(error) from error

    def wait(self) -> None:
        """Returns when all that was saved is on disk. Raises SaveError."""
        try:
            self._manager.wait_until_finished()
        except Exception as error:
            raise self._save_error(error) from error

    def restore(self, template: State | Callable[[int], State]) -> State | None:
        """The newest checkpoint that can be read, as numpy arrays in `template`'s structure; None if there is none.

        A damaged one is moved to `damaged/STEP` beside the directory, with a line on stderr.

        Args:
          template: a pytree of arrays or of jax.ShapeDtypeStruct; or a function of the checkpoint's step that returns
            one, for networks that grow.

        Raises:
          TemplateError: the newest readable checkpoint has another tree, other shapes or other dtypes. It stays.
          ReadError, MemoryError: the newest cannot be read, and nothing proves that it is damaged. It stays.
        """
        for step in reversed(self.steps()):
            wanted = template(step) if callable(template) else template
            wanted = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), wanted)
            try:
                return self._read(step, wanted)
            except TemplateError:
                raise
            except MemoryError as error:
                raise MemoryError(f"too little memory for the {self._name(step)}") from error
            except Exception as error:  # damage makes Orbax and TensorStore raise errors of many kinds
                self._require_damage(step, error)
                self._set_aside(step, error)
        return None

    def close(self) -> None:
        """Waits for the saves and lets go of the directory. Raises SaveError."""
        try:
            self._manager.close()
        except Exception as error:
            raise self._save_error(error) from error

    def _read(self, step: int, template: State) -> State:
        tree = self._shapes(step)
        saved, wanted = _by_path(tree), _by_path(template)
        old = legacy.is_legacy(saved, wanted)
        renamed = legacy.renamed if old else lambda path: path
        if differences := _compare({renamed(path): leaf for path, leaf in saved.items()}, wanted):
            raise TemplateError(f"{self._name(step)} is of other networks: {differences}")
        crc = read_json(self._directory / str(step) / "integrity" / "metadata").get("crc32")
        # Read as Orbax's own tree, not as the template's: it does not compare the two by itself.
        restored = self._manager.restore(
            step,
            args=ocp.args.Composite(
                state=ocp.args.StandardRestore(jax.tree.map(lambda x: np.empty(x.shape, x.dtype), tree))
            ),
        )
        arrays = {renamed(path): np.asarray(leaf) for path, leaf in _by_path(restored.state).items()}
        order = legacy.in_saved_order(wanted) if old else wanted
        if checksum([arrays[path] for path in order]) != crc:
            raise Damage("the arrays do not match their checksum")
        return jax.tree.unflatten(jax.tree.structure(template), [arrays[path] for path in wanted])

    def _shapes(self, step: int) -> Any:
        """The tree of what is in a checkpoint, as dicts and lists of jax.ShapeDtypeStruct."""
        # By a handler of its own: the manager knows an item's metadata only after it has restored one.
        metadata = ocp.StandardCheckpointHandler().metadata(epath.Path(self._directory, str(step), "state"))
        leaves, structure = jax.tree.flatten(metadata.tree)
        if not all(hasattr(leaf, "shape") for leaf in leaves):
            raise Damage("not all in it are arrays")
        return jax.tree.unflatten(structure, [jax.ShapeDtypeStruct(leaf.shape, leaf.dtype) for leaf in leaves])

    def _name(self, step: int) -> str:
        return f"checkpoint of step {step} in {self._directory}"

    def _require_damage(self, step: int, error: Exception) -> None:
        """Raises ReadError unless the error proves that the checkpoint is damaged."""
        try:
            if is_damage(self._directory / str(step), error):
                return
        except OSError as met:
            raise ReadError(f"cannot read the {self._name(step)}: {reason(met)}; nothing was moved") from met
        advice = "it may be whole, so it stays; moved away by hand, it makes place for the one before"
        raise ReadError(f"cannot read the {self._name(step)}: {reason(error)}; {advice}") from error

    def _set_aside(self, step: int, error: Exception) -> None:
        why = reason(error)[:120]
        if self._read_only:
            print(f"checkpoint of step {step} cannot be read ({why}); trying the one before", file=sys.stderr)
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
        before = f"going back to step {self.steps()[-1]}" if self.steps() else "no other is left"
        print(f"checkpoint of step {step} is damaged ({why}); moved to {target}; {before}", file=sys.stderr)

    def _save_error(self, error: Exception) -> SaveError:
        try:
            whole = [step for step in self.steps() if (self._directory / str(step)).exists()]
        except OSError:
            whole = []
        last = f"the last good checkpoint is of step {whole[-1]}" if whole else "there is no earlier checkpoint"
        return SaveError(f"cannot save a checkpoint in {self._directory}: {reason(error)}; {last}")


def _by_path(tree) -> ByPath:
    """The leaves of a pytree by their paths, which dicts, tuples and dataclasses have alike."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {tuple(jax.tree_util.keystr((key,), simple=True) for key in path): leaf for path, leaf in leaves}


def _compare(saved: ByPath, wanted: ByPath) -> str:
    """How a checkpoint ("there") differs from a template ("here"), in a few words; "" if it does not."""
    differences = [f"{branch} is only there" for branch in _branches_of_one(saved, wanted)]
    differences += [f"{branch} is only here" for branch in _branches_of_one(wanted, saved)]
    for path in (path for path in wanted if path in saved):
        there, here, name = saved[path], wanted[path], "/".join(path)
        if there.shape != here.shape:
            differences.append(f"{name} is {list(there.shape)} there, {list(here.shape)} here")
        if there.dtype != here.dtype:
            differences.append(f"{name} is {there.dtype} there, {here.dtype} here")
    more = f" (and {len(differences) - SHOWN} more)" if len(differences) > SHOWN else ""
    return "; ".join(differences[:SHOWN]) + more


def _branches_of_one(one: ByPath, other: ByPath) -> list[str]:
    """The branches that only the one tree has, each named at its root."""
    branches = {path[:length] for path in other for length in range(len(path) + 1)}
    roots = []
    for path in (path for path in one if path not in other):
        new = (path[:length] for length in range(1, len(path)) if path[:length] not in branches)
        roots.append("/".join(next(new, path)))
    return list(dict.fromkeys(roots))


def checksum(tree) -> int:
    """CRC-32 of all arrays' bytes, in the order of the tree's leaves."""
    crc = 0
    for leaf in jax.tree.leaves(tree):
        crc = zlib.crc32(np.ascontiguousarray(leaf).reshape(-1).view(np.uint8), crc)
    return crc
