"""How a variational autoencoder is trained (Kingma & Welling 2014, arXiv:1312.6114).

An encoder says of an image x which latents may have made it, q(z|x) = N(μ(x), σ²(x)); a decoder what a latent makes,
p(x|z). Both climb one bound on the likelihood (the ELBO, their equation 3, here with its sign turned, to be minimised):

    -log p(x) ≤ E_q [-log p(x|z)] + KL(q(z|x) ‖ N(0, 1))
                reconstruction       kl

z = μ + σ ε with ε ~ N(0, 1), one per example (the reparametrisation, section 2.4), so that the expectation can be
differentiated through a sample. A weight β of the second term other than 1 is Higgins et al. 2017's (β-VAE).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax import reconstruction
from gan_jax.randomness import Key, example_keys, latents, other_keys
from gan_jax.recipes.batch import part, to_unit_range
from gan_jax.recipes.contract import Batch, Likelihood, Metrics, Recipe, Sampler, State
from gan_jax.recipes.players import Player, PyTree, descend_together, init_player

Array = jax.Array


class Observation(NamedTuple):
    """What the decoder's numbers say of pixels.

    Fields:
      loss: (the decoder's numbers [B, H, W, C], pixels in [0, 1]) -> -log p(x|z) [B], in nats.
      pixels: the decoder's numbers -> the mean of p(x|z), in [0, 1].
    """

    loss: Callable[[Array, Array], Array]
    pixels: Callable[[Array], Array]


def bernoulli() -> Observation:
    """Each pixel is a coin's mean, of which the decoder gives the logit."""
    return Observation(reconstruction.bernoulli, jax.nn.sigmoid)


def gaussian(deviation: float) -> Observation:
    """Each pixel is normal, of which the decoder gives the mean."""
    loss = lambda mean, pixels: reconstruction.gaussian(mean, pixels, deviation)
    return Observation(loss, lambda mean: jnp.clip(mean, 0, 1))


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      encoder: called as `encoder.apply(variables, images [B, H, W, C] in [-1, 1], train=)` -> (μ [B, d], log σ² [B, d]).
      decoder: called as `decoder.apply(variables, z [B, d], train=)` -> numbers [B, H, W, C].
      observation: what these numbers say of pixels.
      optimizer: of both.
      latent_size: d.
      beta: the weight of the KL; may be a schedule, a function of the step.
      axis_name: the mapped axis over which the batch is spread; None without one.
    """

    encoder: nn.Module
    decoder: nn.Module
    observation: Observation
    optimizer: optax.GradientTransformation
    latent_size: int
    beta: float | optax.Schedule = 1.0
    axis_name: str | None = None


def make(setup: Setup) -> Recipe:
    """The recipe; a step takes one batch."""

    def init(key: Key, batch: Batch) -> State:
        e_key, d_key = jax.random.split(key)
        image = part(batch, 0)["image"][:1]
        players = {
            "encoder": init_player(setup.encoder, setup.optimizer, e_key, image),
            "decoder": init_player(setup.decoder, setup.optimizer, d_key, jnp.zeros((1, setup.latent_size))),
        }
        return State(step=jnp.zeros((), jnp.int32), players=players)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        images = part(batch, 0)["image"]
        keys = example_keys(jax.random.fold_in(key, state.step), len(images), setup.axis_name)
        β = setup.beta(state.step) if callable(setup.beta) else setup.beta

        def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
            (mean, log_variance), encoder = _train(setup.encoder, params["encoder"], state.players["encoder"], images)
            z = reparametrise(mean, log_variance, keys)
            numbers, decoder = _train(setup.decoder, params["decoder"], state.players["decoder"], z)
            kl = jnp.mean(reconstruction.kl_from_normal(mean, log_variance))
            error = jnp.mean(setup.observation.loss(numbers, to_unit_interval(images)))
            total = error + β * kl
            metrics = {"loss": total, "reconstruction": error, "kl": kl}
            return total, ({"encoder": encoder, "decoder": decoder}, metrics)

        state, metrics = descend_together(
            state, ("encoder", "decoder"), loss, setup.optimizer, setup.axis_name, norm="gradient_norm"
        )
        return state.replace(step=state.step + 1), metrics

    return Recipe(
        init=init,
        step=step,
        batches_per_step=1,
        sampler=make_sampler(setup),
        encode=lambda state, images: posterior(setup, state, images)[0],
        likelihood=make_likelihood(setup),
    )


def reparametrise(mean: Array, log_variance: Array, keys: Key) -> Array:
    """z = μ + σ ε [B, d], ε of each example's own key [B]."""
    return mean + jnp.exp(0.5 * log_variance) * latents(keys, mean.shape[-1])


def to_unit_interval(images: Array) -> Array:
    """Images in [-1, 1] to pixels in [0, 1]."""
    return (images + 1) / 2


def posterior(setup: Setup, state: State, images: Array) -> tuple[Array, Array]:
    """(μ, log σ²) of q(z|x), [B, d] each, of images in [-1, 1]."""
    return setup.encoder.apply(state.players["encoder"].all_variables, images, train=False)


def make_sampler(setup: Setup) -> Sampler:
    """Samples: the means of p(x|z), z of the prior."""

    def generate(state: State, z: Array, condition: None = None) -> Array:
        return 2 * setup.observation.pixels(_decode(setup, state, z)) - 1

    return Sampler(
        prior="normal",
        latents=lambda key, n, truncation=None: latents(example_keys(key, n), setup.latent_size, bound=truncation),
        conditions=lambda key, n: None,
        generate=generate,
    )


def make_likelihood(setup: Setup) -> Likelihood:
    """The bounds on log p(x) that encoder and decoder give."""

    def elbo(state: State, images: Array, keys: Key) -> Array:
        images = to_unit_range(images)
        mean, log_variance = posterior(setup, state, images)
        z = reparametrise(mean, log_variance, keys)
        error = setup.observation.loss(_decode(setup, state, z), to_unit_interval(images))
        return -error - reconstruction.kl_from_normal(mean, log_variance)

    def importance_weighted(state: State, images: Array, keys: Key, samples: int) -> Array:
        images = to_unit_range(images)
        mean, log_variance = posterior(setup, state, images)

        def log_weight(number: Array) -> Array:
            own = other_keys(keys, number)
            z = reparametrise(mean, log_variance, own)
            error = setup.observation.loss(_decode(setup, state, z), to_unit_interval(images))
            ε = (z - mean) * jnp.exp(-0.5 * log_variance)
            # log N(z; 0, 1) - log N(z; μ, σ²), whose constants are the same
            return -error + 0.5 * jnp.sum(ε**2 + log_variance - z**2, axis=-1)

        weights = jax.lax.map(log_weight, jnp.arange(samples))
        return jax.nn.logsumexp(weights, axis=0) - jnp.log(samples)

    return Likelihood(elbo, importance_weighted)


def _decode(setup: Setup, state: State, z: Array) -> Array:
    return setup.decoder.apply(state.players["decoder"].all_variables, z, train=False)


def _train(module: nn.Module, params: PyTree, player: Player, inputs: Array) -> tuple[Array, PyTree]:
    variables = {"params": params, **player.variables}
    return module.apply(variables, inputs, train=True, mutable=list(player.variables))
