"""How Progressive GAN is trained (Karras et al. 2018, arXiv:1710.10196): networks that grow while images become larger.

Level 0 is trained on the smallest images for `stable` of them. Then each level fades in over `fade` images, α rising from 0 to
1, and stabilises over `stable` more, before the next one begins. α is a function of the real images shown, and so of the step;
nothing else is remembered. Real images are blended as G's are: α times the level's own and 1 - α times the level's before.

Each level is a phase (`contract.Phase`) of `recipes.gan`, with networks of its own size; what levels have in common, weights,
the optimizer's state and moving averages, goes on from the one to the next.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from gan_jax.layers.resample import downscale, upscale
from gan_jax.randomness import Key
from gan_jax.recipes import gan
from gan_jax.recipes.batch import to_unit_range
from gan_jax.recipes.contract import Batch, Metrics, Phase, Recipe, State

Array = jax.Array


class Schedule(NamedTuple):
    """How long levels take.

    Fields:
      stable, fade: real images over which a level stabilises, and fades in.
      batch_sizes: of each level, the smallest images' first.
      n_critic: D's steps in a round, each of which is shown a batch.
    """

    stable: int
    fade: int
    batch_sizes: tuple[int, ...]
    n_critic: int = 1

    def rounds(self, level: int) -> int:
        """How many rounds a level takes: as few as show it all its images."""
        images = self.stable + (self.fade if level else 0)
        return -(-images // (self.batch_sizes[level] * self.n_critic))

    def start(self, level: int) -> int:
        """The step after which a level begins."""
        return sum(map(self.rounds, range(level)))

    def alpha(self, level: int, step: Array) -> Array:
        """How far a level has faded in after `step` rounds, in [0, 1]; level 0 is there from the start."""
        if level == 0:
            return jnp.ones(())
        images = (step - self.start(level)) * self.batch_sizes[level] * self.n_critic
        return jnp.clip(images / self.fade, 0, 1)


class Fading(NamedTuple):
    """A network that is applied with an α: what `recipes.gan` takes in a module's place."""

    module: nn.Module
    alpha: Array | float

    def apply(self, *inputs, **options):
        return self.module.apply(*inputs, alpha=self.alpha, **options)


def make(setups: Sequence[gan.Setup], schedule: Schedule, example: Batch, *, fresh: bool = True) -> list[Phase]:
    """The phases, one for each level.

    Args:
      setups: of each level the game, with the level's networks, which are applied with `alpha`. An image's sides are
        2^(levels - 1) those of level 0.
      example: a batch, of which the shapes matter.
      fresh: whether the optimizers start anew at each level, as in the authors' code. (Adam's bias correction, which counts
        steps, would not be right for layers that come later.)
    """
    levels = len(setups)
    recipes = [make_level(setup, level, levels, schedule) for level, setup in enumerate(setups)]
    return [
        Phase(
            recipe,
            schedule.start(level + 1) if level < levels - 1 else None,
            schedule.batch_sizes[level],
            grow=make_grow(recipe, example, fresh) if level else None,
        )
        for level, recipe in enumerate(recipes)
    ]


def make_level(setup: gan.Setup, level: int, levels: int, schedule: Schedule) -> Recipe:
    """The recipe of one level: `recipes.gan`'s, with images of the level's size."""
    factor = 2 ** (levels - 1 - level)
    at = lambda step: _faded(setup, schedule.alpha(level, step))
    recipe = gan.make(setup)

    def init(key: Key, batch: Batch) -> State:
        return recipe.init(
            key, batch | {"image": _every(lambda images: downscale(to_unit_range(images), factor), batch)}
        )

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        α = schedule.alpha(level, state.step)
        shown = lambda images: shown_at(downscale(to_unit_range(images), factor), α, blended=level > 0)
        own = at(state.step)
        play = gan.make_round(setup.n_critic, gan.make_d_step(own), gan.make_g_step(own))
        state, metrics = play(state, batch | {"image": _every(shown, batch)}, key)
        return state, metrics | {"alpha": α, "level": jnp.float32(level)}

    def generate(state: State, z: Array, condition: None = None) -> Array:
        return upscale(gan.make_sampler(at(state.step)).generate(state, z), factor)

    def early(state: State, z: Array, condition: None = None) -> Array:
        return upscale(gan.make_sampler(at(state.step)).early(state, z), factor)

    def features(state: State, images: Array) -> Array:
        return gan.make_features(at(state.step))(state, downscale(images, factor))

    sampler = recipe.sampler._replace(generate=generate, early=early)
    return recipe._replace(init=init, step=step, sampler=sampler, features=recipe.features and features)


def shown_at(images: Array, alpha: Array, *, blended: bool = True) -> Array:
    """Real images as a level that fades in is shown them: [B, H, W, C] -> the same shape."""
    return alpha * images + (1 - alpha) * upscale(downscale(images)) if blended else images


def make_grow(recipe: Recipe, example: Batch, fresh: bool) -> Callable[[State, Key], State]:
    """(the last state of the level before, key) -> the first of this one, with all that the level before had of the same name.

    Args: fresh: whether the optimizers start anew.
    """

    def grow(state: State, key: Key) -> State:
        new = recipe.init(key, example)
        before = dict(jax.tree_util.tree_leaves_with_path(state))
        grown = jax.tree_util.tree_map_with_path(lambda path, leaf: before.get(path, leaf), new)
        if not fresh:
            return grown
        players = {name: each.replace(opt_state=new.players[name].opt_state) for name, each in grown.players.items()}
        return grown.replace(players=players)

    return grow


def _faded(setup: gan.Setup, alpha: Array) -> gan.Setup:
    return setup._replace(generator=Fading(setup.generator, alpha), discriminator=Fading(setup.discriminator, alpha))


def _every(change: Callable[[Array], Array], batch: Batch) -> Array:
    """The images [n, B, H, W, C] of a round's batches, each changed."""
    return jax.vmap(change)(batch["image"])
