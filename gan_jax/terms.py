"""Terms: what is added to a player's loss beside the game's own.

A term is a weight and a function of `LossInputs`, that is, of all that one pass of D over real and fake images shows. A
trick that changes a loss becomes a function here (or in `penalties`), and the steps need not know of it.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax

from gan_jax.devices import batch_mean
from gan_jax.penalties import Critic, Penalty
from gan_jax.randomness import Key

Array = jax.Array


class Given(NamedTuple):
    """Real and fake images as they are before D's augmentation, packed as D sees them, and a critic that augments them first.

    Each image is augmented as it was for D, so real_scores are critic(real).
    """

    real: Array
    fake: Array
    critic: Critic


class LossInputs(NamedTuple):
    """A batch of real and one of fake images, as D sees them, and what D makes of them.

    Fields:
      real, fake: images [B, ...], augmented; the i-th of both alike.
      real_scores, fake_scores: raw scores [B, ...].
      real_out, fake_out: D's further outputs, such as {"features": [B, ...]}.
      critic: images [B, ...] as D sees them -> raw scores, with the same weights and condition.
      given: the same images and critic before D's augmentation.
      keys: one key per image (or pack), [B], which follows it to whichever device it is on.
      step: rounds played before this one, int32 [].
      condition: what both networks were given beside the image, {"label": int32 [B]} say; None where there is nothing.
      target: the images [B, ...] that the fake ones are to equal, augmented like them; None where there are none.
    """

    real: Array
    fake: Array
    real_scores: Array
    fake_scores: Array
    real_out: dict[str, Array]
    fake_out: dict[str, Array]
    critic: Critic
    given: Given
    keys: Key
    step: Array
    condition: dict | None = None
    target: Array | None = None


class Term(NamedTuple):
    """weight * value(inputs) is added to the loss; value(inputs), a scalar, is recorded under the term's name.

    The weight may be a schedule as optax has them, a function of inputs.step. With `every` k the term is lazy: it is there in
    every k-th round only, the first one included, with k times the weight; the others have 0 and do not record it.
    (Karras et al. 2020, StyleGAN2, arXiv:1912.04958, section 3.1, without their correction of Adam's rate and β. A round that
    has a term of D's loss has it in all its D-steps.)
    """

    weight: float | optax.Schedule
    value: Callable[[LossInputs], Array]
    every: int = 1

    def __call__(self, inputs: LossInputs) -> tuple[Array, Array]:
        """(what is recorded, what is added to the loss)."""
        now = lambda: self.value(inputs)
        value = now() if self.every == 1 else jax.lax.cond(inputs.step % self.every == 0, now, lambda: jnp.zeros(()))
        weight = self.weight(inputs.step) if callable(self.weight) else self.weight
        return value, value * (self.every * weight)


def penalty(function: Penalty, weight: float | optax.Schedule, *, every: int = 1, seen: bool = False) -> Term:
    """A penalty as a term: of the slope in the images as they are given, through the augmentation (as StyleGAN2-ADA's R1 is).

    Args: seen: of D's own slope in the images as it sees them.
    """

    def value(inputs: LossInputs) -> Array:
        of = Given(inputs.real, inputs.fake, inputs.critic) if seen else inputs.given
        return function(of.critic, of.real, of.fake, inputs.keys)

    return Term(weight, value, every)


def feature_matching(weight: float = 1.0, *, axis_name: str | None = None) -> Term:
    """‖E f(x) - E f(G(z))‖², f D's features: G's objective in Salimans et al. 2016 (arXiv:1606.03498, section 3.1).

    f is D's output "features", [B, ...]; the expectations are means over the batch, the norm is over all else.

    Args: axis_name: the mapped axis over which the batch is spread: the means are the whole batch's.
    """

    def value(inputs: LossInputs) -> Array:
        real, fake = (batch_mean(out["features"], axis_name, 0) for out in (inputs.real_out, inputs.fake_out))
        return jnp.sum((real - fake) ** 2)

    return Term(weight, value)


def auxiliary(weight: float = 1.0, *, real: bool) -> Term:
    """-E log P(C = c | image), by D's output "class_logits", [B, K], of the classes that the images are asked for.

    AC-GAN's L_C (Odena et al. 2017, arXiv:1610.09585, equation 3): of real and fake images, the sum, for D; for G, of the fake
    ones, which alone depend on it.

    Args: real: whether real images count too.
    """

    def value(inputs: LossInputs) -> Array:
        outs = [inputs.fake_out, *[inputs.real_out] * real]
        label = inputs.condition["label"]
        each = [optax.softmax_cross_entropy_with_integer_labels(out["class_logits"], label) for out in outs]
        return sum(map(jnp.mean, each))

    return Term(weight, value)


def drift(weight: float = 0.001) -> Term:
    """E D(x)², which keeps a critic's scores from drifting away (Karras et al. 2018, arXiv:1710.10196, appendix A.1)."""
    return Term(weight, lambda inputs: jnp.mean(inputs.real_scores**2))


def sparse(*terms: Mapping[str, Term]) -> dict[str, int]:
    """Of terms by name, those that only every k-th round has: {"r1_penalty": 8}, as `Recipe.every` takes them."""
    return {name: term.every for each in terms for name, term in each.items() if term.every > 1}
