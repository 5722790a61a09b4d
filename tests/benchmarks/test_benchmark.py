"""The benchmark compares equals, and its report is whole. How fast either side is is not tested."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.benchmarks import devices, layers, report, scores, times
from gan_jax.benchmarks.cases import CASES, CaseConfig
from gan_jax.networks import dcgan, mlp
from gan_jax.recipes.batch import to_unit_range

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SMALL = {name: case._replace(batch_size=8) for name, case in CASES.items()}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed; it is not in requirements.txt")


@pytest.fixture
def torch_side(torch):
    from gan_jax.benchmarks import torch_side

    return torch_side


def test_both_sides_have_the_same_cases(torch_side):
    assert set(torch_side.CASES) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_pytorch_plays_the_same_round(name, torch, torch_side):
    case, theirs = CASES[name]._replace(batch_size=32), torch_side.CASES[name]
    state, metrics = times.bare_round(case)()
    params, pixels, latents, ε = times.first_round(case)
    play, networks = torch_side.all_trials(name, False, "cpu", params)
    losses = play(torch_side.turned_images(pixels), torch.tensor(latents), torch.tensor(ε))

    # g_loss is after D's step, so it tells of that too.
    for loss, value in losses.items():
        np.testing.assert_allclose(value, metrics[loss][0], rtol=1e-4, err_msg=loss)

    # Where a gradient is hardly more than rounding, Adam may step the other way: so on average.
    ours = jax.device_get(tuple(state.players[name].params for name in ("generator", "discriminator")))
    rate = {"wgan_gp28": 1e-4, "mixture2d": 2e-3}.get(name, 2e-4)
    for trial, own in enumerate(networks):
        of_trial = lambda params: jax.tree.map(lambda x: x[trial], params) if theirs.trials > 1 else params
        after, before = theirs.loaded(*of_trial(ours)), theirs.loaded(*of_trial(params))
        for network, expected, start, plays in zip(own, after, before, ("g_loss" in losses, True), strict=True):
            assert mean_difference(network, expected) < 0.05 * rate
            assert mean_difference(network, start) > 0.5 * rate or not plays


FLAT = partial(nn.leaky_relu, negative_slope=0.2)
MODULES = {
    "mlp": (mlp.Generator((28, 28, 1), (512, 512)), mlp.Discriminator((512, 512))),
    "wgan_gp28": (dcgan.Generator((28, 28, 1)), dcgan.Discriminator(norm="layer")),
    "mixture2d": (mlp.Generator((2,), (128,) * 4, nn.tanh, bounded=False), mlp.Discriminator((128,) * 3, FLAT)),
}


@pytest.mark.parametrize("name", MODULES)
def test_another_program_is_told_what_the_first_round_draws(name):
    """D scores the fakes of those latents; the penalty is taken where that ε says. In each trial, if there are many."""
    case, (generator, discriminator) = SMALL[name], MODULES[name]
    params, pixels, z, ε = times.first_round(case)
    _, state, _ = times.start(case)
    metrics = times.bare_round(case)()[1]
    apply = lambda module, variables, x: module.apply(variables, x, train=True, mutable=["batch_stats"])[0]

    def measured(params, variables, real, z, ε):
        fake = apply(generator, {"params": params[0], **variables}, z)
        critic = lambda x: apply(discriminator, {"params": params[1]}, x)[0]
        penalty = 0.0
        if "penalty" in metrics:
            mixed = ε[:, None, None, None] * real + (1 - ε[:, None, None, None]) * fake
            slopes = jax.grad(lambda x: critic(x).sum())(mixed)
            penalty = jnp.mean((jnp.sqrt(jnp.sum(slopes**2, axis=(1, 2, 3))) - 1) ** 2)
        return critic(fake).mean(), critic(real).mean(), penalty

    real, variables = to_unit_range(jnp.asarray(pixels[0])), state.players["generator"].variables
    if case.trials == 1:
        found = jax.jit(measured)(params, variables, real, z[0], ε)
    else:
        found = [
            each.mean() for each in jax.jit(jax.vmap(measured, (0, 0, 1, 0, 0)))(params, variables, real, z[:, 0], ε)
        ]
    names = ("fake_score", "real_score", "penalty")
    for what, value in zip(names[: 2 + ("penalty" in metrics)], found, strict=False):
        np.testing.assert_allclose(metrics[what][0], value, rtol=1e-3, atol=1e-6, err_msg=what)


def test_rounds_go_on_from_the_last_and_leave_the_first_state():
    """Each call takes the buffers of the one before, and none of what others share."""
    play = times.bare_round(SMALL["mlp"])
    steps = [int(play()[0].step) for _ in range(3)]
    again = times.bare_round(SMALL["mlp"])()[0]
    assert steps == [1, 2, 3] and int(again.step) == 1
    assert int(times.start(SMALL["mlp"])[1].step) == 0


def mean_difference(network, other) -> float:
    flat = lambda net: np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])
    return np.abs(flat(network) - flat(other)).mean()


@pytest.fixture
def no_loop(monkeypatch):
    monkeypatch.setattr(report, "loop_times", lambda case, rounds: ([0.1], [0.102]))


@pytest.mark.parametrize("name", CASES)
def test_the_report_compares_with_pytorch(name, torch, no_loop, monkeypatch, capsys):
    sides = [times.EAGER]
    monkeypatch.setattr(times, "torch_sides", lambda name: sides)  # torch.compile would take a minute
    report.report(name, SMALL[name], rounds=1)
    lines = capsys.readouterr().out.splitlines()
    many = ", 10 trials at once here, one after another in PyTorch"
    assert lines[0] == f"{name}: batch 8, float32" + many * (name == "mixture2d")
    assert f"torch {torch.__version__}" in lines[1]
    for side in ("gan_jax", *sides, "bare round", "loop.fit"):
        (line,) = [line for line in lines if line.startswith(f"  {side} ") and "images/s" in line]
        milliseconds, images_per_second = re.search(r"([\d.]+) ms +(\d+) images/s", line).groups()
        # Whole images are printed.
        assert int(images_per_second) == pytest.approx(8e3 / float(milliseconds), abs=0.6, rel=0.02)
        assert ("% of that rate" in line) == (side in ("gan_jax", *sides))
        assert ("times as many" in line) == side.startswith("PyTorch")


def test_without_pytorch_the_report_says_how_to_compare(no_loop, monkeypatch, capsys):
    monkeypatch.setattr(report, "has_torch", lambda: False)
    monkeypatch.setattr(times, "bare_round", lambda case: dict)
    report.report("book28", SMALL["book28"], rounds=1)
    out = capsys.readouterr().out
    assert "  gan_jax " in out and "PyTorch eager" not in out
    assert "pip install torch (the CPU build is enough)" in out
    assert "the loop adds 2.0 %" in out


def test_the_loop_is_timed_in_turns_with_the_bare_round():
    bare, looped = times.loop_times(SMALL["mlp"], rounds=1)
    assert len(bare) == len(looped) == 1
    assert min(bare + looped) > 0


def test_many_rounds_in_a_call_and_another_dtype_and_batch(torch, monkeypatch, capsys):
    monkeypatch.setattr(times, "torch_sides", lambda name: [times.EAGER])
    case = CASES["mlp"]._replace(batch_size=4, dtype="bfloat16", steps_per_call=5)
    report.report("mlp", case, rounds=1)
    out = capsys.readouterr().out
    assert out.startswith("mlp: batch 4, bfloat16, 5 rounds a call\n")
    apart = float(re.search(r"latents: (\S+) apart", out).group(1))
    assert 1e-6 < apart < 0.05  # bfloat16 has 8 bits
    assert "PyTorch eager" in out and "loop.fit" in out


@pytest.mark.parametrize(
    "given, said",
    [
        ("--dtype=float8", "unknown dtype 'float8'; choose from float32, bfloat16"),
        ("--case=book29", f"unknown case 'book29'; choose from {', '.join(CASES)}"),
        ("--rounds=0", "rounds=0: must be at least 1"),
        ("--case=mlp", f"jax sees {jax.device_count()}"),
    ],
)
def test_what_cannot_be_timed_is_refused_in_one_line(given, said, run_command, capsys):
    assert run_command("benchmark", given) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def test_options_replace_the_case_s_own():
    usual = CASES["dcgan64"]
    assert CaseConfig(case="dcgan64").chosen() == usual
    given = {"batch_size": 4, "dtype": "bfloat16", "steps_per_call": 3}
    assert CaseConfig(case="dcgan64", **given).chosen() == usual._replace(**given)


@pytest.mark.parametrize("command, name", [("layers", "mlp"), ("devices", "mlp"), ("scores", None)])
def test_each_command_reports(command, name, run_command, monkeypatch):
    """With what its flags say; the reports are tested below."""
    called, module = [], {"layers": layers, "devices": devices, "scores": scores}[command]
    monkeypatch.setattr(module, "report", lambda *arguments: called.append(arguments))
    flags = ["--scored=20"] if name is None else [f"--case={name}", "--rounds=3", "--batch_size=8"]
    assert run_command(f"benchmark_{command}", *flags) == 0
    expected = {"layers": (SMALL["mlp"], 3), "devices": ("mlp", SMALL["mlp"], 3), "scores": (20,)}
    assert called == [expected[command]]


def test_scores_are_measured(monkeypatch):
    monkeypatch.setattr(scores, "SIZES", dict.fromkeys(scores.SIZES, 64))
    for name in scores.SIZES:
        seconds, gigabytes = scores.measure(name, 20)
        assert seconds > 0 and 0.01 < gigabytes < 100


def test_the_report_of_scores_has_them_all(monkeypatch, capsys):
    monkeypatch.setattr(scores, "measure", lambda name, count: (1.25, 0.5))
    scores.report(20)
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(scores.SIZES)
    assert lines[0].split(maxsplit=1)[1] == "20 × 2048:    1.2 s; memory so far 0.50 GB"


def test_operations_are_counted(torch, torch_side):
    """Of a layer's forward, its two gradients, and a derivative of its derivative."""
    layer, x = torch.nn.Linear(3, 5, bias=False), torch.randn(7, 3)
    once = 2 * 7 * 3 * 5
    with torch_side.Counted() as counted:
        layer(x)
    assert counted.flop == once
    with torch_side.Counted() as counted:
        layer(x.requires_grad_(True)).sum().backward()
    assert counted.flop == 3 * once
    with torch_side.Counted() as counted:
        (slope,) = torch.autograd.grad(layer(x).square().sum(), x, create_graph=True)
        slope.sum().backward()
    assert counted.flop > 4 * once


