"""a page to look at, of a run or of an ablation: one file, which needs no network

python -m gan_jax report --workdir=RUN
"""

from dataclasses import dataclass
from pathlib import Path

from gan_jax.ablation import report as ablation_report
from gan_jax.ablation import results
from gan_jax.commands.options import required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.runs import directory, report
from gan_jax.runs.experiment import require_no_study
from gan_jax.runs.nearest import nearest


@dataclass(frozen=True)
class Options:
    """Of what the page is."""

    workdir: str | None = option(None, "Directory of the run, or of the ablation.")


def save(workdir: Path) -> Path:
    """Writes report.html into the directory; returns its path. Raises ValueError or OSError."""
    if not (workdir / results.PLAN).exists():
        require_no_study(directory.read_config(workdir)["experiment"])
        return report.save(workdir, nearest(workdir, "Samples"))
    results.save(workdir)
    return ablation_report.save(workdir)


def main(parsed: Parsed) -> None:
    """Writes the page; says where."""
    print(save(Path(required(parsed.config.workdir, "a run or of an ablation"))))
