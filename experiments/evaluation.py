"""Evaluation of runs on images: its flags, the real images that are compared with, and what is done in training."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import numpy as np
from absl import flags

from experiments.presets import require_known
from gan_jax import loop, pictures
from gan_jax.checkpoint import Checkpoints
from gan_jax.data.source import Source
from gan_jax.evaluation import features, scores
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.scores import SCORES, Images
from gan_jax.recipe import State
from gan_jax.record import replace_file

BATCH = 500  # real images read at once
BEST = "best"  # the folder of the best checkpoint
LINES = "evaluations.jsonl"

flags.DEFINE_integer("eval_every", 0, "Rounds between evaluations; the best checkpoint is kept too. 0: none.", 0)
flags.DEFINE_list("eval_metrics", ["frechet_distance"], "What is computed then; the first chooses the best checkpoint.")
flags.DEFINE_integer("num_samples", 10000, "Samples, and as many real images, that are compared.", lower_bound=10)
flags.DEFINE_string(
    "extractor",
    None,
    "File of the features' network (experiments.classifier trains one); by default the dataset's own.",
)
flags.DEFINE_string("inception_weights", None, "PyTorch file of InceptionV3's weights: then the scores are FID, ...")


def find_extractor(config: SimpleNamespace, image_shape: tuple[int, int, int]) -> Extractor | None:
    """The network that the flags name, else the one that comes with the dataset, else None.

    Raises ValueError or OSError if it cannot be read, or does not take such images.
    """
    if config.inception_weights:
        if config.extractor:
            raise ValueError("extractor and inception_weights: name one of them")
        found = features.load_inception(config.inception_weights)
    elif config.extractor:
        found = features.load_classifier(config.extractor)
    elif (own := features.EXTRACTORS / f"{config.dataset}.npz").exists():
        found = features.load_classifier(own)
    else:
        return None
    features.require_channels(found, image_shape[-1])
    return found


def real_images(
    source: Source, extractor: Extractor | None, count: int, *, skip: int = 0, told: str = "real images"
) -> Images:
    """`count` images of a source, or all it has, in a random order that is always the same, without the first `skip`."""
    order = np.random.RandomState(0).permutation(len(source))[skip : skip + count]
    batches = (source[order[start : start + BATCH]]["image"] for start in range(0, len(order), BATCH))
    return scores.look(batches, len(order), extractor, told=told)


def fake_images(
    drawn: Iterator[np.ndarray], count: int, extractor: Extractor | None, *, told: str = "samples"
) -> Images:
    """Images in [-1, 1] that a generator draws, as 8-bit pixels, which is how people would save them.

    Raises ValueError if one is not finite. Says so on stderr if all are equal.
    """

    def pixels():
        for images in drawn:
            if not np.isfinite(images).all():
                raise ValueError("the generator draws images that are not finite: NaN or infinite")
            yield pictures.to_pixels(images)

    found = scores.look(pixels(), count, extractor, told=told)
    if (found.pixels == found.pixels[0]).all():
        print("early warning: all samples are equal, pixel for pixel", file=sys.stderr)
    return found


class InTraining(NamedTuple):
    """How a run is evaluated in training.

    Fields: every: rounds between evaluations; metrics: names in SCORES; extractor; real: what samples are compared
    with; floor: the same scores of other real images, which no generator can be expected to better.
    """

    every: int
    metrics: list[str]
    extractor: Extractor | None
    real: Images
    floor: dict[str, float]


def prepare(config: SimpleNamespace, source: Source, load_test: Callable[[], Source | None]) -> InTraining | None:
    """What the flags ask for, None for nothing. Raises ValueError or OSError."""
    if not config.eval_every:
        return None
    extractor = find_extractor(config, source.image_shape)
    if not config.eval_metrics:
        raise ValueError(f"eval_metrics: name some of {', '.join(SCORES)}")
    require_computable(config.eval_metrics, extractor, config.dataset)
    real = real_images(source, extractor, config.num_samples)
    pair = floor_pair(source, load_test(), real, extractor)
    floor = scores.compute(config.eval_metrics, *pair, extractor)
    return InTraining(config.eval_every, config.eval_metrics, extractor, real, floor)


def floor_pair(source: Source, test: Source | None, real: Images, extractor: Extractor | None) -> tuple[Images, Images]:
    """Two sets of real images: of the training split and of the test split; else two halves of the training split."""
    if test is not None:
        return real, real_images(test, extractor, real.count, told="test images")
    half = min(len(source) // 2, real.count)
    return tuple(real_images(source, extractor, half, skip=skip, told="half the images") for skip in (0, half))


def require_computable(names: list[str], extractor: Extractor | None, dataset: str) -> None:
    """Raises ValueError unless these are names of scores that can be computed with this extractor, or without."""
    for name in names:
        require_known("metric", name, SCORES)
    missing = [name for name in names if name not in scores.computable(extractor)]
    if missing:
        raise ValueError(
            f"{missing[0]} needs an extractor, and none comes with "
            f"{dataset}: train one (python -m experiments.classifier --dataset={dataset}) and name it by --extractor, "
            f"or give --inception_weights; without: {', '.join(scores.computable(None))}"
        )


def hook(plan: InTraining, draw, workdir: Path) -> loop.Hook:
    """Evaluates samples, writes evaluations.jsonl, and keeps the best checkpoint.

    What a state is worth is a function of the state, and so of its step: what a killed run had found stays.

    Args: draw: state -> an iterator over as many images as there are real ones.
    """
    best = Checkpoints(workdir / BEST, keep=1)
    path = workdir / LINES

    def evaluate(step: int, state: State) -> None:
        lines = read(workdir)
        if step == 0 or any(line["step"] == step for line in lines):
            return
        fake = fake_images(draw(state), plan.real.count, plan.extractor, told="")
        line = {"step": step} | scores.compute(plan.metrics, plan.real, fake, plan.extractor)
        lines = sorted([*lines, line], key=lambda line: line["step"])
        if best_line(lines, plan.metrics[0])["step"] == step and step not in best.steps():
            best.save(step, state)
            best.wait()
        replace_file(path, "".join(json.dumps(line) + "\n" for line in lines).encode())

    return loop.Hook(plan.every, evaluate)


def summary(plan: InTraining, workdir: Path) -> dict:
    """What result.json says of the evaluations: {"final", "best", "floor"}. Prints them and draws evaluations.png."""
    lines = read(workdir)
    final, best = lines[-1], best_line(lines, plan.metrics[0])
    columns = {name: [line[name] for line in lines] for name in final}
    pictures.curves(columns, workdir / "evaluations.png")
    name = list(final)[1]
    print(
        f"{name}: {final[name]:.4g} at the end, {best[name]:.4g} at step {best['step']}, the best, kept in {workdir / BEST}"
    )
    for real, value in plan.floor.items():
        print(f"{real}: {value:.4g} between real images, the floor")
    return {"final": final, "best": best, "floor": plan.floor}


def read(workdir: str | Path) -> list[dict[str, float]]:
    """The lines of a run's evaluations.jsonl, by step; [] if it was not evaluated in training."""
    path = Path(workdir) / LINES
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def best_line(lines: list[dict[str, float]], metric: str) -> dict[str, float]:
    """The line whose first number, one of `metric`'s, is best; the earliest of equal ones."""
    sign = 1 if SCORES[metric].better == "lower" else -1
    return min(lines, key=lambda line: sign * list(line.values())[1])
