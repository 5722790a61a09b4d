"""A recipe of images, for volumes: to its networks they are images of one more axis, [B, D, H, W, C].

Voxels are such images of one channel, 1 where one is solid and -1 where not; a video [B, T, H, W, C] is one as it is.
"""

from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp

from gan_jax.recipes.contract import Batch, Recipe

Array = jax.Array


def of_examples(recipe: Recipe, example: Mapping) -> Recipe:
    """The recipe of examples like this one, which have an image, voxels, or a video."""
    as_it_is = lambda video: video
    if "voxels" in example:
        return of_voxels(recipe)
    return _of(recipe, "video", as_it_is, as_it_is) if "video" in example else recipe


def of_voxels(recipe: Recipe) -> Recipe:
    """The recipe of examples {"voxels": bool [D, H, W], ...}; what it draws and takes are voxels [n, D, H, W] in [-1, 1]."""
    return _of(recipe, "voxels", lambda voxels: _signs(voxels)[..., None], lambda image: image[..., 0])


def _signs(voxels: Array) -> Array:
    """-1 and 1 of bool voxels; what is drawn stays as it is."""
    return 2 * voxels.astype(jnp.float32) - 1 if voxels.dtype == jnp.bool_ else voxels


def _of(recipe: Recipe, name: str, image: Callable[[Array], Array], back: Callable[[Array], Array]) -> Recipe:
    """The recipe of examples with such a field. Args: image: what the field is -> what networks see; back: the inverse."""

    def taking(act):
        return None if act is None else lambda state, values: act(state, image(values))

    def drawing(draw):
        return None if draw is None else lambda *given: back(draw(*given))

    def as_images(batch: Batch) -> Batch:
        return {"image" if field == name else field: image(v) if field == name else v for field, v in batch.items()}

    sampler = recipe.sampler and recipe.sampler._replace(
        draws=name, generate=drawing(recipe.sampler.generate), early=drawing(recipe.sampler.early)
    )
    return recipe._replace(
        init=lambda key, batch: recipe.init(key, as_images(batch)),
        step=lambda state, batch, key: recipe.step(state, as_images(batch), key),
        sampler=sampler,
        classify=taking(recipe.classify),
        features=taking(recipe.features),
        augment=None,
    )
