"""Flags of games and tricks, and how they become a gan.Setup and the networks' fields."""

import inspect
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace

import jax
import optax
from absl import flags
from flax import linen as nn

from experiments import presets
from experiments.presets import PRESETS, require_known
from gan_jax import loop, terms, views
from gan_jax.games import GAMES, Game
from gan_jax.layers.minibatch import MINIBATCH
from gan_jax.layers.norm import NORMS, WithReference
from gan_jax.optimizers import clip_weights, historical_averaging, wait
from gan_jax.penalties import PENALTIES
from gan_jax.precision import DTYPES
from gan_jax.randomness import LATENTS
from gan_jax.terms import Term

OPTIMIZERS = ("adam", "rmsprop")
OBJECTIVES = ("adversarial", "feature_matching")
DECAYS = ("none", "cosine")
_BROUGHT = " By default the game's own (experiments/presets.py)."

flags.DEFINE_string("game", "non_saturating_gp", f"What D and G play for: {', '.join(PRESETS)}.")
flags.DEFINE_float("real_target", None, "Soft labels: D's target for real images, 0.9 say.", 0, 1)
flags.DEFINE_float("fake_target", None, "Soft labels: D's target for fake images, 0.1 say.", 0, 1)
flags.DEFINE_float("label_noise", 0.0, "Noisy labels: the fraction that D gets wrong.", 0, 1)
flags.DEFINE_integer("n_critic", None, "Discriminator steps for one of the generator." + _BROUGHT, lower_bound=1)
flags.DEFINE_integer("critic_warmup", 0, "D-steps before the first G-step, at least.", lower_bound=0)
flags.DEFINE_string("objective", "adversarial", f"What G minimises: {', '.join(OBJECTIVES)}.")

flags.DEFINE_list("penalty", None, f"Added to D's loss: none, or some of {', '.join(PENALTIES)}." + _BROUGHT)
flags.DEFINE_list("penalty_weight", None, "Each penalty's weight, or one for all." + _BROUGHT)
flags.DEFINE_integer("penalty_every", 1, "Lazily: only every k-th round, k times the weight.", lower_bound=1)
flags.DEFINE_float("penalty_end", None, "To this fraction the weights fall, geometrically, in decay_rounds.", 1e-9)

flags.DEFINE_string("optimizer", None, f"Of both players: {', '.join(OPTIMIZERS)}." + _BROUGHT)
# Two learning rates, D's the larger: TTUR (Heusel et al. 2017, arXiv:1706.08500, section 2).
flags.DEFINE_float("d_lr", None, "The discriminator's learning rate." + _BROUGHT, lower_bound=0)
flags.DEFINE_float("g_lr", None, "The generator's learning rate." + _BROUGHT, lower_bound=0)
flags.DEFINE_float("beta1", None, "Adam's β1." + _BROUGHT, lower_bound=0, upper_bound=1)
flags.DEFINE_float("beta2", None, "Adam's β2." + _BROUGHT, lower_bound=0, upper_bound=1)
flags.DEFINE_string("lr_decay", None, f"How learning rates fall to 0 in decay_rounds: {', '.join(DECAYS)}.")
flags.DEFINE_integer("decay_rounds", None, "Rounds in which falls what is to fall.", lower_bound=1)
flags.DEFINE_float("clip", None, "Clips D's weights to [-clip, clip]; 0 does not." + _BROUGHT, lower_bound=0)
flags.DEFINE_float("historical_averaging", 0.0, "Weight of ‖θ - mean of earlier θ‖², both players.", lower_bound=0)
flags.DEFINE_float(
    "average", 0.999, "Decay of the moving average of G's weights that is sampled; 0 samples G itself.", 0, 0.999999
)

