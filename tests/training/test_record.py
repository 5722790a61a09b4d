import json

import numpy as np
import pytest
from PIL import Image
from tensorboardX.proto.event_pb2 import Event

from gan_jax.training import files, record


def write(workdir, steps, after=0):
    log = record.Record(workdir, after=after)
    for step in steps:
        log.write(step, {"d_loss": step / 2, "g_loss": -1.0})
    log.close()


def test_what_is_written_is_read(tmp_path):
    write(tmp_path, [1, 2, 3])
    assert record.read(tmp_path) == {"step": [1, 2, 3], "d_loss": [0.5, 1.0, 1.5], "g_loss": [-1.0] * 3}


def test_nothing_is_read_from_nothing(tmp_path):
    assert record.read(tmp_path) == {}


def test_a_resumed_run_goes_on_from_its_checkpoint(tmp_path):
    """Lines after the checkpoint, one of them cut off by the kill, are written anew."""
    write(tmp_path, [1, 2, 3, 4])
    with (tmp_path / "metrics.jsonl").open("a") as file:
        file.write('{"step": 5, "d_lo')
    write(tmp_path, [3, 4], after=2)
    straight = tmp_path / "straight"
    straight.mkdir()
    write(straight, [1, 2, 3, 4])
    assert (tmp_path / "metrics.jsonl").read_bytes() == (straight / "metrics.jsonl").read_bytes()


def test_values_keep_every_bit(tmp_path):
    value = float(np.float32(0.1))
    log = record.Record(tmp_path)
    log.write(1, {"x": value})
    log.close()
    assert json.loads((tmp_path / "metrics.jsonl").read_text())["x"] == value


def test_what_is_flushed_outlives_the_process(tmp_path):
    log = record.Record(tmp_path)
    log.write(1, {"x": 1.0})
    log.flush()
    assert record.read(tmp_path) == {"step": [1], "x": [1.0]}


def events(workdir) -> list[list[Event]]:
    """Of each of a run's files, by the time of its start."""
    found = []
    for path in sorted((workdir / "tensorboard").iterdir()):
        content, here = path.read_bytes(), []
        while content:  # a record: its length (8 bytes), a checksum (4), the event, a checksum (4)
            length = int.from_bytes(content[:8], "little")
            here.append(Event.FromString(content[12 : 12 + length]))
            content = content[16 + length :]
        found.append(here)
    return found


def test_tensorboard_has_the_same(tmp_path):
    write(tmp_path, [1, 2])
    (found,) = events(tmp_path)
    assert found[0].file_version == "brain.Event:2"
    assert [(event.step, value.tag, value.simple_value) for event in found for value in event.summary.value] == [
        (1, "d_loss", 0.5), (1, "g_loss", -1.0), (2, "d_loss", 1.0), (2, "g_loss", -1.0),
    ]  # fmt: skip


def test_tensorboard_has_the_pictures_too(tmp_path):
    """Each once, when its step is over; not those of later steps that a killed run has left, until they are drawn anew."""

    def draw(step, level, mode="L"):
        path = tmp_path / "samples" / f"{step:06d}.png"
        path.parent.mkdir(exist_ok=True)
        Image.new(mode, (6, 4), level).save(path)
        return path.read_bytes()

    expected = {0: draw(0, 10)}
    draw(4, 99)
    log = record.Record(tmp_path)
    for step in (1, 2):
        log.write(step, {"d_loss": 1.0})
    log.flush()
    expected[2] = draw(2, (1, 2, 3), "RGB")  # a hook draws when its step is recorded
    log.write(3, {"d_loss": 1.0})
    log.flush()
    log.close()

    log = record.Record(tmp_path, after=3)
    log.write(4, {"d_loss": 1.0})
    expected[4] = draw(4, 40)
    log.close()
    found = [
        [(event.step, event.summary.value[0]) for event in file if event.summary.value] for file in events(tmp_path)
    ]
    images = [{step: value.image for step, value in file if value.tag == "samples"} for file in found]
    assert [list(file) for file in images] == [[0, 2], [4]]
    for step, image in (images[0] | images[1]).items():
        assert (image.width, image.height, image.encoded_image_string) == (6, 4, expected[step])
    assert [image.colorspace for image in images[0].values()] == [1, 3]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "file"
    files.replace_file(path, b"first")

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=f"No space left on device: '{path}'"):
        files.replace_file(path, b"second")
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_damage_and_a_full_disk_name_the_file(tmp_path, monkeypatch):
    write(tmp_path, [1, 2])
    log = record.Record(tmp_path, after=2)

    def full():
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(log._events, "flush", full)
    with pytest.raises(OSError, match="cannot write the record .*metrics.jsonl: No space left on device"):
        log.flush()
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"st\n{"step": 3}\n')
    with pytest.raises(OSError, match="metrics.jsonl is damaged"):
        record.Record(tmp_path, after=2)


def test_a_metric_that_only_some_steps_have(tmp_path):
    """As of a network that grows."""
    log = record.Record(tmp_path)
    log.write(1, {"loss": 1.0, "old": 2.0})
    log.write(2, {"loss": 3.0, "new": 4.0})
    log.close()
    columns = record.read(tmp_path)
    assert list(columns) == ["step", "loss", "old", "new"] and columns["loss"] == [1.0, 3.0]
    np.testing.assert_equal([columns["old"], columns["new"]], [[2.0, np.nan], [np.nan, 4.0]])
