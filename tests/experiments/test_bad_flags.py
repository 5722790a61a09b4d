"""What cannot be is said in one line, and leaves nothing behind."""

import pytest

SMALL = ("--image_size=8", "--batch_size=8", "--steps=1")

BAD = {
    "vae": {
        "--latent_size=0": "latent_size=0",
        "--beta=-1": "beta=-1",
        "--kl_warmup=-1": "kl_warmup=-1",
        "--network=unet": "choose from mlp, conv",
        "--observation=poisson": "choose from bernoulli, gaussian",
        "--deviation=0": "deviation=0",
        "--optimizer=sgd": "choose from rmsprop, adam",
        "--lr=-1": "lr=-1",
        "--hidden=0": "hidden=0",
        "--batch_size=6": "batch_size 6 is not divisible by the 4 devices",
        "--lr=1e30 --steps=30": "at step",
    },
    "began": {
        "--gamma=2": "gamma=2",
        "--lambda_k=-1": "lambda_k=-1",
        "--latent_size=0": "latent_size=0",
        "--width=0": "width=0",
        "--lr=nan": "lr",
        "--beta1=2": "beta1=2",
        "--ema=1": "ema=1",
        "--batch_size=6": "batch_size 6 is not divisible by the 4 devices",
        "--game=hinge": "game",
        "--dataset=folder:/nowhere": "/nowhere",
        "--lr=1e30 --steps=30": "at step",
    },
    "sagan": {
        "--width=1": "width=1",
        "--attention=12": "attention=12: no map has this side; choose from 0",
        "--weights=he": "choose from orthogonal, normal, xavier",
        "--width=3 --image_size=64": "attention takes maps of 8 channels at least, this one has",
        "--game=relativistic --ada_target=0.6": "choose from minmax, non_saturating",
        "--ada_target=2": "ada_target=2",
        "--ada_images=0": "ada_images=0",
        "--augment=diffaugment:2": "takes no amount",
        "--image_size=4": "8 to 512 pixels a side, got 4×4",
        "--conditional=maybe": "conditional",
        "--pack=2": "a pack of images has no one label",
        "--width=2 --d_lr=1e30 --steps=30": "at step",
    },
    "biggan": {
        "--width=0": "width=0",
        "--shared=0": "shared=0",
        "--orthogonal=-1": "orthogonal=-1",
        "--latent_size=1": "latent_size=1: fewer numbers than the 2 parts",
        "--attention=3 --image_size=16": "attention=3: no map has this side; choose from 0, 8",
        "--deep=true --width=2 --image_size=64": "make the network wider",
        "--truncation=1": "truncation",
        "--image_size=600": "8 to 512 pixels a side, got 600×600",
        "--beta1=2": "beta1=2",
        "--batch_size=6": "batch_size 6 is not divisible by the 4 devices",
        "--width=2 --d_lr=1e30 --steps=30": "at step",
    },
    "pix2pix": {
        "--width=0": "width=0",
        "--halvings=4 --dataset=digits": "a U-Net of 4 halvings takes multiples of 16 pixels a side",
        "--degrade=blur": "unknown degradation 'blur'; choose from gray, lightness",
        "--degrade=downscale:3 --dataset=digits": "downscale:3: does not divide the sides",
        "--degrade=downscale:2 --dataset=digits": "a U-Net",
        "--direction=b_to_a --dataset=digits": "of aligned: and pairs:, not of digits",
        "--dataset=pairs:/nowhere": "needs two folders, pairs:PATH_A,PATH_B",
        "--dataset=aligned:/nowhere": "/nowhere: no such folder",
        "--load_size=16 --dataset=digits": "load_size=16: of files of pairs",
        "--image_size=45": "images of 45x45: a U-Net takes sides that can be halved",
        "--norm=layer": "choose from batch, instance",
        "--patch_layers=5 --dataset=digits": "too small for this many layers",
        "--l1=-1": "l1=-1",
        "--dataset=digits --batch_size=6": "batch_size 6 is not divisible by the 4 devices",
        "--dataset=digits --width=2 --patch_layers=1 --g_lr=1e30 --steps=30": "at step",
    },
    "spade": {
        "--width=0": "width=0",
        "--scales=0": "scales=0",
        "--patch_layers=4 --image_size=16": "too small for this many layers",
        "--image_size=9": "SPADE draws such as have even sides of 8 pixels at least",
        "--dataset=digits --degrade=gray": "degrade=gray: gives no label maps; maps:LABELS,IMAGES has them",
        "--dataset=digits": "in colour",
        "--dataset=maps:/nowhere": "needs two folders",
        "--dataset=maps:/nowhere,/neither": "/nowhere: no such folder",
        "--kl=-1": "kl=-1",
        "--style_size=0": "style_size=0",
        "--game=chess": "choose from minmax",
        "--num_labels=0": "num_labels=0",
        "--num_labels=5": "num_labels=5: of maps:; of clusters there are 8",
        "--dataset=maps:/nowhere,/neither --direction=b_to_a": "direction=b_to_a: label maps are what images are made of",
    },
    "restore": {
        "--task=superresolution": "choose from superres, inpaint, colorize, denoise",
        "--task=colorize --dataset=digits": "from 1 channel to 3, not from 1 to 1",
        "--task=superres --dataset=digits --network=unet": "choose srresnet or rrdb",
        "--task=denoise --dataset=digits --network=partial": "fills what is missing",
        "--task=denoise --dataset=digits --degrade=hole": "goes without a mask",
        "--task=inpaint --dataset=digits --degrade=gray": "goes with a mask",
        "--dataset=digits --features=/nowhere.npz": "no extractor /nowhere.npz",
        "--features=gan_jax/evaluation/extractors/digits.npz": "digits-cnn takes images of 1 channel",
        "--task=inpaint --network=partial --image_size=30": "a U-Net takes sides that can be halved",
        "--g_rounds=-1": "g_rounds=-1",
        "--blocks=0": "blocks=0",
        "--game=chess": "choose from none, minmax",
        "--perceptual=-1": "perceptual=-1",
        "--dataset=mnist --data_dir=/nowhere/data": "mnist",
    },
    "r3gan": {
        "--width=0": "width=0",
        "--group=3": "group=3: does not divide the 64 channels",
        "--blocks=0": "blocks=0",
        "--gamma=-1": "gamma=-1",
        "--penalty=r3": "choose from gradient_penalty, r1, r2, dragan",
        "--game=r3gan": "choose from minmax",
        "--augment_p=2": "augment_p=2",
        "--schedule_images=0": "schedule_images=0",
        "--ema_images=-1": "ema_images=-1",
        "--beta2_end=1.5": "beta2_end=1.5",
        "--lr=1e30 --lr_end=1e30 --steps=30": "at step",
    },
}
CASES = [(experiment, given, message) for experiment, bad in BAD.items() for given, message in bad.items()]

pytestmark = pytest.mark.usefixtures("compiled_in_haste")


@pytest.mark.parametrize("experiment, given, message", CASES)
def test_errors_are_one_line(experiment, given, message, run_experiment, tmp_path, capsys):
    workdir = tmp_path / "run"
    flags = dict(flag.split("=") for flag in (*SMALL, *given.split()))
    assert run_experiment(*map("=".join, flags.items()), f"--workdir={workdir}", experiment=experiment) == 2
    line = capsys.readouterr().err.splitlines()[-1]
    assert line.startswith("error: ") and message in line, line
    assert not workdir.exists() or "--steps" in given
