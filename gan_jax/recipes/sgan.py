"""How a semi-supervised GAN is trained: D classifies, and learns from few labelled and many unlabelled images.

Salimans et al. 2016 (arXiv:1606.03498, section 5; Odena 2016, arXiv:1606.01583, is much the same). D has a logit for each
of K classes. How real an image is, is the logsumexp of them: with the probabilities of K + 1 classes, the last one "fake"
with the fixed logit 0, D(x) = Z / (Z + 1), Z = Σ exp(l), so sigmoid(logsumexp l) is the probability of being real, and
every game can be played for that score. To D's loss in the game is added the cross-entropy of the labelled images.
"""

import jax
import jax.numpy as jnp
import optax

from gan_jax import early_warning
from gan_jax.devices import device_mean
from gan_jax.players import update_average, update_player
from gan_jax.randomness import Key, example_keys
from gan_jax.recipe import Batch, Metrics, Recipe
from gan_jax.recipes import gan

Array = jax.Array


def make_d_step(setup: gan.Setup, *, supervised_weight: float = 1.0, average: float = 0.999) -> gan.Step:
    """D's step: (state, real images [B, H, W, C], labelled images, their labels int32 [L], key) -> (state, metrics).

    Pure. Images are in [-1, 1]. Real, fake and labelled images pass D one after another, each with batch statistics of
    their own.

    Args: as `make`'s.
    """

    def d_step(state: gan.State, real: Array, labelled: Array, labels: Array, key: Key) -> tuple[gan.State, Metrics]:
        latent_key, judge_key, noise_key, view_key, labelled_key = jax.random.split(key, 5)
        fake, _ = gan.generate(setup, state.generator.params, state.generator, latent_key, len(real))
        seen = setup.view(labelled, example_keys(view_key, len(labelled), setup.axis_name), state.step)

        def loss(params):
            play, variables = gan.judge(setup, params, state, real, fake, judge_key)
            total, metrics = gan.d_loss(setup, play, noise_key)
            (_, out), variables = gan.score(setup, params, variables, seen, labelled_key)
            logits = out["class_logits"]
            supervised = jnp.mean(optax.softmax_cross_entropy_with_integer_labels(logits, labels))
            metrics |= {"supervised_loss": supervised, "accuracy": jnp.mean(logits.argmax(-1) == labels)}
            return total + supervised_weight * supervised, (variables, metrics)

        gradients, (variables, metrics) = jax.grad(loss, has_aux=True)(state.discriminator.params)
        gradients, metrics = device_mean((gradients, metrics), setup.axis_name)
        metrics["d_gradient_norm"] = optax.tree.norm(gradients)
        metrics["sample_spread"] = early_warning.relative_spread(fake, real, setup.axis_name)
        discriminator = update_player(state.discriminator, gradients, setup.d_optimizer, variables)
        discriminator = update_average(discriminator, average, state.step * setup.n_critic)
        return state.replace(discriminator=discriminator), metrics

    return d_step


def make(setup: gan.Setup, *, supervised_weight: float = 1.0, average: float = 0.999) -> Recipe:
    """The recipe: rounds as `gan.make`'s, with a batch of labelled images beside the others in each D-step.

    A batch has, beside "image", these: {"labelled_image": uint8 [n_critic, B, H, W, C], "labelled_label": int32
    [n_critic, B]}. The metric d_loss is the game's, without the cross-entropy, which is supervised_loss.

    Args:
      setup: its discriminator's dict has "class_logits" [B, K], and its scores are their logsumexp. G's step is that of
        `recipes.gan`.
      supervised_weight: of the cross-entropy in D's loss.
      average: decay of the moving average of D's weights, by which it classifies in the end.

    Raises ValueError if `setup.pack` is not 1.
    """
    if setup.pack != 1:
        raise ValueError(f"pack={setup.pack}: a pack of images has no one class, so sgan judges them singly")
    d_step = make_d_step(setup, supervised_weight=supervised_weight, average=average)
    g_step = gan.make_g_step(setup)

    def init(key: Key, batch: Batch) -> gan.State:
        return gan.init_state(setup, key, batch["image"][0], d_averaged=True)

    def step(state: gan.State, batch: Batch, key: Key) -> tuple[gan.State, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), setup.n_critic + 1)
        images, labelled = gan.to_unit_range(batch["image"]), gan.to_unit_range(batch["labelled_image"])
        for i in range(setup.n_critic):
            state, d_metrics = d_step(state, images[i], labelled[i], batch["labelled_label"][i], keys[i])
        state, g_metrics = g_step(state, images[-1], keys[-1])
        return state.replace(step=state.step + 1), d_metrics | g_metrics

    return gan.unconditional(setup, init, step)