flags.DEFINE_string("dtype", "float32", f"What the networks compute in, in training: {', '.join(DTYPES)}.")
flags.DEFINE_string("latent", "normal", f"What z is drawn from: {', '.join(LATENTS)}.")
flags.DEFINE_integer("latent_size", 100, "Length of the latent z.", lower_bound=1)
flags.DEFINE_integer("pack", 1, "Images that D judges at once (PacGAN).", lower_bound=1)
flags.DEFINE_float("instance_noise", 0.0, "Deviation of noise on all images, falling to 0 in decay_rounds.", 0)
flags.DEFINE_integer("d_shift", 0, "Pixels by which all images that D sees are moved at random.", lower_bound=0)
flags.DEFINE_float("d_turn", 0.0, "Degrees by which all images that D sees are turned at random.", 0, 180)
flags.DEFINE_float("d_zoom", 0.0, "Share by which they are made higher or lower, wider or narrower at random.", 0, 0.9)
flags.DEFINE_string("d_norm", None, "Normalisation in D: batch, layer, none." + _BROUGHT)
flags.DEFINE_string("g_norm", None, "Normalisation in G: batch, layer, virtual, none. By default the network's own.")
flags.DEFINE_list("hidden", ["128"], "mlp: G's hidden sizes; D has them in reverse, or has --d_hidden.")
flags.DEFINE_bool("d_spectral_norm", False, "Spectral normalisation of D's dense layers and convolutions.")
flags.DEFINE_float("d_dropout", None, "Rate of dropout in D. By default 0, in sgan's dcgan 0.5.", 0, 0.99)
flags.DEFINE_string("minibatch", "none", f"Layer by which D sees how alike a batch is: {', '.join(MINIBATCH)}.")


# What falls in decay_rounds, and its value at which it does not.
_CONSTANT = {"lr_decay": "none", "penalty_end": 1.0, "instance_noise": 0.0}


def resolve(config: SimpleNamespace, **brought) -> SimpleNamespace:
    """The configuration with all defaults filled in: first `brought`, an experiment's own, then the game's.

    Raises ValueError, in one line, for unknown names, values out of range and what cannot be combined.
    """
    given = {name: value for name, value in vars(config).items() if value is not None}
    config = presets.fill(SimpleNamespace(**(vars(config) | _CONSTANT | dict(d_dropout=0.0) | brought | given)))
    require_known("optimizer", config.optimizer, OPTIMIZERS)
    require_known("objective", config.objective, OBJECTIVES)
    require_known("lr_decay", config.lr_decay, DECAYS)
    require_known("dtype", config.dtype, DTYPES)
    require_known("latent", config.latent, LATENTS)
    require_known("d_norm", config.d_norm, [name for name in NORMS if name != "virtual"])
    require_known("g_norm", config.g_norm, NORMS)
    require_known("minibatch", config.minibatch, MINIBATCH)
    config.penalty = [name for name in config.penalty if name != "none"]
    config.penalty_weight = _weights(config)
    _require_targets(config)
    _require_compatible(config, given)
    return config


