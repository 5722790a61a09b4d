"""What the commands' options have in common."""

WORKDIR = "Directory of the run."
STANDING = (
    "Measure the generator's batch statistics anew, over so many batches of the run's size; 0: as training left them."
)
TRUNCATION = (
    "Draw latents from within ± this: fewer kinds of images, each more usual. Say 0.7. Of a run with styles ψ, how far styles are "
    "from their mean: 0 for the mean, 1 for all as they are."
)
CUTOFF = "With --truncation, of a run with styles: only in its first so many layers, the coarse ones."


def required(workdir: str | None, of: str = "a run") -> str:
    """The directory that --workdir names. Raises ValueError if none is named."""
    if workdir is None:
        raise ValueError(f"--workdir=RUN is needed: the directory of {of}")
    return workdir
