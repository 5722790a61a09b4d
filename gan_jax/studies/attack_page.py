"""The page of a study of attacks: accuracies, and what the attacks look like."""

from pathlib import Path

from gan_jax.studies import study_page
from gan_jax.studies.study_page import Table
from gan_jax.studies.target import Target

MASKING = 0.05  # of the images; so many without a gradient make attacks by gradients say little
PICTURES = {
    "examples.png": "What attacks add to images, as visible as can be, and what the classifier then says, and how sure it is.",
    "noises.png": "One image with Gaussian noise of mean μ and deviation σ added, in [0, 1]: what the classifier says of it.",
    "transfer.png": "Does what misleads one classifier mislead others? Rows: whom images were crafted on; columns: who sees them. "
    "A tree and nearest neighbours have no gradient: theirs are crafted on an MLP that learnt what they say.",
    "from_noise.png": "Uniform noise, changed until the classifier is sure that it sees a class.",
}


def warning(share: float) -> str:
    """What the share of images without a gradient means for the table."""
    said = (
        f"The loss of {share:.1%} of the images has no gradient" if share else "The loss of each image has a gradient"
    )
    return (
        f"{said}: attacks by it say little of such a classifier (gradient masking)." if share > MASKING else f"{said}."
    )


def save(workdir: Path, target: Target, lines: Table, images: int, norm: str, blind: float) -> Path:
    """Writes table.md and report.html; returns the path of this.

    Args: lines: the table; images: of how many; blind: the share without a gradient.
    """
    under = f"Accuracy in % on {images:,} test images, by epsilon ({norm}, images in [0, 1])."
    rule = "An image counts where the classifier is right without an attack, and after every restart of one."
    pictures = [
        (Path(name).stem.replace("_", " ").capitalize(), name, shown)
        for name, shown in PICTURES.items()
        if (workdir / name).exists()
    ]
    title, said = f"Attacks on {target.name}", f"{target.dataset}. {workdir}"
    return study_page.save(workdir, title, said, lines, f"{under} {rule} {warning(blind)}", pictures)