def fields(config: SimpleNamespace) -> dict:
    """What a resolved configuration says of a gan.Setup, but for the networks, by the Setup's field names."""
    matching = config.objective == "feature_matching"
    waiting = max(0, -(-config.critic_warmup // config.n_critic) - 1)
    return dict(
        game=_game(config),
        g_optimizer=wait(_optimizer(config, config.g_lr, first=waiting), waiting),
        d_optimizer=_clipped(d_optimizer(config), config.clip),
        latent_size=config.latent_size,
        dtype=DTYPES[config.dtype],
        latent=LATENTS[config.latent],
        n_critic=config.n_critic,
        d_terms=_penalties(config),
        g_terms={"feature_matching": terms.feature_matching(axis_name=loop.AXIS)} if matching else {},
        g_plays=not matching,
        view=_view(config),
        pack=config.pack,
        label_noise=config.label_noise,
        average=config.average,
        axis_name=loop.AXIS,
    )


def d_optimizer(config: SimpleNamespace) -> optax.GradientTransformation:
    """D's optimizer, but for the clipping of weights, which is the game's."""
    return _optimizer(config, config.d_lr, config.n_critic)


def d_fields(config: SimpleNamespace) -> dict:
    """What a resolved configuration says of a discriminator, by its field names."""
    return dict(
        norm=config.d_norm,
        spectral=config.d_spectral_norm,
        dropout=config.d_dropout,
        minibatch=config.minibatch,
        axis_name=loop.AXIS,
    )


def with_reference(config: SimpleNamespace, generator: nn.Module) -> nn.Module:
    """The generator, with a reference batch if its normalisation needs one."""
    return WithReference(generator, LATENTS[config.latent]) if config.g_norm == "virtual" else generator


def sizes(hidden: list[str], name: str = "hidden") -> tuple[int, ...]:
    """The numbers of a flag like --hidden. Raises ValueError unless they are positive."""
    if not all(size.isdecimal() and int(size) > 0 for size in hidden):
        raise ValueError(f"{name}={','.join(hidden)}: must be positive numbers, as in 128 or 500,500")
    return tuple(int(size) for size in hidden)


def _weights(config: SimpleNamespace) -> list[float]:
    """One weight per penalty. Raises ValueError for what is no such list."""
    for name in config.penalty:
        require_known("penalty", name, ("none", *PENALTIES))
    told = f"penalty_weight={','.join(map(str, config.penalty_weight))}"
    try:
        weights = [float(weight) for weight in config.penalty_weight]
    except ValueError as error:
        raise ValueError(f"{told}: must be numbers, as in 10 or 1,0.5") from error
    if not all(0 <= weight < float("inf") for weight in weights):
        raise ValueError(f"{told}: must be 0 or more, and finite")
    weights = weights * len(config.penalty) if len(weights) == 1 else weights
    if len(weights) != len(config.penalty):
        raise ValueError(f"{told}: needs one number, or one for each of penalty={','.join(config.penalty)}")
    return weights


def _require_targets(config: SimpleNamespace) -> None:
    """Raises ValueError if there are soft labels and the game has no labels."""
    has_labels = lambda game: "real_target" in inspect.signature(GAMES[presets.plays(game)]).parameters
    soft = [name for name in ("real_target", "fake_target") if getattr(config, name) is not None]
    if soft and not has_labels(config.game):
        able = ", ".join(game for game in PRESETS if has_labels(game))
        raise ValueError(f"{soft[0]}: game {config.game} has no labels to soften; choose from {able}")


def _require_compatible(config: SimpleNamespace, given: dict) -> None:
    """Raises ValueError if something lacks what it needs, or would do nothing. `given` are the flags that were given."""
    falling = [name for name, constant in _CONSTANT.items() if getattr(config, name) != constant]
    if falling and config.decay_rounds is None:
        raise ValueError(f"{falling[0]}={getattr(config, falling[0])} needs --decay_rounds, in which it falls")
    if "decay_rounds" in given and not falling:
        raise ValueError(f"decay_rounds={config.decay_rounds}: nothing falls; see {', '.join(_CONSTANT)}")
    useless = [name for name in ("penalty_weight", "penalty_every", "penalty_end") if given.get(name, 1) != 1]
    if useless and not config.penalty:
        raise ValueError(f"{useless[0]} needs a --penalty")
    if len(set(config.penalty)) < len(config.penalty):
        raise ValueError(f"penalty={','.join(config.penalty)}: each but once")
    if config.pack > 1 and config.batch_size % (config.pack * jax.device_count()):
        devices = f" on {jax.device_count()} devices" if jax.device_count() > 1 else ""
        raise ValueError(f"pack={config.pack} does not divide batch_size={config.batch_size}{devices}")


def _game(config: SimpleNamespace) -> Game:
    game = GAMES[presets.plays(config.game)]
    targets = dict(real_target=config.real_target, fake_target=config.fake_target)
    given = {name: value for name, value in targets.items() if value is not None}
    return partial(_over_devices(game), **given)


def _over_devices(function: Callable) -> Callable:
    """A game or penalty that looks at the whole batch is told over which axis it is spread."""
    return partial(function, axis_name=loop.AXIS) if "axis_name" in inspect.signature(function).parameters else function


def _penalties(config: SimpleNamespace) -> dict[str, Term]:
    fall = config.penalty_end != 1
    made = {}
    for name, weight in zip(config.penalty, config.penalty_weight):
        if fall:
            weight = optax.exponential_decay(
                weight, config.decay_rounds, config.penalty_end, end_value=weight * config.penalty_end
            )
        kind = name if name.endswith("penalty") else f"{name}_penalty"
        made[kind] = terms.penalty(_over_devices(PENALTIES[name]), weight, every=config.penalty_every)
    return made


def _optimizer(
    config: SimpleNamespace, rate: float, steps_per_round: int = 1, first: int = 0
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


def _view(config: SimpleNamespace) -> views.View:
    turn = [views.turn(config.d_turn, config.d_zoom)] if config.d_turn or config.d_zoom else []
    shift = [views.shift(config.d_shift)] if config.d_shift else []
    noise = [views.instance_noise(config.instance_noise, config.decay_rounds)] if config.instance_noise else []
    return views.chain(*turn, *shift, *noise)
