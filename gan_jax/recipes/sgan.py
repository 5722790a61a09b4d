"""How a semi-supervised GAN is trained: D classifies, and learns from few labelled and many unlabelled images.

Salimans et al. 2016 (arXiv:1606.03498, section 5; Odena 2016, arXiv:1606.01583, is much the same). D has a logit for each
of K classes. How real an image is, is the logsumexp of them: with the probabilities of K + 1 classes, the last one "fake"
with the fixed logit 0, D(x) = Z / (Z + 1), Z = Σ exp(l), so sigmoid(logsumexp l) is the probability of being real, and
every game can be played for that score. To D's loss in the game is added the cross-entropy of the labelled images.
"""

import jax
import jax.numpy as jnp
import optax

from gan_jax.randomness import Key, example_keys
from gan_jax.recipes import gan, measures
from gan_jax.recipes.batch import part
from gan_jax.recipes.classifier import class_logits
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State
from gan_jax.recipes.players import descend, update_ema, with_player
from gan_jax.terms import sparse


def make_d_step(setup: gan.Setup, *, supervised_weight: float = 1.0, d_ema: float = 0.999) -> gan.Step:
    """D's step: (state, {"unlabelled": {"image"}, "labelled": {"image", "label"}}, key) -> (state, metrics). Pure.

    Images are in [-1, 1]. Real, fake and labelled images pass D one after another, each with batch statistics of
    their own.

    Args: as `make`'s.
    """

    def d_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        latent_key, discriminate_key, noise_key, augment_key, labelled_key = jax.random.split(key, 5)
        unlabelled, labels = batch["unlabelled"], batch["labelled"]["label"]
        fake, _ = gan.generate_fakes(setup, state.players["generator"], latent_key, unlabelled)
        keys = example_keys(augment_key, len(labels), setup.axis_name)
        labelled = setup.augment(batch["labelled"]["image"], keys, state.step)

        def loss(params):
            inputs, variables = gan.discriminate(setup, params, state, unlabelled, fake, discriminate_key)
            total, metrics = gan.d_loss(setup, inputs, noise_key)
            (_, out), variables = gan.score(setup, params, variables, labelled, labelled_key)
            logits = out["class_logits"]
            supervised = jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))
            metrics |= {"supervised_loss": supervised, "accuracy": jnp.mean(logits.argmax(-1) == labels)}
            return total + supervised_weight * supervised, (variables, metrics)

        state, metrics = descend(
            state, "discriminator", loss, setup.d_optimizer, setup.axis_name, norm="d_gradient_norm"
        )
        metrics["sample_spread"] = measures.relative_spread(fake, unlabelled["image"], setup.axis_name)
        discriminator = update_ema(state.players["discriminator"], d_ema, state.step * setup.n_critic)
        return with_player(state, "discriminator", discriminator), metrics

    return d_step


def make(setup: gan.Setup, *, supervised_weight: float = 1.0, d_ema: float = 0.999) -> Recipe:
    """The recipe: rounds as `gan.make`'s, with a batch of labelled images beside the others in each D-step.

    Data has two domains: "unlabelled", of which a round takes n_critic + 1 batches, and "labelled", of which it takes
    n_critic. The metric d_loss is the game's, without the cross-entropy, which is supervised_loss.

    Args:
      setup: its discriminator's dict has "class_logits" [B, K], and its scores are their logsumexp. G's step is that of
        `recipes.gan`.
      supervised_weight: of the cross-entropy in D's loss.
      d_ema: decay of the moving average of D's weights, by which it classifies in the end.

    Raises ValueError if `setup.pack` is not 1.
    """
    if setup.pack != 1:
        raise ValueError(f"pack={setup.pack}: a pack of images has no one class, so sgan's D scores them singly")
    d_step = make_d_step(setup, supervised_weight=supervised_weight, d_ema=d_ema)
    unsupervised_g_step = gan.make_g_step(setup)

    def g_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        return unsupervised_g_step(state, batch["unlabelled"], key)

    def init(key: Key, batch: Batch) -> State:
        return gan.init_state(setup, key, part(batch["unlabelled"], 0), d_ema=True)

    return Recipe(
        init=init,
        step=gan.make_round(setup.n_critic, d_step, g_step),
        batches_per_step={"unlabelled": setup.n_critic + 1, "labelled": setup.n_critic},
        sampler=gan.make_sampler(setup),
        classify=lambda state, images: class_logits(setup.discriminator, state.players["discriminator"].ema, images),
        augment=setup.augment,
        every=sparse(setup.d_terms, setup.g_terms),
    )
