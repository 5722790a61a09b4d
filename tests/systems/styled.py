"""Flags of tiny runs of stylegan, which all that tests one of them shares."""

NETWORKS = ("--channel_base=32", "--channel_max=4", "--latent_size=4", "--mapping_layers=1")
PLAIN = (*NETWORKS, "--r1=0", "--path=0")
# Regularised in each round: devices that meet in a branch may not survive that their program is read from a cache
# (`launch.keep_compiled`).
EACH_ROUND = (*NETWORKS, "--r1_every=1", "--path_every=1")
SMALL = ("--image_size=8", "--batch_size=8")
