"""The README's examples run, one after another, and what it names is there."""

import re
from pathlib import Path

import pytest

from gan_jax.data.sources import DATASETS
from gan_jax.games import GAMES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def test_python_examples():
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) == 3
    names = {}
    try:
        for block in blocks:
            exec(compile(block, "README.md", "exec"), names)
    finally:
        GAMES.pop("absolute", None)
        DATASETS.pop("stripes", None)
    assert names["images"].shape == (64, 8, 8, 1)


@pytest.mark.parametrize(
    "path", sorted(set(re.findall(r"(?<![\w/])(?:gan_jax|experiments|docs|tests)/[\w/.]+\b", README)))
)
def test_files_that_are_named_exist(path):
    assert (ROOT / path).exists()


def test_every_game_is_in_the_table():
    from gan_jax.presets import PRESETS

    table = README.partition("| `--game` | D minimises")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == set(PRESETS)
