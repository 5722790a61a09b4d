import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import penalties, terms

REAL = jnp.array([[1.0, 2.0], [3.0, 4.0]])


def inputs(step=0, **changes):
    critic = lambda x: 0.5 * jnp.sum(x**2, axis=1)
    features = dict(real_out={"features": REAL}, fake_out={"features": 2 * REAL + 1})
    fields = dict(
        real=REAL,
        fake=REAL,
        real_scores=critic(REAL),
        fake_scores=critic(REAL),
        critic=critic,
        given=terms.Given(REAL, REAL, critic),
    )
    return terms.LossInputs(**(fields | features | dict(keys=jax.random.key(0), step=jnp.int32(step)) | changes))


@pytest.mark.parametrize("step, expected", [(0, 7.5), (1, 0.0), (15, 0.0), (16, 7.5)])
def test_a_lazy_penalty_is_there_in_every_kth_round_with_k_times_the_weight(step, expected):
    term = terms.penalty(penalties.r1, 0.5, every=16)  # of REAL: ½ · mean of 5 and 25
    np.testing.assert_allclose(term(inputs(step)), (expected, 16 * 0.5 * expected))


def test_what_is_lazy_says_how_often_it_is_there():
    lazy, eager = terms.penalty(penalties.r1, 0.5, every=16), terms.penalty(penalties.r1, 0.5)
    assert terms.sparse({"r1_penalty": lazy, "r2_penalty": eager}, {"path": lazy}) == {"r1_penalty": 16, "path": 16}


def test_lazy_and_eager_penalties_weigh_the_same_over_16_rounds():
    total = lambda term: sum(float(term(inputs(t))[1]) for t in range(16))
    np.testing.assert_allclose(
        total(terms.penalty(penalties.r1, 0.5, every=4)), total(terms.penalty(penalties.r1, 0.5))
    )


def test_a_weight_may_be_a_schedule():
    term = terms.penalty(penalties.r1, optax.linear_schedule(1.0, 0.0, 10), every=2)
    np.testing.assert_allclose(term(inputs(4)), (7.5, 2 * 0.6 * 7.5), rtol=1e-6)


def test_feature_matching_compares_means():
    """Means [2, 3] and [5, 7]: 9 + 16."""
    term = terms.feature_matching(3.0)
    np.testing.assert_allclose(term(inputs()), (25, 75))
    maps = dict(real_out={"features": jnp.ones((4, 2, 2, 3))}, fake_out={"features": jnp.zeros((4, 2, 2, 3))})
    np.testing.assert_allclose(term.value(inputs(**maps)), 12)  # the square of the norm, not the mean of squares


def test_feature_matching_over_devices():
    share = lambda real, fake: terms.feature_matching(axis_name="data").value(
        inputs(real_out={"features": real}, fake_out={"features": fake})
    )
    values = jax.vmap(share, axis_name="data")(REAL[:, None], 2 * REAL[:, None] + 1)
    np.testing.assert_allclose(values, [25, 25])


def test_an_auxiliary_classifier_s_terms_are_cross_entropies_of_the_classes_asked_for():
    """By hand: of logits (0, log 3) the classes have probabilities 1/4 and 3/4."""
    real = jnp.log(jnp.array([[1.0, 3.0], [1.0, 1.0]]))
    fake = jnp.log(jnp.array([[3.0, 1.0], [3.0, 1.0]]))
    given = inputs(
        real_out={"class_logits": real}, fake_out={"class_logits": fake}, condition={"label": jnp.array([1, 0])}
    )
    of_real, of_fake = -np.log([0.75, 0.5]).mean(), -np.log([0.25, 0.75]).mean()
    np.testing.assert_allclose(terms.auxiliary(real=False)(given), (of_fake, of_fake), rtol=1e-6)
    np.testing.assert_allclose(
        terms.auxiliary(2.0, real=True)(given), (of_real + of_fake, 2 * (of_real + of_fake)), rtol=1e-6
    )
