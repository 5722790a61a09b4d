"""experiments.augment: accuracies by what classifiers learn from; in parts, and refused in one line."""

import json
import re
import shutil

import numpy as np
import pytest

from gan_jax.data import ArraySource, load
from gan_jax.data.classes import keep
from gan_jax.studies import augmented
from gan_jax.studies.augmented import BATCH, Part, Way, parts_of

FEW = ("--real=2,3", "--times=1,2", "--seeds=2", "--gan_steps=2", "--classifier_steps=3")
GAN = "--gan=cgan --augment=diffaugment --width=2 --batch_size=8"
WAYS = ["real", "classic", "GAN ×1", "GAN ×2", "classic + GAN ×1", "classic + GAN ×2", "GAN alone"]


@pytest.fixture(scope="module")
def made(folder, run_study):
    """The directory of a study."""
    if not (folder / "made").exists():
        assert run_study("augment", *FEW, GAN, f"--workdir={folder / 'made'}") == 0
    return folder / "made"


def lines(workdir):
    return [json.loads(line) for line in (workdir / "accuracies.jsonl").read_text().splitlines()]


def test_what_it_leaves(made):
    found = lines(made)
    assert len(found) == 2 * 2 * 7
    assert [line["way"] for line in found[:7]] == WAYS
    assert {(line["real"], line["seed"]) for line in found} == {(2, 0), (2, 1), (3, 0), (3, 1)}
    config = json.loads((made / "gans" / "real3-seed1" / "config.json").read_text())
    assert config["flags"]["dataset"] == "few:3,1:digits" and config["flags"]["width"] == 2
    head, _, *rows = [line.strip("| ").split(" | ") for line in (made / "table.md").read_text().splitlines()]
    assert head[:2] == ["learns from", "2 a class"] and [row[0] for row in rows] == WAYS
    of_real = [line["accuracy"] for line in found if line["way"] == "real" and line["real"] == 2]
    assert rows[0][1] == f"{100 * np.mean(of_real):.1f} ± {100 * np.std(of_real, ddof=1):.1f}"
    changed, both = (
        [line["accuracy"] for line in found if line["way"] == way] for way in ("classic", "classic + GAN ×2")
    )
    gains = 100 * (np.array(both) - changed)[:2]  # of 2 a class
    assert rows[5][2] == f"{np.mean(gains):+.1f} ± {np.std(gains, ddof=1):.1f}" and rows[0][2] == rows[1][2] == ""
    page = (made / "report.html").read_text()
    assert "What images of a GAN are worth: digits" in page and page.count("<img") == 2
    assert "Where real and drawn images are learnt, 25% of a batch are drawn." in page


