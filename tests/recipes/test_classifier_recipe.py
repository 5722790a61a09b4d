"""The classifier's step on shares of a batch equals that on the whole, and learns."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from gan_jax import augment
from gan_jax.attacks import Threat
from gan_jax.attacks import training as attacks
from gan_jax.networks.cnn import Classifier
from gan_jax.recipes import classifier

KEY = jax.random.key(0)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def batch(n=16):
    """Two classes: bright in the upper half, or in the lower."""
    labels = np.arange(n) % 2
    images = np.random.RandomState(0).randint(0, 60, (n, 8, 8, 1))
    images[labels == 0, :4] += 150
    images[labels == 1, 4:] += 150
    return {"image": images[None].astype(np.uint8), "label": labels[None].astype(np.int32)}


def setup(**changed):
    network = Classifier(2, 4, axis_name=changed.get("axis_name"))
    return classifier.Setup(network, optax.sgd(0.1), **changed)


def test_it_learns():
    recipe = classifier.make(setup(augment=augment.translate(1), ema=0.9))
    state, step = recipe.init(KEY, batch()), jax.jit(recipe.step)
    losses = []
    for _ in range(40):
        state, metrics = step(state, batch(), KEY)
        losses.append(float(metrics["classifier_loss"]))
    assert state.step == 40 and losses[-1] < 0.2 < losses[0] and metrics["accuracy"] == 1
    network = Classifier(2, 4)
    _, out = network.apply(state.players["classifier"].ema, batch()["image"][0] / 127.5 - 1, train=False)
    assert (out["class_logits"].argmax(-1) == batch()["label"][0]).all()
    for images in (batch()["image"][0], batch()["image"][0] / np.float32(127.5) - 1):  # pixels, and floats in [-1, 1]
        np.testing.assert_allclose(recipe.classify(state, images), out["class_logits"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_the_loss_is_the_cross_entropy(smoothing):
    """-Σ q log p, q = (1 - s) [the label] + s / K."""
    made = setup(label_smoothing=smoothing)
    recipe = classifier.make(made)
    state = recipe.init(KEY, batch())
    _, metrics = recipe.step(state, batch(), KEY)
    (_, out), _ = made.network.apply(
        state.players["classifier"].all_variables, batch()["image"][0] / 127.5 - 1, train=True, mutable=["batch_stats"]
    )
    q = (1 - smoothing) * np.eye(2)[batch()["label"][0]] + smoothing / 2
    expected = -(q * jax.nn.log_softmax(out["class_logits"])).sum(-1).mean()
    assert metrics["classifier_loss"] == pytest.approx(float(expected), rel=1e-5)


THREAT = Threat(0.2, low=-1, high=1)
ROBUST = dict(attack=attacks.of_kind("fgsm_rs", THREAT), check=attacks.of_kind("pgd", THREAT))


def test_robust_training_is_shown_what_its_adversary_makes():
    """The loss is that of these images; the metric's that of a stronger adversary's, and of every 100th step alone."""
    shown = []

    def record(classify, images, labels, keys):
        found = ROBUST["attack"](classify, images, labels, keys)
        assert found.shape == images.shape
        shown.append((images, found, classify(found), labels))
        return found

    recipe = classifier.make(setup(**ROBUST | dict(attack=record)))
    state = recipe.init(KEY, batch())
    _, metrics = recipe.step(state, batch(), KEY)
    ((images, found, logits, labels),) = shown
    np.testing.assert_allclose(images, batch()["image"][0] / 127.5 - 1, atol=1e-6)
    changed = np.abs(found - images)
    assert 0.1 < changed.mean() < changed.max() <= 0.2 + 1e-6
    wanted = optax.softmax_cross_entropy_with_integer_labels(logits, labels).mean()
    assert metrics["classifier_loss"] == pytest.approx(float(wanted), rel=1e-5)
    assert recipe.every == {"robust_accuracy": 100}
    assert 0 <= metrics["robust_accuracy"] <= 1


def test_what_is_changed_grows():
    """After 2 of 4 steps images are halfway between what they were and what an adversary makes of them."""
    share = optax.linear_schedule(0.0, 1.0, 4)
    recipe = classifier.make(setup(attack=lambda classify, images, labels, keys: -images, share=share))
    halfway = classifier.make(setup(attack=lambda classify, images, labels, keys: 0 * images))
    state = recipe.init(KEY, batch()).replace(step=jnp.int32(2))
    found, wanted = (each.step(state, batch(), KEY)[1]["classifier_loss"] for each in (recipe, halfway))
    assert found == pytest.approx(float(wanted), rel=1e-6)


def test_four_shares_of_a_batch_under_attack_are_the_whole_batch(require_shares_are_the_whole):
    """Each image has a random start of its own."""
    whole, shared = (classifier.make(setup(**ROBUST, axis_name=name)) for name in (None, "data"))
    require_shares_are_the_whole(whole, shared, batch(), KEY, atol=1e-6)


def test_four_shares_of_a_batch_are_the_whole_batch(require_shares_are_the_whole):
    whole = classifier.make(setup(augment=augment.translate(2)))
    shared = classifier.make(setup(augment=augment.translate(2), axis_name="data"))
    require_shares_are_the_whole(whole, shared, batch(), KEY, atol=1e-6)
