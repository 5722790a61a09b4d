"""The parts of a configuration that experiments share: the run, its data, its evaluation, the cluster."""

from dataclasses import dataclass
from typing import ClassVar

from gan_jax.config.options import option
from gan_jax.data import sources
from gan_jax.data.pixels import CROPS
from gan_jax.evaluation.scores import SCORES


@dataclass(frozen=True)
class RunConfig:
    """How long, how much at once, and where."""

    GROUP: ClassVar[str] = "run"
    steps: int | None = option(1000, "Rounds to train, those of earlier starts included.", low=1, resumable=True)
    batch_size: int = option(64, "Examples in a batch, over all devices.", low=1)
    seed: int = option(0, "Seed of all randomness.", low=0)
    workdir: str | None = option(
        None, "Directory of the run; by default its name says what differs from the defaults.", resumable=True
    )
    log_every: int = option(10, "Rounds between looks at the metrics; all are recorded.", low=1, resumable=True)
    sample_every: int = option(250, "Rounds between pictures of samples.", low=1, resumable=True)
    checkpoint_every: int = option(500, "Rounds between checkpoints.", low=1, resumable=True)
    steps_per_call: int = option(
        1, "Rounds in one call of the devices, at most; for accelerators.", low=1, resumable=True
    )
    compilation_cache: str | None = option(
        None, "Folder in which compiled programs are kept for later starts; empty for none.", resumable=True
    )


@dataclass(frozen=True)
class DataConfig:
    """What is learnt."""

    GROUP: ClassVar[str] = "data"
    dataset: str = option("digits", f"What to learn: {sources.listed()}, tfds:NAME or folder:PATH (your own images).")
    data_dir: str = option(
        sources.DATA_DIR,
        "Folder of datasets: mnist's files are in DATA_DIR/mnist, or downloaded there, and so on; by default they are "
        "downloaded into ~/.cache/gan_jax/data.",
        resumable=True,
    )
    image_size: str | None = option(
        None,
        "To which images are cropped and resized: a side, as in 64, or height x width, 48x96; by default their own.",
    )
    crop: str = option(
        "center",
        "What is cut before images are resized: all but the centre, or nothing, which may squeeze.",
        choices=CROPS,
    )
    allow_changed_data: bool = option(
        False, "Go on with a run though its data are not those that it began with.", resumable=True
    )
    classes: str | None = option(None, "Classes to keep, as in 6 or 0,3,6 or cat,dog; by default all.")
    in_memory_gib: float = option(
        4.0, "A dataset of more GiB than this is read from disk as it is needed.", low=0, resumable=True
    )
    data_workers: int = option(2, "Processes that read such a dataset.", low=0, resumable=True)
    skip_broken: bool = option(False, "folder:PATH: leave out what cannot be read, and name it.")
    max_pixels: int | None = option(
        None, "folder:PATH: how many pixels a file may have; by default 178,956,970, Pillow's limit.", low=1
    )
    white_level: float | None = option(
        None, "folder:PATH: what is white in gray of more than 8 bits, 4095 in 12-bit data; by default 65,535.", above=0
    )

    def __post_init__(self):
        if isinstance(self.image_size, int):  # as code says a side
            object.__setattr__(self, "image_size", str(self.image_size))


@dataclass(frozen=True)
class VideoDataConfig(DataConfig):
    """What is learnt, of videos."""

    frames: int = option(16, "Of a video; of longer ones the first.", low=1)


@dataclass(frozen=True)
class ScoringConfig:
    """How samples are scored."""

    GROUP: ClassVar[str] = "evaluation"
    num_samples: int = option(10000, "Samples, and as many real images, that are compared.", low=10, resumable=True)
    extractor: str | None = option(
        None,
        "File of the features' network (experiments.classifier trains one); by default the dataset's own.",
        resumable=True,
    )
    inception_weights: str | None = option(
        None, "PyTorch file of InceptionV3's weights: then the scores are FID, ...", resumable=True
    )


@dataclass(frozen=True)
class EvaluationConfig(ScoringConfig):
    """How a run is evaluated while it trains."""

    eval_every: int = option(
        0, "Rounds between evaluations; the best checkpoint is kept too. 0: none.", low=0, resumable=True
    )
    eval_metrics: tuple[str, ...] = option(
        ("frechet_distance",),
        "What is computed then; the first chooses the best checkpoint.",
        choices=SCORES,
        resumable=True,
    )


@dataclass(frozen=True)
class ClusterConfig:
    """Other processes that train the same run."""

    GROUP: ClassVar[str] = "cluster"
    distributed: bool = option(
        False, "Join the processes of a cluster that jax knows (Slurm, TPU, ...).", resumable=True
    )
    coordinator_address: str | None = option(
        None, "HOST:PORT of the first process; with num_processes and process_id.", resumable=True
    )
    num_processes: int | None = option(None, "How many processes the run has.", low=1, resumable=True)
    process_id: int | None = option(None, "Which of them this is, from 0.", low=0, resumable=True)
