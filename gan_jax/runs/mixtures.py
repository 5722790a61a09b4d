"""Training of many trials on a mixture of Gaussians, and what is measured and drawn of them."""

import time
from collections.abc import Callable, Iterator
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from PIL import Image

from gan_jax import augment
from gan_jax.data import example_batch
from gan_jax.data import mixtures as mixture_data
from gan_jax.data.mixtures import Mixture
from gan_jax.evaluation.modes import Modes, mode_quality
from gan_jax.pictures import grids
from gan_jax.pictures.plane import plane
from gan_jax.randomness import Key
from gan_jax.recipes import gan
from gan_jax.recipes.contract import Batch, State
from gan_jax.recipes.trials import one, trials
from gan_jax.runs import training
from gan_jax.runs.training import Run
from gan_jax.training import loop, parallel

SAMPLES = 2500  # that a trial is measured by
SHOWN = 1000  # points in a picture
FIELD = 128  # pixels a side of the critic's field


def train(run: Run, setup: gan.Setup, mixture: Mixture) -> None:
    """Trains all trials of a run from where they stand to config.run.steps, and measures them. Args: setup: one trial's."""
    config, recipe = run.config, run.phases[0].recipe
    seeds = [config.run.seed + k for k in range(config.trials)]
    batches = partial(
        mixture_data.batches,
        mixture,
        batch_size=config.run.batch_size,
        batches_per_step=recipe.batches_per_step,
        process_index=jax.process_index(),
        process_count=jax.process_count(),
    )
    init_keys, step_keys, sample_keys = _keys(seeds)
    state = jax.jit(recipe.init)(init_keys, example_batch(run.data.spec.example))
    draw = jax.jit(recipe.sampler.sample, static_argnums=2)
    show = _picture(run, setup, mixture, partial(draw, key=sample_keys, n=SHOWN))
    hooks = (loop.Hook(config.run.sample_every, show),)
    run = run._replace(batches=lambda step: batches(seeds=seeds, start_step=step))
    result = training.fit(run, hooks, state, step_keys)
    if jax.process_index() > 0:
        return
    samples = np.asarray(draw(parallel.local(result.state), sample_keys, SAMPLES)) * mixture.scale
    data = mixture.draw(np.random.default_rng([config.run.seed, config.run.seed, 0]), SHOWN)
    grids.save(plane([x[:SHOWN] for x in samples], data, extent(mixture)), run.workdir / "trials.png")
    summary = summarise([mode_quality(points, mixture) for points in samples])
    training.finish(run, result, lambda state: summary)
    modes, quality, kl = measures(summary)
    print(f"  {run.workdir / 'trials.png'}  samples of all trials")
    print(f"modes {modes} of {len(mixture.centers)}, high quality {quality}, reverse KL {kl}")
    if result.metrics and config.trials > 1 and jax.process_count() == 1:
        alone = _seconds_of_one(setup, batches(seeds=seeds[:1]), init_keys[:1], step_keys[:1], result.steps)
        print(
            f"time: {result.steps} rounds of {config.trials} trials {result.seconds:.0f} s with all pictures and saving; "
            f"of one alone {alone:.0f} s without, by rounds timed just now"
        )


def extent(mixture: Mixture) -> float:
    """Pictures show [-extent, extent]²."""
    return 1.3 * float(np.abs(mixture.centers).max())


def measures(summary: dict) -> list[str]:
    """Of all trials the modes, high quality and reverse KL, each as mean ± standard deviation."""
    modes, quality, kl = (summary[name] for name in Modes._fields)
    return [
        f"{modes['mean']:.1f} ± {modes['std']:.1f}",
        f"{100 * quality['mean']:.1f} ± {100 * quality['std']:.1f} %",
        f"{kl['mean']:.3f} ± {kl['std']:.3f}",
    ]


def summarise(measured: list[Modes]) -> dict[str, dict]:
    """Each measure's mean and standard deviation (ddof 1; 0 of a single trial), and every trial's value."""
    columns = {name: [getattr(trial, name) for trial in measured] for name in Modes._fields}
    deviation = lambda values: float(np.std(values, ddof=1)) if len(values) > 1 else 0.0
    return {
        name: {"mean": float(np.mean(values)), "std": deviation(values), "trials": values}
        for name, values in columns.items()
    }


def _picture(
    run: Run, setup: gan.Setup, mixture: Mixture, draw: Callable[[State], jax.Array]
) -> Callable[[int, State], None]:
    """What saves the picture of the first trial's samples and its critic's field."""
    seed, score = run.config.run.seed, jax.jit(partial(_field, setup))
    data = mixture.draw(np.random.default_rng([seed, seed, 0]), SHOWN)

    def save(step: int, state: State) -> None:
        points = np.asarray(draw(state))[0] * mixture.scale
        # With layers that look at the batch, a score is not a function of the point alone.
        alone = run.config.players.minibatch == "none"
        field = np.asarray(score(one(state, 0), extent(mixture) / mixture.scale)) if alone else None
        picture: Image.Image = plane([points], data, extent(mixture), field=field)
        grids.save(picture, run.workdir / "samples" / f"{step:06d}.png")

    return save


def _keys(seeds: list[int]) -> Key:
    """For init, the steps and samples: three keys of each trial, [3, T]."""
    return jnp.stack([jax.random.split(jax.random.key(seed), 3) for seed in seeds], axis=1)


def _field(setup: gan.Setup, state: State, extent: float) -> jax.Array:
    """Scores of the points of a grid over [-extent, extent]², [FIELD, FIELD], rows from the smallest y up."""
    ticks = jnp.linspace(-extent, extent, FIELD)
    points = jnp.stack(jnp.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)
    packs = augment.pack(jnp.repeat(points, setup.pack, axis=0), setup.pack)
    variables = state.players["discriminator"].all_variables
    scores, _ = setup.discriminator.apply(variables, packs, train=False)
    return scores.reshape(FIELD, FIELD)


def _seconds_of_one(setup: gan.Setup, batches: Iterator[Batch], init_key: Key, step_key: Key, rounds: int) -> float:
    """What `rounds` rounds of one trial take, with their compilation, by the next 500 at most."""
    recipe = trials(gan.make(setup))
    state = parallel.replicate(jax.jit(recipe.init)(init_key, next(batches)))
    step = parallel.compile_step(recipe.step)
    began = time.perf_counter()
    state, _ = jax.block_until_ready(step(state, parallel.shard_batch(next(batches)), step_key))
    compiled = time.perf_counter()
    timed = min(rounds, 500)
    for i in range(timed):
        state, metrics = step(state, parallel.shard_batch(next(batches)), step_key)
        if i % 10 == 9:  # as in training
            jax.block_until_ready(metrics)
    jax.block_until_ready(state)
    return compiled - began + rounds * (time.perf_counter() - compiled) / timed
