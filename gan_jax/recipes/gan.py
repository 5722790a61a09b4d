"""How a GAN is trained: n_critic steps of the discriminator, then one of the generator, round after round.

Goodfellow et al. 2014 (arXiv:1406.2661), algorithm 1. The game, what is added to its losses, how images are augmented, the
networks and the optimizers are arguments, so this one file also plays DCGAN, LSGAN, WGAN, WGAN-GP, PacGAN and many more.

With a condition both players are given more of an example than its image, a label say: a conditional GAN (Mirza &
Osindero 2014, arXiv:1411.1784, eq. 2): E log D(x|y) + E log(1 - D(G(z|y))), and likewise for every other game. A fake image
has the condition of the real one of the same number in the batch: so labels have the data's frequencies, and where a
game or a penalty takes images in pairs, both are of one class.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax import augment, precision
from gan_jax.augment import Augment
from gan_jax.games import Game, swap_labels
from gan_jax.randomness import PRIORS, Key, example_keys, latents, other_keys
from gan_jax.recipes import measures, sampling
from gan_jax.recipes.batch import condition_of, part, to_unit_range
from gan_jax.recipes.contract import Batch, Condition, Metrics, Recipe, Sampler, State
from gan_jax.recipes.players import Player, PyTree, descend, init_player, update_ema, with_player
from gan_jax.terms import Given, LossInputs, Term, sparse

Array = jax.Array
Step = Callable[[State, Batch, Key], tuple[State, Metrics]]
NOISE = 2**32 - 1  # no example has this index, so a key that is folded with it draws no latent


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      generator, discriminator: modules, called as `generator.apply(variables, z, condition, train=)` -> images [B, H, W, C]
        in [-1, 1], and `discriminator.apply(variables, images, condition, train=)` -> (raw scores [B, ...], dict).
      game: (real_scores, fake_scores) -> Losses.
      g_optimizer, d_optimizer: the players' optimizers.
      latent_size: the length of z.
      prior: what z is drawn from, a name in `randomness.PRIORS`.
      condition: the fields of an example that both networks are given beside the image, as ("label",): their `condition`
        is then {"label": int32 [B]}, else None.
      n_critic: how many steps D makes for one of G.
      d_terms, g_terms: what is added to D's loss and to G's, by the names under which it is recorded.
      g_adversarial: whether G's loss has the game's; else its terms are all.
      augment, pack: what is done to all images that D sees (`augment`), and how many it sees at once (`augment.pack`).
      label_noise: the fraction of D's labels that are wrong (`games.swap_labels`).
      ema: decay of the moving average of G that is sampled (`players.update_ema`), a number or a schedule over rounds; 0
        samples G itself.
      dtype: what the networks compute in, in training (`precision.apply`).
      axis_name: the mapped axis over which the batch is spread (`jax.pmap(..., axis_name=)`); None without one.
    """

    generator: nn.Module
    discriminator: nn.Module
    game: Game
    g_optimizer: optax.GradientTransformation
    d_optimizer: optax.GradientTransformation
    latent_size: int = 100
    prior: str = "normal"
    condition: tuple[str, ...] = ()
    n_critic: int = 1
    d_terms: Mapping[str, Term] = MappingProxyType({})
    g_terms: Mapping[str, Term] = MappingProxyType({})
    g_adversarial: bool = True
    augment: Augment = augment.identity
    pack: int = 1
    label_noise: float = 0.0
    ema: float | optax.Schedule = 0.0
    dtype: jnp.dtype = jnp.float32
    axis_name: str | None = None


def make_d_step(setup: Setup) -> Step:
    """The discriminator's step: (state, examples {"image": [B, H, W, C] in [-1, 1], ...}, key) -> (state, metrics). Pure.

    D scores real and fake images in separate passes, so each has its own batch statistics (Radford et al. 2016).
    """

    def d_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        latent_key, discriminate_key, noise_key = jax.random.split(key, 3)
        fake, _ = generate_fakes(setup, state.players["generator"], latent_key, batch)

        def loss(params):
            inputs, variables = discriminate(setup, params, state, batch, fake, discriminate_key)
            total, metrics = d_loss(setup, inputs, noise_key)
            return total, (variables, metrics)

        state, metrics = descend(
            state, "discriminator", loss, setup.d_optimizer, setup.axis_name, norm="d_gradient_norm"
        )
        metrics["sample_spread"] = measures.relative_spread(fake, batch["image"], setup.axis_name)
        return state, metrics

    return d_step


