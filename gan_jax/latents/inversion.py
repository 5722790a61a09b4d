"""Latents by gradient descent, kept in what latents are drawn from: of given images, or of the highest score.

The generator's weights stay as they are. Inversion: Zhu et al. 2016 (arXiv:1609.03552), Creswell & Bharath 2016
(arXiv:1611.05644). A score in the place of an image: Nguyen et al. 2016 (arXiv:1605.09304).
"""

from collections import deque
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy import stats
from tqdm import tqdm

from gan_jax.randomness import Key

SHELL = 0.999  # how many of all normal latents have norms that `onto_shell` leaves alone
SMALL = 1e-3  # how far, relative to latents' length, one looks for whether a gradient leads out of the prior

Array = jax.Array
Generate = Callable[[Array], Array]  # latents [n, d] -> images [n, H, W, C] in [-1, 1]
Loss = Callable[..., Array]  # latents [n, d], maybe more -> losses [n], each of its own latent alone
Project = Callable[[Array], Array]  # latents [n, d] -> the nearest that can be drawn


class Found(NamedTuple):
    """Latents [N, d], and the mean squared errors [N] of their images' pixels, in [-1, 1] (`squared_errors`)."""

    latents: np.ndarray
    errors: np.ndarray


def shell(size: int) -> tuple[float, float]:
    """Between which norms normal latents of a size are, but one in a thousand: quantiles of χ; [7.7, 12.4] for 100."""
    return tuple(map(float, stats.chi.ppf([(1 - SHELL) / 2, (1 + SHELL) / 2], size)))


def onto_shell(latents: Array) -> Array:
    """Latents [n, d], those whose norms are outside `shell` at its nearer side.

    Normal latents all have norms near √d, so what a generator draws of others it was never trained to draw.
    """
    norms = jnp.linalg.norm(latents, axis=-1, keepdims=True)
    return latents * (jnp.clip(norms, *shell(latents.shape[-1])) / jnp.maximum(norms, jnp.finfo(norms.dtype).tiny))


def into_box(latents: Array) -> Array:
    """Latents [n, d], each number clipped to [-1, 1].

    Where what is outside is drawn anew instead (Lipton & Tripathi 2017, arXiv:1702.04782), inversion ended with errors
    1.5 to 5 times as large after as many steps of Adam, on a DCGAN of digits.
    """
    return jnp.clip(latents, -1, 1)


PROJECTIONS: dict[str, Project] = {"normal": onto_shell, "uniform": into_box}  # by the names in randomness.PRIORS


def gradient_mapping(project: Project, latents: Array, gradients: Array) -> Array:
    """Gradients [n, d] without what leads out of the prior: (z - P(z - εg)) / ε, ε small (Nesterov 2004, 2.2.3).

    Adam, which gives each number a step of its own size, would turn what leads straight out into a way along the
    border.
    """
    norms = jnp.linalg.norm(gradients, axis=-1, keepdims=True)
    size = SMALL * latents.shape[-1] ** 0.5 / jnp.maximum(norms, 1e-20)  # a thousandth of a normal latent's length
    return (latents - project(latents - size * gradients)) / size


def descend(
    loss: Loss,
    latents: Array,
    project: Project,
    *,
    steps: int,
    rate: float,
    given: tuple[Array, ...] = (),
    penalty: Loss | None = None,
) -> Iterator[tuple[Array, Array]]:
    """Yields latents [n, d] and their losses [n] before the first step and after each: steps + 1 times.

    Each latent goes its own way, whatever others are beside it: Adam's, at a rate that falls to 0 along a cosine, and
    projected after each step.

    Args:
      latents: the first, [n, d], of the prior; project: a value of PROJECTIONS.
      given: what else the loss takes, loss(latents, *given). With the same loss, all of such shapes are compiled once.
      penalty: what is added to the loss in the descent, and not to what is yielded: latents [n, d] -> [n].
    """
    optimizer, step = _descent(loss, project, steps, rate, penalty)
    state = optimizer.init(latents)
    for _ in range(steps + 1):
        after, state, losses = step(latents, state, *given)
        yield latents, losses
        latents = after


@lru_cache(maxsize=8)
def _descent(
    loss: Loss, project: Project, steps: int, rate: float, penalty: Loss | None
) -> tuple[optax.GradientTransformation, Callable]:
    optimizer = optax.adam(optax.cosine_decay_schedule(rate, max(steps, 1)))

    def total(latents: Array, *given: Array) -> tuple[Array, Array]:
        losses = loss(latents, *given)
        return jnp.sum(losses if penalty is None else losses + penalty(latents)), losses

    @jax.jit
    def step(latents: Array, state: optax.OptState, *given: Array) -> tuple[Array, optax.OptState, Array]:
        gradients, losses = jax.grad(total, has_aux=True)(latents, *given)
        updates, state = optimizer.update(gradient_mapping(project, latents, gradients), state)
        return project(optax.apply_updates(latents, updates)), state, losses

    return optimizer, step


