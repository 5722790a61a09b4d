"""`evaluate` on a run's directory, and evaluation in training."""

import json
import shutil

import jax
import numpy as np
import pytest
from PIL import Image

from gan_jax.evaluation import features
from gan_jax.evaluation.scores import of_kind
from gan_jax.networks.cnn import Classifier
from gan_jax.pictures.kinds import KINDS
from gan_jax.runs import monitor, score_table
from gan_jax.training import diagnostics
from gan_jax.training.loop import NonFinite

EVALUATED = ("--eval_every=2", "--num_samples=50", "--eval_metrics=frechet_distance,modes")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def trained(folder, run_experiment, tiny):
    """A run of 5 rounds, evaluated after 2, 4 and 5."""
    run = folder / "run"
    if not (run / "result.json").exists():
        assert run_experiment(*tiny, *EVALUATED, "--steps=5", "--checkpoint_every=1", f"--workdir={run}") == 0
    return run


def test_a_run_that_knows_labels_is_scored_class_by_class(score, run_experiment, tmp_path):
    """Each measure of each class, beside that of the real images; a class that was not drawn has none."""
    given = ("--network=mlp", "--hidden=8", "--image_size=16", "--batch_size=8", "--steps=2", "--classes=1,7,4")
    assert run_experiment(*given, f"--workdir={tmp_path}", experiment="cgan") == 0
    result = score(tmp_path, "--num_samples=100", "--metrics=modes")
    found = result["by_class"]
    assert found.keys() == {"newest", "real"} and all(len(classes) == 3 for classes in found.values())
    assert sum(each["count"] for each in found["newest"]) == 100
    for real, fake in zip(found["real"], found["newest"], strict=True):
        assert real["accuracy"] > 0.95  # 1, 7 and 4 are the extractor's numbers for the run's 0, 1 and 2
        assert real["coverage"] > 0.8 > 0.2 > fake["coverage"]
        assert 0 < fake["ms_ssim"] < 1 and 0 < real["ms_ssim"] < 1
    json.loads(json.dumps(result, allow_nan=False))
    lines = list(score_table.table(result))
    assert any(line.startswith("taken for the class that was asked for") for line in lines)
    assert [line.split()[0] for line in lines[-4:-1]] == ["1", "7", "4"]  # as they are called


def test_latents_from_nearer_0_give_less_varied_images(score, trained):
    found = [score(trained, "--num_samples=100", "--metrics=ms_ssim", f"--truncation={bound}") for bound in (0.1, 3)]
    alike = [each["scores"]["newest"]["ms_ssim[100]"] for each in found]
    assert alike[0] > alike[1]
    assert "samples are from latents within ±0.1" in score_table.table(found[0])
    how = {"seed": 0, "truncation": 0.1, "cutoff": None, "standing_batches": 0, "frames": None}
    assert found[0]["drawn"] == {**how, "styles": False}


def test_batch_statistics_measured_anew(score, run_experiment, tiny, tmp_path, run_command, capsys):
    """They are of the weights that are sampled; a generator without any is refused."""
    given = ("--g_norm=batch", "--steps=3", "--metrics=ms_ssim")
    assert run_experiment(*tiny, *given[:2], f"--workdir={tmp_path}") == 0
    found = [
        score(tmp_path, "--num_samples=100", "--metrics=ms_ssim", f"--standing_batches={n}")["scores"]["newest"]
        for n in (0, 2, 2)
    ]
    assert found[0] != found[1] == found[2]
    before = sorted(path.name for path in tmp_path.iterdir())
    assert run_command("sample", f"--workdir={tmp_path}", "--num=4", "--standing_batches=2") == 0
    assert capsys.readouterr().out.strip().endswith("sample-standing2-seed0.png")
    assert {path.name for path in tmp_path.iterdir()} - set(before) == {"sample-standing2-seed0.png"}
    assert run_experiment(*tiny, "--g_norm=none", "--steps=1", f"--workdir={tmp_path / 'plain'}") == 0
    capsys.readouterr()
    assert run_command("sample", f"--workdir={tmp_path / 'plain'}", "--standing_batches=2") == 2
    assert "is a run of dcgan: the generator has no batch statistics" in capsys.readouterr().err


