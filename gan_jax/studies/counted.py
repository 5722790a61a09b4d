"""Of how many images classifiers are right, under attacks: counted some images at a time, and kept, so that it can go on."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from tqdm import tqdm

from gan_jax.attacks.gradient import Predict
from gan_jax.attacks.robustness import AT_ONCE, CLEAN, Attack, robust
from gan_jax.randomness import Key
from gan_jax.training.files import replace_file

Counts = dict[str, dict[str, int]]  # by attack, and by whom is asked
IMAGES = "images"


def count(
    path: Path,
    predictors: Mapping[str, Predict],
    images: np.ndarray,
    labels: np.ndarray,
    attacks: Mapping[str, Attack],
    key: Key,
    *,
    at_once: int = AT_ONCE,
) -> Counts:
    """As `robust` finds it, added up; a line {"images": n, ATTACK: {WHO: right}, ...} for each `at_once`. Those in `path` stay."""
    lines = [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
    done = sum(line[IMAGES] for line in lines)
    with tqdm(
        total=len(images) * (1 + len(attacks)), initial=done * (1 + len(attacks)), unit="image", dynamic_ncols=True
    ) as bar:
        for name, right in robust(predictors, images, labels, attacks, key, first=done, at_once=at_once):
            number = len(next(iter(right.values())))
            if name == CLEAN:
                lines.append({IMAGES: number})
            lines[-1][name] = {who: int(each.sum()) for who, each in right.items()}
            bar.set_postfix_str(name, refresh=False)
            bar.update(number)
            if len(lines[-1]) == len(attacks) + 2:
                replace_file(path, "".join(json.dumps(line) + "\n" for line in lines).encode())
    names = [CLEAN, *attacks]
    return {name: {who: sum(line[name][who] for line in lines) for who in predictors} for name in names}
