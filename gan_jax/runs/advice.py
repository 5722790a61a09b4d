"""What to do where no network comes with a dataset."""

from pathlib import Path

from gan_jax.config.flags import flag
from gan_jax.config.options import replace
from gan_jax.runs.experiment import find
from gan_jax.runs.names import default_name


def classifier_run(dataset: str) -> Path:
    """The directory that experiments.classifier takes for a dataset, unless flags name another."""
    experiment = find("classifier")
    return Path(default_name(experiment, replace(experiment.default, dataset=dataset)))


def train_one(dataset: str, by: str = "extractor") -> str:
    """A clause on how to have a network for a dataset: the command that trains it, and the flag that then names it.

    Args: by: "extractor", which names the network's file; or "classifier", which names its run.
    """
    run = classifier_run(dataset)
    named = flag(by, run / "extractor.npz" if by == "extractor" else run)
    if (run / "extractor.npz").exists():
        return f"{named} names the one that you trained"
    return f"python -m experiments.classifier {flag('dataset', dataset)} trains one, if it has classes, and {named} names it"
