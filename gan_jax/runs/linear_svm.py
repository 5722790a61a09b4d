"""How well a linear classifier tells classes by what D sees: a support vector machine of D's features, beside one of the data as
they are.

So Radford et al. 2016 (arXiv:1511.06434, section 5.1) and Wu et al. 2016 (arXiv:1610.07584, section 4.2) measure what a D has
learnt without labels. One class against all others, squared hinge loss, C as SVM_C; each feature has mean 0 and deviation 1 over
the training examples.
"""

import jax
import numpy as np
from tqdm import tqdm

from gan_jax.data import Source
from gan_jax.evaluation.scores import short
from gan_jax.pictures.kinds import Kind
from gan_jax.recipes.contract import State
from gan_jax.runs import drawing
from gan_jax.runs.restore import TrainedRun

Array = np.ndarray
NAME = "linear_svm"
SVM_C = 1e-3  # of scikit-learn's LinearSVC


def require(run: TrainedRun) -> None:
    """Raises ValueError, in one line, unless the run has a D that says what it sees, and its data several classes."""
    if run.recipe.features is None:
        raise ValueError(f"{NAME}: {run.workdir} is a run of {run.experiment}, without a D of images alone")
    if len(run.spec.classes) < 2:
        raise ValueError(f"{NAME}: the data of {run.workdir} have no classes to tell apart")


def accuracies(run: TrainedRun, state: State, train: Source, test: Source) -> dict[str, float]:
    """Of a machine that learnt of `train`, on `test`: by D's features, and by the data as they are; names say of how many."""
    known, others = (_seen(run, state, source) for source in (train, test))
    counts = f"{short(len(train))} train,{short(len(test))} test"
    of = {"": 0, "_of_data": 1}
    return {
        f"{NAME}{name}[{counts}]": accuracy(known[column], train.labels, others[column], test.labels)
        for name, column in of.items()
    }


def accuracy(known: Array, known_labels: Array, others: Array, labels: Array) -> float:
    """Of a linear support vector machine that learnt of `known` [N, d], on `others` [M, d]."""
    from sklearn.preprocessing import StandardScaler  # Here, since they take a second and only this needs them.
    from sklearn.svm import LinearSVC

    scaler = StandardScaler().fit(known)
    machine = LinearSVC(C=SVM_C, random_state=0, dual="auto").fit(scaler.transform(known), known_labels)
    return float(np.mean(machine.predict(scaler.transform(others)) == labels))


def _seen(run: TrainedRun, state: State, source: Source) -> tuple[Array, Array]:
    """D's features of all examples, and these themselves, [N, d] each."""
    kind, look = run.kind, jax.jit(run.recipe.features)

    def features(rows: Array) -> Array:
        return look(state, _drawn(kind, source[rows][kind.name])).reshape(len(rows), -1)

    parts = drawing.chunks(len(source), features)
    bar = tqdm(parts, "what D sees", -(-len(source) // drawing.CHUNK), leave=False, dynamic_ncols=True)
    data = kind.of_examples(source[np.arange(len(source))][kind.name])
    return np.concatenate(list(bar)), np.float32(data.reshape(len(data), -1))


def _drawn(kind: Kind, values: Array) -> Array:
    """Examples as a generator would draw them, in [-1, 1]."""
    levels = kind.of_examples(values) / np.float32(127.5) - 1
    return levels.reshape(values.shape)
