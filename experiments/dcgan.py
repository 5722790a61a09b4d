"""DCGAN (Radford, Metz & Chintala 2016, arXiv:1511.06434) and every game on its networks, or on dense ones.

python -m experiments.dcgan                                         # digits, no download
python -m experiments.dcgan --dataset=mnist --game=wasserstein_gp
python -m experiments.dcgan --dataset=folder:PATH --image_size=64   # your own images
python -m experiments.dcgan --network=mlp --hidden=500,500
"""

from functools import partial
from types import SimpleNamespace

from absl import flags

from experiments import common, gan_flags, gan_networks, image_training, images
from gan_jax.recipe import Recipe
from gan_jax.recipes import gan

DEFAULTS = dict(steps=7000)

flags.adopt_module_key_flags(images)
flags.adopt_module_key_flags(gan_networks)


def make(config: SimpleNamespace, image_shape: tuple[int, int, int]) -> Recipe:
    """The recipe of a resolved configuration."""
    return gan.make(gan.Setup(*gan_networks.make(config, image_shape), **gan_flags.fields(config)))


training = partial(image_training.of, "dcgan", make, gan_networks.resolve)


def prepare(config: SimpleNamespace) -> common.Train:
    """All that comes before training, and what trains. Raises ValueError or OSError."""
    return partial(image_training.train, training(config))


if __name__ == "__main__":
    common.launch(prepare, DEFAULTS)
