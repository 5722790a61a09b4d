"""The adversary that stays on what a trained run draws (`latents.manifold`)."""

from functools import cache, partial

import jax

from gan_jax.attacks.gradient import Classify
from gan_jax.attacks.training import Adversary
from gan_jax.data import Source
from gan_jax.latents import manifold
from gan_jax.latents.inversion import PROJECTIONS
from gan_jax.randomness import Key
from gan_jax.runs.restore import TrainedRun, restore

STEPS = 5


def open_generator(workdir: str | None, source: Source) -> TrainedRun:
    """The run of a directory. Raises ValueError or OSError unless it draws such images, each in the class that is asked for."""
    if workdir is None:
        raise ValueError("adversarial=manifold: --generator=RUN is needed, the directory of a class-conditional run")
    run = restore(workdir)
    if run.sampler.prior not in PROJECTIONS or not run.sampler.takes("label"):
        raise ValueError(f"generator={workdir}: a run of {run.experiment}, which cannot be asked for a class")
    own, wanted = (run.spec.image_shape, run.spec.classes), (source.spec["image"].shape, source.classes)
    if own != wanted:
        raise ValueError(
            f"generator={workdir} draws images {own[0]} of {len(own[1])} classes, not {wanted[0]} of {len(wanted[1])}"
        )
    return run


def adversary(workdir: str, epsilon: float) -> Adversary:
    """Its generator is read when it is first needed: a classifier that has learnt does without."""
    opened = cache(partial(_adversary, workdir, epsilon))

    def attack(classify: Classify, images: jax.Array, labels: jax.Array, keys: Key) -> jax.Array:
        return opened()(classify, images, labels, keys)

    return attack


def _adversary(workdir: str, epsilon: float) -> Adversary:
    with jax.ensure_compile_time_eval():  # it is read while a step is traced
        run = restore(workdir)
    sampler, state = run.sampler, run.state
    return manifold.adversary(
        lambda keys: sampler.latents(keys, len(keys)),
        lambda latents, labels: sampler.generate(state, latents, {"label": labels}),
        PROJECTIONS[sampler.prior],
        epsilon,
        steps=STEPS,
    )
