"""What any study leaves: its table, and a page of that, of pictures, and of how it was made. All of it is in the directory."""

import shlex
from pathlib import Path

from gan_jax.pictures import page
from gan_jax.runs import directory
from gan_jax.runs.report import made_with
from gan_jax.training.files import replace_file

Table = list[list[str]]  # head and rows


def save(workdir: Path, title: str, said: str, lines: Table, note: str, pictures: list[tuple[str, str, str]]) -> Path:
    """Writes table.md and report.html; returns the path of this.

    Args: said: beneath the title; note: beneath the table; pictures: headings, files of workdir, and what they show.
    """
    replace_file(workdir / "table.md", text(lines).encode())
    content = directory.read_config(workdir)
    sections = [
        ("Accuracy", page.table(lines) + page.note(note)),
        *((heading, page.picture(workdir / name, shown)) for heading, name, shown in pictures),
        ("Command", page.code(shlex.join(content["command"]))),
        ("Configuration", page.folded("all flags", page.pairs(content["flags"]))),
        ("Made with", page.pairs(made_with(content))),
    ]
    path = workdir / "report.html"
    replace_file(path, page.page(title, said, sections).encode())
    return path


def text(lines: Table) -> str:
    """A table in Markdown."""
    head, *rows = lines
    return "".join(f"| {' | '.join(row)} |\n" for row in [head, ["---:"] * len(head), *rows])
