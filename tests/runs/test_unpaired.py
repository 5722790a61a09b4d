"""The two domains of a run: of datasets, of folders in both layouts, and what is said of those that are none."""

import numpy as np
import pytest
from PIL import Image

from gan_jax.data import Domains
from gan_jax.runs.experiment import find
from gan_jax.runs.unpaired import load_domains


@pytest.fixture
def loaded(configured):
    """loaded(*flags) is the data of a run of these flags."""
    return lambda *given: load_domains(find("cyclegan").resolve(configured(*given, experiment="cyclegan")))


@pytest.fixture
def horses(tmp_path):
    """trainA, trainB, testA and testB, of 5, 3, 2 and 1 images whose brightness is their number."""
    for number, (name, count) in enumerate({"trainA": 5, "trainB": 3, "testA": 2, "testB": 1}.items()):
        (tmp_path / name).mkdir()
        for index in range(count):
            Image.fromarray(np.full((8, 8, 3), 50 * number + index, np.uint8)).save(tmp_path / name / f"{index}.png")
    return tmp_path


def brightness(source):
    return sorted(np.unique(source[np.arange(len(source))]["image"]).tolist())


def test_any_two_datasets(loaded):
    """Training has no labels; the test has them, and so has what is kept for classifiers."""
    data = loaded("--domain_b=colored:digits", "--image_size=8")
    assert isinstance(data.source, Domains) and list(data.source.spec) == ["a", "b"]
    assert all(list(spec) == ["image"] for spec in data.source.spec.values())
    assert [spec["image"].shape for spec in data.source.spec.values()] == [(8, 8, 1), (8, 8, 3)]
    tests = data.test().sources
    assert len(tests["a"]) == 359 and len(data.source.sources["a"]) == 1438
    assert all("label" in each.spec for each in (*tests.values(), *data.found.values()))


def test_print_has_a_test_split_of_its_own(loaded):
    data = loaded()
    assert (len(data.source.sources["b"]), len(data.test().sources["b"])) == (2520, 720)


def test_one_folder_in_the_authors_layout(loaded, horses):
    data = loaded(f"--dataset=unaligned:{horses}")
    found = {
        name: brightness(each) for name, each in (data.source.sources | {"test": data.test().sources["b"]}).items()
    }
    assert found == {"a": [0, 1, 2, 3, 4], "b": [50, 51, 52], "test": [150]}


def test_without_tests_some_are_held_out(loaded, horses):
    for name in ("testA", "testB"):
        for file in (horses / name).iterdir():
            file.unlink()
        (horses / name).rmdir()
    data = loaded(f"--dataset=unaligned:{horses}")
    assert [len(each) for each in data.source.sources.values()] == [4, 2]
    assert [len(each) for each in data.test().sources.values()] == [1, 1]


def test_two_folders(loaded, horses):
    data = loaded(f"--dataset=unaligned:{horses / 'trainB'},{horses / 'testA'}")
    assert brightness(data.source.sources["a"]) + brightness(data.test().sources["a"]) != []
    assert {50, 51, 52} == set(brightness(data.source.sources["a"]) + brightness(data.test().sources["a"]))
    assert {100, 101} == set(brightness(data.source.sources["b"]) + brightness(data.test().sources["b"]))


@pytest.mark.parametrize(
    "given, message",
    [
        (
            "--dataset=mnist",
            "dataset=mnist: must be unaligned:PATH or unaligned:PATH_A,PATH_B; or name domain_a and domain_b",
        ),
        ("--dataset=unaligned:/nowhere", "unaligned:/nowhere: has no folder trainA"),
        ("--dataset=unaligned:/a,", "dataset=unaligned:/a,: needs one folder, or two with a comma between"),
        ("--dataset=unaligned:", "dataset=unaligned:: needs one folder, or two"),
        (
            "--dataset=unaligned:/a,/b --domain_b=mnist",
            "domain_b=mnist: the domains are those of dataset=unaligned:/a,/b",
        ),
        ("--domain_b=photos", "domain a has images of 16x16, domain b of 64x64; --image_size makes them alike"),
        ("--domain_a=birds", "unknown dataset 'birds'"),
        ("--domain_b=recolored:photos", "recolored:photos: takes gray images"),
    ],
)
def test_what_cannot_be(loaded, given, message):
    with pytest.raises((ValueError, OSError)) as error:
        loaded(*given.split())
    assert message in str(error.value)


def test_an_image_that_needs_no_change(configured, loaded):
    """It counts half of λ where domains are alike; where channels differ, or latents say more, it cannot."""
    experiment = find("cyclegan")

    def identity(*given):
        config = experiment.resolve(configured("--image_size=8", *given, experiment="cyclegan"))
        return experiment.complete(config, load_domains(config)).learning.identity

    assert identity() == 0.5 and identity("--identity=0.1") == 0.1
    assert identity("--domain_b=colored:digits") == identity("--augmented") == 0
    with pytest.raises(
        ValueError, match="identity=0.1: images of domain a have 1 channels, those of domain b 3; it must be 0"
    ):
        identity("--domain_b=colored:digits", "--identity=0.1")
    with pytest.raises(ValueError, match="identity=0.1: counts nothing with --augmented"):
        identity("--augmented", "--identity=0.1")


def test_rates_fall_in_the_second_half(configured):
    resolve = find("cyclegan").resolve
    found = resolve(configured("--steps=301", experiment="cyclegan")).learning
    assert (found.decay_from, found.decay_rounds) == (150, 151)
    found = resolve(configured("--steps=300", "--decay_from=290", experiment="cyclegan")).learning
    assert (found.decay_from, found.decay_rounds) == (290, 10)
    found = resolve(configured("--steps=300", "--decay_rounds=7", experiment="cyclegan")).learning
    assert (found.decay_from, found.decay_rounds) == (150, 7)
