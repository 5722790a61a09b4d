import pytest
from PIL import Image

from gan_jax.pictures.curves import curves


@pytest.mark.parametrize("steps", [1, 200])
def test_curves_are_drawn_for_any_length(tmp_path, steps):
    metrics = {"step": list(range(1, steps + 1)), "d_loss": [0.5] * steps, "g_gradient_norm": [2.0] * steps}
    curves(metrics, tmp_path / "curves.png")
    with Image.open(tmp_path / "curves.png") as picture:
        assert picture.width > 600 and len(picture.convert("RGB").getcolors(100_000)) > 20


def test_no_metrics_make_no_curves(tmp_path):
    curves({}, tmp_path / "curves.png")
    assert not (tmp_path / "curves.png").exists()
