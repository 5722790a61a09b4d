"""The table, the curves and the page of a study of augmentation."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gan_jax.pictures import grids, panels
from gan_jax.recipes.batch import to_unit_range
from gan_jax.studies import study_page
from gan_jax.studies.augment_runs import Plan
from gan_jax.studies.augmented import Way
from gan_jax.studies.study_page import Table

Values = dict[str, np.ndarray]  # accuracies [seeds, real] by way


def table(plan: Plan, found: Values) -> Table:
    """Accuracies in percent by way and number of real images: mean ± standard deviation (n - 1) over seeds.

    Beside them by how much more than from the real images alone, changed or not alike, of differences at equal seed.
    """
    base = {way.classic: way for way in plan.ways if way.real and not way.times}
    head = ["learns from"]
    for count in plan.real:
        head += [f"{count} a class", "over real alone"]
    lines = [head]
    for way in plan.ways:
        own = base[way.classic]
        values, gains = found[way.name], found[way.name] - found[own.name]
        cells = [(_shown(values[:, i]), "" if way == own else _shown(gains[:, i], "+")) for i in range(len(plan.real))]
        lines.append([way.name, *(cell for pair in cells for cell in pair)])
    return lines


def save(workdir: Path, plan: Plan, found: Values, examples: Mapping[str, np.ndarray]) -> Table:
    """Writes table.md, curves.png, images.png and report.html; returns the table. Args: examples: `augment_runs.examples`."""
    lines = table(plan, found)
    curves = {
        f"{count} real images of each class: accuracy in %": _curves(plan, found, i)
        for i, count in enumerate(plan.real)
    }
    panels.bands(curves, workdir / "curves.png", xlabel="images of the GAN for each real one")
    titles = [name for name, rows in examples.items() for _ in rows]
    images = np.concatenate([row for rows in examples.values() for row in rows])
    grids.save(grids.rows(to_unit_range(images), titles), workdir / "images.png")
    note = f"Mean ± standard deviation (n - 1) over {len(plan.seeds)} seeds. All learn for {plan.steps:,} rounds. "
    note += "Over real alone: more than from the real images alone, at equal seed, all changed or none."
    if any(way.real and way.times for way in plan.ways):
        note += f" Where real and drawn images are learnt, {plan.drawn_share:.0%} of a batch are drawn."
    pictures = [
        ("Curves", "curves.png", "By how many images of the GAN; around it one standard deviation."),
        (
            "Images",
            "images.png",
            f"Of the first seed, {plan.real[0]} a class: some that a GAN learnt, and some that it drew.",
        ),
    ]
    title = f"What images of a GAN are worth: {plan.data.dataset}"
    study_page.save(workdir, title, str(workdir), lines, note, pictures)
    return lines


def _curves(plan: Plan, found: Values, place: int) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Of one number of real images, by what else is learnt: how many drawn ones [N], and the accuracies in percent [seeds, N]."""
    groups: dict[str, list[Way]] = {}
    for way in plan.ways:
        groups.setdefault(("classic" if way.classic else "real") if way.real else way.name, []).append(way)
    return {
        name: (
            np.array([way.times for way in group]),
            100 * np.stack([found[way.name][:, place] for way in group], axis=1),
        )
        for name, group in groups.items()
    }


def _shown(values: np.ndarray, sign: str = "") -> str:
    """Shares in percent: "91.2 ± 0.4"."""
    spread = f" ± {100 * np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
    return f"{100 * np.mean(values):{sign}.1f}{spread}"
