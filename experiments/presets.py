"""What each game brings unless a flag says otherwise, and how flags become games, penalties and optimizers."""

from types import SimpleNamespace

import optax
from absl import flags

from gan_jax.games import GAMES, Game
from gan_jax.optimizers import clip_weights
from gan_jax.penalties import PENALTIES, Penalty

# Radford et al. 2016: Adam 2e-4 with β1 0.5. The others differ from it as their papers say.
_DCGAN = dict(
    optimizer="adam", d_lr=2e-4, g_lr=2e-4, beta1=0.5, beta2=0.999,
    n_critic=1, clip=0.0, penalty="none", penalty_weight=0.0, d_norm="batch",
)  # fmt: skip
# Gulrajani et al. 2017, section 4: no batch normalisation in a critic with a gradient penalty, which ties examples
# together; β1 is 0.
_PENALISED = _DCGAN | dict(penalty="gradient_penalty", penalty_weight=10.0, d_norm="layer", beta1=0.0, beta2=0.9)
PRESETS = {
    "minmax": _DCGAN,
    "non_saturating": _DCGAN,
    "least_squares": _DCGAN,
    "hinge": _DCGAN,
    # Arjovsky et al. 2017, algorithm 1.
    "wasserstein": _DCGAN | dict(optimizer="rmsprop", d_lr=5e-5, g_lr=5e-5, n_critic=5, clip=0.01),
    # Gulrajani et al. 2017, algorithm 1. The game is `wasserstein`.
    "wasserstein_gp": _PENALISED | dict(d_lr=1e-4, g_lr=1e-4, n_critic=5),
    # Fedus et al. 2018, arXiv:1710.08446: the penalty helps other games as well; one D-step will do, and on small
    # images so will a small weight and large steps (ours). The game is `non_saturating`.
    "non_saturating_gp": _PENALISED | dict(d_lr=1e-3, g_lr=1e-3, penalty_weight=1.0),
}

_OPTIMIZERS = ("adam", "rmsprop")
_BROUGHT = " By default the game's own (experiments/presets.py)."

flags.DEFINE_string("game", "non_saturating_gp", f"What D and G play for: {', '.join(PRESETS)}.")
flags.DEFINE_string("optimizer", None, f"Of both players: {', '.join(_OPTIMIZERS)}." + _BROUGHT)
flags.DEFINE_float("d_lr", None, "The discriminator's learning rate." + _BROUGHT, lower_bound=0)
flags.DEFINE_float("g_lr", None, "The generator's learning rate." + _BROUGHT, lower_bound=0)
flags.DEFINE_float("beta1", None, "Adam's β1." + _BROUGHT, lower_bound=0, upper_bound=1)
flags.DEFINE_float("beta2", None, "Adam's β2." + _BROUGHT, lower_bound=0, upper_bound=1)
flags.DEFINE_integer("n_critic", None, "Discriminator steps for one of the generator." + _BROUGHT, lower_bound=1)
flags.DEFINE_float("clip", None, "Clips D's weights to [-clip, clip]; 0 does not." + _BROUGHT, lower_bound=0)
flags.DEFINE_string("penalty", None, f"Added to D's loss: none, {', '.join(PENALTIES)}." + _BROUGHT)
flags.DEFINE_float("penalty_weight", None, "The penalty's weight." + _BROUGHT, lower_bound=0)
flags.DEFINE_float(
    "average", 0.999, "Decay of the moving average of G's weights that is sampled; 0 samples G itself.",
    lower_bound=0, upper_bound=0.999999,
)  # fmt: skip
flags.DEFINE_string("d_norm", None, "Normalisation in D: batch, layer, none." + _BROUGHT)


def fill(config: SimpleNamespace) -> SimpleNamespace:
    """The configuration with the game's own values where a flag was not given. Raises ValueError for unknown names."""
    require_known("game", config.game, PRESETS)
    brought = PRESETS[config.game]
    given = {name: value for name, value in vars(config).items() if value is not None}
    if given.get("penalty", "none") != "none" and brought["penalty"] == "none":
        brought = brought | {name: _PENALISED[name] for name in ("penalty_weight", "d_norm")}
    filled = SimpleNamespace(**(vars(config) | brought | given))
    require_known("optimizer", filled.optimizer, _OPTIMIZERS)
    require_known("penalty", filled.penalty, ("none", *PENALTIES))
    return filled


def game(config: SimpleNamespace) -> Game:
    """The game of a filled configuration."""
    return GAMES[config.game.removesuffix("_gp")]


def penalty(config: SimpleNamespace) -> Penalty | None:
    """The penalty of a filled configuration, if any."""
    return None if config.penalty == "none" else PENALTIES[config.penalty]


def optimizers(config: SimpleNamespace) -> dict[str, optax.GradientTransformation]:
    """Both players' optimizers, {"d_optimizer": ..., "g_optimizer": ...}; D's clips its weights if so configured."""
    if config.optimizer == "adam":
        make = lambda rate: optax.adam(rate, b1=config.beta1, b2=config.beta2)
    else:  # PyTorch's RMSprop, which WGAN's authors used: decay 0.99, ε outside the root
        make = lambda rate: optax.rmsprop(rate, decay=0.99, eps=1e-8, eps_in_sqrt=False)
    d_optimizer = make(config.d_lr)
    if config.clip > 0:
        d_optimizer = optax.chain(d_optimizer, clip_weights(config.clip))
    return {"d_optimizer": d_optimizer, "g_optimizer": make(config.g_lr)}


def require_known(what: str, name: str, known) -> None:
    """Raises a ValueError that lists the known names unless `name` is one of them."""
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; choose from {', '.join(known)}")
