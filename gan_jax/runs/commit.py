"""Of which commit the code is, where the working directory is a checkout of git."""

import subprocess

PATIENCE = 5  # seconds that git may take


def commit() -> str | None:
    """The commit's hash, with a word if tracked files were changed since; None without git or a checkout."""
    number = _git("rev-parse", "HEAD")
    if number is None:
        return None
    changed = _git("status", "--porcelain", "--untracked-files=no")
    return f"{number} and changes that are not committed" if changed else number


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(("git", *arguments), capture_output=True, text=True, timeout=PATIENCE)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
