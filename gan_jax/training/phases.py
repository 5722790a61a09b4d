"""A network that grows: the first state of a phase, and the tree and shapes of the states of each."""

from collections.abc import Sequence

import jax

from gan_jax.randomness import Key
from gan_jax.recipes.contract import Phase, State, phase_at

GROWS = 2**32 - 1  # no step has this number: what a phase draws when it begins, no step draws


def grown(phase: Phase, state: State, key: Key) -> State:
    """The first state of a phase, of the last one of the phase before; its key is a function of the run's and the step."""
    return jax.jit(phase.grow)(state, jax.random.fold_in(jax.random.fold_in(key, state.step), GROWS))


def template_at(phases: Sequence[Phase], state: State, key: Key, step: int) -> State:
    """The tree and the shapes of the state after `step` steps. Args: state: a first phase's."""
    template = jax.tree.map(lambda x: jax.ShapeDtypeStruct(x.shape, x.dtype), state)
    for phase in phases[1 : phase_at(phases, step) + 1]:
        template = jax.eval_shape(phase.grow, template, key)
    return template
