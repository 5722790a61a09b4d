"""What translation is worth to a classifier that is given no labels of domain b (CyCADA: Hoffman et al. 2018, arXiv:1711.03213).

First one learns from images of domain a. While the generators learn it says what images show (`recipes.cyclegan.task_loss`), and
learns no more. After a stretch of rounds it is another's turn, which learns images of b too, by labels that a third one gives them
that learnt from images of a translated so far: those that it is sure of, by an image and by what is made of it in domain a (self-
labelling, as SBADA-GAN's: Russo et al. 2018, arXiv:1705.08824).

In the end three of its kind are tested on domain b: the first one, one that learnt from translated images alone, and one from
images of b with their labels, which only this one is shown.
"""

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.experimental import multihost_utils
from tqdm import tqdm

from gan_jax import augment
from gan_jax.config.options import replace
from gan_jax.data import ArraySource, DataSpec, Source, describe
from gan_jax.data.pixels import in_channels
from gan_jax.networks.cnn import Classifier
from gan_jax.pictures.grids import to_pixels
from gan_jax.recipes import classifier as recipe_of
from gan_jax.recipes.contract import Phase, Recipe, State
from gan_jax.recipes.cyclegan import CLASSIFIER, Task
from gan_jax.recipes.players import with_player
from gan_jax.runs import training, translated
from gan_jax.runs.classify import accuracy, classifier
from gan_jax.runs.data import Data
from gan_jax.runs.training import Run
from gan_jax.training import loop, parallel

WIDTH, RATE, BATCH, SMOOTHING = 32, 3e-3, 128, 0.1  # of all of them
MOVED, NOISE = 1, 0.5  # pixels by which images are moved at random; noise that is added to them as they begin to learn
EPOCHS, LEAST_STEPS, MOST_STEPS = 3, 300, 1000
READ = 256  # images translated at once
SOURCES = {
    "source_only": "images of domain a",
    "adapted": "the same, translated",
    "target": "images of domain b, labelled",
}


def task_of(config: object, spec: DataSpec) -> Task | None:
    """The task that config.task asks for; None if it asks for none."""
    own = config.task
    if not own.task_loss:
        return None
    network = Classifier(len(spec.classes), WIDTH, axis_name=parallel.AXIS)
    return Task(network, _channels(spec), own.task_weight, own.task_sure)


def train(run: Run) -> None:
    """Trains; with a task the classifier first, and others in the end, if images of domain b have the same labels."""
    if not run.config.task.task_loss:
        training.train(run)
        return
    labelled, test = run.data.found, run.data.test().sources["b"]
    source = as_it_is(labelled["a"], _channels(run.data.spec))
    source_only = trained_on(source, run, "source_only")
    result = in_stretches(run, source_only)
    measured = {}
    if test.classes == source.classes:
        measured = measure(run, parallel.local(result.state), source_only, test)  # by all processes
    if jax.process_index() == 0:
        training.finish(run, result, lambda state: measured)
        if measured:
            print(f"right about {len(test):,} images of domain b was a classifier that learnt from")
        for name, value in measured.items():
            print(f"  {SOURCES[name.removesuffix('_accuracy')]:28} {value:.2%}")


def in_stretches(run: Run, source_only: State) -> loop.Result:
    """Trains the generators, in the beginning with this classifier; after each stretch with another."""
    first, learnt, reached = with_classifier(run.init(), source_only), source_only, 0
    for until in stretches(run.config):
        if reached <= until:  # a run that is gone on with from later has in its state what was learnt here
            so_far = training.fit(run._replace(config=replace(run.config, steps=until)), training.hooks_of(run), first)
            reached = int(so_far.state.step)
        if reached == until:
            learnt = anew(run, parallel.local(so_far.state))
        *before, phase = run.phases
        grown = phase._replace(grow=lambda state, key, learnt=learnt: with_classifier(state, learnt))
        run = run._replace(phases=[*before, phase._replace(until_step=until), grown])
    return training.fit(run, training.hooks_of(run), first)


def anew(run: Run, state: State) -> State:
    """A classifier that knows domain a by its labels, and b by those that are given to it."""
    step, source = int(state.step), as_it_is(run.data.found["a"], _channels(run.data.spec))
    gives = trained_on(both(source, as_translated(run, state)), run, f"gives-{step}")
    return trained_on(both(source, as_given(run, state, gives)), run, f"again-{step}")


def measure(run: Run, state: State, source_only: State, test: Source) -> dict[str, float]:
    """The accuracies of the three on images of domain b; NaN but in the first process."""
    channels = _channels(run.data.spec)
    states = {
        "source_only": source_only,
        "adapted": trained_on(as_translated(run, state), run, f"adapted-{int(state.step)}"),
        "target": trained_on(as_it_is(run.data.found["b"], channels), run, "target"),
    }
    recipe, test = _recipe(len(test.classes), 1), as_it_is(test, channels)
    score = lambda state: accuracy(classifier(recipe, state), test) if jax.process_index() == 0 else math.nan
    return {f"{name}_accuracy": score(state) for name, state in states.items()}


