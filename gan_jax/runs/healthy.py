"""What curves of a healthy run look like, said beneath them: by the game that is played, and the kind of the metric."""

from collections.abc import Mapping
from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from gan_jax import presets
from gan_jax.games import GAMES
from gan_jax.presets import PRESETS

SCORES = np.linspace(-2.0, 2.0, 401)  # among which an undecided D's score is looked for
GUESSING = (
    "Dashed: where D cannot tell real from fake, penalties apart. Healthy: both stay near, neither runs away; "
    "D's at its least while G's climbs: D has won."
)
DISTANCE = (
    "−d_loss, penalties apart, estimates how far samples are from the data. Healthy: it shrinks slowly; "
    "G's own has no meaning by itself."
)
BY_KIND = {
    "accuracy": "D's, on real and on fake images; 0.5 is chance. Healthy: between both ends; both at 1: D has won.",
    "score": "D's, raw, of real and of fake images. Healthy: the gap stays or narrows; ever wider: D is winning.",
    "norm": "Of gradients, logarithmic. Healthy: level; G's falling to nothing: it is told nothing; jumps: rates too large.",
    "spread": "How much samples vary, 1 is as much as the data. Healthy: near 1; below 0.5 they look collapsed.",
    "penalty": "Without its weight. Healthy: small and steady.",
}


def notes(flags: Mapping[str, object]) -> dict[str, str]:
    """A line for each kind of metric of a run with these flags; {} where no game is played."""
    if flags.get("game") not in PRESETS:
        return {}
    return BY_KIND | {"loss": DISTANCE if presets.loss_of(flags["game"]) == "wasserstein" else GUESSING}


def levels(flags: Mapping[str, object]) -> dict[str, float]:
    """By a metric's name, its value in a game that neither player wins; {} where no game is played."""
    if flags.get("game") not in PRESETS:
        return {}
    found = {"real_accuracy": 0.5, "fake_accuracy": 0.5, "sample_spread": 1.0}
    if presets.loss_of(flags["game"]) == "wasserstein":
        return found
    targets = tuple((name, flags.get(name)) for name in ("real_target", "fake_target") if flags.get(name) is not None)
    d, g = undecided(presets.loss_of(flags["game"]), targets)
    found["d_loss"] = d
    if g is not None and flags.get("objective", "adversarial") == "adversarial":
        found["g_loss"] = g
    return found


@lru_cache
def undecided(game: str, targets: tuple[tuple[str, float], ...] = ()) -> tuple[float, float | None]:
    """(d, g): D's least loss among those that give real and fake images one score, and G's loss then.

    None for g where D's loss does not say which score that is, and G's depends on it.
    """
    losses = jax.vmap(lambda score: GAMES[game](jnp.full(2, score), jnp.full(2, score), **dict(targets)))(SCORES)
    d, g = np.asarray(losses.d), np.asarray(losses.g)
    of_least = g[d <= d.min() + 1e-6]
    return float(d.min()), float(of_least.mean()) if np.ptp(of_least) < 1e-2 else None
