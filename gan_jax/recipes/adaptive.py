"""Adaptive augmentation of what D sees (ADA: Karras et al. 2020, arXiv:2006.06676, section 3.2): as much as keeps D unsure.

r = E sign(D(x)) over real images tells how far D has memorised them: about 0 as it begins, 1 when it is sure of each. The
probability p of `ada.pipe`'s changes rises while r is above its target and falls while it is below, by as much each time as takes
it from 0 to 1 over a number of images. p is in the state's memory, and so in checkpoints.
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp

from gan_jax import ada, augment
from gan_jax.randomness import Key
from gan_jax.recipes import gan
from gan_jax.recipes.contract import Batch, Condition, Metrics, Recipe, State
from gan_jax.terms import Term

Array = jax.Array


SHOWN = 0.5  # the probability with which people are shown what it does


class Adaptation(NamedTuple):
    """How p follows r.

    Fields: target: of r; images: real ones over which p goes from 0 to 1, at the fastest; every: D-steps between its changes.
    """

    target: float = 0.6
    images: float = 500_000
    every: int = 4


def make(
    setup: gan.Setup,
    adaptation: Adaptation | None,
    draw_condition: Callable[[Key], Condition] | None = None,
    *,
    make_d_step: Callable[[gan.Setup], gan.Step] = gan.make_d_step,
    make_g_step: Callable[[gan.Setup], gan.Step] = gan.make_g_step,
) -> Recipe:
    """The recipe of `gan.make`, with ADA's augmentations after the setup's own, if there is an adaptation.

    It records augment_p and real_sign, which is r.

    Args: make_d_step, make_g_step: how the players' steps are made of a setup.
    """
    if adaptation is None:
        step = gan.make_round(setup.n_critic, make_d_step(setup), make_g_step(setup))
        return gan.make(setup, draw_condition)._replace(step=step)
    sign = {"real_sign": Term(0.0, lambda inputs: jnp.mean(jnp.sign(inputs.real_scores)))}
    setup = setup._replace(d_terms={**setup.d_terms, **sign})
    plain = gan.make(setup, draw_condition)

    def augmented(state: State) -> gan.Setup:
        return setup._replace(augment=augment.chain(setup.augment, ada.pipe(state.memory["augment_p"])))

    def init(key: Key, batch: Batch) -> State:
        return plain.init(key, batch).replace(memory=start())

    def d_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        state, metrics = make_d_step(augmented(state))(state, batch, key)
        devices = 1 if setup.axis_name is None else jax.lax.axis_size(setup.axis_name)
        memory = adapted(state.memory, metrics["real_sign"], adaptation, len(batch["image"]) * devices)
        return state.replace(memory={**state.memory, **memory}), metrics | {"augment_p": state.memory["augment_p"]}

    def g_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        return make_g_step(augmented(state))(state, batch, key)

    shown = augment.chain(setup.augment, ada.pipe(SHOWN))
    return plain._replace(init=init, step=gan.make_round(setup.n_critic, d_step, g_step), augment=shown)


def start() -> dict[str, Array]:
    """What is remembered: p; the sum of r since it changed last, and over how many D-steps."""
    return {"augment_p": jnp.zeros(()), "real_signs": jnp.zeros(()), "d_steps": jnp.zeros((), jnp.int32)}


def adapted(memory: dict[str, Array], sign: Array, adaptation: Adaptation, batch_size: int) -> dict[str, Array]:
    """The memory after a D-step of so many real images over all devices, the mean sign of whose scores was `sign`."""
    signs, steps = memory["real_signs"] + sign, memory["d_steps"] + 1
    due = steps == adaptation.every
    change = jnp.sign(signs / steps - adaptation.target) * (batch_size * adaptation.every / adaptation.images)
    p = jnp.clip(memory["augment_p"] + change, 0, 1)
    return {
        "augment_p": jnp.where(due, p, memory["augment_p"]),
        "real_signs": jnp.where(due, 0.0, signs),
        "d_steps": jnp.where(due, 0, steps),
    }
