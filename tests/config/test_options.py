"""Configurations: options found in parts, replaced by name, checked."""

import dataclasses
from typing import ClassVar

import pytest

from gan_jax.config.options import check, flat, option, options, replace

NAMES = {"red": 1, "blue": 2}


@dataclasses.dataclass(frozen=True)
class Part:
    GROUP: ClassVar[str] = "part"
    size: int | None = option(None, "How large.", low=1, high=9)
    rates: tuple[float, ...] = option((0.5,), "How fast.", low=0)
    share: float = option(0.5, "How much.", above=0, high=1)


@dataclasses.dataclass(frozen=True)
class Simple:
    GROUP: ClassVar[str] = "own"
    name: str = option("red", "Which.", choices=NAMES)
    part: Part = Part()
    resumable: bool = option(False, "Whether.", resumable=True)


def test_the_options_of_all_parts_in_order():
    found = {each.name: each for each in options(Simple())}
    assert list(found) == ["name", "size", "rates", "share", "resumable"]
    assert [each.group for each in found.values()] == ["own", "part", "part", "part", "own"]
    assert [(each.kind, each.elements, each.optional) for each in found.values()] == [
        (str, False, False),
        (int, False, True),
        (float, True, False),
        (float, False, False),
        (bool, False, False),
    ]
    assert [each.resumable for each in found.values()] == [False, False, False, False, True]


def test_an_experiment_s_own_defaults_stand_in_the_parts():
    config = Simple(part=Part(size=3))
    assert flat(config) == {"name": "red", "size": 3, "rates": (0.5,), "share": 0.5, "resumable": False}
    assert replace(config, size=4, name="blue") == Simple(name="blue", part=Part(size=4))
    assert config.part.size == 3
    with pytest.raises(ValueError, match="Simple has no option colour, sizes"):
        replace(config, sizes=4, colour="red")


@pytest.mark.parametrize(
    "values, said",
    [
        ({"name": "gren"}, "unknown name 'gren'; choose from red, blue"),
        ({"name": "bleu"}, "did you mean blue"),
        ({"size": 0}, "size=0: must be at least 1 and at most 9"),
        ({"size": 10}, "size=10: must be at least 1 and at most 9"),
        ({"rates": (0.5, -1.0)}, r"rates=-1.0: must be at least 0"),
        ({"share": 0.0}, "share=0.0: must be above 0 and at most 1"),
        ({"rates": (float("nan"),)}, "rates=nan: must be finite"),
        ({"rates": (float("inf"),)}, "rates=inf: must be finite"),
    ],
)
def test_values_out_of_range(values, said):
    check(Simple())
    with pytest.raises(ValueError, match=said):
        check(replace(Simple(), **values))


def test_what_is_added_to_a_registry_later_counts():
    with pytest.raises(ValueError):
        check(Simple(name="green"))
    NAMES["green"] = 3
    try:
        check(Simple(name="green"))
    finally:
        del NAMES["green"]
