import numpy as np
from PIL import Image

from gan_jax.commands import game_curves
from gan_jax.games import GAMES


def test_curves_in_closed_form():
    p = np.array([1e-4, 0.1, 0.5, 0.9])
    curves = game_curves.curves(p)
    assert set(curves) == set(GAMES)
    np.testing.assert_allclose(curves["minmax"], (np.log1p(-p), -p), rtol=1e-4)  # saturates: -p at p near 0
    np.testing.assert_allclose(curves["non_saturating"], (-np.log(p), -(1 - p)), rtol=1e-4)
    np.testing.assert_allclose(curves["wasserstein"][1], -1)


def test_the_picture_is_written(run_command, tmp_path, capsys):
    out = tmp_path / "new" / "curves.png"
    assert run_command("game_curves", f"--png={out}") == 0
    assert Image.open(out).width > 500 and str(out) in capsys.readouterr().out


def test_a_place_that_cannot_be_written_to(run_command, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    assert run_command("game_curves", f"--png={tmp_path / 'file' / 'curves.png'}") == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
