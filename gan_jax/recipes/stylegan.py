"""How StyleGAN2 is trained: the steps of any GAN, and now and then one of each player that regularises it.

Karras et al. 2020 (arXiv:1912.04958). R1 holds D; path lengths, in equation 4, have G's images change as much wherever w moves by
as much. Both are lazy (section 3.1): every k-th round only, k times as strong, in a step of Adam's of their own, for which its rate
and β are corrected (`lazily`). ADA (arXiv:2006.06676) may come to it (`recipes.adaptive`).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax.devices import batch_mean
from gan_jax.networks.stylegan import truncated
from gan_jax.penalties import r1
from gan_jax.randomness import Key, example_keys, latents
from gan_jax.recipes import adaptive, gan
from gan_jax.recipes.adaptive import Adaptation
from gan_jax.recipes.batch import condition_of
from gan_jax.recipes.contract import Batch, Condition, Metrics, Recipe, State, Styles
from gan_jax.recipes.players import PyTree, descend, with_player

Array = jax.Array
PATH_DECAY = 0.01  # by which the mean of path lengths moves on


class Regularisation(NamedTuple):
    """Of both players; weights are for every round, and 0 is none.

    Fields:
      r1: γ; r1_every: the rounds from one step with it to the next.
      path: of path lengths; path_every: as r1_every; path_shrink: into how many parts a batch is divided, of which one is drawn.
    """

    r1: float = 10.0
    r1_every: int = 16
    path: float = 2.0
    path_every: int = 4
    path_shrink: int = 2


def lazily(rate: float, decay: float, every: int) -> dict[str, float]:
    """Adam's rate and β2 for a player that is regularised every k-th round: c times the rate, β to the power of c, c = k/(k + 1).

    So that all steps of k rounds together, k + 1 of them, are as k steps of the whole loss (section 3.1, and appendix B).
    """
    share = every / (every + 1)
    return dict(learning_rate=rate * share, b2=decay**share)


def ema_decay(batch_size: int, images: float, ramp: float) -> optax.Schedule:
    """round -> the decay of a moving average that halves over so many images; at first, over `ramp` times those seen so far.

    Args: ramp: 0 for none.
    """

    def decay(step: Array) -> Array:
        half = jnp.minimum(images, ramp * batch_size * step) if ramp else images
        return 0.5 ** (batch_size / jnp.maximum(half, 1e-8))

    return decay


def make(
    setup: gan.Setup,
    regularisation: Regularisation,
    adaptation: Adaptation | None = None,
    draw_condition: Callable[[Key], Condition] | None = None,
) -> Recipe:
    """The recipe. Args: setup: with the networks of `networks.stylegan`; the others: as of `adaptive.make`.

    It records r1_penalty, path_penalty and path_length in the rounds that have them.
    """

    def make_d_step(setup: gan.Setup) -> gan.Step:
        return followed(gan.make_d_step(setup), make_r1_step(setup, regularisation), regularisation.r1_every)

    def make_g_step(setup: gan.Setup) -> gan.Step:
        main = gan.make_g_step(setup)
        both = followed(main, make_path_step(setup, regularisation), regularisation.path_every)

        def g_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
            state, metrics = (both if regularisation.path else main)(state, batch, key)
            return with_mean_of_now(state), metrics

        return g_step

    given = make_d_step if regularisation.r1 else gan.make_d_step
    recipe = adaptive.make(setup, adaptation, draw_condition, make_d_step=given, make_g_step=make_g_step)

    def init(key: Key, batch: Batch) -> State:
        state = recipe.init(key, batch)
        return state.replace(memory={**state.memory, "path_mean": jnp.zeros(())})

    every = dict(r1_penalty=regularisation.r1_every) if regularisation.r1 else {}
    every |= dict.fromkeys(("path_penalty", "path_length"), regularisation.path_every) if regularisation.path else {}
    return recipe._replace(
        init=init,
        sampler=recipe.sampler._replace(styles=make_styles(setup)),
        every={**recipe.every, **{name: rounds for name, rounds in every.items() if rounds > 1}},
    )


def followed(main: gan.Step, then: gan.Step, every: int) -> gan.Step:
    """A step, and after it in every k-th round, the first one included, another of the same batch; whose metrics are else 0."""

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        main_key, then_key = jax.random.split(key)
        state, metrics = main(state, batch, main_key)
        _, shapes = jax.eval_shape(then, state, batch, then_key)
        none = jax.tree.map(lambda shape: jnp.zeros(shape.shape, shape.dtype), shapes)
        due = state.step % every == 0
        state, more = jax.lax.cond(due, lambda now: then(now, batch, then_key), lambda now: (now, none), state)
        return state, metrics | more

    return step


def make_r1_step(setup: gan.Setup, regularisation: Regularisation) -> gan.Step:
    """D's step of R1: k γ/2 E ‖∇ D(x)‖², of real images before they are augmented (`penalties.r1`)."""

    def r1_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        discriminate_key, augment_key = jax.random.split(key)
        keys = example_keys(augment_key, len(batch["image"]), setup.axis_name)
        player, condition = state.players["discriminator"], condition_of(batch, setup.condition)

        def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
            def critic(images: Array) -> Array:
                seen = setup.augment(images, keys, state.step)
                return gan.score(setup, params, player.variables, seen, discriminate_key, condition)[0][0]

            value = r1(critic, batch["image"], None, keys)
            weight = regularisation.r1 * regularisation.r1_every
            return weight * value, (player.variables, {"r1_penalty": value})

        return descend(state, "discriminator", loss, setup.d_optimizer, setup.axis_name)

    return r1_step


