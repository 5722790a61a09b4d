"""GANs of videos: VGAN (Vondrick et al. 2016, arXiv:1609.02612) and MoCoGAN (Tulyakov et al. 2018, arXiv:1707.04993).

G draws whole videos; each of one or two discriminators sees them in its way: all frames, or one frame of each, by chance. VGAN has
the first alone, and a price on how much of a picture moves (its section 2.2); MoCoGAN has both, and G plays against their sum (its
equation 2).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax.games import Game
from gan_jax.penalties import Penalty
from gan_jax.randomness import Key, example_keys, latents, normal
from gan_jax.recipes import measures, sampling
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State
from gan_jax.recipes.players import PyTree, descend, init_player, update_ema, with_player

Array = jax.Array
GENERATOR, VIDEO, IMAGE = "generator", "video_discriminator", "image_discriminator"


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      generator: called as `apply(variables, z, None, train=)` -> videos [B, T, H, W, C] in [-1, 1].
      discriminators: by name, VIDEO and maybe IMAGE: called as `apply(variables, videos or images, None, train=)` -> (scores,
        dict).
      game: (real_scores, fake_scores) -> Losses.
      g_optimizer, d_optimizer: of G; of each discriminator.
      latent_size: the length of z.
      image_frames: how many frames of each video an image discriminator sees.
      moving: the weight of what a generator sows as "moving", in [0, 1]: how much of a picture is foreground.
      penalties: added to each discriminator's loss, by the names under which they are recorded; penalty_weight: times this.
      ema: decay of the moving average of G that is sampled; 0 samples G itself.
      longer: frames -> the length of the latents of videos of so many; None where G draws but those that it learnt.
      axis_name: the mapped axis over which the batch is spread.
    """

    generator: nn.Module
    discriminators: Mapping[str, nn.Module]
    game: Game
    g_optimizer: optax.GradientTransformation
    d_optimizer: optax.GradientTransformation
    latent_size: int
    image_frames: int = 1
    moving: float = 0.0
    penalties: Mapping[str, Penalty] = MappingProxyType({})
    penalty_weight: float = 1.0
    ema: float = 0.0
    longer: Callable[[int], int] | None = None
    axis_name: str | None = None


def make(setup: Setup) -> Recipe:
    """The recipe. A round is a step of each discriminator on one batch, then one of G on another."""

    def init(key: Key, batch: Batch) -> State:
        video, keys = part(batch, 0)["video"][:1], iter(jax.random.split(key, 3))
        one, z = views_of(setup, video, example_keys(jax.random.key(0), 1)), jnp.zeros((1, setup.latent_size))
        players = {GENERATOR: init_player(setup.generator, setup.g_optimizer, next(keys), z, None, ema=bool(setup.ema))}
        for name, module in setup.discriminators.items():
            players[name] = init_player(module, setup.d_optimizer, next(keys), one[name], None)
        return State(jnp.zeros((), jnp.int32), players)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        d_key, g_key = jax.random.split(jax.random.fold_in(key, state.step))
        state, metrics = d_step(setup, state, part(batch, 0)["video"], d_key)
        state, own = g_step(setup, state, part(batch, 1)["video"], g_key)
        return state.replace(step=state.step + 1), metrics | own

    def sampler_of(latent_size: int):
        found = sampling.make_sampler(
            setup.generator, latent_size=latent_size, prior="normal", axis_name=setup.axis_name
        )
        return found._replace(draws="video")

    longer = setup.longer and (lambda frames: sampler_of(setup.longer(frames)))
    sampler = sampler_of(setup.latent_size)._replace(longer=longer)
    return Recipe(init=init, step=step, batches_per_step=2, sampler=sampler)


def views_of(setup: Setup, videos: Array, keys: Key) -> dict[str, Array]:
    """What each discriminator sees of videos: all of them; or of each some frames by chance, [B image_frames, H, W, C]."""

    def some(video: Array, key: Key) -> Array:
        return video[jax.random.choice(key, len(video), (setup.image_frames,), replace=False)]

    images = lambda: jax.vmap(some)(videos, keys).reshape(-1, *videos.shape[2:])
    every = {VIDEO: lambda: videos, IMAGE: images}
    return {name: every[name]() for name in setup.discriminators}


