"""InceptionV3 against torch-fidelity's, with random weights; its resizing and pooling against loops."""

import importlib
import re
import subprocess
import sys
from importlib.util import find_spec, module_from_spec

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.networks import inception
from gan_jax.networks.inception import InceptionV3

OUTPUTS = ["2048", "logits", "logits_unbiased"]
random = np.random.default_rng(0)


def pixels(count, height, width):
    """Random images, no two of one colour; the same ones for the same arguments."""
    random = np.random.default_rng(height)
    colours = random.uniform(64, 192, (count, 1, 1, 3))
    return (colours + random.uniform(-60, 60, (count, height, width, 3))).astype(np.uint8)


@pytest.fixture(scope="module")
def torch():
    return pytest.importorskip("torch", reason="PyTorch is not installed; it is not in requirements.txt")


@pytest.fixture(scope="module")
def extractor(torch):
    """torch-fidelity's class.

    Its package's __init__ is passed by: that imports torchvision, which this class does not need, and of which PyPI
    has no build for PyTorch's CPU build.
    """
    spec = find_spec("torch_fidelity")
    if spec is None:
        pytest.skip("torch-fidelity is not installed: pip install --no-deps torch-fidelity")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "torch_fidelity", module_from_spec(spec))
        yield importlib.import_module("torch_fidelity.feature_extractor_inceptionv3").FeatureExtractorInceptionV3


@pytest.fixture(scope="module")
def theirs(torch, extractor):
    """Their network with random weights. Statistics near those of some images keep activations from vanishing."""
    torch.manual_seed(0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[extractor.__module__], "load_state_dict_from_url", lambda *_, **__: None)
        patch.setattr(extractor, "load_state_dict", lambda *_: None)
        network = extractor("random", OUTPUTS)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = 1  # the running statistics become the batch's
        norm.weight.uniform_(0.5, 1.5)
        norm.bias.normal_(0, 0.3)
    network.fc.bias.normal_()
    network.train()(torch.tensor(pixels(4, 48, 48)).permute(0, 3, 1, 2))
    for norm in norms:
        norm.running_mean += 0.1 * norm.running_var.sqrt() * torch.randn(norm.num_features)
        norm.running_var *= torch.empty(norm.num_features).uniform_(0.8, 1.25)
    return network.eval()


@pytest.fixture(scope="module")
def file(torch, theirs, tmp_path_factory):
    path = tmp_path_factory.mktemp("inception") / "weights.pth"
    torch.save(theirs.state_dict(), path)
    yield path
    path.unlink()  # 96 MB


def test_outputs_are_torch_fidelitys(torch, extractor, file):
    theirs = extractor("random", OUTPUTS, feature_extractor_weights_path=str(file))
    variables = inception.load(file)
    apply = jax.jit(InceptionV3().apply)
    for height, width in [(32, 32), (75, 60)]:
        images = pixels(2, height, width)
        logits, out = apply(variables, images)
        expected = theirs(torch.tensor(images).permute(0, 3, 1, 2))
        for ours, reference in zip((out["features"], logits, out["unbiased_logits"]), expected, strict=True):
            reference = reference.numpy()
            scale = np.abs(reference).mean(axis=1, keepdims=True)
            np.testing.assert_allclose(ours / scale, reference / scale, rtol=0, atol=2e-4)
            # Images and channels differ by much more than that.
            assert np.abs(reference[0] - reference[1]).mean() > 0.2 * scale.min()
            assert (reference.std(axis=1) > 0.2 * scale[:, 0]).all()


def test_it_has_as_many_parameters_as_theirs(theirs):
    variables = network_shapes()
    trained, all_of_them = theirs.parameters(), theirs.state_dict().items()
    assert size(variables["params"]) == sum(weight.numel() for weight in trained)
    assert size(variables["batch_stats"]) == sum(value.numel() for key, value in all_of_them if "running" in key)


def test_parameter_count():
    """What torchvision's Inception3 has before its last layer (without AuxLogits), and 1,008 classes."""
    assert size(network_shapes()["params"]) == 21_785_568 + 2048 * 1008 + 1008


def network_shapes():
    return jax.eval_shape(InceptionV3().init, jax.random.key(0), jnp.zeros((1, 299, 299, 3)))


