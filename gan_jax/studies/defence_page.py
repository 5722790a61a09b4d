"""The page of a study of a defence."""

from pathlib import Path

from gan_jax.pictures import page
from gan_jax.studies import attack_table, study_page
from gan_jax.studies.attack_table import Table
from gan_jax.studies.defended import Defence
from gan_jax.training.files import replace_file


def save(workdir: Path, made: Defence, generator: str, lines: Table, cost: str) -> Path:
    """Writes table.md and report.html; returns its path. Args: lines: the table; cost: what is said beneath it."""
    replace_file(workdir / "table.md", attack_table.text(lines).encode())
    under = f"Accuracy in % under {made.threat}. An image counts where it is right without an attack, too."
    shown = (
        "What is seen, and behind the generator: the nearest image that it draws, by which the classifier then decides."
    )
    sections = [
        ("Accuracy", page.table(lines) + page.note(f"{under} {cost}")),
        ("Images", page.picture(workdir / "defended.png", shown)),
    ]
    title = f"{generator} as a defence of {made.target.name}"
    return study_page.save(workdir, title, f"{made.target.dataset}. {workdir}", sections)