def keys_of(setup: Setup, keys: Key) -> dict[str, Key]:
    """A key for each of what a discriminator sees: of a video, and of each of its frames."""
    of_frames = lambda: jax.vmap(lambda key: jax.random.split(key, setup.image_frames))(keys).reshape(-1)
    every = {VIDEO: lambda: keys, IMAGE: of_frames}
    return {name: every[name]() for name in setup.discriminators}


def generate(setup: Setup, state: State, params: PyTree, key: Key, count: int) -> tuple[Array, PyTree, Array]:
    """(videos drawn in training, G's variables after the pass, how much of them moves)."""
    player = state.players[GENERATOR]
    z = latents(example_keys(key, count, setup.axis_name), setup.latent_size, normal)
    videos, changed = setup.generator.apply(
        {"params": params, **player.variables}, z, None, train=True, mutable=[*player.variables, "moving"]
    )
    sown = jax.tree.leaves(changed.pop("moving", {}))
    return videos, changed, sum(sown, jnp.zeros(()))


def d_step(setup: Setup, state: State, real: Array, key: Key) -> tuple[State, Metrics]:
    """A step of each discriminator, on the same videos [B, T, H, W, C]; of real ones and of fake ones it sees the same frame."""
    latent_key, frame_key, penalty_key = jax.random.split(key, 3)
    fake, _, _ = generate(setup, state, state.players[GENERATOR].params, latent_key, len(real))
    keys, own_keys = (example_keys(each, len(real), setup.axis_name) for each in (frame_key, penalty_key))
    own_keys = keys_of(setup, own_keys)
    metrics = {"sample_spread": measures.relative_spread(fake, real, setup.axis_name)}
    seen = [views_of(setup, videos, keys) for videos in (real, fake)]
    for name, module in setup.discriminators.items():
        before, short = state.players[name].variables, name.removesuffix("_discriminator")

        def loss(params: PyTree, name=name, module=module, before=before, short=short):
            (real_scores, variables) = score(module, params, before, seen[0][name])
            (fake_scores, variables) = score(module, params, variables, seen[1][name])
            total, critic = setup.game(real_scores, fake_scores).d, lambda x: score(module, params, before, x)[0]
            found = {}
            for which, penalty in setup.penalties.items():
                found[f"{short}_{which}"] = value = penalty(critic, seen[0][name], seen[1][name], own_keys[name])
                total += setup.penalty_weight * value
            found[f"{short}_d_loss"] = total
            right = measures.accuracies(real_scores, fake_scores, setup.axis_name)
            found |= {f"{short}_{which}": value for which, value in right.items()}
            return total, (variables, found)

        state, own = descend(state, name, loss, setup.d_optimizer, setup.axis_name)
        metrics |= own
    metrics["d_loss"] = sum(metrics[f"{name.removesuffix('_discriminator')}_d_loss"] for name in setup.discriminators)
    return state, metrics


def g_step(setup: Setup, state: State, real: Array, key: Key) -> tuple[State, Metrics]:
    """G's step, against all discriminators."""
    latent_key, frame_key = jax.random.split(key)
    keys = example_keys(frame_key, len(real), setup.axis_name)

    def loss(params: PyTree):
        fake, variables, moving = generate(setup, state, params, latent_key, len(real))
        seen = [views_of(setup, videos, keys) for videos in (real, fake)]
        total = jnp.zeros(())
        for name, module in setup.discriminators.items():
            player = state.players[name]
            scores = [score(module, player.params, player.variables, one[name])[0] for one in seen]
            total += setup.game(*scores).g
        metrics = {"g_loss": total} | ({"moving": moving} if setup.moving else {})
        return total + setup.moving * moving, (variables, metrics)

    state, metrics = descend(state, GENERATOR, loss, setup.g_optimizer, setup.axis_name, norm="g_gradient_norm")
    if setup.ema:
        state = with_player(state, GENERATOR, update_ema(state.players[GENERATOR], setup.ema, state.step))
    return state, metrics


def score(module: nn.Module, params: PyTree, variables: PyTree, seen: Array) -> tuple[Array, PyTree]:
    """(what a discriminator says in training, its variables after the pass)."""
    (scores, _), variables = module.apply(
        {"params": params, **variables}, seen, None, train=True, mutable=list(variables)
    )
    return scores, variables
