"""A genome's text: the same numbers come back, and what is none is refused in a line."""

import base64

import numpy as np
import pytest

from gan_jax.explorer.genome import Genome, parse, to_text


@pytest.mark.parametrize("label", [None, 0, 7])
def test_the_same_numbers_come_back(label):
    latent = np.random.RandomState(0).normal(size=33).astype(np.float32)
    latent[:3] = 0, -0.0, 1e-40
    found = parse(to_text(Genome(latent, label)), 33, 10 if label is not None else 0)
    assert found.latent.tobytes() == latent.tobytes() and found.label == label


def test_a_link_needs_no_escape():
    text = to_text(Genome(np.random.RandomState(0).normal(size=100).astype(np.float32), 3))
    assert set(text) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~")


def of(*numbers):
    return base64.urlsafe_b64encode(np.array(numbers, "<f4").tobytes()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("text", "classes", "message"),
    [
        ("", 0, "a label, a tilde"),
        ("AAAA", 0, "a label, a tilde"),
        ("~" + of(1), 0, "2 numbers is needed, 1 are there"),
        ("~" + of(1, 2)[:-2], 0, "no base64|2 numbers"),
        ("~" + of(1, np.nan), 0, "not all numbers of the latent are finite"),
        ("~" + of(1, np.inf), 0, "not all numbers of the latent are finite"),
        ("~§§§", 0, "no base64"),
        ("~../../etc/passwd", 0, "no base64"),
        ("3~" + of(1, 2), 0, "label '3': must be none"),
        ("~" + of(1, 2), 10, "label '': must be 0 to 9"),
        ("10~" + of(1, 2), 10, "label '10': must be 0 to 9"),
        ("-1~" + of(1, 2), 10, "label '-1': must be 0 to 9"),
        ("٣~" + of(1, 2), 10, "must be 0 to 9"),  # a digit, but not one of ours
        ("~" + "A" * 100_000, 0, "a label, a tilde"),
    ],
)
def test_what_is_refused(text, classes, message):
    with pytest.raises(ValueError, match=message):
        parse(text, 2, classes)
