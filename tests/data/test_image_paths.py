"""Which files are a folder's images: all that Pillow decodes, each once; what is passed over is said."""

import os

import numpy as np
import pytest
from PIL import Image, features

from gan_jax.data import image_paths
from tests.data.folders import load_folder, save, save_gray, values

WRITTEN = (
    "png", "jpg", "jpeg", "jfif", "jpe", "jp2", "j2k", "webp", "avif", "bmp", "dib", "gif", "tif", "tiff",
    "ppm", "pgm", "pbm", "pnm", "tga", "pcx", "sgi", "ico", "dds",
)  # fmt: skip


@pytest.mark.parametrize("ending", [*WRITTEN, "TIF", "Png"])
def test_every_kind_is_read(ending, tmp_path):
    if ending == "avif" and not features.check("avif"):
        pytest.skip("this Pillow has no AVIF")
    save(tmp_path / f"a.{ending}", 0 if ending == "pbm" else 255, mode="1" if ending == "pbm" else "L", size=(16, 16))
    (value,) = np.unique(load_folder(tmp_path)[np.arange(1)]["image"]).tolist()
    assert value == (0 if ending == "pbm" else 255)


def test_endings():
    """Those that tell a picture, MPO of cameras included; none that Pillow only knows by name, or that is a program."""
    endings = image_paths.endings()
    assert endings >= {f".{each}" for each in WRITTEN} | {".mpo", ".psd", ".fits", ".icns"}
    assert not endings & {".eps", ".ps", ".h5", ".hdf", ".mpg", ".wmf", ".pdf", ".txt", ""}


def test_what_is_passed_over_is_said_by_ending(tmp_path, capsys):
    save_gray(tmp_path, a=1)
    for name in ("a.heic", "b.HEIC", "sub/c.heic", "notes.txt", "README", ".hidden.heic", ".git/x.heic"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    assert values(load_folder(tmp_path)) == [1]
    (line,) = capsys.readouterr().out.splitlines()
    assert line == (f"{tmp_path}: passed over what is no image that Pillow reads: 3 .heic, 1 without an ending, 1 .txt")


def test_many_endings_are_counted_together():
    counts = image_paths.Counter({f".{k:02d}": 100 - k for k in range(12)})
    assert image_paths.counted(counts).endswith("91 .09, 179 with others")


def test_links_are_followed(tmp_path, capsys):
    save_gray(tmp_path, elsewhere_a=1)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "frog").symlink_to(tmp_path / "elsewhere")
    source = load_folder(tmp_path / "data")
    assert values(source) == [1] and source.classes == ("frog",)
    assert len(capsys.readouterr().out.splitlines()) == 1  # of the class, not of a link left out


def test_each_file_once_whatever_links_lead_to_it(tmp_path, capsys):
    """Where it lies itself, though links to it come first in the alphabet; hard links, of which none is the file, once."""
    save_gray(tmp_path, frog_a=1, frog_b=2, newt_c=3)
    (tmp_path / "all").mkdir()
    for name in ("frog/a", "frog/b", "newt/c"):
        (tmp_path / "all" / f"{name[-1]}.png").symlink_to(tmp_path / f"{name}.png")
    (tmp_path / "newt" / "same.png").symlink_to("c.png")
    os.link(tmp_path / "frog" / "a.png", tmp_path / "newt" / "hard.png")
    source = load_folder(tmp_path)
    assert values(source) == [1, 2, 3] and source.classes == ("frog", "newt")
    assert f"{tmp_path}: 5 links to images that are there already left out" in capsys.readouterr().out.splitlines()


def test_a_linked_folder_once(tmp_path):
    save_gray(tmp_path, frog_a=1, toad_b=2)
    (tmp_path / "amphibian").symlink_to(tmp_path / "frog")
    source = load_folder(tmp_path)
    assert source.classes == ("frog", "toad") and values(source) == [1, 2]


def test_links_round_and_round_come_to_an_end(tmp_path):
    save_gray(tmp_path, data_frog_a=1, data_frog_deep_b=2, data_newt_c=3)
    (tmp_path / "data" / "frog" / "up").symlink_to(tmp_path / "data")
    (tmp_path / "data" / "frog" / "deep" / "back").symlink_to("..")
    (tmp_path / "data" / "itself").symlink_to("itself")
    (tmp_path / "data" / "newt" / "self.png").symlink_to("self.png")
    with pytest.raises(ValueError, match=r"1 of 4 images cannot be read: newt/self.png \(Too many levels"):
        load_folder(tmp_path / "data")
    assert values(load_folder(tmp_path / "data", skip_broken=True)) == [1, 2, 3]


def test_a_pipe_is_not_waited_for(tmp_path):
    save_gray(tmp_path, a=1)
    os.mkfifo(tmp_path / "b.png")
    assert values(load_folder(tmp_path)) == [1]


def test_a_folder_that_cannot_be_listed_is_said(tmp_path, monkeypatch):
    """Its images would otherwise just not be there. (Root may list all: so the system's word is made up.)"""
    save_gray(tmp_path, cat_a=1, dog_b=2)
    scandir = os.scandir

    def refusing(path):
        if str(path).endswith("dog"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ValueError, match=r"1 of 1 images cannot be read: dog \(Permission denied\); --skip_broken"):
        load_folder(tmp_path)
    assert load_folder(tmp_path, skip_broken=True).classes == ("cat",)


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"caf\xe9/a.png"])
def test_names_that_are_not_utf8_are_refused(name, tmp_path):
    path = os.path.join(os.fsencode(tmp_path), name)
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            Image.new("L", (8, 8)).save(file, "PNG")
    except OSError:
        pytest.skip("this file system takes no such names")
    with pytest.raises(ValueError, match=r"^caf\\xe9[^ ]*: a name that is not UTF-8; rename it") as error:
        load_folder(tmp_path)
    str(error.value).encode()


def test_a_folder_whose_name_is_not_utf8_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"/caf\\xe9: a name that is not UTF-8"):
        load_folder(tmp_path / os.fsdecode(b"caf\xe9"))


@pytest.mark.parametrize("command", ["dcgan", "sample", "ablate"])
def test_arguments_that_are_not_utf8_are_refused(command, run_experiment, run_command, tmp_path, capsys):
    """A run's directory, say; before anything is made."""
    given = f"--workdir={tmp_path}/{os.fsdecode(bytes([0xE9]))}"
    assert (run_experiment(given) if command == "dcgan" else run_command(command, given)) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line == rf"error: --workdir={tmp_path}/\xe9: a name that is not UTF-8; rename it (convmv does)"
    assert list(tmp_path.iterdir()) == []


def test_other_files_may_be_called_as_they_are(tmp_path, capsys):
    save_gray(tmp_path, a=1)
    try:
        open(os.path.join(os.fsencode(tmp_path), b"note.t\xe9"), "wb").close()
    except OSError:
        pytest.skip("this file system takes no such names")
    assert values(load_folder(tmp_path)) == [1]
    assert r"1 .t\xe9" in capsys.readouterr().out