def make_path_step(setup: gan.Setup, regularisation: Regularisation) -> gan.Step:
    """G's step of path lengths: E (‖Jᵀy‖ - a)² (equation 4), of fresh latents, fewer than a batch has.

    a is the mean of the lengths so far, which `memory["path_mean"]` moves on, and as in the authors' code it does so first.
    """
    shrink = regularisation.path_shrink

    def path_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        if len(batch["image"]) % shrink:
            raise ValueError(f"path_shrink={shrink}: does not divide the {len(batch['image'])} examples of a device")
        latent_key, noise_key = jax.random.split(key)
        some = jax.tree.map(lambda x: x[::shrink], batch)
        keys = example_keys(latent_key, len(some["image"]), setup.axis_name)
        player = state.players["generator"]

        def loss(params: PyTree) -> tuple[Array, tuple[PyTree, Metrics]]:
            variables = {"params": params, **player.variables}
            condition = condition_of(some, setup.condition)
            lengths = path_lengths(setup, variables, keys, noise_key, condition)
            mean, before = batch_mean(lengths, setup.axis_name), state.memory["path_mean"]
            after = before + PATH_DECAY * (mean - before)
            value = jnp.mean((lengths - after) ** 2)
            metrics = {"path_penalty": value, "path_length": jnp.mean(lengths), "path_mean": after}
            return regularisation.path * regularisation.path_every * value, (player.variables, metrics)

        state, metrics = descend(state, "generator", loss, setup.g_optimizer, setup.axis_name)
        return state.replace(memory={**state.memory, "path_mean": metrics.pop("path_mean")}), metrics

    return path_step


def path_lengths(setup: gan.Setup, variables: PyTree, keys: Key, noise_key: Key, condition: Condition | None) -> Array:
    """‖Jᵀy‖ of each of keys [n], J the derivative of its image by its w: the root of the mean over layers of its square, [n].

    y ~ N(0, 1/(H W)), an image; one draw stands for the expectation (appendix C).
    """
    z_keys, image_keys = jax.vmap(jax.random.split, out_axes=1)(keys)
    style_key, layer_key = jax.random.split(noise_key)
    apply = lambda method, key, *inputs: setup.generator.apply(
        variables, *inputs, train=True, method=method, rngs={"noise": key}
    )
    ws = apply("styles", style_key, latents(z_keys, setup.latent_size), condition)

    def along(ws: Array) -> Array:
        images = apply("draw", layer_key, ws)
        y = jax.vmap(lambda key: jax.random.normal(key, images.shape[1:]))(image_keys)
        return jnp.sum(images * y) / jnp.sqrt(images.shape[1] * images.shape[2])

    gradients = jax.grad(along)(ws)
    return jnp.sqrt(jnp.mean(jnp.sum(gradients**2, axis=2), axis=1))


def with_mean_of_now(state: State) -> State:
    """The state whose moving average of G has the w̄ of G itself, as in the authors' code: an average of an average lags behind."""
    player = state.players["generator"]
    if player.ema is None:
        return state
    ema = {**player.ema, "average": player.variables["average"]}
    return with_player(state, "generator", player.replace(ema=ema))


def make_styles(setup: gan.Setup) -> Styles:
    """The generator that is sampled, in two."""

    def sampled(state: State) -> PyTree:
        return state.players["generator"].sampled

    def changed(state: State, variables: PyTree) -> State:
        return with_player(state, "generator", state.players["generator"].with_sampled(variables))

    def of(state: State, z: Array, condition: Condition | None = None) -> Array:
        return setup.generator.apply(sampled(state), z, condition, method="styles")

    def generate(state: State, ws: Array) -> Array:
        return setup.generator.apply(sampled(state), ws, method="draw")

    return Styles(
        of=of,
        generate=generate,
        truncated=lambda state, psi, cutoff=None: changed(state, truncated(sampled(state), psi, cutoff)),
        noise=lambda state: sampled(state)["noise"],
        with_noise=lambda state, noise: changed(state, {**sampled(state), "noise": noise}),
    )
