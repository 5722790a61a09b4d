"""bfloat16 where the work is, float32 where sums and statistics are."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import games, penalties, precision, terms
from gan_jax.layers.norm import WithReference
from gan_jax.networks import conditional, dcgan, mlp, semi_supervised
from gan_jax.recipes import gan, sgan
from gan_jax.recipes.conditions import labels_by_frequency

pytestmark = pytest.mark.usefixtures("compiled_in_haste")

KEY = jax.random.key(0)
SHAPE, K = (8, 8, 1), 3
PENALTY = {"penalty": terms.penalty(penalties.gradient_penalty, 10.0)}
MATCHING = {"matching": terms.feature_matching()}


def batch(recipe, size=8):
    """Of one domain, or of the two that sgan takes."""
    random = np.random.RandomState(0)
    images = random.randint(0, 256, (2, 2, size, *SHAPE)).astype(np.uint8)
    labels = random.randint(0, K, (2, 2, size)).astype(np.int32)
    if isinstance(recipe.batches_per_step, int):
        return {"image": images[0], "label": labels[0]}
    return {"unlabelled": {"image": images[0]}, "labelled": {"image": images[1, :1], "label": labels[1, :1]}}


def recipe_of(generator, discriminator, make=gan.make, dtype=jnp.bfloat16, **changes):
    adam = optax.adam(1e-3)
    settings = dict(game=games.non_saturating, g_optimizer=adam, d_optimizer=adam, dtype=dtype)
    return make(gan.Setup(generator, discriminator, **(settings | changes)))


def conditioned(conditioning):
    return dict(
        generator=conditional.Generator(mlp.Generator(SHAPE, (16,)), K, conditioning),
        discriminator=conditional.Discriminator(dcgan.Discriminator(4), K, conditioning),
        condition=("label",),
        make=lambda setup: gan.make(setup, labels_by_frequency(np.ones(K))),
    )


CASES = {
    "mlp": dict(generator=mlp.Generator(SHAPE, (16,)), discriminator=mlp.Discriminator((16,))),
    "dcgan": dict(generator=dcgan.Generator(SHAPE, 4), discriminator=dcgan.Discriminator(4)),
    "layer_norm": dict(
        generator=dcgan.Generator(SHAPE, 4, norm="layer"),
        discriminator=dcgan.Discriminator(4, norm="layer", dropout=0.3),
        d_terms=PENALTY,
        ema=0.9,
    ),
    "virtual": dict(
        generator=WithReference(dcgan.Generator(SHAPE, 4, norm="virtual")), discriminator=dcgan.Discriminator(4)
    ),
    "spectral": dict(
        generator=mlp.Generator(SHAPE, (16,)), discriminator=dcgan.Discriminator(4, norm="none", spectral=True)
    ),
    "discrimination": dict(
        generator=mlp.Generator(SHAPE, (16,)), discriminator=dcgan.Discriminator(4, minibatch="discrimination")
    ),
    "stddev": dict(generator=mlp.Generator(SHAPE, (16,)), discriminator=dcgan.Discriminator(4, minibatch="stddev")),
    "sgan": dict(
        generator=mlp.Generator(SHAPE, (16,)),
        discriminator=semi_supervised.Convolutional(K, 4, 16),
        g_terms=MATCHING,
        make=sgan.make,
    ),
    "sgan_dense": dict(
        generator=mlp.Generator(SHAPE, (16,)), discriminator=semi_supervised.Dense(K, (16, 8)), make=sgan.make
    ),
} | {f"cgan_{conditioning}": conditioned(conditioning) for conditioning in conditional.CONDITIONINGS}


def _equations(jaxpr):
    for equation in jaxpr.eqns:
        yield equation
        for inner in jax.tree.leaves(
            list(equation.params.values()), is_leaf=lambda x: hasattr(x, "eqns") or hasattr(x, "jaxpr")
        ):
            inner = getattr(inner, "jaxpr", inner)
            if hasattr(inner, "eqns"):
                yield from _equations(inner)


def _products(recipe):
    """The number types that products and convolutions of a step multiply."""
    state = jax.eval_shape(recipe.init, KEY, batch(recipe))
    traced = jax.make_jaxpr(recipe.step)(state, batch(recipe), KEY)
    return [
        {variable.aval.dtype for variable in equation.invars}
        for equation in _equations(traced.jaxpr)
        if equation.primitive.name in ("dot_general", "conv_general_dilated")
    ]


@pytest.mark.parametrize("case", CASES)
def test_products_are_of_bfloat16_and_what_stays_is_float32(case):
    recipe = recipe_of(**CASES[case])
    products = _products(recipe)
    lower = [found == {jnp.dtype(jnp.bfloat16)} for found in products]
    # A spectral norm's power iteration, of vectors, is of float32.
    assert len(lower) > 5 and (all(lower) if case != "spectral" else np.mean(lower) > 0.5), products
    state = jax.eval_shape(recipe.init, KEY, batch(recipe))
    after, metrics = jax.eval_shape(recipe.step, state, batch(recipe), KEY)
    same = lambda a, b: a.dtype == b.dtype and a.shape == b.shape
    assert jax.tree.all(jax.tree.map(same, after, state))
    assert {leaf.dtype for leaf in jax.tree.leaves(metrics)} == {jnp.dtype(jnp.float32)}


@pytest.mark.parametrize("case", ["dcgan", "layer_norm", "cgan_concat", "sgan"])
def test_a_round_in_bfloat16_is_nearly_one_in_float32(case):
    metrics, state = {}, None
    for dtype in precision.DTYPES.values():
        recipe = recipe_of(**CASES[case], dtype=dtype)
        state = jax.jit(recipe.init)(KEY, batch(recipe)) if state is None else state
        _, metrics[dtype] = jax.jit(recipe.step)(state, batch(recipe), KEY)
    lower, full = metrics[jnp.bfloat16], metrics[jnp.float32]
    for name in ("d_loss", "g_loss", "d_gradient_norm", "g_gradient_norm"):
        np.testing.assert_allclose(lower[name], full[name], rtol=0.1, err_msg=name)  # bfloat16 has 8 bits
    assert lower["d_loss"] != full["d_loss"]


def test_in_float32_nothing_is_changed():
    products = _products(recipe_of(**CASES["dcgan"], dtype=jnp.float32))
    assert all(found == {jnp.dtype(jnp.float32)} for found in products)
