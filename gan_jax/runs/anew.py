"""Whether a run without a checkpoint may begin at its first round: not if rounds that it had saved would be lost."""

from pathlib import Path

from gan_jax.training import record


def require_unsaved(workdir: Path, checkpoint_every: int) -> None:
    """Raises ValueError, saying what can be done, if a run that has no usable checkpoint once had one.

    A run that was killed before its first checkpoint was whole may begin anew: it makes the same rounds again.
    """
    rounds = max(record.read(workdir).get("step", [0]), default=0)
    saved = (workdir / "result.json").exists() or any((workdir / "damaged").glob("*"))
    # A save begins when the one before it is whole, so that many rounds without any cannot be.
    if rounds and (saved or rounds > 2 * checkpoint_every):
        raise ValueError(
            f"{workdir} has no checkpoint that can be used, but the metrics of {rounds} rounds, which would be lost: put "
            f"one back into {workdir / 'checkpoints'}, or name another --workdir, or remove {workdir} to start anew"
        )
