"""What is said on the page of a run that translates: of each of its pictures a caption, and what is to be seen."""

from gan_jax.runs import data_sheet

NEWEST = "newest"  # of its pictures while it trains

PAIRS = {
    NEWEST: (
        "Examples that were not learnt, after round {}: what is given, what is made of it, the truth.",
        "Inputs, outputs and targets, side by side",
    ),
    "samples.gif": ("The same over time.", "The same examples, from the first round to the last"),
    "translated.png": (
        "Beside what is made without learning.",
        "Examples, baselines, outputs and targets, side by side",
    ),
    data_sheet.NAME: ("Pairs that are learnt.", "Pairs of images that the run learns"),
}
DOMAINS = {
    NEWEST: (
        "Examples that were not learnt, after round {}: what is given, what it becomes in the other domain, and that back.",
        "Images of both domains, translated, and translated back, side by side",
    ),
    "samples.gif": PAIRS["samples.gif"],
    "translated.png": (
        "And with noise before the way back: what was hidden in a translated image is lost then, what is to be seen stays.",
        "Images of both domains, translated, and translated back without noise and with it, side by side",
    ),
    data_sheet.NAME: ("Images of both domains, which nothing pairs.", "Images that the run learns"),
}


def of(content: dict) -> dict[str, tuple[str, str]] | None:
    """The captions by file, of what config.json says of a run; None of one that does not translate."""
    example = content["data"]["example"]
    return PAIRS if "target" in example else DOMAINS if {"a", "b"} <= example.keys() else None
