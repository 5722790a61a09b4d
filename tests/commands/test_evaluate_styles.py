"""`evaluate --truncation` and `--cutoff` of runs with styles and without."""

import json

import jax
import numpy as np
import pytest

from gan_jax.randomness import example_keys
from gan_jax.runs import monitor, score_table
from gan_jax.runs.restore import restore
from tests.systems import styled

SMALL = (*styled.SMALL, "--steps=2")

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.fixture
def run(trained_once):
    return trained_once("stylegan", *styled.PLAIN, *SMALL, experiment="stylegan")


@pytest.fixture
def plain(trained_once):
    return trained_once("plain", "--network=mlp", "--hidden=8", *SMALL, experiment="dcgan")


@pytest.mark.parametrize(
    "given, layers, said",
    [
        ((0.4, None), slice(None), "samples are of styles, ψ = 0.4"),
        ((0.4, 2), slice(2), "samples are of styles, ψ = 0.4 in the first 2 layers"),
        ((0.0, None), slice(None), "samples are of styles, ψ = 0"),
    ],
)
def test_what_is_scored_is_drawn_of_truncated_styles(score, run, monkeypatch, given, layers, said):
    """Its first images are those of w̄ + ψ (w - w̄), of all latents."""
    seen = []

    def looked_at(drawn, *args, look=monitor.fake_images, **kwargs):
        seen.append(np.concatenate(list(drawn)))
        return look(iter([seen[-1]]), *args, **kwargs)

    monkeypatch.setattr(monitor, "fake_images", looked_at)
    psi, cutoff = given
    flags = [f"--truncation={psi}"] + [f"--cutoff={cutoff}"] * (cutoff is not None)
    result = score(run, "--num_samples=20", "--metrics=ms_ssim", "--seed=3", *flags)
    whole = restore(run)
    keys = example_keys(jax.random.key(3), 20)
    ws, mean = np.array(whole.styles(keys)), whole.state.players["generator"].ema["average"]["w"]
    ws[:, layers] = mean + psi * (ws[:, layers] - mean)
    np.testing.assert_allclose(seen[0], whole.sampler.styles.generate(whole.state, ws), rtol=1e-3, atol=1e-4)
    drawn = {"seed": 3, "truncation": psi, "cutoff": cutoff, "standing_batches": 0, "frames": None}
    assert result["drawn"] == drawn | {"styles": True}
    assert said in score_table.drawn(result) and said in score_table.table(json.loads(json.dumps(result)))


def test_path_lengths_are_of_truncated_styles(score, run):
    """Shorter for a smaller ψ, and all but 0 at the mean."""
    asked = ("--num_samples=20", "--metrics=path_length")
    whole, half, mean = (
        score(run, *asked, f"--truncation={psi}")["scores"]["newest"]["path_length[w,digits-cnn,20]"]
        for psi in (1, 0.5, 0)
    )
    assert score(run, *asked)["scores"]["newest"]["path_length[w,digits-cnn,20]"] == pytest.approx(whole, rel=0.02)
    assert 0.1 < half / whole < 0.5 and mean < 1e-3 * whole


@pytest.mark.parametrize(
    "which, given, message",
    [
        ("plain", ("--cutoff=2", "--truncation=0.5"), "cutoff=2: .* is a run of dcgan, without styles"),
        ("plain", ("--truncation=0",), "truncation=0: must be above 0; only styles have a mean"),
        ("plain", ("--truncation=-1",), "truncation=-1"),
        ("run", ("--cutoff=2",), "cutoff=2: needs a --truncation"),
    ],
)
def test_what_cannot_be_asked_for(which, given, message, request, fails_of):
    with pytest.raises(ValueError, match=message):
        raise ValueError(fails_of("evaluate")(f"--workdir={request.getfixturevalue(which)}", *given))
