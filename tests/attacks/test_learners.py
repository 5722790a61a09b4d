"""Classifiers of scikit-learn as functions whose gradients attack them."""

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC

from gan_jax.attacks import Threat, fgsm
from gan_jax.attacks.learners import KINDS, learn, logits_of, vote

RANDOM = np.random.RandomState(0)
LABELS = np.arange(300) % 3
IMAGES = np.float32(np.clip(0.35 + 0.1 * RANDOM.randn(300, 4, 4, 1), 0, 1))
IMAGES[np.arange(300), LABELS] += 0.3  # each class has a bright row of its own
FLAT = IMAGES.reshape(300, 16)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("kind", [LogisticRegression, LinearSVC])
def test_a_linear_model_s_scores(kind, classes):
    rows = np.isin(LABELS, range(classes))
    model = kind().fit(FLAT[rows], LABELS[rows])
    found = np.asarray(logits_of(model)(IMAGES))
    scores = model.decision_function(FLAT)
    np.testing.assert_allclose(found if classes == 3 else found[:, 1] - found[:, 0], scores, atol=1e-4)
    np.testing.assert_array_equal(found.argmax(axis=1), model.predict(FLAT))


@pytest.mark.parametrize("hidden", [(5,), (5, 4)])
def test_an_mlp_s_probabilities(hidden):
    model = MLPClassifier(hidden, max_iter=2000, random_state=0).fit(FLAT, LABELS)
    np.testing.assert_allclose(softmax(logits_of(model)(IMAGES), axis=1), model.predict_proba(FLAT), atol=1e-4)


@pytest.mark.parametrize("name", KINDS)
def test_each_learns_and_is_attacked(name):
    learner = learn(name, IMAGES[:150], LABELS[:150], IMAGES[150:], seed=0)
    images, labels = IMAGES[150:], LABELS[150:]
    right = lambda images: (learner.predict(images) == labels).mean()
    assert right(images) > 0.8
    assert right(np.asarray(fgsm(learner.classify, images, labels, Threat(0.25)))) < 0.5


def test_a_substitute_says_what_is_said_of_other_images():
    """Of those that a tree has learnt it says the labels, whatever it says elsewhere."""
    wrong = np.roll(LABELS, 1)
    learner = learn("decision tree", IMAGES[:150], wrong[:150], IMAGES[150:], seed=0)
    said = np.asarray(learner.classify(IMAGES[150:])).argmax(axis=1)
    assert (said == learner.predict(IMAGES[150:])).mean() > 0.8
    assert (said == LABELS[150:]).mean() < 0.2


def test_most_votes_win_and_then_the_first_label():
    said = np.array([[0, 1, 2, 1], [0, 2, 2, 2], [1, 2, 0, 0]])
    np.testing.assert_array_equal(vote(said), [0, 2, 2, 0])
