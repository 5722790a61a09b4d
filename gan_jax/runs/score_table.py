"""What `runs.score` found, as lines of text."""

from collections.abc import Iterator, Sequence

import numpy as np


def table(result: dict) -> Iterator[str]:
    """The lines of a table of `score`'s result."""
    head, *body = rows(result)
    width = max((len(row[0]) for row in body), default=0)
    yield f"{'':{width}}  " + "  ".join(f"{each:>14}" for each in head[1:])
    for name, *values in body:
        yield f"{name:{width}}  " + "  ".join(f"{value:>14}" for value in values)
    yield from class_table(result["class_names"], result["by_class"])
    yield from drawn(result)
    yield from left_out(result.get("left_out", {}))


def rows(result: dict) -> list[list[str]]:
    """The same as cells: a head, and a row for each measure."""
    columns = result["scores"]
    names = {"newest": "newest", "best": "best", "real": "real images"}
    title = lambda kind: names.get(kind, kind)
    heads = [f"{title(kind)} ({one['step']})" if "step" in one else title(kind) for kind, one in columns.items()]
    found = {}
    for number, column in enumerate(columns.values()):
        for name, value in column.items():
            if name != "step":
                found.setdefault(name, [name, *[""] * len(columns)])[number + 1] = _format(value)
    return [["", *heads], *found.values()]


def drawn(result: dict) -> Iterator[str]:
    """A line each if samples were drawn, or are compared, otherwise than a run's usually are."""
    how = result.get("drawn", {})
    said = [] if how.get("truncation") is None else [_truncated(how)]
    if how.get("standing_batches"):
        said.append(f"with the batch statistics of {how['standing_batches']} batches")
    if said:
        yield f"samples are {' and '.join(said)}"
    if result.get("real", {}).get("split") == "test":
        yield "compared with images of the test split"
    noise = "with noise of its own" if how.get("noisy") else "without noise"
    if domains := result.get("domains"):
        counts = " and ".join(f"{count:,} images of {name}" for name, count in domains["counts"].items())
        yield f"over {counts}, of the {domains['split']} split, translated {noise}"
    if pairs := result.get("pairs"):
        yield f"means over {pairs['count']:,} pairs of the {pairs['split']} split, translated {noise}"


def _truncated(how: dict) -> str:
    """What a truncation does, as `TrainedRun.truncated` has it."""
    if not how.get("styles"):
        return f"from latents within ±{how['truncation']:g}"
    layers = "" if how.get("cutoff") is None else f" in the first {how['cutoff']} layers"
    return f"of styles, ψ = {how['truncation']:g}{layers}"


def left_out(reasons: dict[str, str]) -> Iterator[str]:
    """A line for each reason why scores are left out, of {"recall": "...", ...}."""
    for reason in dict.fromkeys(reasons.values()):
        yield f"left out: {', '.join(name for name, own in reasons.items() if own == reason)}: {reason}"


def class_table(class_names: Sequence[str], found: dict[str, list[dict]]) -> Iterator[str]:
    """The lines of a table of a row per class: each measure of samples beside that of real images. None without classes."""
    if not found:
        return
    measures, width = ["accuracy", "ms_ssim", "density", "coverage"], max(5, *map(len, class_names))
    yield ""
    yield f"{'class':>{width}}  count  " + "  ".join(f"{name:>8} {'(real)':>8}" for name in measures)
    for name, fake, real in zip(class_names, found["newest"], found["real"], strict=True):
        values = "  ".join(f"{_short(fake[measure])} {_short(real[measure])}" for measure in measures)
        yield f"{name:>{width}}  {fake['count']:>5}  {values}"
    right = [(fake["accuracy"], fake["count"]) for fake in found["newest"] if fake["accuracy"] is not None]
    if right:
        rates, counts = zip(*right)
        overall = np.average(rates, weights=counts)
        yield f"taken for the class that was asked for: {overall:.2%} of {sum(counts)}; at least {min(rates):.2%} of each"


def _short(value: float | None) -> str:
    return f"{'-' if value is None else format(value, '.3f'):>8}"


def _format(value: float) -> str:
    return str(value) if isinstance(value, bool) else f"{value:.4g}"
