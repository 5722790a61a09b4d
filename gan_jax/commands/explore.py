"""a page in the browser on which a run's latents are explored: children, crosses, genes, lineage

python -m gan_jax explore --workdir=RUN                 # then open the address that it says
python -m gan_jax explore --workdir=RUN,OTHER           # two runs beside each other, of the same latents
python -m gan_jax explore --workdir=RUN --port=0        # any port that is free

Needs no network. Answers to this computer alone, unless --host says otherwise.
"""

import socket
from dataclasses import dataclass

from gan_jax.commands.options import WORKDIR
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.runs.models import find_classifier
from gan_jax.runs.restore import TrainedRun, restore

LINEAGE = "lineage.jsonl"


@dataclass(frozen=True)
class Options:
    """What is explored, and where it answers."""

    workdir: tuple[str, ...] = option((), WORKDIR)
    classifier: str | None = option(
        None, "Directory of a run that classifies; by default the network that comes with the dataset."
    )
    host: str = option("127.0.0.1", "The address to answer at. 0.0.0.0 lets everybody in who can reach this computer.")
    port: int = option(8000, "Its port; 0 takes one that is free.", low=0, high=65535)


def main(parsed: Parsed) -> None:
    """Answers until it is stopped."""
    import uvicorn

    from gan_jax.explorer import app, lineage, session, subject

    options = parsed.config
    if not options.workdir:
        raise ValueError("--workdir=RUN is needed, the directory of a run")
    runs = [restore(workdir) for workdir in options.workdir]
    subjects = [subject.Subject(run, _classifier(options.classifier, run)) for run in runs]
    explored = session.Session(subjects, lineage.Lineage(runs[0].workdir / LINEAGE))
    explored.described({})  # finds the genes
    own = app.make(explored, ["127.0.0.1", "localhost", options.host])
    with socket.create_server((options.host, options.port)) as listening:
        address = f"http://{options.host}:{listening.getsockname()[1]}"
        print(f"{address}  (Ctrl-C stops it)", flush=True)
        uvicorn.Server(uvicorn.Config(own, log_level="error")).run(sockets=[listening])


def _classifier(workdir: str | None, run: TrainedRun):
    try:
        return find_classifier(workdir, run)
    except ValueError:
        if workdir is not None:
            raise
        return None
