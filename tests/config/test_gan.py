"""Options of games and tricks: what they become, and that they can all be had together, with every game."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from experiments import dcgan
from gan_jax import augment
from gan_jax.config import setup
from gan_jax.config.gan import with_network_defaults
from gan_jax.config.options import flat
from gan_jax.data import DataSpec, example_batch
from gan_jax.data.spec import labelled_image
from gan_jax.layers.norm import WithReference
from gan_jax.presets import PRESETS

TINY = ("--network=mlp", "--hidden=8", "--image_size=8", "--batch_size=8")
TRICKS = (
    "--label_noise=0.1", "--n_critic=2", "--critic_warmup=5", "--d_lr=4e-4", "--g_lr=1e-4", "--ema=0.9",
    "--objective=feature_matching", "--historical_averaging=0.1", "--instance_noise=0.1", "--decay_rounds=100",
    "--lr_decay=cosine", "--penalty=r1,r2,dragan,gradient_penalty", "--penalty_weight=1,2,3,4", "--penalty_every=16",
    "--penalty_end=0.5", "--d_dropout=0.3", "--d_spectral_norm", "--pack=2", "--prior=uniform", "--g_norm=virtual",
    "--minibatch=discrimination",
)  # fmt: skip


@pytest.fixture
def fields(configured):
    """fields(*flags) are a Setup's fields."""
    return lambda *given: setup.setup_fields(with_network_defaults(configured(*TINY, *given)))


@pytest.mark.parametrize("game, network", [*((game, "mlp") for game in PRESETS), ("r3gan", "dcgan")])
def test_all_tricks_together_with_every_game(game, network, configured):
    """Traced, not run; the axis of the devices is there as in the loop."""
    given = (*TINY, f"--network={network}", "--width=4", "--steps=100", *TRICKS, f"--game={game}")
    spec = DataSpec(labelled_image(8, 8, 1))
    recipe = dcgan.make(with_network_defaults(configured(*given)), spec)
    state = jax.eval_shape(recipe.init, jax.random.key(0), example_batch(spec.example))
    batch = {"image": jax.ShapeDtypeStruct((1, recipe.batches_per_step, 8, 8, 8, 1), jnp.uint8)}
    step = jax.vmap(recipe.step, axis_name="data", in_axes=(None, 0, None), out_axes=None)
    after, metrics = jax.eval_shape(step, state, batch, jax.random.key(0))
    assert jax.tree.structure(after) == jax.tree.structure(state)
    penalties = {"r1_penalty", "r2_penalty", "dragan_penalty", "gradient_penalty"}
    assert penalties | {"d_loss", "g_loss", "feature_matching"} <= set(metrics)
    assert isinstance(setup.with_reference(configured("--g_norm=virtual"), None), WithReference)


def test_two_learning_rates(fields):
    """TTUR. Adam's first step is the learning rate, in the gradient's direction."""
    made = fields("--game=non_saturating", "--d_lr=4e-4", "--g_lr=1e-4")
    for name, rate in (("d_optimizer", 4e-4), ("g_optimizer", 1e-4)):
        np.testing.assert_allclose(_updates(made[name], 1), [-rate], rtol=1e-4)


@pytest.mark.parametrize("player, steps", [("d_optimizer", 20), ("g_optimizer", 10)])
def test_learning_rates_fall_in_decay_rounds(player, steps, fields):
    """A cosine over 10 rounds, in which D makes 2 steps each."""
    made = fields("--game=non_saturating", "--n_critic=2", "--lr_decay=cosine", "--steps=10")
    rates = -_updates(made[player], steps + 3)
    expected = [2e-4 * 0.5 * (1 + np.cos(np.pi * min(t / steps, 1))) for t in range(steps + 3)]
    np.testing.assert_allclose(rates, expected, rtol=1e-3, atol=1e-9)


