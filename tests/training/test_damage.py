"""A checkpoint that is damaged is set aside for the one before; one that only cannot be read stays, and is an error."""

import shutil

import jax
import numpy as np
import pytest

from gan_jax.training.checkpoint import Checkpoints
from tests.training.example_states import arrays_of, saved, state


def flip(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)


DAMAGES = {
    "a bit flipped": flip,
    "cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "emptied": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_set_aside_for_the_one_before(tmp_path, capsys, damage):
    directory = tmp_path / "checkpoints"
    saved(directory, [1, 2]).close()
    DAMAGES[damage](arrays_of(directory, 2))
    checkpoints = Checkpoints(directory)
    jax.tree.map(np.testing.assert_array_equal, checkpoints.restore(state(0)), state(1))
    assert "checkpoint of step 2 is damaged" in (said := capsys.readouterr().err)
    assert "going back to step 1" in said and said.count("\n") == 1
    assert (tmp_path / "damaged" / "2").is_dir()
    checkpoints.save(2, state(2))  # the step can be saved again
    checkpoints.wait()
    assert int(checkpoints.restore(state(0)).step) == 2


def empty(folder):
    shutil.rmtree(folder)
    folder.mkdir()


def replace(path, old, new):
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))


DAMAGES_OF_A_FOLDER = {
    "emptied": empty,
    "without arrays": lambda folder: shutil.rmtree(folder / "state"),
    "arrays emptied": lambda folder: empty(folder / "state"),
    "without metadata": lambda folder: (folder / "state" / "_METADATA").unlink(),
    "metadata cut off": lambda folder: DAMAGES["cut off"](folder / "state" / "_METADATA"),
    "another kind in the metadata": lambda folder: replace(folder / "state" / "_METADATA", b'"Dict"', b'"Dicu"'),
    "another name in the metadata": lambda folder: replace(folder / "state" / "_METADATA", b'"mu"', b'"mv"'),
    "without a manifest": lambda folder: (folder / "state" / "manifest.ocdbt").unlink(),
    "manifest flipped": lambda folder: flip(folder / "state" / "manifest.ocdbt"),
    "without a checksum": lambda folder: shutil.rmtree(folder / "integrity"),
    "checksum emptied": lambda folder: (folder / "integrity" / "metadata").write_bytes(b""),
}


@pytest.mark.parametrize("damage", DAMAGES_OF_A_FOLDER)
def test_a_damaged_folder_is_set_aside_and_a_reader_leaves_it(tmp_path, capsys, damage):
    directory = tmp_path / "checkpoints"
    saved(directory, [1, 2]).close()
    DAMAGES_OF_A_FOLDER[damage](directory / "2")
    reader = Checkpoints(directory, read_only=True)
    jax.tree.map(np.testing.assert_array_equal, reader.restore(state(0)), state(1))
    assert "checkpoint of step 2 cannot be read" in capsys.readouterr().err
    assert (directory / "2").is_dir() and not (tmp_path / "damaged").exists()
    jax.tree.map(np.testing.assert_array_equal, Checkpoints(directory).restore(state(0)), state(1))
    assert "checkpoint of step 2 is damaged" in capsys.readouterr().err
    assert not (directory / "2").exists() and (tmp_path / "damaged" / "2").is_dir()


def test_other_values_than_were_saved_are_damage(tmp_path, capsys, monkeypatch):
    """A change that the file format itself does not notice is noticed by the checksum."""
    saved(tmp_path / "checkpoints", [1]).close()
    monkeypatch.setattr("gan_jax.training.checkpoint.checksum", lambda tree: 123)
    assert Checkpoints(tmp_path / "checkpoints").restore(state(0)) is None
    assert "checksum" in (said := capsys.readouterr().err) and "no other is left" in said
