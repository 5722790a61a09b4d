"""Mixtures of Gaussians in the plane: which modes does a game lose? Ten trials at once, by jax.vmap.

    python -m experiments.mixture2d --mixture=grid25
    python -m experiments.mixture2d --mixture=ring8 --game=minmax --trials=1

The measures are PacGAN's (Lin et al. 2018, arXiv:1712.04086): of 2,500 samples, how many modes they cover, how many lie
within 3σ of a mode, and how evenly they are shared out. Rates (images/s) are of one trial, all trials going on.
"""

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
from absl import flags
from flax import linen as nn

from experiments import common, gan_flags
from experiments.presets import PRESETS, require_known
from gan_jax import loop, pictures, views
from gan_jax.data import mixtures
from gan_jax.data.mixtures import MIXTURES, Mixture
from gan_jax.evaluation.modes import Modes, mode_quality
from gan_jax.networks import mlp
from gan_jax.recipe import Batch
from gan_jax.recipes import gan
from gan_jax.trials import one, trials

SAMPLES = 2500  # that a trial is measured by
SHOWN = 1000  # points in a picture
FIELD = 128  # pixels a side of the critic's field

DEFAULTS = dict(game="r3gan", steps=20000, batch_size=128, latent_size=2, sample_every=1000, hidden=["128"] * 4)
# The slope of the rectifiers is that of most discriminators. tanh's plateaus are what makes G's points so sharp.
ACTIVATIONS = {"tanh": nn.tanh, "leaky_relu": partial(nn.leaky_relu, negative_slope=0.2)}

flags.DEFINE_string("mixture", "ring8", f"What to learn: {', '.join(MIXTURES)}.")
flags.DEFINE_integer("trials", 10, "GANs trained at once; trial k is the single run of seed + k.", lower_bound=1)
flags.DEFINE_list("d_hidden", ["128"] * 3, "D's hidden sizes; --hidden are G's.")
flags.DEFINE_string("g_activation", "tanh", f"Of G's hidden layers: {', '.join(ACTIVATIONS)}. D has leaky_relu.")
flags.adopt_module_key_flags(common)
flags.adopt_module_key_flags(gan_flags)


def resolve(config: SimpleNamespace) -> SimpleNamespace:
    """The configuration with all defaults filled in. Raises ValueError for unknown names and values out of range."""
    require_known("mixture", config.mixture, MIXTURES)
    require_known("g_activation", config.g_activation, ACTIVATIONS)
    require_known("game", config.game, PRESETS)
    for name in ("d_shift", "d_turn", "d_zoom"):
        if getattr(config, name):
            raise ValueError(f"{name}={getattr(config, name)}: that is for images, and these are points")
    brought = dict(g_norm="none", d_norm="none", decay_rounds=config.steps, lr_decay="cosine")
    if PRESETS[config.game]["optimizer"] == "adam":
        brought |= dict(d_lr=2e-3, g_lr=2e-3, beta1=0.0, beta2=0.99)
    if config.game == "r3gan" and config.penalty is None:
        brought |= dict(penalty_end=0.001)  # R1 and R2 first spread G over all modes; then D must become steep
    return gan_flags.resolve(config, **brought)


def make_setup(config: SimpleNamespace) -> gan.Setup:
    """One trial's."""
    activation = ACTIVATIONS[config.g_activation]
    generator = mlp.Generator(
        (2,), gan_flags.sizes(config.hidden), activation, norm=config.g_norm, bounded=False, axis_name=loop.AXIS
    )
    return gan.Setup(
        gan_flags.with_reference(config, generator),
        mlp.Discriminator(
            gan_flags.sizes(config.d_hidden, "d_hidden"), ACTIVATIONS["leaky_relu"], **gan_flags.d_fields(config)
        ),
        **gan_flags.fields(config),
    )


def prepare(config: SimpleNamespace) -> common.Train:
    """All that comes before training, and what trains. Raises ValueError or OSError."""
    config = resolve(config)
    common.require_shares(config)
    mixture = MIXTURES[config.mixture]
    setup = make_setup(config)
    workdir = common.open_workdir("mixture2d", config, config.mixture, (2,))
    return partial(train, setup, mixture, config, workdir)