def test_g_s_rate_falls_in_decay_rounds_also_after_waiting(fields):
    made = fields("--game=non_saturating", "--lr_decay=cosine", "--steps=10", "--critic_warmup=6")
    expected = [0.0] * 5 + [2e-4 * 0.5 * (1 + np.cos(np.pi * t / 10)) for t in range(5, 11)]
    np.testing.assert_allclose(-_updates(made["g_optimizer"], 11), expected, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("warmup, waiting", [(0, 0), (1, 0), (2, 0), (3, 1), (5, 2), (6, 2), (7, 3)])
def test_d_makes_at_least_so_many_steps_before_g_s_first(warmup, waiting, fields):
    made = fields("--game=non_saturating", "--n_critic=2", f"--critic_warmup={warmup}")
    moved = _updates(made["g_optimizer"], 5) != 0
    assert moved.tolist() == [False] * waiting + [True] * (5 - waiting)
    assert (waiting + 1) * 2 >= warmup


def test_each_penalty_has_its_weight_and_all_are_lazy_alike(fields):
    terms = fields("--game=hinge", "--penalty=r1,r2", "--penalty_weight=3,0.5", "--penalty_every=4")["d_terms"]
    assert {name: (term.weight, term.every) for name, term in terms.items()} == {
        "r1_penalty": (3, 4),
        "r2_penalty": (0.5, 4),
    }
    terms = fields("--game=hinge", "--penalty=r1,dragan", "--penalty_weight=3")["d_terms"]
    assert [term.weight for term in terms.values()] == [3, 3]
    assert fields("--game=hinge")["d_terms"] == {}
    assert {name: term.weight for name, term in fields("--game=hinge", "--penalty=r1")["d_terms"].items()} == {
        "r1_penalty": 10
    }


def test_penalties_fall_geometrically(fields):
    given = ("--game=hinge", "--penalty=r1", "--penalty_weight=4", "--penalty_end=0.01", "--decay_rounds=10")
    weight = fields(*given)["d_terms"]["r1_penalty"].weight
    np.testing.assert_allclose([weight(jnp.int32(t)) for t in (0, 5, 10, 20)], [4, 0.4, 0.04, 0.04], rtol=1e-5)


def test_values_fall_over_all_rounds_unless_told_otherwise(configured):
    resolved = lambda *given: with_network_defaults(configured("--steps=50", *given)).gan.decay_rounds
    assert resolved() is None
    assert resolved("--lr_decay=cosine") == resolved("--penalty=r1", "--penalty_end=0.1") == 50
    assert resolved("--instance_noise=0.1", "--decay_rounds=20") == 20


def test_the_published_dcgan_has_none_of_ours(configured):
    """Radford et al. 2016, section 4: Adam 2e-4, β1 0.5, batches of 128, uniform z of 100; and the authors' ngf = 64."""
    config = with_network_defaults(configured("--preset=published", "--batch_size=32"))
    assert (config.gan.d_lr, config.gan.g_lr, config.gan.beta1, config.gan.lr_decay) == (2e-4, 2e-4, 0.5, "none")
    assert (config.players.latent_size, config.players.prior, config.players.minibatch) == (100, "uniform", "none")
    assert (config.players.d_norm, config.players.g_norm, config.gan.penalty, config.gan.ema) == ("batch",) * 2 + (
        (),
        0,
    )
    own = config.architecture
    assert (own.width, own.depth, own.weight_std, own.weight_bound) == (64, 0, 0.02, False)
    assert config.run.batch_size == 32 and with_network_defaults(configured("--preset=published")).run.batch_size == 128


def test_few_images_are_augmented_and_flags_still_say_otherwise(configured):
    """And all else is as by default."""
    few, usual = flat(configured("--preset=few_images", "--steps=7")), flat(configured("--steps=7"))
    assert {name for name in usual if few[name] != usual[name]} == {
        "preset",
        "image_size",
        "batch_size",
        "augment",
        "d_lr",
        "g_lr",
    }
    assert augment.parse(few["augment"]) == {"mirror": 0.5, "translate": 8}
    assert configured("--preset=few_images", "--image_size=96", "--augment=mirror").data.image_size == "96"


def test_soft_labels_reach_the_game(fields):
    scores = jnp.zeros(2)
    hard = fields("--game=minmax")["game"](scores + 2, scores).d
    soft = fields("--game=minmax", "--real_target=0.9")["game"](scores + 2, scores).d
    np.testing.assert_allclose(soft - hard, 0.1 * 2, rtol=1e-5)  # softplus(x) - softplus(-x) = x


def test_the_batch_s_averages_are_over_all_devices(fields):
    assert fields("--game=relativistic_average")["game"].keywords == {"axis_name": "data"}


def test_without_flags_there_are_no_tricks(fields):
    made = fields("--game=non_saturating")
    assert (made["pack"], made["label_noise"], made["n_critic"], made["g_adversarial"]) == (1, 0, 1, True)
    assert made["d_terms"] == made["g_terms"] == {}


def _updates(optimizer, count):
    """The updates of one parameter by `count` steps along the gradient 1."""
    param = jnp.array(0.0)
    state = optimizer.init(param)
    step = jax.jit(lambda state: optimizer.update(jnp.array(1.0), state, param))
    updates = []
    for _ in range(count):
        update, state = step(state)
        updates.append(float(update))
    return np.array(updates)
