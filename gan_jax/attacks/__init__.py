"""Adversarial examples: images that are changed a little, so that a classifier is wrong about them."""

from gan_jax.attacks.gradient import bim, fgsm, pgd
from gan_jax.attacks.noise import gaussian_noise
from gan_jax.attacks.norms import NORMS, distances
from gan_jax.attacks.threat import Threat

__all__ = ["NORMS", "Threat", "bim", "distances", "fgsm", "gaussian_noise", "pgd"]
