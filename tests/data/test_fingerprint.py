"""Data are the same wherever they lie and however they are read, and others if a file or a pixel is."""

import shutil

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import ArraySource, Domains, folder, in_memory
from gan_jax.data.classes import keep, keep_classes
from gan_jax.data.fingerprint import Fingerprint, fingerprint
from gan_jax.data.source import Selection, select


@pytest.fixture
def images(tmp_path):
    """A folder of two classes with two images each."""
    for number, name in enumerate(("cat/a", "cat/b", "dog/a", "dog/b")):
        path = tmp_path / "pets" / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.random.RandomState(number).randint(0, 256, (8, 8), np.uint8)).save(path)
    return tmp_path / "pets"


def of(path):
    return fingerprint(folder.load(str(path), split="train"))


def test_a_folder_is_its_names_and_sizes_wherever_it_lies(images, tmp_path):
    found = of(images)
    assert found.count == 4 and len(found.digest) == 16
    moved = shutil.move(images, tmp_path / "elsewhere" / "animals")
    assert of(moved) == found
    (moved / "dog" / "a.png").rename(moved / "dog" / "c.png")
    assert of(moved).count == 4 and of(moved).digest != found.digest
    (moved / "dog" / "c.png").rename(moved / "dog" / "a.png")
    assert of(moved) == found
    Image.new("L", (8, 8)).save(moved / "dog" / "a.png")
    assert of(moved).digest != found.digest
    (moved / "dog" / "a.png").unlink()
    assert of(moved).count == 3


def test_the_digest_does_not_depend_on_how_the_data_are_read(images):
    source = folder.load(str(images), split="train")
    whole, digest = in_memory(source), source.digest
    made = [whole, select(source, ("image",)), select(whole, ("image",)), in_memory(Selection(source, ("label",)))]
    made += [keep(source, np.array([2, 0])), keep(whole, np.array([2, 0])), keep_classes(source, "dog")]
    assert [fingerprint(each) for each in made] == [Fingerprint(len(each), digest) for each in made]
    assert fingerprint(Domains({"a": whole, "b": made[-1]})) == Fingerprint(6, digest)


def test_arrays_are_what_is_in_them():
    image, label = np.arange(12, dtype=np.uint8).reshape(3, 2, 2, 1), np.zeros(3, np.int32)
    digest = ArraySource({"image": image, "label": label}).digest
    assert ArraySource({"label": label.copy(), "image": image[:, ::-1][:, ::-1]}).digest == digest
    others = [
        {"image": image[::-1], "label": label},
        {"image": image, "label": label + 1},
        {"image": image.reshape(3, 4, 1, 1), "label": label},
        {"image": image, "label": label.astype(np.uint32)},
        {"image": image, "labels": label},
    ]
    digests = {ArraySource(each).digest for each in others}
    assert len(digests) == len(others) and digest not in digests


def test_domains_are_all_of_them():
    a, b, c = (ArraySource({"image": np.full((n, 2, 2, 1), n)}) for n in (1, 2, 3))
    found = fingerprint(Domains({"a": a, "b": b}))
    assert found.count == 3 and found != fingerprint(Domains({"a": a, "b": c}))
    assert fingerprint(Domains({"a": a, "b": a})) == Fingerprint(2, a.digest)


def test_a_source_of_ones_own_may_have_no_digest():
    assert fingerprint(range(5)) == Fingerprint(5, None)


def test_what_differs_is_said():
    one = Fingerprint(4, "ab")
    assert one.differs(one) == one.differs(Fingerprint(4, None)) == Fingerprint(4, None).differs(one) == ""
    assert one.differs(Fingerprint(5, "ab")) == "4 examples then, 5 now"
    assert one.differs(Fingerprint(4, "cd")) == "4 examples as then, but not the same ones"