LAYERS = {
    "book28": ["Book28Generator " + name for name in ("Dense_0", *(f"ConvTranspose_{i}" for i in range(3)))]
    + ["Book28Discriminator " + name for name in ("Conv_0", "Conv_1", "Conv_2", "Dense_0")],
    "mlp": [f"{side} Dense_{i}" for side in ("Generator", "Discriminator") for i in range(3)],
}


@pytest.mark.parametrize("name", LAYERS)
def test_the_report_of_layers_has_them_all(name, monkeypatch, capsys):
    monkeypatch.setattr(layers, "matrix_rate", lambda: 1e9)
    layers.report(SMALL[name], rounds=1)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [line.split("  ")[0] for line in lines] == LAYERS[name]
    assert all(len(re.findall(r"[\d.]+ \( *\d+%\)", line)) == 3 for line in lines)


@pytest.mark.parametrize("name", ["book28", "dcgan64", "mlp", "mixture2d"])
def test_layers_operations_are_as_many_as_pytorch_counts(name, torch, torch_side):
    case, theirs = SMALL[name], torch_side.CASES[name]
    counted = [layers.measured(layer, case.trials)[0] for layer in layers.layers(case)]
    params, *_ = times.first_round(case)
    _, networks = torch_side.all_trials(name, False, "cpu", params)
    images = torch_side.turned_images(times.example_batch(case, 8, 1)["image"])[0]
    z = torch.randn(8, case.latent_size)
    with torch_side.Counted() as forward, torch.no_grad():
        for trial, (generator, discriminator) in enumerate(networks):
            generator(z), discriminator(images[:, trial] if theirs.trials > 1 else images)
    assert sum(counted) == forward.flop


@pytest.mark.slow
def test_the_report_of_devices_has_a_row_for_each_number(monkeypatch, capsys):
    monkeypatch.setattr(devices, "NUMBERS", (1, 2))
    devices.report("mlp", SMALL["mlp"], rounds=1)
    first, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("mlp: a round of batch 8 in all")
    assert [row.split("  ")[1] for row in rows] == ["1 device, jit", "1 device, pmap", "2 devices, pmap"]
    assert rows[0].endswith("(1.00 times 1 device, jit)")
    assert all(float(re.search(r"([\d.]+) ms", row).group(1)) > 0 for row in rows)
