"""Classifiers of several kinds, of scikit-learn, and functions whose gradients attack them.

Papernot et al. 2016 (arXiv:1605.07277) compare such kinds: does what misleads one mislead others? Logistic regression, a linear
SVM and an MLP are differentiable. A tree and nearest neighbours are not: what attacks them is a substitute, an MLP that has learnt
what they say of other images (Papernot et al. 2017, arXiv:1602.02697, section 4).
"""

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from gan_jax.attacks.gradient import Classify

Array = jax.Array
HIDDEN = (256,)  # of MLPs

KINDS: dict[str, Callable[[int], ClassifierMixin]] = {  # by a seed
    "MLP": lambda seed: MLPClassifier(HIDDEN, early_stopping=True, random_state=seed),
    "logistic regression": lambda seed: LogisticRegression(C=0.1, max_iter=300, random_state=seed),
    "SVM": lambda seed: LinearSVC(C=0.01, random_state=seed),
    "decision tree": lambda seed: DecisionTreeClassifier(random_state=seed),
    "nearest neighbours": lambda seed: KNeighborsClassifier(5),
}
DIFFERENTIABLE = (MLPClassifier, LogisticRegression, LinearSVC)


class Learner(NamedTuple):
    """A classifier that has learnt.

    Fields: predict: images [N, H, W, C] in [0, 1] -> labels int [N]; classify: images [B, H, W, C] -> logits [B, K], by whose
    gradients it is attacked.
    """

    predict: Callable[[np.ndarray], np.ndarray]
    classify: Classify


def learn(name: str, images: np.ndarray, labels: np.ndarray, others: np.ndarray, seed: int) -> Learner:
    """One of KINDS, trained on images [N, H, W, C] in [0, 1] with labels [N], of which there is each from 0 to K - 1.

    Args: others: images [M, H, W, C] that a substitute learns with what it says of them; of its own it knows the labels.
    """
    flat = lambda images: np.asarray(images).reshape(len(images), -1)
    model = KINDS[name](seed).fit(flat(images), labels)
    predict = lambda images: model.predict(flat(images))
    known = model if isinstance(model, DIFFERENTIABLE) else KINDS["MLP"](seed).fit(flat(others), predict(others))
    return Learner(predict, logits_of(known))


def logits_of(model: MLPClassifier | LogisticRegression | LinearSVC) -> Classify:
    """A linear model or an MLP of scikit-learn, with ReLU, as a differentiable function.

    A linear model's are its scores; of two classes, for which it has but one, 0 and that one.
    """
    deep = isinstance(model, MLPClassifier)
    weights = model.coefs_ if deep else [model.coef_.T]
    biases = model.intercepts_ if deep else [model.intercept_]
    layers = [(jnp.asarray(w, jnp.float32), jnp.asarray(b, jnp.float32)) for w, b in zip(weights, biases, strict=True)]

    def classify(images: Array) -> Array:
        x = images.reshape(len(images), -1)
        for number, (w, b) in enumerate(layers):
            x = x @ w + b if number == 0 else jax.nn.relu(x) @ w + b
        return x if x.shape[1] > 1 else jnp.concatenate([jnp.zeros_like(x), x], axis=1)

    return classify


def vote(said: np.ndarray) -> np.ndarray:
    """What most of M classifiers say, of their labels [M, N]; of equally many the first label."""
    return np.array([np.bincount(each).argmax() for each in said.T])
