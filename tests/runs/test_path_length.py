"""Path lengths of samplers: which way they go, that pairs have one condition and depend on nothing else, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gan_jax.evaluation.features import Extractor
from gan_jax.randomness import PRIORS, example_keys, latents
from gan_jax.recipes.contract import Sampler, Styles
from gan_jax.runs import path_length

KEY = jax.random.key(0)
# A map of two channels, between near ones of which the distance is the square of that between pixels in [-1, 1].
CIRCLE = Extractor(
    "circle",
    (1,),
    lambda *_: None,
    {"per_pixel": jnp.float32(1 / 127.5)},
    maps=lambda variables, x: [
        jnp.concatenate([jnp.cos(x * variables["per_pixel"]), jnp.sin(x * variables["per_pixel"])], axis=-1)
    ],
)

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


def as_image(z):
    return z[:, None, :, None]


def between(a, b, prior, styles=False):
    """A sampler that draws a first and then b; and a label, which is the third pixel of what it draws."""
    ends = iter([a, b])
    labelled = lambda state, z, condition: jnp.concatenate([z, condition["label"][:, None] / 4], axis=1)
    labels = lambda keys, n: {"label": jax.vmap(lambda key: jax.random.randint(key, (), 0, 4))(keys)}
    return Sampler(
        prior=prior,
        latents=lambda keys, n, truncation=None: jnp.tile(jnp.array(next(ends)), (n, 1)),
        conditions=labels,
        generate=lambda state, z, condition: as_image(labelled(state, z, condition)),
        styles=Styles(labelled, lambda state, ws: as_image(ws), None, None, None) if styles else None,
    )


def drawing(prior="normal"):
    """A sampler whose image is a tenth of the latents that it draws."""
    draw = lambda keys, n, truncation=None: latents(example_keys(keys, n), 3, PRIORS[prior], truncation)
    return Sampler(prior, draw, lambda keys, n: None, lambda state, z, condition: as_image(z / 10))


@pytest.mark.parametrize(
    "prior, styles, squared_speed", [("normal", False, (np.pi / 2) ** 2), ("uniform", False, 2), ("normal", True, 2)]
)
def test_ways_are_arcs_between_normal_latents_and_else_straight(prior, styles, squared_speed):
    """From (1, 0) to (0, 1), over three pixels, the last of which does not change where both ends have one label."""
    found = path_length.lengths(between([1.0, 0], [0, 1.0], prior, styles), {}, CIRCLE, 20, KEY)
    np.testing.assert_allclose(found, squared_speed / 3, rtol=0.02)


def test_pair_i_depends_on_the_key_and_i_alone():
    many = path_length.lengths(drawing(), {}, CIRCLE, 70, KEY)
    np.testing.assert_array_equal(path_length.lengths(drawing(), {}, CIRCLE, 5, KEY), many[:5])
    assert len(np.unique(many)) == 70
    assert not np.isin(path_length.lengths(drawing(), {}, CIRCLE, 5, jax.random.key(1)), many).any()


def test_the_mean_over_all_pairs_is_that_of_theory_and_truncated_that_of_nearer_latents():
    """Of uniform numbers E (b - a)² = 2/3, and within ± 1/2 a quarter of that; by a tenth, a hundredth."""
    for truncation, expected in ((None, 2 / 300), (0.5, 2 / 1200)):
        found = path_length.lengths(drawing("uniform"), {}, CIRCLE, 2000, KEY, truncation)
        assert np.mean(found) == pytest.approx(expected, rel=0.1)


def test_its_name_says_of_which_space_by_which_network_and_how_many():
    styles = between([1.0, 0], [0, 1.0], "normal", styles=True)
    assert path_length.mean_length(styles, {}, CIRCLE, 1000, KEY) == {
        "path_length[w,circle,1k]": pytest.approx(2 / 3, rel=0.01)
    }
    assert list(path_length.mean_length(drawing(), {}, CIRCLE, 12, KEY)) == ["path_length[z,circle,12]"]


def test_what_is_refused_is_told():
    rounded = drawing()._replace(generate=lambda state, z, condition: as_image(z.astype(jnp.bfloat16)).astype(z.dtype))
    with pytest.raises(ValueError, match="path_length: the generator computes in bfloat16"):
        path_length.require(rounded, {}, CIRCLE, (1, 3, 1))
    with pytest.raises(ValueError, match="circle: the maps of this network are not known"):
        path_length.require(drawing(), {}, CIRCLE._replace(maps=None), (1, 3, 1))
    with pytest.raises(ValueError, match="no network takes images of 5 channels"):
        path_length.require(drawing(), {}, None, (1, 3, 5))
    path_length.require(drawing(), {}, CIRCLE, (1, 3, 1))