def train(setup: gan.Setup, mixture: Mixture, config: SimpleNamespace, workdir: Path) -> None:
    """Trains all trials in `workdir` from where they stand to config.steps, and measures them."""
    recipe = trials(gan.make(setup))
    seeds = [config.seed + k for k in range(config.trials)]
    batches = partial(
        mixtures.batches,
        mixture,
        batch_size=config.batch_size,
        parts=recipe.parts,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    init_keys, step_keys, sample_keys = _keys(seeds)
    state = jax.jit(recipe.init)(init_keys, {"image": np.zeros((1, 1, config.trials, 2), np.float32)})
    draw = jax.jit(recipe.sample, static_argnums=2)
    score = jax.jit(partial(_field, setup))
    extent = 1.3 * np.abs(mixture.centers).max()
    data = mixture.draw(np.random.default_rng([config.seed, config.seed, 0]), SHOWN)

    def save_picture(step: int, state) -> None:
        points = np.asarray(draw(state, sample_keys, SHOWN))[0] * mixture.scale
        # With layers that look at the batch, a score is not a function of the point alone.
        field = None if config.minibatch != "none" else np.asarray(score(one(state, 0), extent / mixture.scale))
        pictures.save(pictures.plane([points], data, extent, field=field), workdir / "samples" / f"{step:06d}.png")

    hooks = (loop.Hook(config.sample_every, save_picture),)
    result = common.fit(
        recipe, state, lambda step: batches(seeds=seeds, start_step=step), step_keys, hooks, config, workdir
    )
    if jax.process_index() > 0:
        return
    samples = np.asarray(draw(loop.local(result.state), sample_keys, SAMPLES)) * mixture.scale
    pictures.save(pictures.plane([x[:SHOWN] for x in samples], data, extent), workdir / "trials.png")
    summary = _summary([mode_quality(points, mixture) for points in samples])
    common.finish(result, config, workdir, **summary)
    modes, quality, kl = measures(summary)
    print(f"  {workdir / 'trials.png'}  samples of all trials")
    print(f"modes {modes} of {len(mixture.centers)}, high quality {quality}, reverse KL {kl}")
    if result.metrics and config.trials > 1 and jax.process_count() == 1:
        alone = _seconds_of_one(setup, batches(seeds=seeds[:1]), init_keys[:1], step_keys[:1], result.steps)
        print(
            f"time: {result.steps} rounds of {config.trials} trials {result.seconds:.0f} s with all pictures and saving; "
            f"of one alone {alone:.0f} s without, by rounds timed just now"
        )


def measures(summary: dict) -> list[str]:
    """Of all trials the modes, high quality and reverse KL, each as mean ± standard deviation."""
    modes, quality, kl = (summary[name] for name in Modes._fields)
    return [
        f"{modes['mean']:.1f} ± {modes['std']:.1f}",
        f"{100 * quality['mean']:.1f} ± {100 * quality['std']:.1f} %",
        f"{kl['mean']:.3f} ± {kl['std']:.3f}",
    ]


def _summary(measured: list[Modes]) -> dict[str, dict]:
    """Each measure's mean and standard deviation (ddof 1; 0 of a single trial), and every trial's value."""
    columns = {name: [getattr(trial, name) for trial in measured] for name in Modes._fields}
    deviation = lambda values: float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {
        name: {"mean": float(np.mean(values)), "std": deviation(values), "trials": values}
        for name, values in columns.items()
    }


def _keys(seeds: list[int]) -> jax.Array:
    """For init, the steps and samples: three keys of each trial, [3, T]."""
    return jnp.stack([jax.random.split(jax.random.key(seed), 3) for seed in seeds], axis=1)


def _field(setup: gan.Setup, state: gan.State, extent: float) -> jax.Array:
    """Scores of the points of a grid over [-extent, extent]², [FIELD, FIELD], rows from the smallest y up."""
    ticks = jnp.linspace(-extent, extent, FIELD)
    points = jnp.stack(jnp.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    packs = views.pack(jnp.repeat(points, setup.pack, axis=0), setup.pack)
    scores, _ = setup.discriminator.apply(state.discriminator.all_variables, packs, train=False)
    return scores.reshape(FIELD, FIELD)


def _seconds_of_one(setup: gan.Setup, batches: Iterator[Batch], init_key, step_key, rounds: int) -> float:
    """What `rounds` rounds of one trial take, with their compilation, by the next 500 at most."""
    recipe = trials(gan.make(setup))
    state = loop.on_all_devices(jax.jit(recipe.init)(init_key, next(batches)))
    play = loop.on_every_share(recipe.step)
    began = time.perf_counter()
    state, _ = jax.block_until_ready(play(state, loop.over_devices(next(batches)), step_key))
    compiled = time.perf_counter()
    timed = min(rounds, 500)
    for i in range(timed):
        state, metrics = play(state, loop.over_devices(next(batches)), step_key)
        if i % 10 == 9:  # as in training
            jax.block_until_ready(metrics)
    jax.block_until_ready(state)
    return compiled - began + rounds * (time.perf_counter() - compiled) / timed


if __name__ == "__main__":
    common.launch(prepare, DEFAULTS)
