"""a page in the browser on which a run's latents are explored: children, crosses, genes, lineage

python -m gan_jax explore --workdir=RUN                    # then open the address that it says
python -m gan_jax explore --workdir=RUN --workdir=OTHER    # two runs beside each other, of the same latents
python -m gan_jax explore --workdir=RUN --port=0           # any port that is free

Needs no network. Answers to this computer alone, unless --host says otherwise. What is seen is kept in the (first) run's
directory, and there again the next time.
"""

import errno
import socket
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from gan_jax.commands.options import WORKDIR, required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.explorer import app
from gan_jax.explorer.lineage import Lineage
from gan_jax.explorer.session import Session
from gan_jax.explorer.subject import Subject
from gan_jax.latents.model import Classifier
from gan_jax.runs.models import find_classifier
from gan_jax.runs.restore import TrainedRun, restore

LINEAGE = "lineage.jsonl"
GRACE = 2  # seconds that requests have to end when it is stopped


@dataclass(frozen=True)
class Options:
    """What is explored, and where it answers."""

    workdir: tuple[str, ...] | None = option(
        None, f"{WORKDIR} Given again, another one of the same latents, to be seen beside it.", repeated=True
    )
    classifier: str | None = option(
        None, "Directory of a run that classifies; by default the network that comes with the dataset."
    )
    truncation: float | None = option(
        None, "Of runs with styles, ψ: how far all that is drawn is from their mean. Of others, the page asks.", low=0
    )
    lineage: str | None = option(
        None, f"The file that keeps what is seen; by default {LINEAGE} in the run's directory."
    )
    host: str = option("127.0.0.1", "The address to answer at. 0.0.0.0 lets everybody in who can reach this computer.")
    names: tuple[str, ...] = option(
        (), "Other names that this computer is called by in the browser; requests under unknown ones are refused."
    )
    port: int = option(8000, "Its port; 0 takes one that is free.", low=0, high=65535)


def main(parsed: Parsed) -> None:
    """Answers until it is stopped. Raises ValueError or OSError, in one line."""
    options = parsed.config
    workdirs = options.workdir or (required(None),)
    with _listening(options.host, options.port) as listening:
        runs = [_truncated(restore(workdir), options.truncation) for workdir in workdirs]
        subjects = [Subject(run, _classifier(options.classifier, run)) for run in runs]
        explored = Session(subjects, _lineage(Path(options.lineage or runs[0].workdir / LINEAGE)))
        explored.described({})  # finds the genes
        address, port = listening.getsockname()[:2]
        print(f"http://{address}:{port}  (Ctrl-C stops it)", flush=True)
        home = {"127.0.0.1", "localhost"}
        names = {*home, options.host, socket.gethostname(), socket.getfqdn(), *options.names}
        own = app.make(explored, names, addresses=options.host not in home)
        limits = dict(limit_concurrency=app.AT_ONCE, timeout_graceful_shutdown=GRACE)
        config = uvicorn.Config(own, log_level="error", lifespan="off", **limits)
        try:
            with suppress(KeyboardInterrupt):
                uvicorn.Server(config).run(sockets=[listening])
        finally:
            explored.cancel({})  # or else it would still compute while Python ends


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        free = "; --port=0 takes one that is free" if error.errno in (errno.EADDRINUSE, errno.EACCES) else ""
        reason = str(error.strerror or error).partition(" (while")[0]
        raise OSError(f"--host={host} --port={port}: {reason}{free}") from error


def _truncated(run: TrainedRun, truncation: float | None) -> TrainedRun:
    if truncation is not None:
        run.require_styles(f"truncation={truncation:g}: ", "; the page asks for the latents'")
    return run.truncated(truncation)[0]


def _lineage(path: Path) -> Lineage:
    try:
        return Lineage(path)
    except OSError as error:
        said = f"{path}: {error.strerror or error}, so that what is seen cannot be kept there"
        raise OSError(f"{said}; --lineage=FILE keeps it elsewhere") from error


def _classifier(workdir: str | None, run: TrainedRun) -> Classifier | None:
    try:
        return find_classifier(workdir, run)
    except ValueError:
        if workdir is not None:
            raise
        return None
