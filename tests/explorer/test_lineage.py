"""The lineage is there after a restart, whenever it was killed."""

import json
import resource

import pytest

from gan_jax.explorer.lineage import Lineage


@pytest.fixture
def path(tmp_path):
    return tmp_path / "lineage.jsonl"


def test_it_is_there_again(path):
    lineage = Lineage(path)
    first = lineage.add("~a", "sample", [])
    second = lineage.add("~b", "child", [first.id])
    lineage.add("~c", "cross", [first.id, second.id])
    lineage.like(second.id, True)
    lineage.like(first.id, True)
    lineage.like(second.id, False)
    lineage.close()
    again = Lineage(path)
    assert again.entries == lineage.entries and again.favourites == [0]
    assert [entry.how for entry in again.entries.values()] == ["sample", "child", "cross"]


@pytest.mark.parametrize("content", ['{"my": "own"}', "text"])
def test_another_file_is_left_as_it_is(path, content):
    """Though its last line has no end."""
    path.write_text(content)
    with pytest.raises(ValueError, match=r"lineage.jsonl, line 1: it is none of a lineage"):
        Lineage(path)
    assert path.read_text() == content


def test_undo_takes_the_last(path):
    lineage = Lineage(path)
    lineage.add("~a", "sample", [])
    lineage.add("~b", "child", [0])
    lineage.like(1, True)
    assert lineage.undo() == 1 and list(lineage.entries) == [0] and lineage.favourites == []
    assert lineage.add("~c", "child", [0]).id == 2  # no number is given twice
    lineage.close()
    lineage = Lineage(path)
    assert list(lineage.entries) == [0, 2]
    assert lineage.undo() == 2 and lineage.undo() == 0 and lineage.undo() is None


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_a_line_that_was_being_written_is_forgotten(path, cut):
    lineage = Lineage(path)
    lineage.add("~a", "sample", [])
    lineage.add("~b", "child", [0])
    lineage.close()
    path.write_bytes(path.read_bytes()[:-cut])
    lineage = Lineage(path)
    assert list(lineage.entries) == [0]
    lineage.add("~d", "child", [0])
    lineage.close()
    assert [entry.genome for entry in Lineage(path).entries.values()] == ["~a", "~d"]


ENTRY = '{"add": {"id": 0, "genome": "~a", "how": "sample", "parents": %s, "time": 0}}'


@pytest.mark.parametrize(
    "line",
    [
        "nonsense",
        "[]",
        "5",
        '"add"',
        '{"add": {}}',
        '{"undo": 5}',
        "{}",
        '{"like": 7, "liked": true}',
        ENTRY % 5,
        ENTRY % "[7]",
    ],
)
def test_a_damaged_file_is_said(path, line):
    path.write_text(f"{line}\n")
    with pytest.raises(ValueError, match=r"lineage.jsonl, line 1: .*move the file away"):
        Lineage(path)


def test_one_server_at_a_time(path):
    lineage = Lineage(path)
    with pytest.raises(ValueError, match="is explored by another process"):
        Lineage(path)
    lineage.close()
    Lineage(path)


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda lineage: lineage.add("~a", "sample", [7]), "there is no entry 7"),
        (lambda lineage: lineage.add("~a", "magic", []), "how: must be one of"),
        (lambda lineage: lineage.like(7, True), "there is no entry 7"),
    ],
)
def test_what_is_refused(path, act, message):
    lineage = Lineage(path)
    with pytest.raises(ValueError, match=message):
        act(lineage)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("room", [0, 1, 20])
def test_a_full_disk_loses_nothing(path, room):
    """A line that is written in part is taken back."""
    lineage = Lineage(path)
    lineage.add("~a", "sample", [])
    before = path.read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + room, hard))  # Python ignores the signal
    try:
        with pytest.raises(OSError):
            lineage.add("~b", "child", [0])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert path.read_bytes() == before and list(lineage.entries) == [0]
    assert lineage.add("~c", "child", [0]).id == 1
    lineage.close()
    assert [entry.genome for entry in Lineage(path).entries.values()] == ["~a", "~c"]


def test_it_has_an_end(path, monkeypatch):
    monkeypatch.setattr("gan_jax.explorer.lineage.MOST", 2)
    lineage = Lineage(path)
    for _ in range(2):
        lineage.add("~a", "sample", [])
    lineage.undo()
    lineage.add("~b", "sample", [])
    with pytest.raises(ValueError, match="has 2 entries; move lineage.jsonl away to begin another"):
        lineage.add("~c", "sample", [])


def test_each_line_says_one_thing(path):
    lineage = Lineage(path)
    lineage.add("~a", "sample", [])
    lineage.like(0, True)
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert lines[0]["add"]["genome"] == "~a" and lines[1] == {"like": 0, "liked": True}
