"""The page of a study of attacks: accuracies, and what the attacks look like; all that it says is in the directory."""

import shlex
from pathlib import Path

from gan_jax.pictures import page
from gan_jax.runs import directory
from gan_jax.runs.report import made_with
from gan_jax.studies.attack_table import Table
from gan_jax.studies.target import Target
from gan_jax.training.files import replace_file

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
    """Writes report.html; returns its path. Args: lines: the table; images: of how many; blind: the share without a gradient."""
    content = directory.read_config(workdir)
    under = f"Accuracy in % on {images:,} test images, by epsilon ({norm}, images in [0, 1])."
    rule = "An image counts where the classifier is right without an attack, and after every restart of one."
    text = page.page(
        f"Attacks on {target.name}",
        f"{target.dataset}. {workdir}",
        [
            ("Accuracy", page.table(lines) + page.note(f"{under} {rule} {warning(blind)}")),
            *(
                (Path(name).stem.replace("_", " ").capitalize(), page.picture(workdir / name, said))
                for name, said in PICTURES.items()
                if (workdir / name).exists()
            ),
            ("Command", page.code(shlex.join(content["command"]))),
            ("Configuration", page.folded("all flags", page.pairs(content["flags"]))),
            ("Made with", page.pairs(made_with(content))),
        ],
    )
    path = workdir / "report.html"
    replace_file(path, text.encode())
    return path
