"""What each game, and each --preset, brings unless a flag says otherwise."""

from collections.abc import Mapping

# Radford et al. 2016: Adam 2e-4 with β1 0.5. The others differ from it as their papers say.
_DCGAN = dict(
    optimizer="adam", d_lr=2e-4, g_lr=2e-4, beta1=0.5, beta2=0.999,
    n_critic=1, clip=0.0, penalty=(), penalty_weight=(), penalty_every=1, d_norm="batch",
)  # fmt: skip
# Gulrajani et al. 2017, section 4: no batch normalisation in a critic with a gradient penalty, which ties examples
# together; β1 is 0. The weight 10 is also that of R1 (Mescheder et al. 2018) and of DRAGAN (Kodali et al. 2017).
_PENALISED = _DCGAN | dict(penalty_weight=(10.0,), d_norm="layer", beta1=0.0, beta2=0.9)
PRESETS: dict[str, dict] = {
    "minmax": _DCGAN,
    "non_saturating": _DCGAN,
    "least_squares": _DCGAN,
    "hinge": _DCGAN,
    "relativistic": _DCGAN,
    "relativistic_average": _DCGAN,
    # Arjovsky et al. 2017, algorithm 1.
    "wasserstein": _DCGAN | dict(optimizer="rmsprop", d_lr=5e-5, g_lr=5e-5, n_critic=5, clip=0.01),
    # Gulrajani et al. 2017, algorithm 1.
    "wasserstein_gp": _PENALISED
    | dict(loss="wasserstein", penalty=("gradient_penalty",), d_lr=1e-4, g_lr=1e-4, n_critic=5),
    # Fedus et al. 2018, arXiv:1710.08446: the penalty helps other games as well; one D-step will do, and on small
    # images so will a small weight and large steps (ours).
    "non_saturating_gp": _PENALISED
    | dict(loss="non_saturating", penalty=("gradient_penalty",), penalty_weight=(1.0,), d_lr=1e-3, g_lr=1e-3),
    # Mescheder et al. 2018: R1 holds D; lazily (Karras et al. 2020, StyleGAN2, appendix B), with a small weight and large
    # steps (ours: docs/quality.md, also why not larger ones).
    "non_saturating_r1": _PENALISED
    | dict(
        loss="non_saturating", penalty=("r1",), penalty_weight=(0.3,), penalty_every=8, d_norm="none",
        d_lr=2e-3, g_lr=2e-3,
    ),
    # Huang et al. 2024, arXiv:2501.05441: R3GAN's game, without its networks. (They have no normalisation at all.)
    "r3gan": _PENALISED | dict(loss="relativistic", penalty=("r1", "r2"), penalty_weight=(1.0,), d_norm="none"),
}  # fmt: skip

# Games whose scores say by their sign whether D takes an image for a real one, as ADA needs it; a critic's do not.
SIGNED = ("minmax", "non_saturating", "non_saturating_gp", "non_saturating_r1", "hinge")

# What --preset brings. Radford et al. 2016, section 4, and the authors' code, whose kernels are 4×4.
PUBLISHED_DCGAN = dict(
    game="non_saturating",
    batch_size=128,
    width=64,
    depth=0,
    weight_std=0.02,
    weight_bound=False,
    minibatch="none",
    prior="uniform",
    ema=0.0,
)

# Some hundred pictures, which D would soon know one by one, were they not changed each time; small batches, of which a
# round takes less time, and smaller steps for the larger networks (ours: docs/quality.md).
FEW_IMAGES = dict(
    image_size="64",
    batch_size=16,
    steps=4000,
    d_lr=1e-3,
    g_lr=1e-3,
    augment=("mirror", "translate:8"),
)


# Karras et al. 2018, arXiv:1710.10196, section 3 and appendix A.1; images of up to 128 pixels had batches of 16.
PUBLISHED_PROGRESSIVE = dict(
    game="wasserstein_gp",
    n_critic=1,
    d_lr=1e-3,
    g_lr=1e-3,
    beta2=0.99,
    drift=1e-3,
    stable_images=800_000,
    fade_images=800_000,
    base=8192,
    most=512,
    latent_size=512,
)

# Zhang et al. 2019, arXiv:1805.08318, section 4, for images of 128 pixels; batches of 256.
PUBLISHED_SAGAN = dict(
    image_size="128",
    batch_size=256,
    steps=1_000_000,
    width=64,
    latent_size=128,
    weights="xavier",
    d_lr=4e-4,
    g_lr=1e-4,
    beta2=0.9,
    ema=0.0,
)
# Brock et al. 2019, arXiv:1809.11096, section 3 and appendix C, for images of 128 pixels. The authors' PyTorch code made 138,000
# rounds of it, with batches of 2,048 too.
PUBLISHED_BIGGAN = dict(
    image_size="128",
    batch_size=2048,
    steps=138_000,
    width=96,
    latent_size=120,
    shared=128,
    n_critic=2,
    d_lr=2e-4,
    g_lr=5e-5,
    beta2=0.999,
    ema=0.9999,
)

