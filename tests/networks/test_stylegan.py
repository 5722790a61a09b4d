"""StyleGAN2's networks: parameters as published, styles, noise, w̄ and truncation."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.data import DataSpec, example_batch
from gan_jax.networks import stylegan
from gan_jax.networks.stylegan import Discriminator, Generator, Mapping, num_ws, truncated
from gan_jax.runs.experiment import find

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
LABEL = {"label": jnp.zeros(1, jnp.int32)}
SHAPE = (14, 16, 3)  # drawn in 16×16
Z = jax.random.normal(KEY, (4, 8))


def counts(module, x, condition=LABEL):
    variables = jax.eval_shape(lambda: module.init(KEY, x, condition, train=False))["params"]
    return {name: sum(leaf.size for leaf in jax.tree.leaves(part)) for name, part in variables.items()}


def count(module, x):
    return sum(counts(module, x).values())


PLAIN = dict(mapping_layers=2)
PUBLISHED = {  # image side, fields of both, of G, of D, parameters of G and of D
    "config F, 1024": (1024, {}, {}, {}, 30_370_060, 29_012_513),
    "config F, 256": (256, {}, {}, {}, 30_034_338, 28_864_129),
    "paper256": (256, dict(base=16384), {}, {}, 24_767_458, 24_001_089),
    "cifar": (32, {}, PLAIN, dict(residual=False), 19_947_539, 20_720_641),
    "cifar, conditional": (32, dict(num_classes=10), PLAIN, dict(residual=False), 20_215_315, 23_089_664),
}


@pytest.mark.parametrize("side, both, of_g, of_d, g, d", PUBLISHED.values(), ids=PUBLISHED)
def test_parameters_are_those_published(side, both, of_g, of_d, g, d):
    shape = (side, side, 3)
    assert count(Generator(shape, **both, **of_g), jnp.zeros((1, 512))) == g
    assert count(Discriminator(**both, **of_d), jnp.zeros((1, *shape))) == d


def test_parameters_of_the_parts_are_those_published():
    variables = jax.eval_shape(lambda: Mapping(512).init(KEY, jnp.zeros((1, 512))))["params"]
    assert sum(leaf.size for leaf in jax.tree.leaves(variables)) == 2_101_248
    synthesis = stylegan.Synthesis((1024, 1024, 3))
    variables = jax.eval_shape(lambda: synthesis.init(KEY, jnp.zeros((1, 18, 512)), train=False))["params"]
    sizes = {name: sum(leaf.size for leaf in jax.tree.leaves(part)) for name, part in variables.items()}
    found = [sizes["constant"] + sizes["layer_0"] + sizes["to_image_1"]]
    for number in range(1, 17, 2):
        found.append(sizes[f"layer_{number}"] + sizes[f"layer_{number + 1}"] + sizes[f"to_image_{number + 2}"])
    assert found == [2_894_852, *[5_509_125] * 4, 2_296_069, 705_669, 242_245, 93_477]


@pytest.mark.parametrize(
    "preset, side, g, d",
    [
        ("published", 1024, 30_370_060, 29_012_513),
        ("paper256", 256, 24_767_458, 24_001_089),
        ("cifar", 32, 20_215_315, 23_089_664),
    ],
)
def test_presets_have_the_networks_published(preset, side, g, d):
    classes = 10 * (preset == "cifar")
    example = {"image": jax.ShapeDtypeStruct((side, side, 3), jnp.uint8), "label": jax.ShapeDtypeStruct((), jnp.int32)}
    spec = DataSpec(example, tuple(map(str, range(classes))), (1,) * classes)
    recipe = find("stylegan").make(find("stylegan").presets[preset], spec)
    state = jax.eval_shape(recipe.init, KEY, example_batch(example))
    count = lambda name: sum(leaf.size for leaf in jax.tree.leaves(state.players[name].params))
    assert (count("generator"), count("discriminator")) == (g, d)


@pytest.mark.parametrize("size, ws", [((1024, 1024), 18), ((256, 256), 14), ((32, 32), 8), ((28, 28), 8), ((8, 8), 4)])
def test_how_many_w_there_are(size, ws):
    assert num_ws(size) == ws


def test_sizes():
    assert stylegan.sides((28, 28)) == [4, 8, 16, 32]
    with pytest.raises(ValueError, match="8 to 1024 pixels a side, got 4×4"):
        stylegan.sides((4, 4))
    with pytest.raises(ValueError, match="channel_base=16: leaves maps of 32×32 no channels"):
        stylegan.channels(32, 16, 8)


def test_a_mapping_is_its_dense_layers_which_learn_a_hundredth_as_fast():
    """By hand: latents of length √d; kernels N(0, 100²) times 0.01/√inputs; √2 times a rectifier of slope 0.2."""
    mapping = Mapping(8, 2)
    params = mapping.init(KEY, Z)["params"]
    assert float(Mapping(64, 1).init(KEY, jnp.zeros((1, 256)))["params"]["dense_0"]["kernel"].std()) == pytest.approx(
        100, rel=0.02
    )
    params = jax.tree.map(lambda leaf: leaf + 1.0, params)
    x = Z / jnp.sqrt(jnp.mean(Z**2, axis=-1, keepdims=True) + 1e-8)
    for name in ("dense_0", "dense_1"):
        x = x @ (params[name]["kernel"] * 0.01 / 8**0.5) + 0.01 * params[name]["bias"]
        x = 2**0.5 * jnp.where(x > 0, x, 0.2 * x)
    np.testing.assert_allclose(mapping.apply({"params": params}, Z), x, rtol=1e-4, atol=1e-5)


@pytest.fixture(scope="module")
def made():
    """A generator with noise of some strength, its variables, and its functions, compiled once."""
    generator = Generator(SHAPE, 8, 2, base=64, most=8)
    variables = jax.jit(partial(generator.init, train=False))(KEY, Z)
    assert not variables["average"]["w"].any()  # never changed by init
    params = variables["params"]
    for name in [name for name in params["synthesis"] if name.startswith("layer")]:
        assert params["synthesis"][name]["strength"].shape == () and params["synthesis"][name]["strength"] == 0
        params["synthesis"][name]["strength"] = jnp.float32(0.3)
    variables = {**variables, "params": params, "average": {"w": jax.random.normal(KEY, (8,))}}
    draw = jax.jit(lambda v, z: generator.apply(v, z, train=False))
    train = jax.jit(lambda v, z, key: generator.apply(v, z, train=True, mutable=["average"], rngs={"noise": key}))
    styles = jax.jit(lambda v, z, key: generator.apply(v, z, train=True, method="styles", rngs={"noise": key}))
    return generator, variables, draw, train, styles


def test_in_training_w_s_mean_moves_on_and_only_then(made):
    generator, variables, _, train, _ = made
    _, changed = train(variables, Z, KEY)
    w = generator.apply(variables, Z, method="styles")[:, 0]
    before = variables["average"]["w"]
    np.testing.assert_allclose(changed["average"]["w"], 0.995 * before + 0.005 * w.mean(0), rtol=1e-4, atol=1e-6)
    unchanged = jax.jit(lambda v: generator.apply(v, Z, train=False, mutable=["average"])[1])(variables)
    np.testing.assert_array_equal(unchanged["average"]["w"], before)


def test_psi_0_is_one_image_and_psi_1_changes_nothing(made):
    _, variables, draw, _, _ = made
    images = draw(variables, Z)
    assert np.ptp(images, axis=0).max() > 0.01
    np.testing.assert_array_equal(draw(truncated(variables, 1.0), Z), images)
    one = draw(truncated(variables, 0.0), Z)
    np.testing.assert_allclose(one, np.broadcast_to(one[:1], one.shape), atol=1e-5)


@pytest.mark.parametrize("cutoff", [None, 3])
def test_a_truncated_generator_draws_of_truncated_w(made, cutoff):
    generator, variables, draw, _, _ = made
    ws, mean = generator.apply(variables, Z, method="styles"), variables["average"]["w"]
    moved = mean + 0.6 * (ws - mean)
    ws = moved if cutoff is None else jnp.concatenate([moved[:, :cutoff], ws[:, cutoff:]], axis=1)
    expected = generator.apply(variables, ws, method="draw")
    np.testing.assert_allclose(draw(truncated(variables, 0.6, cutoff), Z), expected, rtol=1e-4, atol=1e-4)


def test_noise_is_each_example_s_own_and_without_strength_does_nothing(made):
    _, variables, draw, _, _ = made
    plain = Generator(SHAPE, 8, 2, base=64, most=8, mixing=0.0)
    drawn = lambda variables, z, key: plain.apply(variables, z, train=True, mutable=["average"], rngs={"noise": key})[0]
    drawn = jax.jit(drawn)
    same = jnp.broadcast_to(Z[:1], Z.shape)
    images = drawn(variables, same, KEY)
    assert np.abs(images[0] - images[1]).max() > 0.01
    assert np.abs(images - drawn(variables, same, jax.random.key(1))).max() > 0.01
    flat = lambda path, leaf: jnp.zeros(()) if path[-1].key == "strength" else leaf
    quiet = {**variables, "params": jax.tree_util.tree_map_with_path(flat, variables["params"])}
    np.testing.assert_array_equal(drawn(quiet, Z, KEY), drawn(quiet, Z, jax.random.key(1)))
    np.testing.assert_allclose(drawn(quiet, Z, KEY), draw(quiet, Z), rtol=1e-4, atol=1e-5)


def test_styles_are_mixed_from_a_layer_on(made):
    """Each example has its own w up to a layer, and from there on another; with mixing 0.9 in nine of ten."""
    generator, variables, _, _, styles = made
    z = jax.random.normal(KEY, (400, 8))
    ws, own = styles(variables, z, KEY), generator.apply(variables, z, method="styles")
    count = ws.shape[1]
    mine = np.abs(ws - own).max(axis=2) < 1e-5
    first = np.where(mine.all(axis=1), count, mine.argmin(axis=1))
    assert (mine == (np.arange(count) < first[:, None])).all() and first.min() == 1
    other = np.asarray(ws)[first == 1]
    np.testing.assert_array_equal(other[:, 1:], np.broadcast_to(other[:, 1:2], other[:, 1:].shape))
    mixed = first < count
    assert mixed.mean() == pytest.approx(0.9, abs=0.05)
    shares = np.bincount(first[mixed], minlength=count)[1:] / mixed.sum()
    np.testing.assert_allclose(shares, 1 / (count - 1), atol=0.08)


def test_an_example_s_noise_follows_it_to_its_device(made):
    _, variables, _, train, _ = made
    four = Generator(SHAPE, 8, 2, base=64, most=8, axis_name="data")
    share = lambda z: four.apply(variables, z, train=True, mutable=["average"], rngs={"noise": KEY})
    images, changed = jax.jit(jax.vmap(share, axis_name="data"))(Z.reshape(4, 1, 8))
    expected, expected_changed = train(variables, Z, KEY)
    np.testing.assert_allclose(images[:, 0], expected, rtol=1e-4, atol=1e-5)
    for device in range(4):
        np.testing.assert_allclose(changed["average"]["w"][device], expected_changed["average"]["w"], rtol=1e-5)


def test_the_image_is_the_sum_of_what_all_resolutions_add(made):
    """With no weights to the image but those of 4×4, it is theirs, upsampled, and as smooth."""
    _, variables, draw, _, _ = made
    params = jax.tree.map(lambda leaf: leaf, variables["params"])
    for name in ("to_image_3", "to_image_5"):
        params["synthesis"][name] = jax.tree.map(jnp.zeros_like, params["synthesis"][name])
    image = draw({**variables, "params": params}, Z)
    assert np.abs(image).max() > 0.01 and image.shape == (4, *SHAPE)
    assert np.abs(np.diff(image[:, 4:-4, 4:-4], n=2, axis=1)).max() < 0.2 * np.abs(image).max()


def test_classes_by_number_or_weights():
    generator = Generator((8, 8, 1), 8, 2, base=64, most=8, num_classes=3)
    variables = generator.init(KEY, Z, {"label": jnp.zeros(4, jnp.int32)}, train=False)
    styles = lambda label: generator.apply(variables, Z, {"label": label}, method="styles")
    numbers = styles(jnp.array([0, 1, 2, 1], jnp.int32))
    np.testing.assert_allclose(numbers, styles(jax.nn.one_hot(jnp.array([0, 1, 2, 1]), 3)), rtol=1e-5, atol=1e-6)
    assert np.abs(numbers - styles(jnp.ones(4, jnp.int32)))[[0, 2]].max() > 1e-3
    discriminator = Discriminator(base=64, most=8, num_classes=3, mapping_layers=2)
    images = jax.random.normal(KEY, (4, 8, 8, 1))
    variables = discriminator.init(KEY, images, {"label": jnp.zeros(4, jnp.int32)}, train=False)
    scores = lambda label: discriminator.apply(variables, images, {"label": label}, train=False)[0]
    assert scores(jnp.zeros(4, jnp.int32)).shape == (4,)
    assert np.abs(scores(jnp.zeros(4, jnp.int32)) - scores(jnp.ones(4, jnp.int32))).min() > 1e-6


@pytest.mark.parametrize("residual", [True, False])
def test_a_score_does_not_depend_on_devices(residual):
    fields = dict(base=64, most=8, residual=residual)
    one, four = Discriminator(**fields), Discriminator(**fields, axis_name="data")
    images = jax.random.normal(KEY, (8, *SHAPE))
    variables = one.init(KEY, images[:4], train=False)
    shares = jax.vmap(lambda x: four.apply(variables, x, train=True)[0], axis_name="data")(images.reshape(4, 2, *SHAPE))
    np.testing.assert_allclose(shares.reshape(-1), one.apply(variables, images, train=True)[0], rtol=1e-4, atol=1e-5)


def test_the_highest_resolutions_in_bfloat16_are_nearly_the_same():
    assert [stylegan.precision(side, 32, 2) for side in (4, 8, 16, 32)] == [jnp.float32] * 2 + [jnp.bfloat16] * 2
    fields = dict(base=64, most=8)
    for bf16 in (1, 9):  # 9: all but 4×4
        plain, low = Generator(SHAPE, 8, 2, **fields), Generator(SHAPE, 8, 2, **fields, bf16=bf16)
        variables = plain.init(KEY, Z, train=False)
        images, nearly = (module.apply(variables, Z, train=False) for module in (plain, low))
        assert nearly.dtype == jnp.float32 and 0 < np.abs(images - nearly).max() < 0.05 * np.abs(images).max()
        plain, low = Discriminator(**fields), Discriminator(**fields, bf16=bf16)
        variables = plain.init(KEY, images, train=False)
        scores, nearly = (module.apply(variables, images, train=False)[0] for module in (plain, low))
        assert nearly.dtype == jnp.float32
        np.testing.assert_allclose(nearly, scores, atol=0.1)
