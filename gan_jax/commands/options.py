"""What the commands' options have in common."""

WORKDIR = "Directory of the run."
STANDING = (
    "Measure the generator's batch statistics anew, over so many batches of the run's size; 0: as training left them."
)


def required(workdir: str | None, of: str = "a run") -> str:
    """The directory that --workdir names. Raises ValueError if none is named."""
    if workdir is None:
        raise ValueError(f"--workdir=RUN is needed: the directory of {of}")
    return workdir
