"""A system for tests: a GAN of perceptrons whose generator grows by a layer, while batches become larger.

It touches no file of the project: an experiment may be any module (`gan_jax.runs.experiment.find`).
"""

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import jax

from gan_jax.config.gan import AugmentationConfig, GanConfig, PlayersConfig, resolve
from gan_jax.config.options import option
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.config.setup import d_fields, setup_fields
from gan_jax.data import DataSpec, example_batch
from gan_jax.networks import mlp
from gan_jax.randomness import Key
from gan_jax.recipes import gan
from gan_jax.recipes.contract import Phase, Recipe, State
from gan_jax.runs.launch import experiment
from gan_jax.training.parallel import AXIS


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "growing"
    run: RunConfig = RunConfig(batch_size=8)
    data: DataConfig = DataConfig(image_size=8)
    until_step: int = option(6, "The last round of the small generator.", low=1)
    gan: GanConfig = GanConfig(game="non_saturating")
    players: PlayersConfig = PlayersConfig(latent_size=4, hidden=(8,))
    augmentation: AugmentationConfig = AugmentationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


def make(config: Config, spec: DataSpec) -> list[Phase]:
    """A generator of one hidden layer, and then of two."""
    small, large = (make_recipe(config, spec, config.players.hidden * layers) for layers in (1, 2))
    size = config.run.batch_size
    return [
        Phase(small, config.until_step, size),
        Phase(large, None, 2 * size, grow=partial(grow, large, spec)),
    ]


def make_recipe(config: Config, spec: DataSpec, hidden: tuple[int, ...]) -> Recipe:
    """A GAN whose generator has these hidden layers."""
    generator = mlp.Generator(spec.image_shape, hidden, axis_name=AXIS)
    return gan.make(gan.Setup(generator, mlp.Discriminator(**d_fields(config)), **setup_fields(config)))


def grow(recipe: Recipe, spec: DataSpec, state: State, key: Key) -> State:
    """A fresh state of the recipe, with all that the state before has of the same name and shape."""
    before = dict(jax.tree_util.tree_leaves_with_path(state))
    keep = lambda path, new: before[path] if path in before and before[path].shape == new.shape else new
    return jax.tree_util.tree_map_with_path(keep, recipe.init(key, example_batch(spec.example)))


main = experiment(
    "tests.systems.growing", Config, make, resolve=partial(resolve, g_norm="none", d_norm="none", d_lr=1e-2, g_lr=1e-2)
)

if __name__ == "__main__":
    main()
