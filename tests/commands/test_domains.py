"""Commands and pictures of runs that translate between domains: there and back, beside the truth, and by latents."""

import json

import numpy as np
import pytest
from PIL import Image

from gan_jax.runs.restore import restore

pytestmark = pytest.mark.usefixtures("compiled_in_haste")
SMALL = ("--image_size=8", "--width=2", "--blocks=1", "--batch_size=8", "--patch_layers=1", "--steps=2")


@pytest.fixture
def plain(trained_once):
    return trained_once("plain", *SMALL, experiment="cyclegan")


@pytest.fixture
def coloured(trained_once):
    given = ("--augmented", "--domain_b=colored:digits", "--latent_size_a=2", "--latent_size_b=3")
    return trained_once("coloured", *SMALL, *given, experiment="cyclegan")


def opened(path):
    with Image.open(path) as image:
        return np.asarray(image)


def test_scores_beside_images_as_they_are_and_real_ones(plain, score):
    result, _ = score(plain, "--num_samples=40"), None
    found = json.loads((plain / "evaluation.json").read_text())
    assert found == result
    assert list(found["scores"]) == ["a_to_b", "a as it is", "real b", "b_to_a", "b as it is", "real a"]
    there, back = found["scores"]["a_to_b"], found["scores"]["b_to_a"]
    assert set(there) == {
        "step",
        "frechet_distance[print-cnn,40]",
        "labels_kept[print-cnn]",
        "l1_back",
        "l1_back_noise8",
    }
    assert "frechet_distance[digits-cnn,40]" in back and there["l1_back"] != there["l1_back_noise8"]
    assert found["scores"]["real b"]["labels_kept[print-cnn]"] > 0.9  # 8 pixels a side
    assert found["domains"] == {"split": "test", "counts": {"a": 40, "b": 40}, "truth": None}
    assert (plain / "translated.png").exists()


def test_there_and_back_by_hand(plain, score):
    """The distances are of the very images that the run translates, in 0 to 255."""
    found = score(plain, "--num_samples=359", "--metrics=back", "--split=test")["scores"]["a_to_b"]
    run = restore(plain)
    from gan_jax.runs import learnt

    images = learnt.again(run, learnt.WHERE_IT_WAS).test().sources["a"].arrays["image"]
    made = run.translate(images, translator="a_to_b")
    back = run.translate(made, translator="b_to_a").astype(float)
    assert found["l1_back"] == pytest.approx(np.abs(back - images).mean(), abs=0.2)  # which are rounded on the way
    assert set(found) == {"step", "l1_back", "l1_back_noise8"}


def test_latents_make_many_images_of_one(coloured, score, run_command, capsys):
    found = score(coloured, "--num_samples=30")["scores"]
    assert found["a_to_b"]["hue_spread_of_one"] > 0 and 0 <= found["real b"]["hue_spread"] <= 1
    assert "hue_spread" not in found["b_to_a"]
    without = score(coloured, "--num_samples=30", "--noisy=false", "--metrics=hue_spread")
    assert "hue_spread_of_one" not in without["scores"]["a_to_b"] and without["drawn"]["noisy"] == []
    sheet = opened(coloured / "translated.png")
    run = restore(coloured)
    images = np.zeros((2, 8, 8, 1), np.uint8)
    one, same, other = (run.translate(images, seed, translator="a_to_b") for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any() and (one[0] != one[1]).any()  # of equal images, each by a latent of its own
    assert sheet.ndim == 3
    assert run_command("evaluate", f"--workdir={coloured}", "--num_samples=20", "--metrics=back") == 0
    assert "translated with noise of its own" in capsys.readouterr().out


def test_beside_the_truth(plain, score, tmp_path):
    """Images as they are beside themselves are not far; nor is the nearest image that was learnt."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        for number in range(12):
            Image.fromarray(np.random.RandomState(number).randint(0, 256, (8, 8), np.uint8)).save(
                tmp_path / name / f"{number}.png"
            )
    found = score(plain, f"--truth=pairs:{tmp_path / 'a'},{tmp_path / 'b'}", "--metrics=l1,psnr")["scores"]
    assert found["a as it is"]["l1"] == found["b as it is"]["l1"] == 0
    assert {"l1", "psnr"} <= set(found["a_to_b"]) and found["nearest b"]["l1"] > 0
    for given, message in {
        "--truth=digits": "truth=digits: must be pairs of images",
        f"--truth=pairs:{tmp_path / 'a'},{tmp_path / 'b'} --metrics=recall": "recall",
        "--metrics=l1": "l1",
    }.items():
        with pytest.raises(ValueError, match=message):
            score(plain, *given.split())


def test_a_truth_of_other_sides(plain, score, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(tmp_path / name / "0.png")
    with pytest.raises(ValueError, match=r"has images of the shape \[8, 8, 3\], domain a of \[8, 8, 1\]"):
        score(plain, f"--truth=pairs:{tmp_path / 'a'},{tmp_path / 'b'}")


def test_truth_is_of_what_learnt_without_pairs(edges, score):
    with pytest.raises(
        ValueError, match="truth=pairs:a,b: of what translates without pairs; a run of pix2pix does not"
    ):
        score(edges, "--truth=pairs:a,b")


@pytest.mark.parametrize("name, channels", [("a_to_b", 3), ("b_to_a", 1)])
def test_files_of_either_domain(coloured, run_command, tmp_path, name, channels):
    """Of any sides; a gray one of what is gray, a coloured one of what has colours."""
    (tmp_path / "in").mkdir()
    Image.fromarray(np.random.RandomState(0).randint(0, 256, (11, 18, 3), np.uint8)).save(tmp_path / "in" / "x.png")
    out = tmp_path / "out"
    given = (f"--workdir={coloured}", f"--translator={name}", str(tmp_path / "in"), f"--out={out}")
    assert run_command("translate", *given) == 0
    made = opened(out / "x.png")
    assert made.shape == ((11, 18) if channels == 1 else (11, 18, 3))


def test_a_page_of_it(plain, run_command, score):
    score(plain, "--num_samples=20")
    assert run_command("report", f"--workdir={plain}") == 0
    page = (plain / "report.html").read_text()
    assert "cyclegan on digits and print: least_squares" in page and "what was hidden in a translated image" in page
    assert "labels_kept[print-cnn] ↑" in page and "l1_back ↓" in page
