"""A system for tests: one network that restores a damaged image, whose example has a `target` and which has no latents.

It touches no file of the project: an experiment may be any module (`gan_jax.runs.experiment.find`).
"""

from dataclasses import dataclass

import jax.numpy as jnp
import optax

from gan_jax.config.parts import ClusterConfig, DataConfig, RunConfig
from gan_jax.data import ArraySource, DataSpec, describe
from gan_jax.networks import mlp
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Recipe, State, Translator
from gan_jax.recipes.players import descend, init_player
from gan_jax.runs.data import Data, load
from gan_jax.runs.launch import experiment
from gan_jax.training.parallel import AXIS


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    run: RunConfig = RunConfig(batch_size=8)
    data: DataConfig = DataConfig(image_size=8)
    cluster: ClusterConfig = ClusterConfig()


def load_pairs(config: Config) -> Data:
    """The images, and beside each what is left of it without its left half."""
    images = load(config.data).arrays["image"]
    damaged = images.copy()
    damaged[:, :, : images.shape[2] // 2] = 0
    source = ArraySource({"image": damaged, "target": images})
    return Data(describe(source), source)


def make(config: Config, spec: DataSpec) -> Recipe:
    """Least squares."""
    network, optimizer = mlp.Generator(spec.image_shape, (16,)), optax.adam(1e-3)
    restore = lambda variables, images: network.apply(variables, images.reshape(len(images), -1), train=True)

    def init(key, batch):
        flat = part(batch, 0)["image"][:1].reshape(1, -1)
        return State(jnp.zeros((), jnp.int32), {"restorer": init_player(network, optimizer, key, flat)})

    def step(state, batch, key):
        examples = part(batch, 0)

        def loss(params):
            error = jnp.mean((restore({"params": params}, examples["image"]) - examples["target"]) ** 2)
            return error, ({}, {"restorer_loss": error})

        state, metrics = descend(state, "restorer", loss, optimizer, AXIS)
        return state.replace(step=state.step + 1), metrics

    translate = lambda state, example, key: restore(state.players["restorer"].all_variables, example["image"])
    return Recipe(init, step, batches_per_step=1, translators={"restore": Translator(("image",), translate)})


main = experiment("tests.systems.restoring", Config, make, load=load_pairs)

if __name__ == "__main__":
    main()
