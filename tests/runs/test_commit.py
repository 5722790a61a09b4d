"""The commit of the code that a run was made with."""

import shutil
import subprocess

import pytest

from gan_jax.runs.commit import commit

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory outside any checkout."""
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def git(*arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    return subprocess.run(("git", *identity, *arguments), capture_output=True, text=True, check=True).stdout.strip()


def test_the_commit_and_whether_anything_is_changed(here):
    assert commit() is None
    git("init")
    (here / "code.py").write_text("1")
    git("add", ".")
    git("commit", "-m", "first")
    (here / "note.txt").touch()  # is not tracked
    assert commit() == git("rev-parse", "HEAD")
    (here / "code.py").write_text("2")
    assert commit() == git("rev-parse", "HEAD") + " and changes that are not committed"


def test_without_git(here, monkeypatch):
    monkeypatch.setenv("PATH", str(here))
    assert commit() is None
