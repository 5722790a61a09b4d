"""SPADE: normalisation whose gain and bias a label map says, place by place (Park et al. 2019, arXiv:1903.07291, section 3)."""

import jax
from flax import linen as nn

from gan_jax.layers.conv import Conv
from gan_jax.layers.norm import by_batch

Array = jax.Array
INIT = nn.initializers.variance_scaling(
    0.02**2, "fan_avg", "normal"
)  # Xavier times 0.02, as the authors begin everywhere


class Spade(nn.Module):
    """(x - μ)/√(σ² + ε) (1 + γ(labels)) + β(labels), μ and σ of the batch: [B, H, W, C] -> the same shape.

    γ and β are convolutions of 3×3 of what a convolution of 3×3 makes of the labels; where both give 0 it is plain normalisation.

    Fields: train, axis_name: as `norm.BatchNorm`'s; hidden: channels between the labels and both.
    Collection "batch_stats": mean [C], var [C].
    """

    train: bool
    axis_name: str | None = None
    hidden: int = 128

    @nn.compact
    def __call__(self, x: Array, labels: Array) -> Array:
        """x [B, H, W, C], labels one-hot [B, h, w, K], which are resized to x's, by the nearest."""
        nearest = jax.image.resize(labels, (*labels.shape[:1], *x.shape[1:3], labels.shape[-1]), "nearest")
        hidden = nn.relu(Conv(self.hidden, 3, kernel_init=INIT, name="shared")(nearest))
        gain, bias = (Conv(x.shape[-1], 3, kernel_init=INIT, name=name)(hidden) for name in ("gain", "bias"))
        return by_batch(self, x, 1 + gain, bias)
