"""One run on 1, 2 and 4 devices, and on two processes of 2 devices each: the same up to float32 rounding.

The batch is the same in all. Noise belongs to the example, and batch statistics are those of the whole batch. Were
either a device's own, or were gradients not averaged, the runs would differ in the first digits.
"""

import json
import re
import socket
from contextlib import ExitStack
from functools import partial

import jax
import numpy as np
import pytest
from PIL import Image

from tests.systems import styled

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("compiled_in_haste")]

STEPS = 20
NETWORK = ("--network=dcgan", "--width=4", "--batch_size=8", f"--steps={STEPS}")
CONDITIONAL = ("--game=non_saturating", "--image_size=16", "--conditioning=embed")
GAMES = {
    # 16 pixels: batch statistics in D as well as in G. Ten times the usual rate: a good deal happens in few rounds.
    "non_saturating": (*NETWORK, "--game=non_saturating", "--image_size=16", "--d_lr=2e-3", "--g_lr=2e-3"),
    "wasserstein_gp": (*NETWORK, "--game=wasserstein_gp", "--image_size=8", "--n_critic=1"),
    "cgan": (*NETWORK, *CONDITIONAL, "--d_lr=2e-3", "--g_lr=2e-3"),
    "sgan": (*NETWORK, "--image_size=16", "--num_labeled=40", "--d_lr=1e-3", "--g_lr=1e-3"),
    "vae": ("--network=conv", "--width=4", "--latent_size=3", "--image_size=16", "--batch_size=8", f"--steps={STEPS}"),
    "began": ("--width=4", "--image_size=16", "--batch_size=8", "--lr=2e-3", "--lambda_k=0.1", f"--steps={STEPS}"),
    # p of its augmentations moves. With seed 0 some unit comes within rounding of where its ReLU bends: a gradient was 4e-4 apart.
    "sagan": (
        *("--width=2", "--image_size=16", "--batch_size=8", "--attention=0", "--seed=1", f"--steps={STEPS}"),
        *("--ada_target=-0.9", "--ada_images=200"),
    ),
    "biggan": ("--width=2", "--image_size=16", "--batch_size=8", "--attention=0", f"--steps={STEPS}"),
    "r3gan": (
        "--width=8",
        "--group=4",
        "--image_size=8",
        "--batch_size=8",
        "--augment_p=0.5",
        f"--steps={STEPS}",
        "--lr=3e-4",
        "--lr_end=3e-4",
    ),
    # p of its augmentations moves.
    "stylegan": (
        *(*styled.EACH_ROUND, *styled.SMALL, f"--steps={STEPS}"),
        *("--ada_target=-0.9", "--ada_images=200", "--lr=0.03"),
    ),
    "gan3d": ("--width=2", "--batch_size=8", "--d_lr=1e-3", "--d_accuracy=0.7", f"--steps={STEPS}"),
    "video": (
        *(
            "--width=2",
            "--image_size=16",
            "--frames=8",
            "--batch_size=8",
            "--g_lr=1e-3",
            "--d_lr=1e-3",
            "--weight_decay=0",
        ),
        f"--steps={STEPS}",
    ),
    "classifier": (
        *("--adversarial=pgd", "--channels=4", "--batch_size=8", "--classifier_lr=2e-3", "--decay_rounds=100"),
        f"--steps={STEPS}",
    ),
    "pix2pix": (
        "--dataset=digits",
        "--width=4",
        "--image_size=16",
        "--batch_size=8",
        "--l1=10",
        f"--steps={STEPS}",
    ),
    "restore": (
        *("--dataset=digits", "--task=inpaint", "--network=partial", "--width=4", "--patch_layers=1", "--batch_size=8"),
        *("--g_rounds=5", "--d_rounds=5", "--d_lr=1e-3", f"--steps={STEPS}"),
    ),
    "spade": (
        "--width=2",
        "--image_size=16",
        "--batch_size=8",
        "--patch_layers=1",
        "--style_size=4",
        "--g_lr=1e-4",
        f"--steps={STEPS}",
    ),
    # The pool is full after two rounds. Batch norms, before which no convolution has a bias: before an instance norm, where it has
    # one as published, its gradient is rounding.
    "cyclegan": (
        *("--width=2", "--image_size=8", "--batch_size=8", "--patch_layers=1", "--pool=16", "--norm=batch"),
        *("--d_lr=1e-3", "--g_lr=1e-3", f"--steps={STEPS}"),
    ),
    # Rounds 5 to 16 are of 8×8 pixels, 17 to 20 of 16×16, which fade in.
    "progressive": (
        *("--base=32", "--most=8", "--image_size=16", "--stable_images=32", "--fade_images=64"),
        *("--batch_sizes=8", "--drift=0.001", f"--steps={STEPS}"),
        *("--game=wasserstein_gp", "--n_critic=1", "--d_lr=1e-3", "--g_lr=1e-3"),  # as published
    ),
}
EXPERIMENTS = (
    *(
        "cgan",
        "sgan",
        "vae",
        "began",
        "sagan",
        "biggan",
        "r3gan",
        "stylegan",
        "gan3d",
        "video",
        "classifier",
        "pix2pix",
        "restore",
        "spade",
        "cyclegan",
        "progressive",
    ),
)  # which have a run of their own; the games are dcgan's


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def runs(folder, start, run_experiment):
    """runs((game, devices), ...): the directories of these runs. Each runs once, those that are asked for together side by side."""

    def runs(*names):
        found = {name: folder / "-".join(map(str, name)) for name in names}
        processes, ports = [], _free_ports(len(names))
        for (game, devices), run in found.items():
            if run.exists():
                continue
            given, experiment = (*GAMES[game], f"--workdir={run}"), game if game in EXPERIMENTS else "dcgan"
            begin = partial(start, *given, module=f"experiments.{experiment}")
            if devices == "2x2":
                together = (f"--coordinator_address=localhost:{ports.pop()}", "--num_processes=2")
                processes += [begin(*together, f"--process_id={i}", devices=2) for i in range(2)]
            elif devices == jax.device_count():
                assert run_experiment(*given, experiment=experiment) == 0
            else:
                processes.append(begin(devices=devices))
        for process in processes:
            _, err = process.communicate(timeout=300)
            assert process.returncode == 0, err
        return list(found.values())

    return runs


