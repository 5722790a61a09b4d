"""Children and crosses are of the prior that their parents are of; genes are what they are in closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from scipy import stats

from gan_jax.explorer import breeding, genes
from gan_jax.latents.inversion import shell
from gan_jax.randomness import PRIORS

KEY = jax.random.key(0)
EXACT = {"normal": stats.norm.cdf, "uniform": stats.uniform(-1, 2).cdf}


@pytest.mark.parametrize("distance", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("prior", PRIORS)
def test_children_of_samples_are_distributed_as_samples(prior, distance):
    parents = PRIORS[prior](KEY, (4000,))
    found = jax.vmap(lambda parent, key: breeding.children(parent[None], key, 1, distance, prior)[0, 0])(
        parents, jax.random.split(jax.random.key(1), 4000)
    )
    assert stats.kstest(np.asarray(found), EXACT[prior]).pvalue > 0.01


@pytest.mark.parametrize("prior", PRIORS)
def test_how_far_children_are(prior):
    parent = PRIORS[prior](KEY, (1000,))
    to_normal, _ = breeding.NORMALISED[prior]
    correlations = [
        np.corrcoef(to_normal(parent), to_normal(breeding.children(parent, jax.random.key(2), 1, distance, prior)[0]))[
            0, 1
        ]
        for distance in (0.0, 0.25, 0.5, 1.0)
    ]
    np.testing.assert_allclose(correlations, np.cos(np.array([0.0, 0.25, 0.5, 1.0]) * np.pi / 2), atol=0.1)
    same = breeding.children(parent, KEY, 3, 0.0, prior)
    np.testing.assert_allclose(same, np.broadcast_to(parent, same.shape), atol=2e-6)


def test_a_cross_has_each_number_of_one_of_its_parents():
    first, second = jax.random.normal(KEY, (2, 500))
    found = np.asarray(breeding.crossed(first, second, jax.random.key(1), 20))
    of_first, of_second = found == first, found == second
    assert (of_first | of_second).all()
    assert 0.45 < of_first.mean() < 0.55 and len({row.tobytes() for row in found}) == 20


def test_what_is_moved_stays_in_the_prior():
    latent, directions = jax.random.normal(KEY, (50,)), jnp.eye(50)[:2]
    moved = breeding.moved(latent, directions, jnp.array([0.25, -0.5]), "normal")
    np.testing.assert_allclose(moved - latent, [0.25, -0.5, *[0] * 48], atol=1e-6)
    far = breeding.moved(latent, directions, jnp.array([100.0, 0]), "normal")
    assert np.linalg.norm(far) <= shell(50)[1] * 1.001
    boxed = breeding.moved(jnp.zeros(50), directions, jnp.array([3.0, -0.5]), "uniform")
    np.testing.assert_allclose(boxed[:3], [1, -0.5, 0])


def test_principal_directions_of_a_linear_layer_are_its_singular_vectors():
    """Of features W z, z normal: the directions are the right singular vectors, each as long as one standard deviation."""
    random = np.random.RandomState(0)
    left, _ = np.linalg.qr(random.normal(size=(12, 12)))
    right, _ = np.linalg.qr(random.normal(size=(5, 5)))
    weights = left[:, :5] * [5, 4, 3, 2, 1] @ right.T
    latents = random.normal(size=(20_000, 5)).astype(np.float32)[:1500]
    found = genes.principal(latents, latents @ weights.T.astype(np.float32), 3)
    assert [gene.name for gene in found] == ["direction 1", "direction 2", "direction 3"]
    for number, gene in enumerate(found):
        cosine = abs(gene.direction @ right[:, number]) / np.linalg.norm(gene.direction)
        assert cosine > 0.99 and np.linalg.norm(gene.direction) == pytest.approx(1, abs=0.06)


def test_there_are_no_more_directions_than_latents_have_numbers():
    latents = np.random.RandomState(0).normal(size=(100, 2)).astype(np.float32)
    assert len(genes.principal(latents, latents @ np.ones((2, 9), np.float32), 8)) == 1


def test_features_are_those_of_the_first_layer():
    class Generator(nn.Module):
        @nn.compact
        def __call__(self, z):
            return nn.Dense(3, name="second")(nn.relu(nn.Dense(4, name="first")(z)))

    network, latents = Generator(), jax.random.normal(KEY, (6, 2))
    variables = network.init(KEY, latents)
    found = jax.jit(genes.first_features(lambda z: network.apply(variables, z)))(latents)
    first = variables["params"]["first"]
    np.testing.assert_allclose(found, latents @ first["kernel"] + first["bias"], rtol=1e-5)


def test_towards_a_class_is_from_the_mean_to_its_mean():
    latents = np.float32([[0, 0], [2, 0], [0, 2], [2, 2]] * 10)
    seen = np.eye(3)[[0, 0, 1, 1] * 10]
    found = genes.of_classes(latents, seen, ("low", "high", "never"))
    assert [gene.name for gene in found] == ["towards low", "towards high"]
    np.testing.assert_allclose([gene.direction for gene in found], [[0, -1], [0, 1]])
