"""The page of any study: what it found, then how it was made; all that it says is in the directory."""

import shlex
from pathlib import Path

from gan_jax.pictures import page
from gan_jax.runs import directory
from gan_jax.runs.report import made_with
from gan_jax.training.files import replace_file


def save(workdir: Path, title: str, said: str, sections: list[tuple[str, str]]) -> Path:
    """Writes report.html; returns its path. Args: said: beneath the title; sections: headings, and what stands below them."""
    content = directory.read_config(workdir)
    made = [
        ("Command", page.code(shlex.join(content["command"]))),
        ("Configuration", page.folded("all flags", page.pairs(content["flags"]))),
        ("Made with", page.pairs(made_with(content))),
    ]
    path = workdir / "report.html"
    replace_file(path, page.page(title, said, sections + made).encode())
    return path
