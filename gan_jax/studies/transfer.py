"""Whether what misleads one classifier misleads others, of other kinds too: Papernot et al. 2016 (arXiv:1605.07277), figure 3."""

import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from tqdm import tqdm

from gan_jax.attacks import Threat
from gan_jax.attacks.gradient import predictor
from gan_jax.attacks.learners import KINDS, Learner, learn, vote
from gan_jax.pictures.matrix import matrix as draw
from gan_jax.studies.attack_table import Strength
from gan_jax.studies.target import Target
from gan_jax.training.files import replace_file

LEARNT = 10_000  # images at most, by classifiers that are not networks; as many others by substitutes
ENSEMBLE, UNCHANGED = "all, by vote", "no attack"


def matrix(target: Target, threat: Threat, strength: Strength, images: int, seed: int) -> dict[str, dict[str, float]]:
    """The share of test images about which each classifier is right, by what they were crafted on, and by classifier.

    Args: images: how many of the test; seed: of the attack, and of what the others draw when they learn.
    """
    x, y = target.images(images)
    learners = {"network": Learner(predictor(target.classify), target.classify)} | _learners(target, seed)
    shown = {UNCHANGED: x}
    for name, learner in tqdm(learners.items(), desc="attacks", unit="classifier", leave=False, dynamic_ncols=True):
        attack = strength.attack(target._replace(classify=learner.classify), threat)
        shown[name] = np.asarray(attack(jnp.asarray(x), jnp.asarray(y), jax.random.key(seed)))
    return {name: _right(learners, each, y) for name, each in shown.items()}


def save(
    workdir: Path, target: Target, threat: Threat, strength: Strength, images: int, seed: int
) -> dict[str, dict[str, float]]:
    """The matrix, which is computed unless workdir has it; writes transfer.json and transfer.png."""
    path = workdir / "transfer.json"
    found = json.loads(path.read_text()) if path.exists() else matrix(target, threat, strength, images, seed)
    replace_file(path, (json.dumps(found, indent=2) + "\n").encode())
    draw(found, workdir / "transfer.png", rows="crafted on", columns="accuracy in % of")
    return found


def _learners(target: Target, seed: int) -> dict[str, Learner]:
    rows = np.random.RandomState(seed).permutation(len(target.train))[: 2 * LEARNT]
    examples = target.train[rows]
    images, half = np.float32(examples["image"]) / 255, (len(rows) + 1) // 2
    learnt, labels, others = images[:half], examples["label"][:half], images[half:]
    bar = tqdm(KINDS, desc="learning", unit="classifier", leave=False, dynamic_ncols=True)
    return {name: learn(name, learnt, labels, others, seed) for name in bar}


def _right(learners: dict[str, Learner], images: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    said = {name: np.asarray(learner.predict(images)) for name, learner in learners.items()}
    said[ENSEMBLE] = vote(np.stack(list(said.values())))
    return {name: float((each == labels).mean()) for name, each in said.items()}
