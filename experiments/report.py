"""A page to look at, of a run or of an ablation: one file, which needs no network.

python -m experiments.report --workdir=RUN
"""

import json
import sys
from pathlib import Path

from absl import app, flags

from experiments import ablation_report, ablation_results, common, evaluate, evaluation, memorised, page, run_directory
from gan_jax.record import replace_file

FLAGS = flags.FLAGS
flags.declare_key_flag("workdir")


def save(workdir: Path) -> Path:
    """Writes report.html into the directory; returns its path. Raises ValueError or OSError."""
    if (workdir / ablation_results.PLAN).exists():
        ablation_results.save(workdir)
        return ablation_report.save(workdir)
    path = workdir / "report.html"
    replace_file(path, _page(workdir).encode())
    return path


def _page(workdir: Path) -> str:
    content = run_directory.read_config(workdir)
    if not (workdir / "result.json").exists():
        raise ValueError(f"{workdir} has no result yet: its training is not over")
    result = json.loads((workdir / "result.json").read_text())
    flags, samples = content["flags"], sorted((workdir / "samples").glob("*.png"))
    of = flags.get("dataset") or flags.get("mixture")
    lead = f"{of}, seed {flags['seed']}: {result['step']} rounds, {result['images_per_second']:g} images/s."
    there = lambda *names: [workdir / name for name in names if (workdir / name).exists()]
    shown = [page.picture(samples[-1], "samples in the end")] if samples else []
    shown += [page.picture(path, "over time") for path in there("samples.gif")]
    return page.page(
        " ".join(str(part) for part in (content["experiment"], flags.get("game")) if part),
        lead,
        [
            ("Samples", page.side_by_side(shown)),
            ("Scores", _scores(workdir, result, hint=_draws_images(content))),
            ("Curves", "".join(page.picture(path) for path in there("evaluations.png", "curves.png", "trials.png"))),
            ("Nearest training images", memorised.figure(workdir, "samples") if _draws_images(content) else ""),
            ("Configuration", page.pairs(flags)),
            ("Made with", page.pairs(ablation_report.made_with(content))),
        ],
    )


def _draws_images(content: dict) -> bool:
    return len(content["image_shape"]) == 3 and content["experiment"] != "classifier"


def _scores(workdir: Path, result: dict, *, hint: bool) -> str:
    """What `experiments.evaluate` found, and what was found in training; of nothing perhaps a hint how to find some."""
    found = ""
    if (workdir / "evaluation.json").exists():
        scored = json.loads((workdir / "evaluation.json").read_text())
        found += page.code("\n".join(evaluate.table(scored)))
    told = list(evaluation.told(result)) if "final" in result else []
    told += [f"{name}: {value:.4g}" for name, value in result.items() if name.endswith("accuracy")]
    told += [
        f"{name}: {value['mean']:.4g} ± {value['std']:.4g} over trials"
        for name, value in result.items()
        if isinstance(value, dict) and "trials" in value
    ]
    found += "".join(page.note(line) for line in told)
    return found or (page.note(f"python -m experiments.evaluate --workdir={workdir} adds them") if hint else "")


def main(_) -> None:
    if FLAGS.workdir is None:
        sys.exit(common.fail("--workdir=RUN is needed: the directory of a run or of an ablation"))
    try:
        print(save(Path(FLAGS.workdir)))
    except (ValueError, OSError) as error:
        sys.exit(common.fail(error))


if __name__ == "__main__":
    app.run(main, flags_parser=common.parse_flags)
