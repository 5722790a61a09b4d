"""`evaluate --split=test`: samples compared with images that were not learnt."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.runs import score_table

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def trained(tmp_path, run_experiment, tiny):
    """A run on 12 colour images, beside which there are 8 others."""
    for i in range(20):
        folder = tmp_path / "pictures" / ("train" if i < 12 else "test")
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.RandomState(i).randint(0, 256, (8, 8, 3), np.uint8)).save(folder / f"{i}.png")
    given = (f"--dataset=folder:{tmp_path / 'pictures'}", "--steps=1", f"--workdir={tmp_path / 'run'}")
    assert run_experiment(*tiny, *given) == 0
    return tmp_path / "run"


def test_both_real_columns_compare_the_splits_with_one_another(score, trained):
    """Against the 8 that were not learnt, and against the 12 that were: but for their sizes."""
    result = score(trained)
    held_out = score(trained, "--split=test")
    assert held_out["real"] == {**result["real"], "split": "test", "other": "training split"}
    assert "compared with images of the test split" in score_table.table(held_out)
    assert "compared with images of the test split" in score_table.drawn(held_out)  # as the page has it
    assert list(score_table.drawn(result)) == []
    assert "frechet_distance[emoji-cnn,8]" in held_out["scores"]["newest"]
    copies = "memorisation_copies"
    assert held_out["scores"]["newest"][copies] == result["scores"]["newest"][copies]
    swapped = {"precision": "recall", "recall": "precision"}
    for name, value in held_out["scores"]["real"].items():
        kind = name.partition("[")[0]
        if kind in swapped or kind == "frechet_distance":
            (other,) = [each for each in result["scores"]["real"] if each.startswith(swapped.get(kind, kind) + "[")]
            np.testing.assert_allclose(value, result["scores"]["real"][other], rtol=1e-3)


def test_without_a_test_split_samples_cannot_be_compared_with_it(run_experiment, run_command, tiny, tmp_path, capsys):
    assert run_experiment(*tiny, "--steps=1", f"--workdir={tmp_path}") == 0
    capsys.readouterr()
    assert run_command("evaluate", f"--workdir={tmp_path}", "--split=test") == 2
    assert capsys.readouterr().err == "error: split=test: digits has no test images\n"
