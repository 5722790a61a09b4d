"""A run that has no checkpoint begins anew only if none is lost by that."""

import json

import pytest

from gan_jax.runs.anew import require_unsaved


@pytest.fixture
def workdir(tmp_path):
    """Of a run that came to round 9."""
    (tmp_path / "metrics.jsonl").write_text("".join(json.dumps({"step": step}) + "\n" for step in range(1, 10)))
    return tmp_path


def test_killed_before_its_first_save_it_begins_anew(workdir):
    require_unsaved(workdir, checkpoint_every=9)
    require_unsaved(workdir, checkpoint_every=5)  # killed while the first was being written


def test_what_was_saved_once_is_not_begun_anew(workdir):
    said = f"{workdir} has no checkpoint that can be used, but the metrics of 9 rounds"
    with pytest.raises(ValueError, match=said):
        require_unsaved(workdir, checkpoint_every=4)
    (workdir / "damaged" / "5").mkdir(parents=True)
    with pytest.raises(ValueError, match=said):
        require_unsaved(workdir, checkpoint_every=9)
    (workdir / "damaged" / "5").rmdir()
    (workdir / "result.json").write_text("{}")
    with pytest.raises(ValueError, match="--workdir, or remove"):
        require_unsaved(workdir, checkpoint_every=9)
    (workdir / "metrics.jsonl").unlink()
    require_unsaved(workdir, checkpoint_every=1)  # nothing is left to lose


def test_a_new_run(tmp_path):
    require_unsaved(tmp_path, checkpoint_every=1)