def make_g_step(setup: Setup) -> Step:
    """The generator's step: (state, examples as of the D-step, key) -> (state, metrics). Pure.

    Only games and terms of G that look at real images (the relativistic ones, feature matching) use them; for the
    others XLA drops the pass. D's batch statistics are used and not kept: D learns nothing in G's step.
    """

    def g_step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        latent_key, discriminate_key = jax.random.split(key)

        def loss(params):
            generator = state.players["generator"].replace(params=params)
            fake, variables = generate_fakes(setup, generator, latent_key, batch)
            d_params = state.players["discriminator"].params
            inputs, _ = discriminate(setup, d_params, state, batch, fake, discriminate_key)
            adversarial = setup.game(inputs.real_scores, inputs.fake_scores).g if setup.g_adversarial else 0.0
            total, metrics = _add(setup.g_terms, inputs, adversarial)
            return total, (variables, {"g_loss": total, **metrics})

        state, metrics = descend(state, "generator", loss, setup.g_optimizer, setup.axis_name, norm="g_gradient_norm")
        if setup.ema:
            decay = setup.ema(state.step) if callable(setup.ema) else setup.ema
            generator = update_ema(state.players["generator"], decay, state.step)
            state = with_player(state, "generator", generator)
        return state, metrics

    return g_step


def make_round(n_critic: int, d_step: Step, g_step: Step) -> Step:
    """A round: `n_critic` D-steps and one G-step, each on fresh examples and fresh noise.

    It takes a batch [n_critic + 1, B, ...], images as uint8. The metrics are the last D-step's and the G-step's.
    """

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        keys = jax.random.split(jax.random.fold_in(key, state.step), n_critic + 1)
        for i in range(n_critic):
            state, d_metrics = d_step(state, part(batch, i), keys[i])
        state, g_metrics = g_step(state, part(batch, -1), keys[-1])
        return state.replace(step=state.step + 1), d_metrics | g_metrics

    return step


def make(setup: Setup, draw_condition: Callable[[Key], Condition] | None = None) -> Recipe:
    """The recipe: rounds of `make_round`.

    Args: draw_condition: keys [n] -> conditions of n samples, with the fields of setup.condition, where there are any.
    Raises ValueError if packs of images are to have a condition, or a condition cannot be drawn.
    """
    if setup.condition and setup.pack != 1:
        raise ValueError(f"pack={setup.pack}: a pack of images has no one {setup.condition[0]}; D scores them singly")
    if bool(setup.condition) != (draw_condition is not None):
        raise ValueError(f"condition={setup.condition} and draw_condition go together")

    def init(key: Key, batch: Batch) -> State:
        return init_state(setup, key, part(batch, 0))

    return Recipe(
        init=init,
        step=make_round(setup.n_critic, make_d_step(setup), make_g_step(setup)),
        batches_per_step=setup.n_critic + 1,
        sampler=make_sampler(setup, draw_condition),
        features=None if setup.condition or setup.pack != 1 else make_features(setup),
        augment=setup.augment,
        every=sparse(setup.d_terms, setup.g_terms),
    )


def init_state(setup: Setup, key: Key, batch: Batch, *, d_ema: bool = False) -> State:
    """The state before the first round, for examples [B, ...]; only their shapes matter.

    d_ema: whether D keeps a moving average of its weights too.
    """
    g_key, d_key = jax.random.split(key)
    one = jax.tree.map(lambda x: x[:1], batch)
    z, condition = jnp.zeros((1, setup.latent_size)), condition_of(one, setup.condition)
    images = augment.pack(jnp.repeat(to_unit_range(one["image"]), setup.pack, 0), setup.pack)
    return State(
        step=jnp.zeros((), jnp.int32),
        players={
            "generator": init_player(setup.generator, setup.g_optimizer, g_key, z, condition, ema=bool(setup.ema)),
            "discriminator": init_player(setup.discriminator, setup.d_optimizer, d_key, images, condition, ema=d_ema),
        },
    )


def make_sampler(setup: Setup, draw_condition: Callable[[Key], Condition] | None = None) -> Sampler:
    """How samples are drawn, by the generator's moving average if it has one; early ones by itself. Args: as of `make`."""
    fields = dict(latent_size=setup.latent_size, prior=setup.prior, axis_name=setup.axis_name)
    return sampling.make_sampler(setup.generator, draw_condition, **fields)