def test_classes_that_have_changed_since(score, run_experiment, tmp_path):
    """Names would stand beside the numbers of others."""
    for name in ("cat/a", "cat/b", "dog/c", "dog/d"):
        path = tmp_path / "pets" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("L", (8, 8)).save(path)
    given = ("--network=mlp", "--hidden=8", "--batch_size=4", "--steps=1", f"--dataset=folder:{tmp_path / 'pets'}")
    assert run_experiment(*given, f"--workdir={tmp_path / 'run'}", experiment="cgan") == 0
    (tmp_path / "pets" / "dog").rename(tmp_path / "pets" / "ape")
    with pytest.raises(ValueError, match="no longer has the classes that .*: only run has dog; only data has ape$"):
        score(tmp_path / "run", "--num_samples=10", "--metrics=ms_ssim")


def test_evaluation_in_training(trained):
    lines = monitor.read(trained)
    assert [line["step"] for line in lines] == [2, 4, 5]
    names = ["step", "frechet_distance[digits-cnn,50]", "modes[digits-cnn,50]"]  # of 1,797, whose half would do too
    assert all(list(line) == names for line in lines)
    result = json.loads((trained / "result.json").read_text())
    best = min(lines, key=lambda line: line[names[1]])
    assert result["final"] == lines[-1] and result["best"] == best
    assert [path.name for path in (trained / "best").iterdir()] == [str(best["step"])]
    assert result["floor"][names[1]] < best[names[1]]
    assert (trained / "evaluations.png").exists()


def test_a_run_that_goes_on_evaluates_what_is_missing(trained, tmp_path, run_experiment, tiny):
    """Lines of steps that were evaluated stay as they are: here they say what no evaluation would."""
    run = shutil.copytree(trained, tmp_path / "run")
    marked = [dict.fromkeys(line, -1.0) | {"step": line["step"]} for line in monitor.read(trained)]
    (run / monitor.LINES).write_text("".join(json.dumps(line) + "\n" for line in marked))
    assert run_experiment(*tiny, *EVALUATED, "--steps=7", f"--workdir={run}") == 0
    lines = monitor.read(run)
    assert [line["step"] for line in lines] == [2, 4, 5, 6, 7]
    assert lines[:3] == marked and lines[3]["modes[digits-cnn,50]"] > 0


def test_a_run_is_not_ranked_by_two_measures(trained, tmp_path, run_experiment, tiny, capsys):
    run = shutil.copytree(trained, tmp_path / "run")
    assert run_experiment(*tiny, *EVALUATED, "--num_samples=60", "--steps=7", f"--workdir={run}") == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert "has frechet_distance[digits-cnn,50], modes[digits-cnn,50], not frechet_distance[digits-cnn,60]" in line
    assert monitor.read(run) == monitor.read(trained)


def test_the_best_of_an_earlier_step_replaces_that_of_a_later(trained, tmp_path, run_experiment, tiny):
    """A run that starts anew and is evaluated at other steps: what is in best/ is what the lines call best."""
    run = shutil.copytree(trained, tmp_path / "run")
    for step in (4, 5):
        shutil.rmtree(run / "checkpoints" / str(step))
    for name in ("metrics.jsonl", "result.json"):
        (run / name).unlink()
    lines = [dict.fromkeys(line, 1e9) | {"step": 5} for line in monitor.read(trained)[-1:]]
    (run / monitor.LINES).write_text("".join(json.dumps(line) + "\n" for line in lines))
    shutil.rmtree(run / "best")
    shutil.copytree(trained / "checkpoints" / "5", run / "best" / "5")
    assert run_experiment(*tiny, *EVALUATED, "--eval_every=4", "--steps=5", f"--workdir={run}") == 0
    assert json.loads((run / "result.json").read_text())["best"]["step"] == 4
    assert [path.name for path in (run / "best").iterdir()] == ["4"]


