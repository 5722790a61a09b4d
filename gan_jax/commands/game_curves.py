"""each game's generator loss and its gradient against D(G(z)), which shows where min-max saturates

python -m gan_jax game_curves --png=game_curves.png

D(G(z)) is sigmoid(score), also for games whose scores are no logits; the real score, which relativistic games compare
with, is 0. Gradients are with respect to the score, which is what G's weights receive.
"""

from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.games import GAMES
from gan_jax.pictures.curves import save_figure


@dataclass(frozen=True)
class Options:
    """Where it is written."""

    png: str = option("game_curves.png", "The PNG to write.")


def curves(probabilities: np.ndarray) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of each game G's loss and its slope in the fake score, where D(G(z)) is each of these, in (0, 1)."""
    scores = jnp.asarray(np.log(probabilities) - np.log1p(-probabilities))
    g = lambda game: lambda score: game(jnp.zeros(1), score[None]).g
    along = lambda function: np.asarray(jax.vmap(function)(scores))
    return {name: (along(g(game)), along(jax.grad(g(game)))) for name, game in GAMES.items()}


def picture(out: str | Path) -> None:
    """Writes the PNG: losses above, gradients below."""
    probabilities = np.linspace(0.005, 0.995, 199)
    figure = Figure(figsize=(9, 7), layout="constrained")
    panels = figure.subplots(2, sharex=True)
    for number, (names, values) in enumerate(_groups(curves(probabilities))):
        for axes, value in zip(panels, values, strict=True):
            axes.plot(probabilities, value, label=", ".join(names), color=f"C{number}", linewidth=2)
    panels[0].set(title="the generator's loss", ylim=(-6, 6))
    panels[1].set(title="its gradient in the fake score: at 0, G learns nothing", xlabel="D(G(z))", ylim=(-2.5, 0.25))
    panels[1].axhline(0, color="0.6", linewidth=0.8, zorder=0)
    panels[0].legend(loc="lower left")
    for axes in panels:
        axes.grid(alpha=0.3)
    save_figure(figure, out)


def _groups(curves: dict) -> list[tuple[list[str], tuple[np.ndarray, np.ndarray]]]:
    """Games of which one curve would hide the other, with what they share."""
    groups = []
    for name, values in curves.items():
        alike = [names for names, others in groups if np.allclose(values, others, rtol=1e-4)]
        if alike:
            alike[0].append(name)
        else:
            groups.append(([name], values))
    return groups


def main(parsed: Parsed) -> None:
    """Writes the picture; says where."""
    picture(parsed.config.png)
    print(parsed.config.png)