def make_features(setup: Setup) -> Callable[[State, Array], Array]:
    """(state, images) -> D's features, of a D that is given images alone. It raises ValueError if D says none."""

    def features(state: State, images: Array) -> Array:
        variables = state.players["discriminator"].all_variables
        _, out = setup.discriminator.apply(variables, images, None, train=False)
        if "features" not in out:
            raise ValueError(f"{type(setup.discriminator).__name__} gives no features beside its scores")
        return out["features"]

    return features


def generate_fakes(setup: Setup, generator: Player, key: Key, batch: Batch) -> tuple[Array, PyTree]:
    """A fake image for each example, in training, with the generator's variables after the pass.

    A generator with noise of its own draws it from the rng "noise".
    """
    keys = example_keys(key, len(batch["image"]), setup.axis_name)
    z = latents(keys, setup.latent_size, PRIORS[setup.prior])
    condition = condition_of(batch, setup.condition)
    options = dict(train=True, mutable=list(generator.variables), rngs={"noise": jax.random.fold_in(key, NOISE)})
    return precision.apply(setup.generator, generator.all_variables, z, condition, dtype=setup.dtype, **options)


def score(
    setup: Setup, params: PyTree, variables: PyTree, images: Array, key: Key, condition: Condition | None = None
) -> tuple[tuple[Array, dict[str, Array]], PyTree]:
    """((scores, out), variables): what D, in training, says of images. Layers that draw noise draw it from `key`."""
    options = dict(train=True, mutable=list(variables), rngs={"noise": key})
    return precision.apply(
        setup.discriminator, {"params": params, **variables}, images, condition, dtype=setup.dtype, **options
    )


def discriminate(
    setup: Setup, params: PyTree, state: State, batch: Batch, fake: Array, key: Key
) -> tuple[LossInputs, PyTree]:
    """What a D of these parameters sees and says of real and fake images, with its variables after the passes.

    An example's real image, its fake one and its target, if it has one, are augmented alike.
    """
    augment_key, real_key, fake_key, critic_key, term_key = jax.random.split(key, 5)
    keys = example_keys(augment_key, len(fake), setup.axis_name)
    packed = lambda images: augment.pack(images, setup.pack)
    see = lambda images: packed(setup.augment(images, keys, state.step))
    condition, before = condition_of(batch, setup.condition), state.players["discriminator"].variables
    given_real, given_fake = packed(batch["image"]), packed(fake)
    real, fake = see(batch["image"]), see(fake)
    target = see(batch["target"]) if "target" in batch else None
    (real_scores, real_out), variables = score(setup, params, before, real, real_key, condition)
    (fake_scores, fake_out), variables = score(setup, params, variables, fake, fake_key, condition)

    critic = lambda images: score(setup, params, before, images, critic_key, condition)[0][0]
    given = Given(given_real, given_fake, lambda packs: critic(see(augment.unpack(packs, setup.pack))))
    scored = (real_scores, fake_scores, real_out, fake_out)
    term_keys = example_keys(term_key, len(real), setup.axis_name)
    return LossInputs(real, fake, *scored, critic, given, term_keys, state.step, condition, target), variables


def d_loss(setup: Setup, inputs: LossInputs, key: Key) -> tuple[Array, Metrics]:
    """D's loss in the game, terms and noisy labels included, and all that is recorded of it."""
    keys = example_keys(key, len(inputs.real), setup.axis_name)
    real_scores, fake_scores = swap_labels(inputs.real_scores, inputs.fake_scores, keys, setup.label_noise)
    total, metrics = _add(setup.d_terms, inputs, setup.game(real_scores, fake_scores).d)
    metrics |= {"real_score": jnp.mean(inputs.real_scores), "fake_score": jnp.mean(inputs.fake_scores)}
    metrics |= measures.accuracies(inputs.real_scores, inputs.fake_scores, setup.axis_name)
    return total, {"d_loss": total, **metrics}


def _add(terms: Mapping[str, Term], inputs: LossInputs, loss: Array | float) -> tuple[Array, Metrics]:
    """The loss with all terms added, and each term's value. Each draws from keys of its own."""
    values = {}
    for number, (name, term) in enumerate(terms.items()):
        own = inputs._replace(keys=other_keys(inputs.keys, number))
        values[name], weighted = term(own)
        loss += weighted
    return loss, values
