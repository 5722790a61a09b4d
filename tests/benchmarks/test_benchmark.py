"""The benchmark compares equals, and its report is whole. How fast either side is is not tested."""

import re
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn

from gan_jax.benchmarks import report, times
from gan_jax.benchmarks.cases import CASES
from gan_jax.networks import dcgan, mlp
from gan_jax.recipes.batch import to_unit_range

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SMALL = {name: case._replace(batch_size=8) for name, case in CASES.items()}


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


@pytest.mark.slow
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
