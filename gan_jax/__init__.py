"""gan_jax: Generative Adversarial Networks as games between players, in JAX.

`gan_jax.load(RUN)` is a trained run as a model. `python -m gan_jax` lists the commands that work on a run's directory.
Where things are: `games` (losses), `penalties`, `terms`, `recipes` (training steps), `networks`, `layers`, `data`,
`training` (the loop, checkpoints), `runs` (a run's directory), `evaluation`, `latents`, `ablation`, `pictures`.
"""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gan_jax.runs.restore import TrainedRun

__version__ = "0.2.0"


def load(workdir: str | Path) -> "TrainedRun":
    """The trained model of a run's directory, by its newest checkpoint: `.sample(64, seed=1)`, `.classify(images)`, ...

    Raises ValueError, in one line, if it is no such directory, or has no checkpoint yet.
    """
    from gan_jax.runs.restore import restore  # here, for it imports much that `import gan_jax` alone does not need

    return restore(workdir)
