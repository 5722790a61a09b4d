"""Checkpoints written before players had names in a state; they can still be read.

Such a state had a field for each player, (step, generator, discriminator) or (step, classifier), in place of a dict
`players`; no `memory`; and a player's `ema` was called `average`. So an old checkpoint is a new one under other paths,
("generator", "average", ...) for ("players", "generator", "ema", ...), with its arrays in another order.
"""

from collections.abc import Collection, Iterable

Path = tuple[str, ...]  # of an array in a state, such as ("players", "generator", "params", "Dense_0", "kernel")

FIELDS = ("step", "generator", "discriminator", "classifier")  # of an old state, in their order


def is_legacy(saved: Collection[Path], wanted: Collection[Path]) -> bool:
    """Whether arrays saved under these paths are an old state, where one with `players` is wanted."""
    return any(path[:1] == ("players",) for path in wanted) and {path[0] for path in saved} <= set(FIELDS)


def renamed(path: Path) -> Path:
    """Where an array of an old state is in a new one."""
    field, *rest = path
    if field == "step":
        return path
    if rest[:1] == ["average"]:
        rest[0] = "ema"
    return ("players", field, *rest)


def in_saved_order(paths: Iterable[Path]) -> list[Path]:
    """The paths of a new state in the order that their arrays had in an old one, which its checksum went by.

    A dict's items are ordered by name, the old fields were not; within a player the order is the same.
    """
    return sorted(paths, key=lambda path: FIELDS.index(path[1] if path[0] == "players" else path[0]))
