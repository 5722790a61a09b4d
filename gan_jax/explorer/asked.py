"""What a request may hold: numbers within bounds, texts that are known. Raises ValueError, in one line, for all else."""

from collections.abc import Mapping

MISSING = object()


def whole(given: Mapping, name: str, low: int, high: int, default: object = MISSING) -> int:
    """A whole number from `low` to `high`."""
    value = _value(given, name, default)
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 12:  # of an address
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name}: must be a whole number from {low} to {high}")
    return value


def number(given: Mapping, name: str, low: float, high: float, default: object = MISSING) -> float:
    """A number from `low` to `high`."""
    value = _value(given, name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:  # as NaN is not
        raise ValueError(f"{name}: must be a number from {low:g} to {high:g}")
    return float(value)


def text(given: Mapping, name: str, longest: int) -> str:
    """A text of so many letters at most."""
    value = _value(given, name, MISSING)
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{name}: must be a text of at most {longest:,} letters")
    return value


def several(given: Mapping, name: str, most: int, least: int = 0) -> list:
    """A list of so many."""
    value = _value(given, name, MISSING)
    if not isinstance(value, list) or not least <= len(value) <= most:
        raise ValueError(f"{name}: must be a list of {least} to {most}")
    return value


def _value(given: Mapping, name: str, default: object) -> object:
    if name in given and given[name] is not None:
        return given[name]
    if default is MISSING:
        raise ValueError(f"{name}: is missing")
    return default
