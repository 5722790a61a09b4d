"""Tiny runs of every system that draws from noise; and what is shown of them."""

import base64
import io

import numpy as np
from PIL import Image

from tests.systems import styled

FEW = ("--steps=60", "--batch_size=8")  # enough that images differ
TINY = (*FEW, "--ema=0", "--width=2")
SMALL = ("--image_size=8", "--batch_size=8", "--steps=4", "--ema=0")
# No lazy penalty: devices that meet in a branch may not survive that their program is read from a cache (`launch.keep_compiled`).
GROWING = ("--base=16", "--most=8", "--stable_images=16", "--fade_images=8", "--penalty_every=1")
RUNS = {  # of each system that draws from noise: its experiment, and flags
    "dcgan": ("dcgan", *TINY),
    "cgan": ("cgan", *TINY),
    "vae": ("vae", *FEW),
    "uniform": ("dcgan", *TINY, "--prior=uniform"),
    "gan": ("dcgan", *FEW, "--ema=0", "--network=mlp", "--hidden=8"),
    "sgan": ("sgan", *TINY, "--num_labeled=40"),
    "began": ("began", "--width=4", *SMALL),
    "progressive": ("progressive", *GROWING, *SMALL),
    "sagan": ("sagan", "--width=2", "--attention=0", *SMALL),
    "biggan": ("biggan", "--width=2", "--attention=0", *SMALL),
    "stylegan": ("stylegan", *styled.EACH_ROUND, *styled.SMALL, "--steps=4"),
    "r3gan": ("r3gan", "--width=4", "--group=4", *(flag for flag in SMALL if flag != "--ema=0")),
}
RUNS |= {
    "gan3d": ("gan3d", "--width=2", "--batch_size=8", "--steps=4"),
    "video": (
        "video",
        "--width=2",
        "--image_size=16",
        "--frames=8",
        "--batch_size=8",
        "--steps=4",
        "--ema=0",
        "--g_lr=0.03",
    ),
}
OTHERS = {"classifier", "cyclegan", "mixture2d", "pix2pix", "restore", "spade"}  # which draw no images from noise


def pixels(image, run=0):
    """Of an image in an answer, as one of the runs draws it."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(image["shown"][run].partition(",")[2]))))
