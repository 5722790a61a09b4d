"""The benchmark compares equals, and its report is whole. How fast either side is is not tested."""

import re

import jax
import numpy as np
import pytest

from experiments import benchmark, benchmark_devices, benchmark_layers, benchmark_scores, benchmark_times
from experiments.benchmark_cases import CASES

SMALL = {name: case._replace(batch_size=8) for name, case in CASES.items()}


@pytest.fixture
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed; it is not in requirements.txt")


@pytest.fixture
def benchmark_torch(torch):
    from experiments import benchmark_torch

    return benchmark_torch


def test_both_sides_have_the_same_cases(benchmark_torch):
    assert set(benchmark_torch.CASES) == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_pytorch_plays_the_same_round(name, torch, benchmark_torch):
    case, theirs = CASES[name]._replace(batch_size=32), benchmark_torch.CASES[name]
    state, metrics = benchmark_times.bare_round(case)()
    params, pixels, latents, ε = benchmark_times.first_round(case)
    play, networks = benchmark_torch.all_trials(name, False, "cpu", params)
    losses = play(benchmark_torch.turned_images(pixels), torch.tensor(latents), torch.tensor(ε))

    # g_loss is after D's step, so it tells of that too.
    for loss, value in losses.items():
        np.testing.assert_allclose(value, metrics[loss][0], rtol=1e-4, err_msg=loss)

    # Where a gradient is hardly more than rounding, Adam may step the other way: so on average.
    ours = jax.device_get((state.generator.params, state.discriminator.params))
    rate = {"wgan_gp28": 1e-4, "mixture2d": 2e-3}.get(name, 2e-4)
    for trial, own in enumerate(networks):
        of_trial = lambda params: jax.tree.map(lambda x: x[trial], params) if theirs.trials > 1 else params
        after, before = theirs.loaded(*of_trial(ours)), theirs.loaded(*of_trial(params))
        for network, expected, start, plays in zip(own, after, before, ("g_loss" in losses, True)):
            assert mean_difference(network, expected) < 0.05 * rate
            assert mean_difference(network, start) > 0.5 * rate or not plays


def mean_difference(network, other) -> float:
    flat = lambda net: np.concatenate([p.detach().numpy().ravel() for p in net.parameters()])
    return np.abs(flat(network) - flat(other)).mean()


@pytest.fixture
def no_loop(monkeypatch):
    monkeypatch.setattr(benchmark, "loop_times", lambda case, rounds: ([0.1], [0.102]))


@pytest.mark.parametrize("name", CASES)
def test_the_report_compares_with_pytorch(name, torch, no_loop, monkeypatch, capsys):
    sides = [benchmark_times.EAGER]
    monkeypatch.setattr(benchmark_times, "torch_sides", lambda name: sides)  # torch.compile would take a minute
    benchmark.report(name, SMALL[name], rounds=1)
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
    monkeypatch.setattr(benchmark, "has_torch", lambda: False)
    monkeypatch.setattr(benchmark_times, "bare_round", lambda case: dict)
    benchmark.report("book28", SMALL["book28"], rounds=1)
    out = capsys.readouterr().out
    assert "  gan_jax " in out and "PyTorch eager" not in out
    assert "pip install torch (the CPU build is enough)" in out
    assert "the loop adds 2.0 %" in out


def test_the_loop_is_timed_in_turns_with_the_bare_round():
    bare, looped = benchmark_times.loop_times(SMALL["book28"], rounds=1)
    assert len(bare) == len(looped) == 1
    assert min(bare + looped) > 0


def test_many_rounds_in_a_call_and_another_dtype_and_batch(torch, monkeypatch, capsys):
    monkeypatch.setattr(benchmark_times, "torch_sides", lambda name: [benchmark_times.EAGER])
    case = CASES["mlp"]._replace(batch_size=4, dtype="bfloat16", steps_per_call=5)
    benchmark.report("mlp", case, rounds=1)
    out = capsys.readouterr().out
    assert out.startswith("mlp: batch 4, bfloat16, 5 rounds a call\n")
    apart = float(re.search(r"latents: (\S+) apart", out).group(1))
    assert 1e-6 < apart < 0.05  # bfloat16 has 8 bits
    assert "PyTorch eager" in out and "loop.fit" in out


def test_an_unknown_dtype_is_refused_in_one_line(capsys):
    assert benchmark.run("mlp", 1, dtype="float8") == 2
    assert capsys.readouterr().err == "error: unknown dtype 'float8'; choose from float32, bfloat16\n"


def test_an_unknown_case_is_refused_in_one_line(capsys):
    assert benchmark.run("book29", 1) == 2
    assert capsys.readouterr().err == f"error: unknown case 'book29'; choose from {', '.join(CASES)}\n"


def test_more_than_one_device_is_refused_in_one_line(capsys):
    assert benchmark.run("book28", 1) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"jax sees {jax.device_count()}" in line


def test_scores_are_measured():
    for name in benchmark_scores.SIZES:
        seconds, gigabytes = benchmark_scores.measure(name, 20)
        assert seconds > 0 and 0.01 < gigabytes < 100


def test_operations_are_counted(torch, benchmark_torch):
    """Of a layer's forward, its two gradients, and a derivative of its derivative."""
    layer, x = torch.nn.Linear(3, 5, bias=False), torch.randn(7, 3)
    once = 2 * 7 * 3 * 5
    with benchmark_torch.Counted() as counted:
        layer(x)
    assert counted.flop == once
    with benchmark_torch.Counted() as counted:
        layer(x.requires_grad_(True)).sum().backward()
    assert counted.flop == 3 * once
    with benchmark_torch.Counted() as counted:
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
    monkeypatch.setattr(benchmark_layers, "matrix_rate", lambda: 1e9)
    benchmark_layers.report(SMALL[name], rounds=1)
    lines = [line.strip() for line in capsys.readouterr().out.splitlines()[2:]]
    assert [line.split("  ")[0] for line in lines] == LAYERS[name]
    assert all(len(re.findall(r"[\d.]+ \( *\d+%\)", line)) == 3 for line in lines)


@pytest.mark.parametrize("name", ["book28", "dcgan64", "mlp", "mixture2d"])
def test_layers_operations_are_as_many_as_pytorch_counts(name, torch, benchmark_torch):
    case, theirs = SMALL[name], benchmark_torch.CASES[name]
    counted = [benchmark_layers.measured(layer, case.trials)[0] for layer in benchmark_layers.layers(case)]
    params, *_ = benchmark_times.first_round(case)
    _, networks = benchmark_torch.all_trials(name, False, "cpu", params)
    images = benchmark_torch.turned_images(benchmark_times.example_batch(case, 8, 1)["image"])[0]
    z = torch.randn(8, case.latent_size)
    with benchmark_torch.Counted() as forward, torch.no_grad():
        for trial, (generator, discriminator) in enumerate(networks):
            generator(z), discriminator(images[:, trial] if theirs.trials > 1 else images)
    assert sum(counted) == forward.flop


def test_the_report_of_devices_has_a_row_for_each_number(monkeypatch, capsys):
    monkeypatch.setattr(benchmark_devices, "NUMBERS", (1, 2))
    benchmark_devices.report("mlp", SMALL["mlp"], rounds=1)
    first, *rows = capsys.readouterr().out.splitlines()
    assert first.startswith("mlp: a round of batch 8 in all")
    assert [row.split("  ")[1] for row in rows] == ["1 device, jit", "1 device, pmap", "2 devices, pmap"]
    assert rows[0].endswith("(1.00 times 1 device, jit)")
    assert all(float(re.search(r"([\d.]+) ms", row).group(1)) > 0 for row in rows)
