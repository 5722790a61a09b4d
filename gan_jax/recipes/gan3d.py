"""3D-GAN (Wu et al. 2016, arXiv:1610.07584): a GAN of voxels, whose D learns only while it is not too good.

Section 3.1: D learns much faster than G of volumes, so that for each batch it is only updated if its accuracy in the last batch was
not higher than 80 %. All else is the recipe `gan`. The accuracy is that of `measures.accuracies`, which is right for critics too:
of real and fake scores around the midpoint of their means.
"""

import jax
import jax.numpy as jnp

from gan_jax.randomness import Key
from gan_jax.recipes import gan
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State
from gan_jax.recipes.players import with_player
from gan_jax.recipes.volumes import of_voxels


def make(setup: gan.Setup, d_accuracy: float = 0.8) -> Recipe:
    """The recipe of `gan.make`, of voxels. Args: d_accuracy: as of `make_d_step`."""
    plain = gan.make(setup)
    step = gan.make_round(setup.n_critic, make_d_step(setup, d_accuracy), gan.make_g_step(setup))

    def init(key: Key, batch: Batch) -> State:
        return plain.init(key, batch).replace(memory={"d_accuracy": jnp.zeros(())})

    return of_voxels(plain._replace(init=init, step=step))


def make_d_step(setup: gan.Setup, d_accuracy: float) -> gan.Step:
    """As `gan.make_d_step`; but after a batch of which D was right more often than `d_accuracy` it stays, to the bit, as it is."""
    learn = gan.make_d_step(setup)

    def d_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        learns = state.memory["d_accuracy"] <= d_accuracy
        before, (learnt, metrics) = state.players["discriminator"], learn(state, batch, key)
        player = jax.tree.map(lambda new, old: jnp.where(learns, new, old), learnt.players["discriminator"], before)
        accuracy = (metrics["real_accuracy"] + metrics["fake_accuracy"]) / 2
        state = with_player(state, "discriminator", player).replace(memory={"d_accuracy": accuracy})
        return state, metrics | {"d_learns": learns.astype(jnp.float32)}

    return d_step
