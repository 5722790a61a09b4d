"""Videos: VGAN (Vondrick et al. 2016, arXiv:1609.02612) and MoCoGAN (Tulyakov et al. 2018, arXiv:1707.04993).

python -m experiments.video                                             # one moving digit each, 10 frames of 32 pixels, no download
python -m experiments.video --dataset=moving:mnist --image_size=64      # two of MNIST's, as Moving MNIST
python -m experiments.video --network=vgan --frames=16                  # two streams, what stands still and what moves
python -m experiments.video --dataset=videos:PATH --image_size=64       # GIF, APNG, WebP, folders of frames
python -m gan_jax sample --workdir=RUN --format=play --frames=64        # longer than it learnt
"""

from dataclasses import dataclass
from typing import ClassVar

import optax

from gan_jax import presets
from gan_jax.config.options import option, replace
from gan_jax.config.parts import ClusterConfig, EvaluationConfig, RunConfig, VideoDataConfig
from gan_jax.config.setup import over_devices
from gan_jax.data import DataSpec
from gan_jax.games import GAMES
from gan_jax.networks import mocogan, vgan
from gan_jax.penalties import PENALTIES
from gan_jax.recipes import video
from gan_jax.recipes.contract import Recipe
from gan_jax.recipes.video import IMAGE, VIDEO
from gan_jax.runs.launch import experiment
from gan_jax.training.parallel import AXIS

NETWORKS = ("mocogan", "vgan")
PRESETS: dict[str, "Config"] = {}


@dataclass(frozen=True)
class Config:
    """All that can be chosen."""

    GROUP: ClassVar[str] = "video"
    preset: str | None = option(None, "Other defaults: published, MoCoGAN's for 64 pixels.", choices=PRESETS)
    run: RunConfig = RunConfig(steps=8000, batch_size=8, sample_every=1000)
    data: VideoDataConfig = VideoDataConfig(dataset="moving:1:digits", frames=10)
    network: str = option("mocogan", "Content and motion, or two streams.", choices=NETWORKS)
    game: str = option("non_saturating", "What D and G play for.", choices=GAMES)
    penalty: tuple[str, ...] = option(
        ("r1",), "Added to the loss of each discriminator; none as published.", choices=("none", *PENALTIES)
    )
    penalty_weight: float = option(0.1, "The penalties' weight.", low=0)
    d_norm: str = option("none", "Normalisation in D; batch as published.", choices=("batch", "layer", "none"))
    g_lr: float = option(5e-4, "Adam's rate of G; 2e-4 as published.", low=0)
    d_lr: float = option(5e-4, "Adam's rate of each discriminator; 2e-4 as published.", low=0)
    beta1: float = option(0.5, "Adam's β1.", low=0, high=1)
    weight_decay: float = option(1e-5, "Adam's: times the weights, added to gradients.", low=0)
    ema: float = option(
        0.99, "Decay of the moving average of G's weights that is sampled; 0 samples G itself.", low=0, high=0.999999
    )
    width: int = option(16, "Channels of the largest hidden maps; 64 as published.", low=1)
    content_size: int = option(50, "mocogan: length of z_C, of a video; of vgan that of z.", low=1)
    motion_size: int = option(4, "mocogan: length of z_M, of a frame; 10 as published.", low=1)
    image_frames: int = option(
        4, "mocogan: how many frames of each video the image discriminator sees; 1 as published.", low=1
    )
    moving: float = option(0.1, "vgan: the price of what moves.", low=0)
    evaluation: EvaluationConfig = EvaluationConfig(num_samples=1000)
    cluster: ClusterConfig = ClusterConfig()


PRESETS["published"] = replace(Config(), **presets.PUBLISHED_MOCOGAN)


def make(config: Config, spec: DataSpec) -> Recipe:
    """A generator of videos, and discriminators of them: of all frames, and of one."""
    frames, *frame_shape = shape = spec.video_shape
    adam = lambda rate: optax.chain(optax.add_decayed_weights(config.weight_decay), optax.adam(rate, b1=config.beta1))
    rates = adam(config.g_lr), adam(config.d_lr)
    if config.image_frames > frames:
        raise ValueError(f"image_frames={config.image_frames}: must be at most frames={frames}")
    fields = dict(
        image_frames=config.image_frames,
        moving=config.moving if config.network == "vgan" else 0.0,
        penalties={name: over_devices(PENALTIES[name]) for name in config.penalty if name != "none"},
        penalty_weight=config.penalty_weight,
        ema=config.ema,
        axis_name=AXIS,
    )
    game = over_devices(GAMES[config.game])
    content, motion = config.content_size, config.motion_size
    if config.network == "vgan":
        players = (
            vgan.Generator(shape, config.width, AXIS),
            {VIDEO: vgan.Discriminator(config.width, config.d_norm, AXIS)},
        )
        return video.make(video.Setup(*players, game, *rates, content, **fields))
    generator = mocogan.Generator(tuple(frame_shape), content, motion, config.width, AXIS)
    discriminators = {
        IMAGE: mocogan.ImageDiscriminator(config.width, config.d_norm, AXIS),
        VIDEO: mocogan.VideoDiscriminator(config.width, config.d_norm, AXIS),
    }
    size = lambda frames: content + (frames + 1) * motion
    return video.make(video.Setup(generator, discriminators, game, *rates, size(frames), longer=size, **fields))


main = experiment("video", Config, make, presets=PRESETS)

if __name__ == "__main__":
    main()
