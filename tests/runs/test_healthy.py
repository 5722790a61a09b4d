"""What is healthy of a game: its losses where neither player wins, as its paper has them."""

import math

import pytest

from gan_jax.games import GAMES
from gan_jax.presets import PRESETS, loss_of
from gan_jax.runs import healthy

LN2 = math.log(2)
# D's loss and G's, where D gives all images the score that is best for it; None where that does not say G's.
UNDECIDED = {
    "minmax": (2 * LN2, -LN2),  # Goodfellow et al. 2014, theorem 1
    "non_saturating": (2 * LN2, LN2),
    "least_squares": (1 / 4, 1 / 8),  # at the score 1/2, between the targets
    "hinge": (2.0, None),  # at all scores from -1 to 1
    "relativistic": (LN2, LN2),
    "relativistic_average": (2 * LN2, 2 * LN2),
    "wasserstein": (0.0, None),
}


def test_of_every_game():
    assert set(UNDECIDED) == set(GAMES)


@pytest.mark.parametrize("game", UNDECIDED)
def test_losses_of_a_game_that_neither_wins(game):
    d, g = healthy.undecided(game)
    assert d == pytest.approx(UNDECIDED[game][0], abs=1e-5)
    assert (g is None) == (UNDECIDED[game][1] is None) and (
        g is None or g == pytest.approx(UNDECIDED[game][1], abs=1e-2)
    )


@pytest.mark.parametrize("game", PRESETS)
def test_every_game_has_a_line_for_its_losses(game):
    said = healthy.notes({"game": game})
    assert "Healthy" in said["loss"] and ("distance" in said["loss"] or "far" in said["loss"]) == (
        loss_of(game) == "wasserstein"
    )


def test_soft_labels_move_the_levels():
    """D's best score for all is then logit(0.45): its loss is twice the entropy of 0.45."""
    found = healthy.levels({"game": "minmax", "real_target": 0.9, "fake_target": None, "objective": "adversarial"})
    assert found["d_loss"] == pytest.approx(-2 * (0.45 * math.log(0.45) + 0.55 * math.log(0.55)), abs=1e-4)


def test_no_level_of_a_loss_that_is_not_the_game_s():
    assert "g_loss" not in healthy.levels({"game": "minmax", "objective": "feature_matching"})
    assert healthy.levels({}) == healthy.notes({}) == {}