PUBLISHED_BIGGAN_DEEP = dict(deep=True, width=128, latent_size=128)
# Huang et al. 2024, arXiv:2501.05441, and the authors' code, for CIFAR-10; as many rounds as its schedules take.
PUBLISHED_R3GAN = dict(
    width=768,
    batch_size=512,
    steps=39_063,
    conditional=True,
    lr=2e-4,
    lr_end=5e-5,
    beta2=0.9,
    beta2_end=0.99,
    gamma=0.05,
    gamma_end=0.005,
    augment_p=0.55,
    ema_images=5e6,
    schedule_images=2e7,
)

# Karras et al. 2020, arXiv:1912.04958, config F for 1024 pixels: 25 million images, as --cfg=stylegan2 --fp32 of their code of
# ADA (arXiv:2006.06676); and that one's --cfg=paper256 and --cfg=cifar, the latter class-conditional, both with ADA.
PUBLISHED_STYLEGAN2 = dict(
    batch_size=32,
    steps=781_250,
    r1=10.0,
    path=2.0,
    lr=0.002,
    ema_images=1e4,
    ema_ramp=0.0,
    channel_base=32768,
    channel_max=512,
    latent_size=512,
    mapping_layers=8,
    stddev_group=4,
)
PUBLISHED_STYLEGAN2_256 = dict(
    batch_size=64,
    steps=390_625,
    image_size="256",
    r1=1.0,
    lr=0.0025,
    ema_images=2e4,
    channel_base=16384,
    stddev_group=8,
    ada_target=0.6,
)
PUBLISHED_STYLEGAN2_CIFAR = dict(
    dataset="cifar10",
    batch_size=64,
    steps=1_562_500,
    r1=0.01,
    path=0.0,
    mixing=0.0,
    lr=0.0025,
    ema_images=5e5,
    ema_ramp=0.05,
    mapping_layers=2,
    residual=False,
    stddev_group=32,
    conditional=True,
    ada_target=0.6,
)

# Isola et al. 2017, arXiv:1611.07004, section 6.2 and the authors' code; as many rounds as 200 epochs of 400 facades take.
PUBLISHED_PIX2PIX = dict(
    width=64,
    halvings=8,
    patch_layers=3,
    batch_size=1,
    steps=80_000,
    image_size="256",
    load_size="286",
    noisy=True,
    ema=0.0,
    decay_from=40_000,
    decay_rounds=40_000,
)

# Park et al. 2019, arXiv:1903.07291, appendix A, and the authors' code; as many rounds as 200 epochs of ADE20K take.
PUBLISHED_SPADE = dict(
    width=64,
    style_size=256,
    patch_layers=3,
    batch_size=32,
    steps=126_313,
    image_size="256",
    load_size="286",
    ema=0.0,
    decay_from=63_157,
    decay_rounds=63_156,
    d_lr=4e-4,
    g_lr=1e-4,
)


def loss_of(game: str) -> str:
    """The name in GAMES of the losses of a game in PRESETS."""
    return PRESETS[game].get("loss", game)


def fill(values: Mapping[str, object]) -> dict[str, object]:
    """The flags' values, with the game's own where they are None."""
    defaults = {name: value for name, value in PRESETS[values["game"]].items() if name != "loss"}
    given = {name: value for name, value in values.items() if value is not None}
    if given.get("penalty") and not defaults["penalty"]:
        defaults |= {name: _PENALISED[name] for name in ("penalty_weight", "d_norm")}
    return {**values, **defaults, **given}


def own_values(name: str) -> str:
    """What the games bring of a flag, in words: "2e-4; wasserstein 5e-5; ..."."""
    groups: dict[str, list[str]] = {}
    for game, preset in PRESETS.items():
        value = preset[name]
        text = ",".join(map(_short, value)) or "none" if isinstance(value, tuple) else _short(value)
        groups.setdefault(text, []).append(game)
    usual = max(groups, key=lambda text: len(groups[text]))
    others = [f"{', '.join(games)} {text}" for text, games in groups.items() if text != usual]
    return "; ".join([f"{usual}", *others])


def _short(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


# Zhu et al. 2017, arXiv:1703.10593, section 4 and appendix 7.1, for 256 pixels: 200 epochs of horse2zebra's 1,334 zebras.
PUBLISHED_CYCLEGAN = dict(
    batch_size=1,
    steps=266_800,
    network="resnet",
    width=64,
    blocks=9,
    first_norm=True,
    patch_layers=3,
    load_size="286",
    mirror=True,
    ema=0.0,
)
PUBLISHED_GAN3D = dict(
    image_size="64",
    batch_size=100,
    penalty=("none",),
    d_accuracy=0.8,
    d_lr=1e-5,
    g_lr=2.5e-3,
    beta1=0.5,
    ema=0.0,
    width=64,
    d_norm="batch",
    prior="uniform",
    latent_size=200,
)
PUBLISHED_MOCOGAN = dict(
    image_size="64",
    frames=16,
    batch_size=32,
    steps=100_000,
    penalty=("none",),
    d_norm="batch",
    g_lr=2e-4,
    d_lr=2e-4,
    beta1=0.5,
    weight_decay=1e-5,
    ema=0.0,
    width=64,
    content_size=50,
    motion_size=10,
    image_frames=1,
)
