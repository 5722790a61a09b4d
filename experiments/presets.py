"""What each game brings unless a flag says otherwise."""

from types import SimpleNamespace

# Radford et al. 2016: Adam 2e-4 with β1 0.5. The others differ from it as their papers say.
_DCGAN = dict(
    optimizer="adam", d_lr=2e-4, g_lr=2e-4, beta1=0.5, beta2=0.999,
    n_critic=1, clip=0.0, penalty=["none"], penalty_weight=["0"], d_norm="batch",
)  # fmt: skip
# Gulrajani et al. 2017, section 4: no batch normalisation in a critic with a gradient penalty, which ties examples
# together; β1 is 0. The weight 10 is also that of R1 (Mescheder et al. 2018) and of DRAGAN (Kodali et al. 2017).
_PENALISED = _DCGAN | dict(penalty_weight=["10"], d_norm="layer", beta1=0.0, beta2=0.9)
PRESETS = {
    "minmax": _DCGAN,
    "non_saturating": _DCGAN,
    "least_squares": _DCGAN,
    "hinge": _DCGAN,
    "relativistic": _DCGAN,
    "relativistic_average": _DCGAN,
    # Arjovsky et al. 2017, algorithm 1.
    "wasserstein": _DCGAN | dict(optimizer="rmsprop", d_lr=5e-5, g_lr=5e-5, n_critic=5, clip=0.01),
    # Gulrajani et al. 2017, algorithm 1.
    "wasserstein_gp": _PENALISED
    | dict(plays="wasserstein", penalty=["gradient_penalty"], d_lr=1e-4, g_lr=1e-4, n_critic=5),
    # Fedus et al. 2018, arXiv:1710.08446: the penalty helps other games as well; one D-step will do, and on small
    # images so will a small weight and large steps (ours).
    "non_saturating_gp": _PENALISED
    | dict(plays="non_saturating", penalty=["gradient_penalty"], penalty_weight=["1"], d_lr=1e-3, g_lr=1e-3),
    # Huang et al. 2024, arXiv:2501.05441: R3GAN's game, without its networks. (They have no normalisation at all.)
    "r3gan": _PENALISED | dict(plays="relativistic", penalty=["r1", "r2"], penalty_weight=["1"], d_norm="none"),
}


def plays(game: str) -> str:
    """The name in GAMES of what a game of PRESETS plays."""
    return PRESETS[game].get("plays", game)


def fill(config: SimpleNamespace) -> SimpleNamespace:
    """The configuration with the game's own values where a flag was not given. Raises ValueError for unknown names."""
    require_known("game", config.game, PRESETS)
    brought = {name: value for name, value in PRESETS[config.game].items() if name != "plays"}
    given = {name: value for name, value in vars(config).items() if value is not None}
    if given.get("penalty", ["none"]) != ["none"] and brought["penalty"] == ["none"]:
        brought |= {name: _PENALISED[name] for name in ("penalty_weight", "d_norm")}
    return SimpleNamespace(**(vars(config) | brought | given))


def require_known(what: str, name: str, known) -> None:
    """Raises a ValueError that lists the known names unless `name` is one of them."""
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}; choose from {', '.join(known)}")