# Biases of G's convolutions before a normalisation, which the published networks have, the means that batch normalisation takes
# away with them, and SPADE's β of a shortcut: their gradients are rounding, of which Adam makes steps. What D says of the images,
# and all that is recorded, is compared.
WITHOUT_EFFECT = re.compile(r"generator.*(Conv_\d+'\]\['bias|Spade_\d+'\]\['bias'\]\['bias|batch_stats.*'mean')")


# Measured over the 20 rounds: metrics differ by 8e-7 of their size at most (or by 5e-7, where it is near 0), arrays by
# 5e-6 of their largest element in the root mean square. A single weight may be 2e-4 apart: where a gradient is near 0,
# Adam makes much of its rounding. An array of one number, the last bias of a D without normalisation, has but that
# gradient, what is left of scores that cancel each other: it is compared with 1.
# Restored images are the real ones but for the hole, which leaves less of D's gradient (4e-5 of an array were seen), and SPADE's
# gradient norm was 8e-6 apart: to these two three times as much is allowed.
@pytest.mark.parametrize(
    "name",
    [
        ("non_saturating", 2),
        ("non_saturating", "2x2"),
        ("wasserstein_gp", 4),
        ("cgan", 4),
        ("sgan", 4),
        ("sgan", "2x2"),
        ("vae", 4),
        ("began", 4),
        ("sagan", 4),
        ("biggan", 4),
        ("r3gan", 4),
        ("stylegan", 4),
        ("gan3d", 4),
        ("video", 4),
        ("classifier", 4),
        ("pix2pix", 4),
        ("restore", 4),
        ("spade", 4),
        ("cyclegan", 2),
        ("cyclegan", 4),
        ("progressive", 4),
    ],
)
def test_the_number_of_devices_changes_no_more_than_rounding(name, runs, saved):
    one, many = runs((name[0], 1), name)
    times = 3 if name[0] in ("restore", "spade") else 1
    expected, metrics = _metrics(one), _metrics(many)
    assert metrics.keys() == expected.keys()
    for key in metrics:
        np.testing.assert_allclose(metrics[key], expected[key], rtol=times * 3e-6, atol=times * 2e-6, err_msg=key)
    loss = {"vae": "loss", "classifier": "classifier_loss"}.get(name[0], "d_loss")
    start, end = expected[loss][[0, -1]]
    assert abs(end - start) > 0.03  # which is what the tolerance is to be compared with
    expected, arrays = saved(one), saved(many)
    assert jax.tree.structure(arrays) == jax.tree.structure(expected)
    for (path, a), b in zip(jax.tree_util.tree_leaves_with_path(expected), jax.tree.leaves(arrays)):
        scale = np.abs(a).max() if a.size > 1 else 1
        apart, array = np.abs(a - b) / (scale or 1), jax.tree_util.keystr(path)
        if name[0] in ("sagan", "biggan", "spade") and WITHOUT_EFFECT.search(array):
            continue
        assert np.sqrt(np.mean(apart**2)) < times * 2e-5 and apart.max() < 1e-3, array


def test_the_grids_of_two_processes_are_those_of_one(runs):
    """Pixels are whole numbers: hardly any can differ."""
    directories = runs(("non_saturating", 1), ("non_saturating", "2x2"))
    names = sorted(path.name for path in (directories[0] / "samples").iterdir())
    assert names == ["000000.png", f"{STEPS:06d}.png"]
    for name in names:
        one, many = (np.asarray(Image.open(run / "samples" / name)) for run in directories)
        assert np.mean(one != many) < 0.01
        assert np.abs(one.astype(int) - many).max() <= 1


def test_the_accuracies_of_two_processes_are_those_of_one(runs):
    """Of 359 test images one or two may lie so near a border that rounding moves them over it."""
    directories = runs(*(("sgan", devices) for devices in (1, 4, "2x2")))
    results = [json.loads((run / "result.json").read_text()) for run in directories]
    for name in ("test_accuracy", "supervised_test_accuracy"):
        np.testing.assert_allclose([result[name] for result in results], results[0][name], atol=2.1 / 359)


def _free_ports(count):
    """Held until all are known, so that they are different ones."""
    with ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in held:
            each.bind(("localhost", 0))
        return [each.getsockname()[1] for each in held]


def _metrics(run):
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [line.pop("step") for line in lines] == list(range(1, STEPS + 1))
    names = {name for line in lines for name in line}  # while G learns alone there is no d_loss
    return {name: np.array([line[name] for line in lines if name in line]) for name in names}