def stretches(config: object) -> list[int]:
    """The rounds after which the classifier learns anew: they make stretches of one length of those of the schedule."""
    whole, count = config.learning.decay_from + config.learning.decay_rounds, config.task.task_again + 1
    return [until for until in sorted({whole * i // count for i in range(1, count)}) if 0 < until < config.run.steps]


def with_classifier(state: State, learnt: State) -> State:
    """The state of a CycleGAN with a classifier that has learnt. Args: learnt: the classifier's own state."""
    # A copy, for the step is given the buffers of its state for good.
    weights = dict(jax.tree.map(jnp.copy, learnt.players["classifier"].ema))
    player = state.players[CLASSIFIER].replace(params=weights.pop("params"), variables=weights)
    return with_player(state, CLASSIFIER, player)


def both(one: ArraySource, other: ArraySource) -> ArraySource:
    """The examples of two sources of one spec."""
    arrays = {name: np.concatenate([array, other.arrays[name]]) for name, array in one.arrays.items()}
    return ArraySource(arrays, one.classes)


def as_it_is(source: Source, channels: int) -> ArraySource:
    """A source's images in so many channels."""
    images = in_channels(source[np.arange(len(source))]["image"], channels)
    return ArraySource({"image": images, "label": source.labels}, source.classes)


def as_translated(run: Run, state: State) -> ArraySource:
    """The labelled images of domain a, translated to domain b, in as many channels as the classifiers take."""
    source, images = run.data.found["a"], in_channels(_translated(run, state, "a_to_b"), _channels(run.data.spec))
    return ArraySource({"image": images, "label": source.labels}, source.classes)


def as_given(run: Run, state: State, gives: State) -> ArraySource:
    """The images of domain b of which a classifier is sure (task_sure), with the labels that it gives them."""
    source, there = run.data.found["b"], _translated(run, state, "b_to_a")
    classes, channels = run.data.spec.classes, _channels(run.data.spec)
    images, there = as_it_is(source, channels).arrays["image"], in_channels(there, channels)
    classify = classifier(_recipe(len(classes), 1), gives)
    parts = zip(*(np.array_split(each, -(-len(images) // READ)) for each in (images, there)))
    said = np.concatenate([np.asarray(classify(image) + classify(made)) / 2 for image, made in parts])
    said = multihost_utils.broadcast_one_to_all(said)  # that all processes take the same images
    sure, labels = said.max(axis=1) >= run.config.task.task_sure, said.argmax(axis=1)
    return ArraySource({"image": images[sure], "label": labels[sure].astype(run.data.found["a"].labels.dtype)}, classes)


def trained_on(source: Source, run: Run, name: str) -> State:
    """A classifier that learnt from a source, in a folder of the run's of this name."""
    steps = min(MOST_STEPS, max(LEAST_STEPS, math.ceil(EPOCHS * len(source) / BATCH)))
    config = replace(run.config, steps=steps, batch_size=BATCH)
    phases = [Phase(_recipe(len(source.classes), steps), None, BATCH)]
    own = Run(run.experiment, config, Data(describe(source), source), phases, run.workdir / name)
    if jax.process_index() == 0:
        print(f"a classifier by {len(source):,} images, in {own.workdir}")
    return parallel.local(training.fit(own).state)


def _translated(run: Run, state: State, name: str) -> np.ndarray:
    """The images that a translator is for, translated: uint8 [n, H, W, C]."""
    translator, key, made = run.phases[-1].recipe.translators[name], jax.random.key(run.config.run.seed), []
    source = run.data.found[translator.domain]
    for start in tqdm(range(0, len(source), READ), desc="translating", leave=False, dynamic_ncols=True):
        rows = np.arange(start, start + READ) % len(source)  # filled up, so that one is compiled
        examples = {"image": source[rows]["image"]}
        found = translated.translate(translator, state, examples, jax.random.fold_in(key, start))
        made.append(to_pixels(found[: len(source) - start]))
    return np.concatenate(made)


def _recipe(classes: int, steps: int) -> Recipe:
    """How a classifier learns so many classes in so many steps."""
    changed = augment.chain(augment.translate(MOVED, "black"), augment.instance_noise(NOISE, steps))
    network = Classifier(classes, WIDTH, axis_name=parallel.AXIS)
    optimizer = optax.adam(optax.cosine_decay_schedule(RATE, steps))
    return recipe_of.make(recipe_of.Setup(network, optimizer, changed, SMOOTHING, axis_name=parallel.AXIS))


def _channels(spec: DataSpec) -> int:
    """Those of the domain that has more."""
    return max(fields["image"].shape[-1] for fields in spec.example.values())
