"""Each layer of a case is timed, and its operations are counted right."""

import re

import pytest

from gan_jax.benchmarks import layers, times
from gan_jax.benchmarks.cases import CASES

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

SMALL = {name: case._replace(batch_size=8) for name, case in CASES.items()}


LAYERS = {
    "book28": ["Book28Generator " + name for name in ("Dense_0", *(f"ConvTranspose_{i}" for i in range(3)))]
    + ["Book28Discriminator " + name for name in ("Conv_0", "Conv_1", "Conv_2", "Dense_0")],
    "mlp": [f"{side} Dense_{i}" for side in ("Generator", "Discriminator") for i in range(3)],
}


@pytest.mark.slow
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
