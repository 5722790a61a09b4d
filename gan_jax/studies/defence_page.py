"""The page of a study of a defence."""

from pathlib import Path

from gan_jax.studies import study_page
from gan_jax.studies.defended import Defence
from gan_jax.studies.study_page import Table


def save(workdir: Path, made: Defence, generator: str, lines: Table, cost: str) -> Path:
    """Writes table.md and report.html; returns its path. Args: lines: the table; cost: what is said beneath it."""
    under = f"Accuracy in % under {made.threat}. An image counts where it is right without an attack, too."
    shown = (
        "What is seen, and behind the generator: the nearest image that it draws, by which the classifier then decides."
    )
    title, said = f"{generator} as a defence of {made.target.name}", f"{made.target.dataset}. {workdir}"
    return study_page.save(workdir, title, said, lines, f"{under} {cost}", [("Images", "defended.png", shown)])