def invert(
    generate: Generate,
    targets: np.ndarray,
    starts: np.ndarray,
    project: Project,
    *,
    steps: int,
    rate: float,
    tolerance: float = 0.0,
    penalty: Loss | None = None,
    title: str = "",
) -> Found:
    """Of each image the latent whose own image is nearest, pixel by pixel, of all that `descend` meets from its starts.

    Args:
      targets: images [N, H, W, C] in [-1, 1].
      starts: of each, [N, S, d]; `nearest_starts` finds good ones.
      project, steps, rate, penalty: as `descend` takes them; tolerance: as `squared_errors`.
      title: of the progress bar; "" for no bar.
    """
    how = dict(steps=steps, rate=rate, tolerance=tolerance, penalty=penalty)
    found = nearing(generate, targets, starts, project, **how)
    bar = tqdm(found, total=steps + 1, desc=title, disable=not title, leave=False, dynamic_ncols=True)
    return deque(bar, maxlen=1).pop()()


def nearing(
    generate: Generate,
    targets: np.ndarray,
    starts: np.ndarray,
    project: Project,
    *,
    steps: int,
    rate: float,
    tolerance: float = 0.0,
    penalty: Loss | None = None,
) -> Iterator[Callable[[], Found]]:
    """As `invert`, but yields before the first step and after each () -> what is nearest so far, which waits for it."""
    count, tried, size = starts.shape
    wanted = jnp.repeat(jnp.asarray(targets, jnp.float32), tried, axis=0)
    first = jnp.reshape(starts, (count * tried, size))
    how = dict(steps=steps, rate=rate, given=(wanted,), penalty=penalty)
    descent = descend(_pixels(generate, tolerance), first, project, **how)

    def best(latents: Array, errors: Array) -> Found:
        latents, errors = np.asarray(latents).reshape(starts.shape), np.asarray(errors).reshape(count, tried)
        places = np.arange(count), errors.argmin(axis=1)
        return Found(latents[places], errors[places])

    latents, errors = next(descent)
    yield partial(best, latents, errors)
    for others, theirs in descent:
        latents = jnp.where((theirs < errors)[:, None], others, latents)
        errors = jnp.fmin(theirs, errors)
        yield partial(best, latents, errors)


@lru_cache(maxsize=8)
def _pixels(generate: Generate, tolerance: float) -> Loss:
    return lambda latents, wanted: squared_errors(generate(latents), wanted, tolerance)


def squared_errors(images: Array, targets: Array, tolerance: float) -> Array:
    """Means [N] of what is left of the errors of images [N, H, W, C] beyond a tolerance, squared.

    With one an image is as near as can be if no number differs by more: where it is known by how much targets were changed, as L∞
    bounds an attack, what is undone is that much, and not what is learnt of it.
    """
    return jnp.mean(jnp.maximum(jnp.abs(images - targets) - tolerance, 0) ** 2, axis=(1, 2, 3))


def smoothed(loss: Loss, key: Key, *, width: float, draws: int = 4) -> Loss:
    """The mean loss of `draws` latents about each, z + width · ε, ε normal and the same for all; the loss with width 0.

    A classifier can be sure of a class at single points of a slope, where nobody sees it. Gradients that are averaged
    over neighbours (Smilkov et al. 2017, arXiv:1706.03825) lead to latents whose neighbours have the class too: of 160
    digits that a DCGAN was led to so, another classifier saw the class in 97 %, and without it in 88 %.
    """
    if not width:
        return loss

    def mean(latents: Array) -> Array:
        aside = width * jax.random.normal(key, (draws, 1, latents.shape[-1]))
        about = (latents + aside).reshape(-1, latents.shape[-1])
        return jnp.mean(loss(about).reshape(draws, -1), axis=0)

    return mean


def nearest_starts(
    targets: np.ndarray, images: np.ndarray, latents: np.ndarray, count: int, tolerance: float = 0.0
) -> np.ndarray:
    """Of latents [M, d] of images [M, H, W, C] those of the `count` nearest each target [N, H, W, C]: [N, count, d].

    Nearest by `squared_errors`. Raises ValueError unless M ≥ count > 0.
    """
    if not 0 < count <= len(latents):
        raise ValueError(f"count={count}: must be from 1 to {len(latents)}, the number of latents")
    far = _far(jnp.asarray(targets), jnp.asarray(images), tolerance)
    return latents[np.asarray(jax.lax.top_k(-far, count)[1])]


@partial(jax.jit, static_argnums=2)
def _far(targets: Array, images: Array, tolerance: float) -> Array:
    return jax.lax.map(lambda target: squared_errors(images, target, tolerance), targets)


def class_difference(latents: np.ndarray, classes: np.ndarray, first: int, second: int) -> np.ndarray:
    """From the mean of the first class's latents to that of the second's, [d].

    Radford et al. 2016, arXiv:1511.06434, section 6.3.2.

    Args: latents: [n, d]; classes: of their images, int [n]. Raises ValueError if one of both has no latents.
    """
    means = []
    for number in (first, second):
        if not (classes == number).any():
            raise ValueError(f"of {len(latents)} latents none has an image of class {number}")
        means.append(latents[classes == number].mean(axis=0))
    return means[1] - means[0]