def test_a_killed_run_finds_the_same(trained, tmp_path, run_experiment, tiny):
    """Killed after round 2: its best may be gone, its later lines are not written yet."""
    run = shutil.copytree(trained, tmp_path / "run")
    for step in (4, 5):
        shutil.rmtree(run / "checkpoints" / str(step), ignore_errors=True)
        shutil.rmtree(run / "best" / str(step), ignore_errors=True)
    (run / "result.json").unlink()
    for name, count in (("metrics.jsonl", 2), (monitor.LINES, 1)):
        (run / name).write_text("".join((trained / name).read_text().splitlines(True)[:count]))
    assert run_experiment(*tiny, *EVALUATED, "--steps=5", "--checkpoint_every=1", f"--workdir={run}") == 0
    assert monitor.read(run) == monitor.read(trained)
    assert (run / "best").joinpath(str(json.loads((trained / "result.json").read_text())["best"]["step"])).exists()


def test_evaluating_changes_nothing_in_training(trained, tmp_path, run_experiment, tiny):
    assert run_experiment(*tiny, "--steps=5", f"--workdir={tmp_path}") == 0
    assert (tmp_path / "metrics.jsonl").read_bytes() == (trained / "metrics.jsonl").read_bytes()


def test_a_run_that_was_over_is_evaluated_at_its_end(tmp_path, run_experiment, tiny, capsys):
    assert run_experiment(*tiny, "--steps=2", f"--workdir={tmp_path}") == 0
    assert run_experiment(*tiny, "--steps=2", f"--workdir={tmp_path}", "--eval_every=10") == 0
    assert [line["step"] for line in monitor.read(tmp_path)] == [2]
    assert "at step 2, the best" in capsys.readouterr().out


def test_images_that_are_not_finite_and_images_that_are_all_equal(capsys):
    with pytest.raises(NonFinite, match="not finite"):
        monitor.fake_images(iter([np.full((2, 8, 8, 1), np.nan)]), 2, None, kind=KINDS["image"])
    monitor.fake_images(iter([np.zeros((2, 8, 8, 1))]), 2, None, kind=KINDS["image"])
    assert "all samples are equal" in capsys.readouterr().out


def test_evaluate_needs_nothing_but_the_directory(trained, tmp_path, start):
    run = shutil.copytree(trained, tmp_path / "run")
    process = start("evaluate", f"--workdir={run}", "--num_samples=60", module="gan_jax", devices=1)
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    result = json.loads((run / "evaluation.json").read_text())
    columns = result["scores"]
    assert set(columns) == {"newest", "best", "real"} and columns["newest"]["step"] == 5
    for name in ("frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage", "modes"):
        assert np.isfinite(columns["newest"][f"{name}[digits-cnn,60]"])
        assert name in out
    assert columns["real"]["frechet_distance[digits-cnn,60]"] < columns["newest"]["frechet_distance[digits-cnn,60]"]
    assert columns["newest"]["memorisation_flagged"] is False
    assert result["extractor"]["name"] == "digits-cnn" and len(result["extractor"]["fingerprint"]) == 8
    assert "best" in out and str(run / "evaluation.json") in out
    assert Image.open(run / "nearest-newest.png").width >= 512


def test_a_damaged_best_checkpoint_is_left_out_and_all_else_is_scored(score, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "run")
    for path in (run / "best").rglob("*"):
        if path.is_file():
            path.write_bytes(path.read_bytes()[:3])
    result = score(run, "--num_samples=50", "--metrics=frechet_distance")
    assert set(result["scores"]) == {"newest", "real"} and "best" in result["left_out"]["best checkpoint"]


def test_every_score_has_a_name_that_states_its_counts(score, trained):
    result = score(trained, "--num_samples=50")
    for name in result["scores"]["real"]:
        assert name.endswith(("[digits-cnn,50]", "[50]"))
    assert {name.split("[")[0].rstrip("_0123456789") for name in result["scores"]["real"]} == {
        "frechet_distance", "kernel_distance", "precision", "recall", "density", "coverage", "inception_score",
        "mode_score", "modes", "reverse_kl", "sliced_wasserstein", "ms_ssim",
    }  # fmt: skip
    assert len(of_kind("image")) == 10


def test_chosen_metrics_and_the_same_twice(score, trained):
    given = ("--metrics=frechet_distance,ms_ssim", "--num_samples=40", "--seed=3")
    first = score(trained, *given)
    assert list(first["scores"]["newest"]) == ["step", "frechet_distance[digits-cnn,40]", "ms_ssim[40]"]
    assert score(trained, *given) == first


