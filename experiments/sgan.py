"""Semi-supervised GAN: D becomes a classifier from few labels (Salimans et al. 2016, arXiv:1606.03498; Odena 2016).

python -m experiments.sgan                                    # digits, no download
python -m experiments.sgan --dataset=mnist --num_labeled=100
python -m gan_jax classify --workdir=RUN my_digit.png         # what the trained network says

MNIST, 100 labels, 3 seeds, 2 CPU cores with tests beside: the first 100 images 92.6 ± 1.1 % (67.0 without the others), 10 to 13
minutes; 10 of each class with --augment=translate:2,rotate:15,scale:0.15 --steps=16000 98.2 ± 0.1 % (94.3), 18 to 27 minutes
(measured by version 0.1, which filled with black, --augment_fill=black, and augmented an example's two images independently).

The same network is also trained on the labelled images alone, in RUN/supervised, to compare with.
"""

from dataclasses import dataclass
from typing import ClassVar

from flax import linen as nn

from gan_jax.config import setup as gan_setup
from gan_jax.config.gan import ArchitectureConfig, AugmentationConfig, GanConfig, PlayersConfig, with_network_defaults
from gan_jax.config.options import option, require_known
from gan_jax.config.parts import ClusterConfig, DataConfig, EvaluationConfig, RunConfig
from gan_jax.data import DataSpec
from gan_jax.data.labelled import CHOICES
from gan_jax.networks.registry import NETWORKS, build
from gan_jax.recipes import classifier, gan, sgan
from gan_jax.recipes.contract import Recipe
from gan_jax.runs import semi_supervised
from gan_jax.runs.launch import experiment
from gan_jax.runs.training import Run
from gan_jax.training.parallel import AXIS


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "sgan"
    run: RunConfig = RunConfig(steps=8000, batch_size=32)
    data: DataConfig = DataConfig()
    num_labeled: int = option(100, "How many images keep their labels; the others are used without.", low=1)
    label_choice: str = option("first", "Which images keep them.", choices=CHOICES)
    supervised_weight: float = option(1.0, "Of the labelled images' cross-entropy in D's loss.", low=0)
    d_ema: float = option(0.999, "Decay of the moving average of D's weights, which classifies.", low=0, high=0.999999)
    gan: GanConfig = GanConfig(game="non_saturating", objective="feature_matching")
    architecture: ArchitectureConfig = ArchitectureConfig()
    players: PlayersConfig = PlayersConfig(hidden=(500, 500))
    augmentation: AugmentationConfig = AugmentationConfig()
    evaluation: EvaluationConfig = EvaluationConfig()
    cluster: ClusterConfig = ClusterConfig()


def resolve(config: Config) -> Config:
    """The configuration with all defaults filled in. Raises ValueError for what cannot be combined."""
    network, players = config.architecture.network, config.players
    require_known("network", network, [name for name, each in NETWORKS.items() if each.classifier])
    defaults: dict[str, object] = dict(g_norm="batch", d_dropout=0.5, lr_decay="cosine")
    if config.gan.game == Config().gan.game:  # others have rates of their own
        defaults |= dict(d_lr=6e-3 if network == "dcgan" else 3e-3, g_lr=3e-3)
    if network == "mlp":
        useless = dict(d_norm=(None, "none"), d_spectral_norm=(False,), d_dropout=(None, 0), minibatch=("none",))
        for name, allowed in useless.items():
            if getattr(players, name) not in allowed:
                raise ValueError(f"{name}={getattr(players, name)}: the mlp of sgan has weight normalisation and noise")
        defaults |= dict(d_norm="none", d_dropout=0.0)
    return with_network_defaults(config, **defaults)


def make_setup(config: Config, spec: DataSpec) -> gan.Setup:
    """The game: D has a logit for each class, and how real an image is, is their logsumexp."""
    as_published = dict(activation=nn.softplus) if config.architecture.network == "mlp" else {}
    generator = gan_setup.make_generator(config, spec.image_shape, **as_published)
    fields = gan_setup.d_fields(config)
    del fields["hidden"]  # those of the classifying networks are their own
    network = NETWORKS[config.architecture.network].classifier
    discriminator = build(network, num_classes=len(spec.classes), **fields)
    return gan.Setup(generator, discriminator, **gan_setup.setup_fields(config))


def make(config: Config, spec: DataSpec) -> Recipe:
    """The GAN, whose D also learns from the labelled images."""
    return sgan.make(make_setup(config, spec), supervised_weight=config.supervised_weight, d_ema=config.d_ema)


def make_supervised(config: Config, spec: DataSpec) -> Recipe:
    """How the same network learns from the labelled images alone: with D's optimizer, augmentation and average."""
    setup = make_setup(config, spec)
    n_critic = config.gan.n_critic
    augment = lambda images, keys, step: setup.augment(images, keys, step // n_critic)  # augmentations count rounds
    optimizer = gan_setup.d_optimizer(config.gan)
    return classifier.make(classifier.Setup(setup.discriminator, optimizer, augment, ema=config.d_ema, axis_name=AXIS))


def train(run: Run) -> None:
    """Trains the network on the labelled images alone, then the GAN; says both accuracies."""
    semi_supervised.train(run, make_supervised(run.config, run.data.spec))


main = experiment("sgan", Config, make, resolve=resolve, load=semi_supervised.load, train=train)

if __name__ == "__main__":
    main()
