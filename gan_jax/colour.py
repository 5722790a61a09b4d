"""Colours as people see them: sRGB in [-1, 1] to CIELAB and back, and colours of a given lightness.

IEC 61966-2-1 (sRGB) and CIE 15 (L*a*b*), white D65. L is from 0 to 100 and says how light a colour is; a and b say which it is, and
are 0 for grays. L depends on the luminance Y alone, which is linear in linear RGB.
"""

import jax
import jax.numpy as jnp
import numpy as np

Array = jax.Array

_XYZ = np.array(  # of linear RGB's primaries
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
TO_XYZ = _XYZ / _XYZ.sum(axis=1, keepdims=True)  # over white's, so that white is (1, 1, 1)
LUMINANCE = TO_XYZ[1]
DELTA = 6 / 29
AB = 110.0  # a and b of sRGB lie about within ± this


def linear(images: Array) -> Array:
    """sRGB in [-1, 1] to linear RGB in [0, 1], of any shape; NumPy's arrays stay such."""
    own, x = images.__array_namespace__(), (images + 1) / 2
    return own.where(x <= 0.04045, x / 12.92, ((own.maximum(x, 0.04045) + 0.055) / 1.055) ** 2.4)


def encoded(rgb: Array) -> Array:
    """Linear RGB in [0, 1] to sRGB in [-1, 1]."""
    x = jnp.where(rgb <= 0.0031308, 12.92 * rgb, 1.055 * jnp.maximum(rgb, 0.0031308) ** (1 / 2.4) - 0.055)
    return 2 * x - 1


def to_lab(images: Array) -> Array:
    """sRGB [..., 3] in [-1, 1] to (L, a, b) [..., 3]."""
    x, y, z = jnp.moveaxis(_f(linear(images) @ TO_XYZ.T), -1, 0)
    return jnp.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def lightness(images: Array) -> Array:
    """sRGB [..., 3] in [-1, 1] to the gray [..., 1] in [-1, 1] of the same L."""
    return encoded(linear(images) @ LUMINANCE)[..., None]


def with_lightness(gray: Array, ab: Array) -> Array:
    """The colours (a, b) [..., 2], in units of AB, in the lightness of a gray [..., 1]: sRGB [..., 3] in [-1, 1].

    A colour that sRGB does not have at this L becomes paler, on the line to the gray, until it has: so L is exactly the gray's.
    """
    luminance = linear(gray)
    y = _f(luminance[..., 0])
    a, b = AB * ab[..., 0], AB * ab[..., 1]
    rgb = _f_inverse(jnp.stack([y + a / 500, y, y - b / 200], axis=-1)) @ np.linalg.inv(TO_XYZ).T
    away = rgb - luminance
    # How far one may go along `away` until a channel is 0 or 1; 1: all the way.
    room = jnp.where(away > 0, 1 - luminance, luminance)
    share = jnp.min(jnp.minimum(1.0, room / jnp.maximum(jnp.abs(away), 1e-8)), axis=-1, keepdims=True)
    return encoded(jnp.clip(luminance + share * away, 0, 1))


def _f(t: Array) -> Array:
    return jnp.where(t > DELTA**3, jnp.maximum(t, DELTA**3) ** (1 / 3), t / (3 * DELTA**2) + 4 / 29)


def _f_inverse(u: Array) -> Array:
    return jnp.where(u > DELTA, u**3, 3 * DELTA**2 * (u - 4 / 29))
