"""How a run is evaluated while it trains: the real images that samples are compared with, and the best checkpoint."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from gan_jax.config.options import require_known
from gan_jax.config.parts import ScoringConfig
from gan_jax.data import Source, few
from gan_jax.data.recolored import colored_of
from gan_jax.data.stacked import base_of
from gan_jax.evaluation import features, scores
from gan_jax.evaluation.features import Extractor
from gan_jax.evaluation.scores import SCORES, Images
from gan_jax.pictures import curves
from gan_jax.pictures.kinds import KINDS, Kind, kind_of
from gan_jax.recipes.contract import State
from gan_jax.runs import advice
from gan_jax.runs.data import Data
from gan_jax.training import loop
from gan_jax.training.checkpoint import Checkpoints
from gan_jax.training.files import replace_file

BATCH = 500  # real images read at once
BEST = "best"  # the folder of the best checkpoint
LINES = "evaluations.jsonl"


def find_extractor(
    config: ScoringConfig, dataset: str, shape: tuple[int, ...], kind: str = "image"
) -> Extractor | None:
    """The network that the flags name, else the one that comes with the dataset, else the one for any images, if it takes them.

    Args: shape: of what it is to take, as `DataSpec.seen_shape`; kind: the name of its kind.

    Raises ValueError or OSError if it cannot be read, or does not take such images.
    """
    dataset = few.base_of(dataset) or dataset
    if config.inception_weights:
        if config.extractor:
            raise ValueError("extractor and inception_weights: name one of them")
        found = features.load_inception(config.inception_weights)
    elif config.extractor:
        found = features.load_classifier(config.extractor)
    elif (own := features.EXTRACTORS / f"{base_of(dataset) or colored_of(dataset) or dataset}.npz").exists():
        found = features.load_classifier(own)
    else:
        return features.for_any(kind, shape)
    if found.channels == (1,) and (base_of(dataset) or colored_of(dataset)):
        found = features.of_each_channel(found) if base_of(dataset) else features.of_hues(found)
    features.require_fitting(found, shape)
    return found


def real_images(
    source: Source, extractor: Extractor | None, count: int, *, skip: int = 0, title: str = "real images"
) -> Images:
    """`count` images of a source, or all it has, in a random order that is always the same, without the first `skip`."""
    order, kind = real_order(source, count, skip), kind_of(source.spec)
    rows = (order[start : start + BATCH] for start in range(0, len(order), BATCH))
    batches = (kind.of_examples(source[chosen][kind.name]) for chosen in rows)
    return scores.look(batches, len(order), extractor, title=title)


def real_order(source: Source, count: int, skip: int = 0) -> np.ndarray:
    """Which images `real_images` takes, int64."""
    return np.random.RandomState(0).permutation(len(source))[skip : skip + count]


def fake_images(
    drawn: Iterator[np.ndarray], count: int, extractor: Extractor | None, *, kind: Kind, title: str = "samples"
) -> Images:
    """What a generator draws, in [-1, 1], as people would save it: images as 8-bit pixels.

    Raises loop.NonFinite if one is not finite. Says so if all are equal.
    """

    def pixels():
        for images in drawn:
            if not np.isfinite(images).all():
                raise loop.NonFinite("the generator draws images that are not finite: NaN or infinite")
            yield kind.levels(images)

    found = scores.look(pixels(), count, extractor, title=title)
    if (found.pixels == found.pixels[0]).all():
        tqdm.write("early warning: all samples are equal, pixel for pixel")
    return found


class Plan(NamedTuple):
    """How a run is evaluated in training.

    Fields: metrics: names in SCORES; extractor: None if they need none; real: what samples are compared with; floor: the
    same scores of other real images; kind: of what is drawn.
    """

    metrics: Sequence[str]
    extractor: Extractor | None
    real: Images
    floor: dict[str, float]
    kind: Kind


def prepare(config: object, data: Data) -> Plan:
    """What config.evaluation asks for. Raises ValueError or OSError."""
    own = config.evaluation
    if not own.eval_metrics:
        raise ValueError(f"eval_metrics: name some of {', '.join(SCORES)}")
    kind = KINDS[data.spec.kind]
    extractor = needed_extractor(own.eval_metrics, own, config.data.dataset, data.spec.seen_shape, kind.name)
    real, other = real_pair(data.real, data.test(), own.num_samples, extractor)
    floor = scores.compute(own.eval_metrics, real, other, extractor)
    return Plan(own.eval_metrics, extractor, real, floor, kind)


def real_pair(source: Source, test: Source | None, count: int, extractor: Extractor | None) -> tuple[Images, Images]:
    """The real images that samples are compared with, of the training split; and other real images.

    These are of the test split. Where there is none, both are half of the training split at most, so that they are as
    many as the others, and what samples score can be held against what they score.
    """
    if test is not None:
        return real_images(source, extractor, count), real_images(test, extractor, count, title="test images")
    half = min(count, len(source) // 2)
    real = real_images(source, extractor, half)
    return real, real_images(source, extractor, half, skip=half, title="other real images")


def pair_labels(source: Source, test: Source | None, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The labels of the images of `real_pair`, int32 each."""
    if test is not None:
        return tuple(split.labels[real_order(split, count)] for split in (source, test))
    half = min(count, len(source) // 2)
    return tuple(source.labels[real_order(source, half, skip)] for skip in (0, half))


def needed_extractor(
    names: Sequence[str], config: ScoringConfig, dataset: str, shape: tuple[int, ...], kind: str = "image"
) -> Extractor | None:
    """The extractor for scores of these names, None if they need none. Args: as of `find_extractor`.

    Raises ValueError or OSError.
    """
    for name in names:
        require_known("metric" if kind == "image" else f"metric of {kind}", name, scores.ranking(kind))
    needing = scores.needing(names, "features", "classes")
    if not needing:
        return None
    found = find_extractor(config, dataset, shape, kind)
    able = scores.computable(found, kind)
    if lacking := [name for name in needing if name not in able]:
        raise ValueError(
            f"{lacking[0]} needs an extractor that knows such images, and none comes with {dataset}: "
            f"{advice.train_one(dataset)}; or give --inception_weights; without: {', '.join(able)}"
        )
    return found


def evaluate(plan: Plan, step: int, state: State, drawn: Iterator[np.ndarray], workdir: Path) -> None:
    """Scores `drawn` images, adds a line to evaluations.jsonl, and keeps the state if it is the best so far.

    What a state is worth is a function of the state, and so of its step: what is there of this step stays.
    Raises RuntimeError if the images cannot be scored, or earlier lines have other scores.
    """
    lines = read(workdir)
    if step == 0 or any(line["step"] == step for line in lines):
        return
    try:
        fake = fake_images(drawn, plan.real.count, plan.extractor, kind=plan.kind, title="")
        line = {"step": step} | scores.compute(plan.metrics, plan.real, fake, plan.extractor)
    except ValueError as error:
        raise RuntimeError(f"cannot evaluate step {step}: {error}") from error
    if lines and lines[0].keys() != line.keys():
        raise RuntimeError(
            f"{workdir / LINES} has {', '.join(list(lines[0])[1:])}, not {', '.join(list(line)[1:])}: ask for the same, "
            f"or move it and {BEST}/ away"
        )
    lines = sorted([*lines, line], key=lambda line: line["step"])
    if best_line(lines, plan.metrics[0])["step"] == step:
        _keep(step, state, workdir)
    replace_file(workdir / LINES, "".join(json.dumps(line) + "\n" for line in lines).encode())


def _keep(step: int, state: State, workdir: Path) -> None:
    """Makes this the only checkpoint in best/."""
    loop.require_finite(step, state)
    with Checkpoints(workdir / BEST, keep=1) as best:
        for later in best.steps():
            if later > step:  # of a run that was cut off and evaluated at other steps; it is not the best any more
                best.delete(later)
        if step not in best.steps():
            best.save(step, state)
            best.wait()


def summary(plan: Plan, workdir: Path) -> dict[str, dict[str, float]]:
    """What result.json says of the evaluations: {"final", "best", "floor"}."""
    lines = read(workdir)
    return {"final": lines[-1], "best": best_line(lines, plan.metrics[0]), "floor": plan.floor}


def draw(workdir: Path, floor: Mapping[str, float]) -> None:
    """Draws the evaluations, if there are any, as evaluations.png. Args: floor: what real images score, drawn dashed."""
    lines = read(workdir)
    if lines:
        apart = lambda name: name.replace("_", " ")  # without "_" curves gives each a panel of its own
        columns = {apart(name): [line[name] for line in lines] for name in lines[-1]}
        levels = {apart(name): value for name, value in floor.items()}
        curves.curves(columns, workdir / "evaluations.png", levels=levels)


def summary_lines(summary: dict[str, dict[str, float]]) -> Iterator[str]:
    """The lines of a summary: the number by which the best was chosen, and those of real images."""
    final, best = summary["final"], summary["best"]
    name = list(final)[1]
    yield f"{name}: {final[name]:.4g} at the end, {best[name]:.4g} at step {best['step']}, the best, kept in {BEST}/"
    for real, value in summary["floor"].items():
        yield f"{real}: {value:.4g} between real images, the floor"


def read(workdir: str | Path) -> list[dict[str, float]]:
    """The lines of a run's evaluations.jsonl, by step; [] if it was not evaluated in training."""
    path = Path(workdir) / LINES
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def best_line(lines: list[dict[str, float]], metric: str) -> dict[str, float]:
    """The line whose first number, one of `metric`'s, is best; the earliest of equal ones."""
    sign = 1 if SCORES[metric].better == "lower" else -1
    return min(lines, key=lambda line: sign * list(line.values())[1])
