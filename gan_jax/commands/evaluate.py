"""scores of a run: a table, evaluation.json, and the samples nearest to training images, or translations beside the truth

python -m gan_jax evaluate --workdir=RUN
python -m gan_jax evaluate --workdir=RUN --metrics=frechet_distance,precision_recall --num_samples=5000
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

from gan_jax.commands.options import CUTOFF, STANDING, TRUNCATION, WORKDIR, required
from gan_jax.config.flags import Parsed
from gan_jax.config.options import option
from gan_jax.config.parts import ScoringConfig
from gan_jax.evaluation.scores import SCORES
from gan_jax.pictures import grids
from gan_jax.runs import advice, domain_scores, score, score_table, translation_scores
from gan_jax.runs.learnt import SPLITS, Place
from gan_jax.runs.restore import restore
from gan_jax.training.files import replace_file


@dataclass(frozen=True)
class Options:
    """What is scored."""

    workdir: str | None = option(None, WORKDIR)
    metrics: tuple[str, ...] | None = option(
        None,
        f"Of {', '.join(SCORES)}, {score.MEMORISATION}, {score.PATH_LENGTH}, {score.SVM}, of videos {score.FRAMES}, "
        f"of a vae {score.ELBO}; of a run that translates of {', '.join(translation_scores.MEASURES)} and "
        f"{translation_scores.PERCEPTUAL}, without pairs of "
        f"{', '.join(domain_scores.MEASURES)}; by default all that can be computed but {score.PATH_LENGTH} and {score.SVM}.",
    )
    iwae: int | None = option(
        None, f"With {score.ELBO}: the importance-weighted bound by so many latents of each image too, say 50.", low=1
    )
    seed: int = option(0, "Of the samples.", low=0)
    truncation: float | None = option(None, TRUNCATION, low=0)
    cutoff: int | None = option(None, CUTOFF, low=1)
    standing_batches: int = option(0, STANDING, low=0)
    frames: int | None = option(
        None, "Of a run that draws videos of any length: how many frames, of samples and of real ones.", low=1
    )
    split: str | None = option(
        None,
        "What samples are compared with: the images that were learnt, by default, or those of the test split. What is translated: "
        "by default the test split.",
        choices=SPLITS,
    )
    noisy: bool | None = option(
        None, "Of a run that translates: with noise of its own, or without; by default as the run has it."
    )
    truth: str | None = option(
        None,
        "Of a run that learnt without pairs: some that show what should come of images, aligned:PATH or pairs:PATH_A,PATH_B.",
    )
    data_dir: str | None = option(None, "Folder of datasets, if it is another than the run's.")
    dataset: str | None = option(None, "Where the run's images are now, if they were moved, as in folder:PATH.")
    allow_changed_data: bool = option(False, "Compare with data that are not those that the run learnt.")
    scoring: ScoringConfig = field(default_factory=ScoringConfig)


def evaluate(options: Options) -> dict:
    """Writes evaluation.json and pictures into the run's directory; returns what it says.

    Raises ValueError, OSError or loop.NonFinite.
    """
    workdir = Path(required(options.workdir))
    place = Place(options.data_dir, options.dataset, options.allow_changed_data)
    run = restore(workdir)
    between = any(each.domain for each in run.recipe.translators.values())
    if options.truth is not None and not between:
        raise ValueError(f"truth={options.truth}: of what translates without pairs; a run of {run.experiment} does not")
    if run.recipe.sampler is None and run.recipe.translators:
        of_samples = ("iwae", "truncation", "cutoff", "standing_batches", "frames")
        for name in of_samples:
            if (value := getattr(options, name)) != getattr(Options, name):
                raise ValueError(f"{name}={value}: of samples; a run of {run.experiment} translates")
        given = (run, options.scoring, options.metrics, options.seed, place, options.split or SPLITS[1], options.noisy)
        if between:
            result, pictures = domain_scores.score(*given, truth=options.truth)
        else:
            result, pictures = translation_scores.score(*given)
    else:
        if options.noisy is not None:
            raise ValueError(
                f"noisy={str(options.noisy).lower()}: of what translates; a run of {run.experiment} does not"
            )
        how = score.Drawing(options.seed, options.truncation, options.cutoff, options.standing_batches, options.frames)
        result, pictures = score.score(
            run, options.scoring, options.metrics, how, place, options.iwae, options.split or SPLITS[0]
        )
    for name, picture in pictures.items():
        grids.save(picture, workdir / f"{name}.png")
    replace_file(workdir / "evaluation.json", (json.dumps(result, indent=2) + "\n").encode())
    return result


def main(parsed: Parsed) -> None:
    """Scores the run; prints the table."""
    result = evaluate(parsed.config)
    print("\n".join(score_table.table(result)))
    if result["extractor"] and not result["extractor"]["for_such_images"]:
        print(f"{result['extractor']['name']} was trained on other images: it compares runs on the same.")
        if "real" in result:
            print(f"One that knows them: {advice.train_one(result['real']['dataset'])}")
    print(Path(parsed.config.workdir) / "evaluation.json")
