"""A look at what was decoded: images that nothing can be learnt from, as nearly black ones, say so in a figure."""

import numpy as np

from gan_jax.data.source import Source

LOOKED_AT = 64  # images, from first to last
DARK = 64  # of 255: 14-bit data in files of 16 bits goes up to 63
ALMOST_ALL = 99.9  # per cent of the values: a bright dot does not make a dark image bright


def warnings(source: Source) -> list[str]:
    """What is strange about 8-bit images: one value everywhere, one in each, all equal, or all dark. [] if nothing is."""
    field = source.spec.get("image")
    if field is None or field.dtype != np.uint8 or not len(source):
        return []
    rows = np.unique(np.linspace(0, len(source) - 1, LOOKED_AT).astype(np.int64))
    images = source[rows]["image"]
    flat = images.reshape(len(images), -1)
    some = f"{len(images)} of {len(source):,} images"
    if (flat == flat[0, 0]).all():
        return [f"every value of {some} is {flat[0, 0]} of 255"]
    if images.ndim == 4 and (images == images[:, :1, :1]).all():
        return [f"each of {some} is of one colour"]
    if len(images) > 1 and (flat == flat[0]).all():
        return [f"{some} are equal, pixel for pixel"]
    top = np.percentile(flat, ALMOST_ALL)
    if top < DARK:
        at_most = f"{ALMOST_ALL} % of their values are at most {top:.0f} of 255, their mean is {flat.mean():.1f}"
        return [f"{some} are nearly black: {at_most}"]
    return []
