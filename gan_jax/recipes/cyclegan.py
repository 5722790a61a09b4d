"""Translation between two kinds of images that nothing pairs: CycleGAN (Zhu et al. 2017, arXiv:1703.10593).

A batch has two domains, {"a": {"image": ...}, "b": {"image": ...}}. There are four players: the generators a_to_b and b_to_a, and
the discriminators d_a and d_b, each of which judges images of its domain. With x of a, y of b, G = a_to_b and F = b_to_a

  D_b minimises game.d(D_b(y), D_b(G(x))), and D_a the same of a
  G and F together minimise w game.g(D_b(y), D_b(G(x))) + w game.g(D_a(x), D_a(F(y)))   (equation 1; w 2 undoes least squares' ½)
    + λ E|F(G(x)) - x| + λ E|G(F(y)) - y|                                               (equation 2)
    + ½ λ E|G(y) - y| + ½ λ E|F(x) - x|                                                 (section 5.2: identity)

and with a classifier f of domain a, - E log f(G(x))[argmax f(x)], and the same of F: what an image shows is to stay (CyCADA:
Hoffman et al. 2018, arXiv:1711.03213, equation 4). It is a fifth player, which does not learn: who trains it puts it into the
first state.

The generators go first; the discriminators see what they drew before their step, by way of a pool of earlier images.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

from gan_jax import precision
from gan_jax.games import Game
from gan_jax.randomness import Key
from gan_jax.recipes import measures, pool
from gan_jax.recipes.batch import part
from gan_jax.recipes.contract import Batch, Metrics, Recipe, State, Translator
from gan_jax.recipes.jitter import Jitter, jittered
from gan_jax.recipes.players import Player, PyTree, descend, descend_together, init_player, update_ema, with_player

Array = jax.Array
Images = dict[str, Array]  # [B, H, W, C] in [-1, 1], by domain

OTHER = {"a": "b", "b": "a"}
CLASSIFIER = "classifier"
GENERATOR = {"a": "b_to_a", "b": "a_to_b"}  # by the domain whose images it draws
DISCRIMINATOR = {"a": "d_a", "b": "d_b"}  # by the domain whose images it judges


class Task(NamedTuple):
    """A classifier that is to see the same before and after.

    Fields:
      classifier: called as `classifier.apply(variables, images, train=False)` -> (anything, {"class_logits": [B, K]}).
      channels: of the images that it is given; gray ones have them all alike.
      weight: of what it says.
      sure: from which probability on what it says of an image counts.
    """

    classifier: nn.Module
    channels: int
    weight: float = 1.0
    sure: float = 0.0


class Setup(NamedTuple):
    """What does not change during training.

    Fields:
      generators: by name; called as `generator.apply(variables, images, train=)` -> images.
      discriminators: by name; called as `discriminator.apply(variables, images, train=)` -> (raw scores [B, ...], anything).
      game: (real_scores, fake_scores) -> Losses.
      g_optimizer, d_optimizer: the players' optimizers.
      game_weight: of the game in the generators' loss, w.
      cycle: λ.
      identity: how much of λ the identity counts, ½ as published; 0 where domains have other channels than each other.
      task: what is to stay of what images show; None: nobody looks.
      pool: how many images of each domain are kept; 0: D sees new ones alone.
      jitter: of the images of both domains.
      multiple: of how many pixels the sides of what the generators take are a multiple.
      ema: decay of the moving averages of the generators that translate; 0: the generators themselves.
      dtype: what the networks compute in, in training.
      axis_name: the mapped axis over which the batch is spread.
    """

    generators: Mapping[str, nn.Module]
    discriminators: Mapping[str, nn.Module]
    game: Game
    g_optimizer: optax.GradientTransformation
    d_optimizer: optax.GradientTransformation
    game_weight: float = 2.0
    cycle: float = 10.0
    identity: float = 0.5
    task: Task | None = None
    pool: int = 50
    jitter: Jitter = Jitter()
    multiple: int = 1
    ema: float = 0.0
    dtype: jnp.dtype = jnp.float32
    axis_name: str | None = None


def make(setup: Setup) -> Recipe:
    """The recipe. A round is a step of both generators together, then one of each discriminator, on the same images."""

    def init(key: Key, batch: Batch) -> State:
        one = {domain: part(batch[domain], 0)["image"][:1] for domain in OTHER}
        names = (*GENERATOR.values(), *DISCRIMINATOR.values(), CLASSIFIER)
        keys = dict(zip(names, jax.random.split(key, len(names))))
        players = {}
        for domain, name in GENERATOR.items():
            module, optimizer = setup.generators[name], setup.g_optimizer
            players[name] = init_player(module, optimizer, keys[name], one[OTHER[domain]], ema=bool(setup.ema))
        for domain, name in DISCRIMINATOR.items():
            players[name] = init_player(setup.discriminators[name], setup.d_optimizer, keys[name], one[domain])
        if setup.task is not None:
            players[CLASSIFIER] = frozen(setup.task, keys[CLASSIFIER], one["a"])
        memory = pools_of(setup, {domain: images[0] for domain, images in one.items()})
        return State(jnp.zeros((), jnp.int32), players, memory)

    def step(state: State, batch: Batch, key: Key) -> tuple[State, Metrics]:
        jitter_key, pool_key = jax.random.split(jax.random.fold_in(key, state.step))
        real = images_of(setup, batch, jitter_key)
        fake = {domain: draw(setup, state, domain, real[OTHER[domain]])[0] for domain in OTHER}
        state, metrics = g_step(setup, state, real)
        state, shown = pooled(setup, state, fake, pool_key)
        state, own = d_step(setup, state, real, shown)
        return state.replace(step=state.step + 1), metrics | own

    return Recipe(init=init, step=step, batches_per_step=1, translators=translators(setup))


def images_of(setup: Setup, batch: Batch, key: Key) -> Images:
    """The images of a round, each jittered on its own."""
    found = {}
    for domain, own in zip(OTHER, jax.random.split(key, 2)):
        found[domain] = jittered(setup.jitter, part(batch[domain], 0), own, setup.axis_name)["image"]
    return found


def pools_of(setup: Setup, entries: dict) -> dict:
    """What is remembered before the first round. Args: entries: what the pools are of, by domain."""
    return {"pool": {domain: pool.start(setup.pool, entry) for domain, entry in entries.items()}} if setup.pool else {}


def pooled(setup: Setup, state: State, fake: dict, key: Key) -> tuple[State, dict]:
    """(the state with what was drawn in its pools, what the discriminators are shown in its place), by domain."""
    if not setup.pool:
        return state, fake
    pools, shown = {}, {}
    for domain, own in zip(OTHER, jax.random.split(key, 2)):
        pools[domain], shown[domain] = pool.through(state.memory["pool"][domain], fake[domain], own, setup.axis_name)
    return state.replace(memory={"pool": pools}), shown


def g_step(setup: Setup, state: State, real: Images) -> tuple[State, Metrics]:
    """The step of both generators, against the discriminators as they are now."""

    def loss(params: PyTree):
        variables = {name: state.players[name].variables for name in params}
        metrics, total, games = {}, 0.0, []

        def drawn(domain: str, images: Array) -> Array:
            name = GENERATOR[domain]
            made, variables[name] = draw(
                setup, state, domain, images, variables={"params": params[name], **variables[name]}
            )
            return made

        fake = {domain: drawn(domain, real[other]) for domain, other in OTHER.items()}
        for domain, other in OTHER.items():
            scores = [discriminate(setup, state, domain, images)[0] for images in (real[domain], fake[domain])]
            games.append(setup.game(*scores).g)
            metrics[f"cycle_{domain}"] = apart(drawn(domain, fake[other]), real[domain])
            total += setup.game_weight * games[-1] + setup.cycle * metrics[f"cycle_{domain}"]
            if setup.identity:
                metrics[f"identity_{domain}"] = apart(drawn(domain, real[domain]), real[domain])
                total += setup.identity * setup.cycle * metrics[f"identity_{domain}"]
            if setup.task is not None:
                metrics[f"task_{domain}"] = task_loss(setup.task, state, real[other], fake[domain])
                total += setup.task.weight * metrics[f"task_{domain}"]
        return total, (variables, {"g_loss": sum(games) / 2, **metrics})

    names = tuple(GENERATOR.values())
    state, metrics = descend_together(state, names, loss, setup.g_optimizer, setup.axis_name, norm="g_gradient_norm")
    for name in names if setup.ema else ():
        state = with_player(state, name, update_ema(state.players[name], setup.ema, state.step))
    return state, metrics


def d_step(setup: Setup, state: State, real: Images, fake: Images) -> tuple[State, Metrics]:
    """A step of each discriminator. The metrics are means over both."""
    found = []
    for domain, name in DISCRIMINATOR.items():

        def loss(params: PyTree, domain: str = domain, name: str = name):
            variables, scores = {"params": params, **state.players[name].variables}, []
            for images in (real[domain], fake[domain]):
                score, changed = discriminate(setup, state, domain, images, variables=variables)
                variables, scores = {"params": params, **changed}, [*scores, score]
            game = setup.game(*scores).d
            return game, (changed, {"d_loss": game, **measures.accuracies(*scores, setup.axis_name)})

        state, metrics = descend(state, name, loss, setup.d_optimizer, setup.axis_name, norm="d_gradient_norm")
        found.append(metrics)
    return state, jax.tree.map(lambda a, b: (a + b) / 2, *found)


def apart(a: Array, b: Array) -> Array:
    """E|a - b|, a mean over all numbers (equation 2)."""
    return jnp.mean(jnp.abs(a - b))


def task_loss(task: Task, state: State, images: Array, translated: Array) -> Array:
    """- E log f(translated)[argmax f(images)]: that a classifier sees in both the same (CyCADA, equation 4).

    What it says of the images is no more than a label, of which there is no gradient. Images of which it is not sure count as 0.
    """
    variables = state.players[CLASSIFIER].all_variables

    def log_probabilities(images: Array) -> Array:
        whole = jnp.broadcast_to(images, (*images.shape[:-1], task.channels))
        return jax.nn.log_softmax(task.classifier.apply(variables, whole, train=False)[1]["class_logits"])

    said = log_probabilities(images)
    kept = jnp.take_along_axis(log_probabilities(translated), jnp.argmax(said, axis=-1)[:, None], axis=-1)[:, 0]
    return -jnp.mean(jnp.where(jnp.exp(jnp.max(said, axis=-1)) >= task.sure, kept, 0))


def frozen(task: Task, key: Key, images: Array) -> Player:
    """The task's classifier, which is not trained yet, without an optimizer."""
    return init_player(task.classifier, optax.identity(), key, jnp.zeros((*images.shape[:-1], task.channels)))