def size(tree):
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


@pytest.mark.parametrize("height, width", [(5, 3), (28, 33), (1, 299), (301, 640)])
def test_resize_pixel_by_pixel(height, width):
    image = random.uniform(0, 255, (height, width)).astype(np.float32)
    out = inception.resize(jnp.asarray(image)[None, :, :, None])
    assert out.shape == (1, 299, 299, 1)
    for i, j in [(0, 0), (298, 298), *random.integers(0, 299, (200, 2))]:
        y, x = i * height / 299, j * width / 299
        top, left = int(y), int(x)
        bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
        above = image[top, left] * (1 - (x - left)) + image[top, right] * (x - left)
        below = image[bottom, left] * (1 - (x - left)) + image[bottom, right] * (x - left)
        expected = above * (1 - (y - top)) + below * (y - top)
        np.testing.assert_allclose(out[0, i, j, 0], expected, atol=0.02)  # of 255; a point's place is a float32


def test_average_pooling_divides_by_the_pixels_it_has_seen():
    x = random.normal(size=(2, 4, 5, 3)).astype(np.float32)
    out = inception.POOLS["average"](jnp.asarray(x))
    assert out.shape == x.shape
    for i in range(4):
        for j in range(5):
            seen = x[:, max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            np.testing.assert_allclose(out[:, i, j], seen.mean((1, 2)), atol=1e-6)


@pytest.fixture
def tiny(monkeypatch):
    """The network cut down to one convolution, which compiles at once."""
    monkeypatch.setattr(inception, "STEM", inception.STEM[:1])
    monkeypatch.setattr(inception, "BLOCKS", {})
    network = InceptionV3()
    variables = network.init(jax.random.key(0), jnp.zeros((1, 8, 8, 3)))
    return lambda images, **options: network.apply(variables, images, **options)


def test_gray_images_bytes_and_training(tiny):
    images = random.integers(0, 256, (2, 8, 8, 1), dtype=np.uint8)
    logits, out = tiny(images)
    assert logits.shape == out["unbiased_logits"].shape == (2, 1008) and out["features"].std() > 0.01
    for same in (images.astype(np.float32), images.repeat(3, axis=-1)):
        np.testing.assert_allclose(tiny(same)[0], logits, atol=1e-5)
    np.testing.assert_array_equal(tiny(images, train=True)[0], logits)


@pytest.mark.parametrize("shape", [(2, 8, 8, 4), (2, 8, 8, 2), (8, 8, 3)])
def test_other_shapes_raise(shape):
    message = f"InceptionV3 takes images [B, H, W, 3] or [B, H, W, 1], got {shape}"
    with pytest.raises(ValueError) as raised:
        InceptionV3().init(jax.random.key(0), jnp.zeros(shape))
    assert str(raised.value) == message


def test_no_file_says_where_there_is_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="none.pth: no such file; .* https://github.com/.*6726825d.pth$"):
        inception.load(tmp_path / "none.pth")


def test_no_torch_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    path = tmp_path / "weights.pth"
    path.touch()
    with pytest.raises(ValueError, match="weights.pth: .* pip install torch$"):
        inception.load(path)


@pytest.mark.parametrize("content", [b"", b"<html>Not found</html>", b"PK\x03\x04" + bytes(99)])
def test_what_is_no_weight_file_raises(torch, tmp_path, content):
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"^[^\n]*weights.pth: cannot be read as a PyTorch file of weights[^\n]*$"):
        inception.load(path)


def test_weights_of_another_network_raise(torch, tmp_path):
    path = tmp_path / "weights.pth"
    key = "Conv2d_1a_3x3.bn.running_mean"
    for weights, message in [
        ([torch.zeros(3)], "not a PyTorch file of weights, but of a list"),
        ({}, f"no {key}"),
        ({key: torch.zeros(5)}, f"{key} has shape (5,), not (32,)"),
        ({key: 1}, f"{key} has shape (), not (32,)"),
    ]:
        torch.save(weights, path)
        with pytest.raises(ValueError, match=f"weights.pth: {re.escape(message)}"):
            inception.load(path)


def test_importing_leaves_torch_alone():
    code = "import sys, gan_jax.networks.inception; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
