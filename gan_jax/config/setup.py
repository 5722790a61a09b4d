"""How the options of a GAN become a `recipes.gan.Setup`: its game, terms, optimizers and networks."""

import inspect
from collections.abc import Callable, Mapping
from functools import partial

import optax
from flax import linen as nn

from gan_jax import augment, presets, terms
from gan_jax.config.gan import ArchitectureConfig, GanConfig
from gan_jax.games import GAMES, Game
from gan_jax.layers.norm import WithReference
from gan_jax.networks.registry import NETWORKS, build
from gan_jax.penalties import OF_WHAT_D_SEES, PENALTIES
from gan_jax.precision import DTYPES
from gan_jax.randomness import PRIORS
from gan_jax.recipes.adaptive import Adaptation
from gan_jax.terms import Term
from gan_jax.training.optimizers import clip_weights, historical_averaging, wait
from gan_jax.training.parallel import AXIS


def setup_fields(config: object) -> dict:
    """What a resolved configuration says of a `gan.Setup`, but for the networks, by the Setup's field names.

    Args: config: with the parts gan, players and augmentation.
    """
    own, players = config.gan, config.players
    matching = own.objective == "feature_matching"
    waiting = max(0, -(-own.critic_warmup // own.n_critic) - 1)
    return dict(
        game=_game(own),
        g_optimizer=wait(_optimizer(own, own.g_lr, first=waiting), waiting),
        d_optimizer=_clipped(d_optimizer(own), own.clip),
        latent_size=players.latent_size,
        dtype=DTYPES[own.dtype],
        prior=players.prior,
        n_critic=own.n_critic,
        d_terms=_penalties(own),
        g_terms={"feature_matching": terms.feature_matching(axis_name=AXIS)} if matching else {},
        g_adversarial=not matching,
        augment=_augment(config),
        pack=config.augmentation.pack,
        label_noise=own.label_noise,
        ema=own.ema,
        axis_name=AXIS,
    )


def adaptation(config: object) -> Adaptation | None:
    """How a resolved configuration, with the part augmentation, has that adapt; None if it does not."""
    own = config.augmentation
    return None if own.ada_target is None else Adaptation(own.ada_target, own.ada_images)


def make_networks(config: object, image_shape: tuple[int, ...]) -> tuple[nn.Module, nn.Module]:
    """The generator and the discriminator of a resolved configuration that has an architecture."""
    discriminator = build(NETWORKS[config.architecture.network].discriminator, **d_fields(config))
    return make_generator(config, image_shape), discriminator


def make_generator(config: object, image_shape: tuple[int, ...], **fields: object) -> nn.Module:
    """The generator of a resolved configuration. Args: fields: others of its network's."""
    architecture, players = config.architecture, config.players
    own = dict(
        image_shape=image_shape,
        **_of_both(architecture),
        negative_slope=architecture.g_negative_slope,
        hidden=players.hidden,
        norm=players.g_norm,
        axis_name=AXIS,
    )
    return with_reference(config, build(NETWORKS[architecture.network].generator, **(own | fields)))


def d_fields(config: object) -> dict:
    """What a resolved configuration says of a discriminator, by the field names that discriminators have."""
    architecture, players = getattr(config, "architecture", None), config.players
    own = dict(
        hidden=players.hidden[::-1] if players.d_hidden is None else players.d_hidden,
        norm=players.d_norm,
        spectral=players.d_spectral_norm,
        dropout=players.d_dropout,
        minibatch=players.minibatch,
        axis_name=AXIS,
    )
    return own | _of_both(architecture) if architecture else own


def _of_both(architecture: ArchitectureConfig) -> dict:
    """What an architecture has generators and discriminators alike be."""
    return {
        name: getattr(architecture, name) for name in ("width", "depth", "weight_std", "weight_bound", "kernel_size")
    }


def with_reference(config: object, generator: nn.Module) -> nn.Module:
    """The generator, with a reference batch if its normalisation needs one."""
    players = config.players
    return WithReference(generator, PRIORS[players.prior]) if players.g_norm == "virtual" else generator


def d_optimizer(config: GanConfig) -> optax.GradientTransformation:
    """D's optimizer, but for the clipping of weights, which is the game's."""
    return _optimizer(config, config.d_lr, config.n_critic)


def _game(config: GanConfig) -> Game:
    game = GAMES[presets.loss_of(config.game)]
    targets = dict(real_target=config.real_target, fake_target=config.fake_target)
    given = {name: value for name, value in targets.items() if value is not None}
    return partial(over_devices(game), **given)


def over_devices(function: Callable) -> Callable:
    """A game or penalty that looks at the whole batch, with the axis over which that is spread."""
    return partial(function, axis_name=AXIS) if "axis_name" in inspect.signature(function).parameters else function


def _penalties(config: GanConfig) -> dict[str, Term]:
    weights = dict(zip(config.penalty, config.penalty_weight, strict=True))
    if config.penalty_end != 1:
        rounds, end = config.decay_rounds, config.penalty_end
        weights = {
            name: optax.exponential_decay(weight, rounds, end, end_value=weight * end)
            for name, weight in weights.items()
        }
    return penalty_terms(weights, config.penalty_every)


def penalty_terms(weights: Mapping[str, float | optax.Schedule], every: int = 1) -> dict[str, Term]:
    """Penalties, names in PENALTIES, as terms of D's loss, by the names under which they are recorded."""
    return {
        name if name.endswith("penalty") else f"{name}_penalty": terms.penalty(
            over_devices(PENALTIES[name]), weight, every=every, seen=name in OF_WHAT_D_SEES
        )
        for name, weight in weights.items()
    }


def _optimizer(
    config: GanConfig, rate: float, steps_per_round: int = 1, first: int = 0
) -> optax.GradientTransformation:
    """One player's optimizer, which makes its first step in round `first`. Its schedule counts its own steps."""
    if config.lr_decay == "cosine":
        fall = optax.cosine_decay_schedule(rate, config.decay_rounds * steps_per_round)
        rate = lambda step: fall(step + first)
    if config.optimizer == "adam":
        optimizer = optax.adam(rate, b1=config.beta1, b2=config.beta2)
    else:  # PyTorch's RMSprop, which WGAN's authors used: decay 0.99, ε outside the root
        optimizer = optax.rmsprop(rate, decay=0.99, eps=1e-8, eps_in_sqrt=False)
    if config.historical_averaging:
        optimizer = optax.chain(historical_averaging(config.historical_averaging), optimizer)
    return optimizer


def _clipped(optimizer: optax.GradientTransformation, limit: float) -> optax.GradientTransformation:
    return optax.chain(optimizer, clip_weights(limit)) if limit else optimizer


def _augment(config: object) -> augment.Augment:
    own, rounds = config.augmentation, config.gan.decay_rounds
    noise = [augment.instance_noise(own.instance_noise, rounds)] if own.instance_noise else []
    return augment.make(augment.parse(own.augment), *noise, fill=own.augment_fill)