def test_it_goes_on_where_it_stood(made, run_study, tmp_path):
    """A GAN that is lost is trained again; of the classifiers those that are missing."""
    copy = tmp_path / "copy"
    shutil.copytree(made, copy)
    shutil.rmtree(copy / "gans" / "real3-seed1")
    kept = lines(copy)[:20]
    (copy / "accuracies.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
    assert run_study("augment", f"--workdir={copy}") == 0
    assert lines(copy) == lines(made)


def test_a_run_s_images_beside_all_real_ones(made, run_study, tmp_path):
    run = made / "gans" / "real3-seed0"
    given = (f"--generator={run}", "--seeds=2", "--classifier_steps=3", f"--workdir={tmp_path}")
    assert run_study("augment", *given) == 0
    assert [line["way"] for line in lines(tmp_path)] == ["real", "classic", "GAN alone", "classic, GAN alone"] * 2


@pytest.fixture(scope="module")
def digits():
    source = load("digits")
    rows = np.random.RandomState(0).permutation(len(source))
    learnt, test = (keep(source, part) for part in (rows[:400], rows[400:]))
    return learnt, test


@pytest.fixture(scope="module")
def learner():
    return augmented.learner(10, 120, classic=False)


def test_real_images_are_worth_what_real_images_are(digits, learner):
    """Drawn images that are real ones give the real accuracy, to the last digit."""
    learnt, test = digits
    real = augmented.tested(learner, parts_of(Way("", True, 0, False), learnt, learnt, 0.25), test, 0)
    drawn = augmented.tested(learner, parts_of(Way("", False, 1, False), learnt, learnt, 0.25), test, 0)
    assert drawn == real > 0.9


def test_labels_that_say_nothing_are_worth_nothing(digits, learner):
    learnt, test = digits
    mixed = ArraySource(learnt.arrays | {"label": np.random.RandomState(1).permutation(learnt.labels)}, learnt.classes)
    found = augmented.tested(learner, parts_of(Way("", False, 1, False), learnt, mixed, 0.25), test, 0)
    assert found == pytest.approx(0.1, abs=0.07)


def test_what_a_way_learns_from():
    numbers = lambda *values: ArraySource(
        {"image": np.array(values, np.uint8)[:, None, None, None], "label": np.zeros(len(values), np.int32)}, ("0", "1")
    )
    real, drawn = numbers(1, 2), numbers(10, 11, 12, 13, 14, 15)
    found = {
        way.name: [
            (part.source.arrays["image"].ravel().tolist(), part.count) for part in parts_of(way, real, drawn, 0.25)
        ]
        for way in augmented.ways([1, 3])
    }
    alone, all_drawn = [([1, 2], BATCH)], [10, 11, 12, 13, 14, 15]
    assert found["real"] == found["classic"] == alone
    assert found["GAN ×1"] == [([1, 2], 48), ([10, 11], 16)]
    assert found["classic + GAN ×3"] == [([1, 2], 48), (all_drawn, 16)]
    assert found["GAN alone"] == [(all_drawn, BATCH)]
    assert parts_of(Way("", True, 3, False), real, drawn, 0.0) == [Part(real, BATCH)]


def test_batches_are_put_together_of_parts():
    """So many examples of each, and each part in an order of its own."""
    shown = []

    def step(state, batch, key):
        shown.append(batch)
        return state, {}

    numbers = lambda *values: ArraySource(
        {"image": np.array(values), "label": np.array(values) % 10}, tuple("0123456789")
    )
    learner = augmented.Learner(lambda key, batch: 0, step, None, 4)
    augmented.learn(learner, [Part(numbers(10, 11, 12, 13), 3), Part(numbers(20, 21), 1)], seed=0)
    assert [batch["image"].shape for batch in shown] == [(1, 4)] * 4
    images = np.concatenate([batch["image"] for batch in shown])
    assert sorted(images[:, :3].ravel()) == sorted([10, 11, 12, 13] * 3) and sorted(images[:, 3]) == [20, 20, 21, 21]
    assert all((batch["label"] == batch["image"] % 10).all() for batch in shown)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--real=0",), "real=0: must be at least 1"),
        (("--real=",), "real: name one or more, as in 10,50"),
        (("--times=",), "times: name one or more"),
        (("--real=1000",), "few:1000,0:digits: class . has 174 examples"),
        (("--dataset=nowhere",), "unknown dataset 'nowhere'"),
        (("--gan=dcgan",), "gan=dcgan: must be one that can be asked for a class"),
        (("--gan=nowhere",), "unknown experiment 'nowhere'"),
        (("--gan=",), "unknown experiment ''"),
        (("--gan=cgan '",), "gan=cgan ': No closing quotation"),
        (("--gan=attack",), "attack is a study, which trains nothing of its own"),
        (("--gan=cgan --frobnicate=1",), "frobnicate"),
        (("--gan=cgan --game=nogame",), "nogame"),
        (("--generator=nowhere",), "nowhere is not a run directory"),
        (("--seeds=0",), "seeds=0: must be at least 1"),
        (("--drawn_share=1.5",), "drawn_share=1.5: must be at least 0 and at most 1"),
    ],
)
def test_what_is_refused(given, message, run_study, capsys, tmp_path):
    assert run_study("augment", *given, f"--workdir={tmp_path / 'none'}") == 2
    said = capsys.readouterr().err
    assert re.fullmatch(f"error: .*{message}.*\\n", said), said
    assert not (tmp_path / "none").exists()


def test_a_run_without_classes_is_refused(trained_once, run_study, capsys, tmp_path):
    run = trained_once("gan", "--steps=1", "--batch_size=8", "--width=2", experiment="dcgan")
    assert run_study("augment", f"--generator={run}", f"--workdir={tmp_path / 'none'}") == 2
    assert "a run of dcgan, which cannot be asked for a class" in capsys.readouterr().err


def test_a_gan_that_fails_is_said_and_tried_again(run_study, tmp_path, capsys):
    """The others go on; what ended it is in one line."""
    given = (*FEW[:3], "--gan_steps=2", "--classifier_steps=1", "--seeds=1", "--real=2", f"--workdir={tmp_path}")
    assert run_study("augment", *given, "--gan=cgan --width=2 --d_lr=1e30 --g_lr=1e30 --batch_size=8") == 2
    said = capsys.readouterr().err
    assert "1 of 1 GANs failed" in said and "the same command tries them again" in said
