"""The options of a GAN: game and losses, networks, augmentation; how their defaults are filled in, and what goes together."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar, TypeVar

import jax

from gan_jax import augment, presets
from gan_jax.augment import FILLS
from gan_jax.config.options import check, flat, option, replace
from gan_jax.games import GAMES
from gan_jax.layers.minibatch import MINIBATCH
from gan_jax.layers.norm import NORMS
from gan_jax.networks.registry import NETWORKS
from gan_jax.penalties import PENALTIES
from gan_jax.precision import DTYPES
from gan_jax.presets import PRESETS
from gan_jax.randomness import PRIORS

Config = TypeVar("Config")

OPTIMIZERS = ("adam", "rmsprop")
OBJECTIVES = ("adversarial", "feature_matching")
DECAYS = ("none", "cosine")
D_NORMS = tuple(name for name in NORMS if name != "virtual")


def _own(name: str) -> str:
    return f" By default the game's own: {presets.own_values(name)}."


@dataclass(frozen=True)
class GanConfig:
    """What D and G play for, and how they learn it."""

    GROUP: ClassVar[str] = "game and losses"
    game: str = option("non_saturating_gp", "What D and G play for.", choices=PRESETS)
    real_target: float | None = option(None, "Soft labels: D's target for real images, 0.9 say.", low=0, high=1)
    fake_target: float | None = option(None, "Soft labels: D's target for fake images, 0.1 say.", low=0, high=1)
    label_noise: float = option(0.0, "Noisy labels: the fraction that D gets wrong.", low=0, high=1)
    objective: str = option("adversarial", "What G minimises.", choices=OBJECTIVES)
    n_critic: int | None = option(
        None, "Discriminator steps for one of the generator.", otherwise=_own("n_critic"), low=1
    )
    critic_warmup: int = option(0, "D-steps before the first G-step, at least.", low=0)
    penalty: tuple[str, ...] | None = option(
        None, "Added to D's loss, one or more.", otherwise=_own("penalty"), choices=("none", *PENALTIES)
    )
    penalty_weight: tuple[float, ...] | None = option(
        None, "Each penalty's weight, or one for all.", otherwise=_own("penalty_weight"), low=0
    )
    penalty_every: int | None = option(
        None, "Lazily: only every k-th round, k times the weight.", otherwise=_own("penalty_every"), low=1
    )
    penalty_end: float | None = option(
        None, "The fraction to which penalty weights fall, geometrically, over decay_rounds.", above=0
    )
    optimizer: str | None = option(None, "Of both players.", otherwise=_own("optimizer"), choices=OPTIMIZERS)
    # Two learning rates, D's the larger: TTUR (Heusel et al. 2017, arXiv:1706.08500, section 2).
    d_lr: float | None = option(None, "The discriminator's learning rate.", otherwise=_own("d_lr"), low=0)
    g_lr: float | None = option(None, "The generator's learning rate.", otherwise=_own("g_lr"), low=0)
    beta1: float | None = option(None, "Adam's β1.", otherwise=_own("beta1"), low=0, high=1)
    beta2: float | None = option(None, "Adam's β2.", otherwise=_own("beta2"), low=0, high=1)
    lr_decay: str | None = option(None, "How learning rates fall to 0 over decay_rounds.", choices=DECAYS)
    decay_rounds: int | None = option(None, "Rounds over which scheduled values decay; by default all.", low=1)
    clip: float | None = option(None, "Clips D's weights to [-clip, clip]; 0 does not.", otherwise=_own("clip"), low=0)
    historical_averaging: float = option(0.0, "Weight of ‖θ - mean of earlier θ‖², both players.", low=0)
    ema: float = option(
        0.999, "Decay of the moving average of G's weights that is sampled; 0 samples G itself.", low=0, high=0.999999
    )
    dtype: str = option("float32", "What the networks compute in, in training.", choices=DTYPES)


@dataclass(frozen=True)
class LatentConfig:
    """What a generator draws from."""

    GROUP: ClassVar[str] = "networks"
    prior: str = option("normal", "What the latent z is drawn from.", choices=PRIORS)
    latent_size: int = option(100, "Length of the latent z.", low=1)


@dataclass(frozen=True)
class PlayersConfig(LatentConfig):
    """What the networks of both players have in common, whatever their architecture."""

    hidden: tuple[int, ...] = option((128,), "mlp: G's hidden sizes.", low=1)
    d_hidden: tuple[int, ...] | None = option(None, "mlp: D's hidden sizes; by default G's in reverse.", low=1)
    d_norm: str | None = option(None, "Normalisation in D.", otherwise=_own("d_norm"), choices=D_NORMS)
    g_norm: str | None = option(None, "Normalisation in G; by default the network's own.", choices=NORMS)
    d_spectral_norm: bool = option(False, "Spectral normalisation of D's dense layers and convolutions.")
    d_dropout: float | None = option(None, "Rate of dropout in D; by default 0, in sgan's dcgan 0.5.", low=0, high=0.99)
    minibatch: str = option("none", "Layer by which D sees how alike a batch is.", choices=MINIBATCH)


@dataclass(frozen=True)
class ArchitectureConfig:
    """Which networks both players have."""

    GROUP: ClassVar[str] = "networks"
    network: str = option("dcgan", "Of both players.", choices=NETWORKS)
    width: int = option(32, "dcgan: channels of the largest hidden map; 64 as published.", low=1)
    depth: int = option(0, "dcgan: convolutions of 3×3 at each resolution; 0 as published.", low=0)
    weight_std: float = option(0.02, "dcgan: standard deviation of the first weights; 0.02 as published.", above=0)
    weight_bound: bool = option(
        False, "dcgan: no first weights wider than √(2/inputs) (He et al. 2015), which large images need."
    )
    kernel_size: int = option(4, "dcgan: of all other convolutions; even avoids a checkerboard.", low=1)
    g_negative_slope: float = option(0.0, "dcgan: of G's rectifiers; 0 is ReLU.", low=0)


def _listed(amounts: Mapping[str, float]) -> str:
    return ",".join(f"{name}:{amount:g}" for name, amount in amounts.items())


@dataclass(frozen=True)
class AdaConfig:
    """Whether the augmentation of what D sees adapts."""

    GROUP: ClassVar[str] = "augmentation"
    ada_target: float | None = option(
        None,
        "Adaptive augmentation (ADA, with reflections): more while E sign(D(x)) of real images is above this, 0.6 as published; "
        "by default none.",
        low=-1,
        high=1,
    )
    ada_images: float = option(
        500_000, "Real images over which ADA's probability goes from 0 to 1 at the fastest.", low=1
    )


@dataclass(frozen=True)
class AugmentationConfig:
    """What is done to all images that D sees, real and fake alike."""

    GROUP: ClassVar[str] = "augmentation"
    augment: tuple[str, ...] = option(
        (),
        "What is done at random to all images that D sees, with how much after a colon, as in "
        "translate:2,rotate:15,scale:0.15: "
        + "; ".join(f"{name}, {each.unit} ({each.default:g})" for name, each in augment.AUGMENTATIONS.items())
        + "".join(f"; {name}, {_listed(amounts)}" for name, amounts in augment.POLICIES.items())
        + ".",
    )
    augment_fill: str = option(
        "reflect", "What comes in where a moved image ends: its own reflection, or black.", choices=FILLS
    )
    instance_noise: float = option(0.0, "Deviation of noise on all images, falling to 0 over decay_rounds.", low=0)
    pack: int = option(1, "Images that D scores at once (PacGAN).", low=1)


@dataclass(frozen=True)
class AdaptiveAugmentationConfig(AdaConfig, AugmentationConfig):
    """With ADA, too."""


# What falls over decay_rounds, and its value at which it does not.
_CONSTANT = {"lr_decay": "none", "penalty_end": 1.0, "instance_noise": 0.0}


def resolve(config: Config, **defaults: object) -> Config:
    """The configuration with all defaults filled in: first `defaults`, an experiment's own, then the game's.

    Where the rounds depend on the data (`steps` None) it is to be called again once they are known.

    Raises ValueError, in one line, for unknown names, values out of range and what cannot be combined.
    """
    check(config)
    values = flat(config)
    given = {name: value for name, value in values.items() if value is not None}
    found = SimpleNamespace(**presets.fill(values | _CONSTANT | dict(d_dropout=0.0) | defaults | given))
    found.penalty = tuple(name for name in found.penalty if name != "none")
    found.penalty_weight = _weights(found)
    _require_targets(found)
    if not found.decay_rounds and _falling(found):
        found.decay_rounds = found.steps
    _require_compatible(found, given)
    augment.parse(found.augment)
    return replace(config, **{name: value for name, value in vars(found).items() if name in values})


def with_network_defaults(config: Config, **defaults: object) -> Config:
    """`resolve`, with what the networks bring too."""
    check(config)
    return resolve(config, **{**NETWORKS[config.architecture.network].defaults, **defaults})


def _weights(found: SimpleNamespace) -> tuple[float, ...]:
    """One weight per penalty. Raises ValueError if there are more or fewer."""
    weights = found.penalty_weight
    weights = weights * len(found.penalty) if len(weights) == 1 else weights
    if len(weights) != len(found.penalty):
        shown = ",".join(f"{weight:g}" for weight in weights)
        raise ValueError(
            f"penalty_weight={shown}: needs one number, or one for each of penalty={','.join(found.penalty) or 'none'}"
        )
    return weights


def _require_targets(found: SimpleNamespace) -> None:
    """Raises ValueError if there are soft labels and the game has no labels."""
    has_labels = lambda game: "real_target" in inspect.signature(GAMES[presets.loss_of(game)]).parameters
    soft = [name for name in ("real_target", "fake_target") if getattr(found, name) is not None]
    if soft and not has_labels(found.game):
        able = ", ".join(game for game in PRESETS if has_labels(game))
        raise ValueError(f"{soft[0]}: game {found.game} has no labels to soften; choose from {able}")


def _falling(found: SimpleNamespace) -> list[str]:
    """The flags of what falls over decay_rounds."""
    return [name for name, constant in _CONSTANT.items() if getattr(found, name) != constant]


def _require_compatible(found: SimpleNamespace, given: dict) -> None:
    """Raises ValueError if something lacks what it needs, or would do nothing. `given` are the flags that were given."""
    falling = _falling(found)
    if found.lr_decay != "none" and found.steps and found.decay_rounds < found.steps:
        raise ValueError(
            f"steps={found.steps}: rates have fallen to 0 after decay_rounds={found.decay_rounds}; a longer run is another "
            "one, with a --workdir of its own"
        )
    if "decay_rounds" in given and not falling:
        raise ValueError(f"decay_rounds={found.decay_rounds}: nothing falls; see {', '.join(_CONSTANT)}")
    useless = [name for name in ("penalty_weight", "penalty_every", "penalty_end") if given.get(name, 1) not in (1, ())]
    if useless and not found.penalty:
        raise ValueError(f"{useless[0]} needs a --penalty")
    if len(set(found.penalty)) < len(found.penalty):
        raise ValueError(f"penalty={','.join(found.penalty)}: each but once")
    require_packs(found.pack, found.batch_size)
    require_signed(found.game, getattr(found, "ada_target", None))


def require_signed(game: str, ada_target: float | None) -> None:
    """Raises ValueError unless ADA, if there is a target, finds a sign in the game's scores."""
    if ada_target is not None and game not in presets.SIGNED:
        raise ValueError(
            f"ada_target={ada_target:g}: game {game} has no score that says whether D is sure; choose from "
            + ", ".join(presets.SIGNED)
        )


def require_packs(pack: int, batch_size: int) -> None:
    """Raises ValueError unless each device's share of a batch can be divided into packs."""
    if pack > 1 and batch_size % (pack * jax.device_count()):
        devices = f" on {jax.device_count()} devices" if jax.device_count() > 1 else ""
        raise ValueError(f"pack={pack} does not divide batch_size={batch_size}{devices}")
