"""The table, the curves and the page of a study of augmentation."""

from pathlib import Path

import numpy as np

from gan_jax.pictures import page, panels
from gan_jax.studies import attack_table, study_page
from gan_jax.studies.attack_table import Table
from gan_jax.studies.augment_runs import Plan
from gan_jax.training.files import replace_file

BASE = "classic"  # what gains are over
Values = dict[str, np.ndarray]  # accuracies [seeds, real] by way


def table(plan: Plan, found: Values) -> Table:
    """Accuracies in percent by way and number of real images: mean ± standard deviation (n - 1) over seeds; gains over BASE."""
    head = ["learns from"]
    for count in plan.real:
        head += [f"{count} a class", f"over {BASE}"]
    lines = [head]
    for name, values in found.items():
        gains = values - found[BASE]
        cells = [
            (_shown(values[:, i]), "" if name == BASE else _shown(gains[:, i], "+")) for i in range(len(plan.real))
        ]
        lines.append([name, *(cell for pair in cells for cell in pair)])
    return lines


def save(workdir: Path, plan: Plan, found: Values) -> Table:
    """Writes table.md, curves.png and report.html; returns the table."""
    lines = table(plan, found)
    replace_file(workdir / "table.md", attack_table.text(lines).encode())
    x = np.array(plan.real)
    curves = {name: (x, 100 * values) for name, values in found.items()}
    title = f"{plan.data.dataset}: right about so many % of the test images"
    panels.bands({title: curves}, workdir / "curves.png", xlabel="real images of each class")
    said = f"Mean ± standard deviation (n - 1) over {len(plan.seeds)} seeds. All learn for {plan.steps:,} rounds."
    sections = [
        ("Accuracy", page.table(lines) + page.note(said)),
        (
            "Curves",
            page.picture(workdir / "curves.png", "By the number of real images; around it one standard deviation."),
        ),
    ]
    study_page.save(workdir, f"What images of a GAN are worth: {plan.data.dataset}", str(workdir), sections)
    return lines


def _shown(values: np.ndarray, sign: str = "") -> str:
    """Shares in percent: "91.2 ± 0.4"."""
    spread = f" ± {100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):{sign}.1f}{spread}"