def draw(
    setup: Setup, state: State, domain: str, *inputs: Array, variables: PyTree | None = None
) -> tuple[Array, PyTree]:
    """Images of a domain, in training, made of what its generator is given; and that's variables after the pass.

    Args: variables: of the generator, by default its own.
    """
    return apply(setup, state, setup.generators, GENERATOR[domain], *inputs, variables=variables)


def discriminate(
    setup: Setup, state: State, domain: str, images: Array, *, variables: PyTree | None = None
) -> tuple[Array, PyTree]:
    """What a domain's D makes of images, [B, ...]; and its variables after the pass. Args: as `draw`'s."""
    name = DISCRIMINATOR[domain]
    (scores, _), changed = apply(setup, state, setup.discriminators, name, images, variables=variables)
    return scores, changed


def apply(
    setup: Setup,
    state: State,
    modules: Mapping[str, nn.Module],
    name: str,
    *inputs: Array,
    variables: PyTree | None = None,
) -> tuple:
    """(what a player's network makes of inputs in training, its variables after the pass). Args: as `draw`'s."""
    player = state.players[name]
    variables = player.all_variables if variables is None else variables
    options = dict(train=True, mutable=list(player.variables), dtype=setup.dtype)
    return precision.apply(modules[name], variables, *inputs, **options)


def learnt(setup: Setup, state: State, modules: Mapping[str, nn.Module], name: str, *inputs: Array) -> Array:
    """What a player's network makes of inputs once it has learnt, by its moving average if there is one."""
    return modules[name].apply(state.players[name].sampled, *inputs, train=False)


def translators(setup: Setup) -> dict[str, Translator]:
    """How a trained state translates: a_to_b and b_to_a, each the other's way back."""

    def applied(name: str) -> Callable[[State, Array], Array]:
        return lambda state, images: learnt(setup, state, setup.generators, name, images)

    found = {}
    for domain in reversed(OTHER):
        there, back = applied(GENERATOR[domain]), applied(GENERATOR[OTHER[domain]])
        found[GENERATOR[domain]] = Translator(
            ("image",),
            lambda state, example, key, there=there: there(state, example["image"]),
            multiple=setup.multiple,
            domain=OTHER[domain],
            into=domain,
            back=lambda state, example, made, back=back: back(state, made),
        )
    return found