def test_images_that_no_network_knows_are_compared_by_one_for_any(
    score, tmp_path, run_experiment, run_command, tiny, capsys
):
    """Colour images in folders, with a test split of 8."""
    for i in range(20):
        folder = tmp_path / "pictures" / ("train" if i < 12 else "test")
        folder.mkdir(parents=True, exist_ok=True)
        pixels = np.random.RandomState(i).randint(0, 256, (8, 8, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    dataset = f"--dataset=folder:{tmp_path / 'pictures'}"
    assert run_experiment(*tiny, dataset, "--steps=1", f"--workdir={tmp_path / 'run'}") == 0
    capsys.readouterr()
    assert run_command("evaluate", f"--workdir={tmp_path / 'run'}") == 0
    out = capsys.readouterr().out
    assert (
        "emoji-cnn was trained on other images: it compares runs on the same" in out
        and f"python -m experiments.classifier {dataset} trains one" in out
    )
    result = json.loads((tmp_path / "run/evaluation.json").read_text())
    assert result["real"]["other"] == "test split" and result["extractor"]["name"] == "emoji-cnn"
    classes = {"inception_score", "mode_score", "modes", "reverse_kl"}
    assert set(result["left_out"]) == classes
    assert set(result["left_out"].values()) == {"no extractor knows the classes of folder:pictures"}
    found = result["scores"]["newest"]
    assert {"frechet_distance[emoji-cnn,12]", "coverage[emoji-cnn,12]", "ms_ssim[12]", "memorisation_copies"} <= set(
        found
    )
    assert not {name.partition("[")[0] for name in found} & classes
    with pytest.raises(ValueError, match="modes needs an extractor that knows such images.*experiments.classifier"):
        score(tmp_path / "run", "--metrics=modes")


@pytest.mark.parametrize(
    "given, message",
    [
        (["--metrics=nope"], "unknown metric of a run of dcgan 'nope'; choose from frechet_distance"),
        (["--inception_weights=none.pth"], "none.pth"),
        (["--inception_weights=none.pth", "--extractor=x.npz"], "name one of them"),
        (["--extractor=none.npz"], "no extractor none.npz"),
        (["--metrics=precision_recall", "--num_samples=10", "--extractor={tmp}/two.npz"], "2 channels, these have 1"),
    ],
)
def test_what_is_wrong_is_one_line(score, given, message, trained, tmp_path):
    variables = Classifier(2, 4).init(jax.random.key(0), np.zeros((1, 8, 8, 2)), train=False)
    described = dict(name="two-cnn", image_shape=(8, 8, 2), num_classes=2, width=4)
    features.save_classifier(tmp_path / "two.npz", variables, **described)
    with pytest.raises((ValueError, OSError)) as raised:
        score(trained, *(flag.format(tmp=tmp_path) for flag in given))
    assert message in str(raised.value) and "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "given, message",
    [
        (["--eval_metrics=nope"], "unknown eval_metrics 'nope'; choose from frechet_distance"),
        (["--eval_metrics="], "eval_metrics: name some of frechet_distance"),
        (["--extractor=none.npz"], "no extractor none.npz"),
    ],
)
def test_training_is_refused_before_anything_is_written(
    given, message, run_experiment, tiny, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    assert run_experiment(*tiny, "--eval_every=5", *given) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error")]
    assert message in line
    assert list(tmp_path.iterdir()) == []


def test_evaluate_of_no_run(start, tmp_path):
    for given, message in [((), "--workdir=RUN"), ((f"--workdir={tmp_path}",), "is not a run directory")]:
        process = start("evaluate", *given, module="gan_jax", devices=1)
        out, err = process.communicate(timeout=60)
        assert process.returncode == 2 and out == ""
        assert message in err and len(err.splitlines()) == 1


def test_warnings_are_printed_while_training(run_experiment, tiny, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(diagnostics, "WINDOW", 2)
    monkeypatch.setattr(diagnostics, "LEAST_SPREAD", 99.0)
    assert run_experiment(*tiny, "--steps=8", f"--workdir={tmp_path}") == 0
    assert "early warning at step 4: the run looks collapsed: samples vary" in capsys.readouterr().out
