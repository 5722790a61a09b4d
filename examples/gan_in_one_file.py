"""A GAN in one file: a network learns to draw digits, and is told nothing but how real another finds its drawings.

    pip install "jax>=0.10" flax optax scikit-learn pillow
    python gan_in_one_file.py    # some 1.5 minutes on 2 CPU cores; then look at the 64 samples in digits.png

The game (Goodfellow et al. 2014, arXiv:1406.2661). The generator G makes an image G(z) of noise z ~ N(0, I). The
discriminator D gives an image x a score D(x) and takes it for real with probability σ(D(x)), σ(s) = 1 / (1 + exp(-s)).
Each minimises a loss of its own, over its own weights. With softplus(s) = log(1 + exp(s)) = -log σ(-s):

    L_D = -E log σ(D(x)) - E log(1 - σ(D(G(z)))) = E softplus(-D(x)) + E softplus(D(G(z)))    tell x from G(z)
    L_G = -E log σ(D(G(z)))                      = E softplus(-D(G(z)))                       have G(z) taken for real

Why is L_G not -L_D? At first D is sure of every fake, and there log(1 - σ(s)) is flat: G would learn nothing just when
it has most to learn. -log σ(s) is steep there, and also falls as s grows: the "non-saturating" loss.
Where does it end? Against a given G the best D is D(x) = log p_data(x)/p_G(x), with L_D = 2 log 2 - 2 JS(p_data, p_G),
JS being the Jensen-Shannon divergence. So G has won when p_G = p_data: L_D = 2 log 2 ≈ 1.39 and L_G = log 2 ≈ 0.69.
"""

import argparse
import gzip

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import linen as nn
from flax.training.train_state import TrainState
from PIL import Image
from sklearn.datasets import load_digits

BATCH, LATENT, WIDTH = 64, 64, 32


# DCGAN's networks (Radford et al. 2016, arXiv:1511.06434), but small. BatchNorm would take away a bias before it.
class Generator(nn.Module):
    side: int

    @nn.compact
    def __call__(self, z, train):  # [B, LATENT] -> images [B, side, side, 1] in [-1, 1]
        x = nn.Dense((self.side // 4) ** 2 * 2 * WIDTH, use_bias=False)(z)
        x = x.reshape(-1, self.side // 4, self.side // 4, 2 * WIDTH)
        x = nn.relu(nn.BatchNorm(use_running_average=not train)(x))
        x = nn.ConvTranspose(WIDTH, (4, 4), (2, 2), use_bias=False)(x)  # doubles the side
        x = nn.relu(nn.BatchNorm(use_running_average=not train)(x))
        return nn.tanh(nn.ConvTranspose(1, (4, 4), (2, 2))(x))


class Discriminator(nn.Module):
    @nn.compact
    def __call__(self, x, train):  # [B, side, side, 1] -> scores [B]
        x = nn.leaky_relu(nn.Conv(WIDTH, (4, 4), (2, 2))(x), 0.2)  # halves the side
        x = nn.Conv(2 * WIDTH, (4, 4), (2, 2), use_bias=False)(x)
        x = nn.leaky_relu(nn.BatchNorm(use_running_average=not train)(x), 0.2)
        return nn.Dense(1)(x.reshape(len(x), -1))[:, 0]


class Player(TrainState):  # a network's weights, its optimizer and the number of steps made; and BatchNorm's averages
    batch_stats: dict

    def forward(self, params, inputs):  # -> outputs, moved averages; BatchNorm takes mean and variance of this batch
        variables = {"params": params, "batch_stats": self.batch_stats}
        outputs, moved = self.apply_fn(variables, inputs, train=True, mutable=["batch_stats"])
        return outputs, moved["batch_stats"]

    def descend(self, loss_fn):  # one step down the gradient -> the player after it, its loss before
        (loss, batch_stats), gradients = jax.value_and_grad(loss_fn, has_aux=True)(self.params)
        return self.apply_gradients(grads=gradients, batch_stats=batch_stats), loss


def latents(key, n):
    """z [n, LATENT]. Equal keys give equal numbers: so each use has a key of its own, and each example of the batch."""
    key, _ = jax.random.split(key)  # the other would be for what else is random in a step: dropout, augmentation
    return jax.vmap(lambda i: jax.random.normal(jax.random.fold_in(key, i), (LATENT,)))(jnp.arange(n))


def d_step(g, d, real, key):
    fake, _ = g.forward(g.params, latents(key, len(real)))  # made outside of the loss: no gradient leads to G

    def loss_fn(params):  # real and fake images separately, each normalised by statistics of their own
        real_scores, batch_stats = d.forward(params, real)
        fake_scores, batch_stats = d.replace(batch_stats=batch_stats).forward(params, fake)
        return nn.softplus(-real_scores).mean() + nn.softplus(fake_scores).mean(), batch_stats

    return d.descend(loss_fn)


def g_step(g, d, n, key):
    def loss_fn(params):  # the gradient comes to G through D, whose weights stay as they are
        fake, batch_stats = g.forward(params, latents(key, n))
        return nn.softplus(-d.forward(d.params, fake)[0]).mean(), batch_stats

    return g.descend(loss_fn)


@jax.jit  # compiled once: it is a pure function, whose noise depends on the key and the number of the round alone
def play_round(g, d, real, key):
    d_key, g_key = jax.random.split(jax.random.fold_in(key, g.step))
    d, d_loss = d_step(g, d, real, d_key)
    g, g_loss = g_step(g, d, len(real), g_key)
    return g, d, d_loss, g_loss


def main(steps=2500, mnist=None, out="digits.png", seed=0):
    if mnist:
        with gzip.open(f"{mnist}/train-images-idx3-ubyte.gz") as file:  # a header of 16 bytes, and the pixels
            pixels = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 28, 28)
    else:  # 8×8, ink from 0 to 16; enlarged to 12×12, with a margin
        digits = [Image.fromarray(np.uint8(ink * (255 / 16))).resize((12, 12)) for ink in load_digits().images]
        pixels = np.pad(digits, ((0, 0), (2, 2), (2, 2)))
    images = jnp.asarray(pixels[..., None] / 127.5 - 1, jnp.float32)  # [N, side, side, 1] in [-1, 1], tanh's range
    g_key, d_key, z_key, data_key, round_key = jax.random.split(jax.random.key(seed), 5)
    z, G, D = latents(z_key, 64), Generator(images.shape[1]), Discriminator()
    # D learns more slowly, or it would soon know the few digits by heart, and tell G nothing of use.
    g = Player.create(apply_fn=G.apply, tx=optax.adam(1e-3, b1=0.5), **G.init(g_key, z, train=False))
    d = Player.create(apply_fn=D.apply, tx=optax.adam(2e-4, b1=0.5), **D.init(d_key, images[:1], train=False))
    for step in range(1, steps + 1):
        batch = jax.random.randint(jax.random.fold_in(data_key, step), (BATCH,), 0, len(images))
        g, d, d_loss, g_loss = play_round(g, d, images[batch], round_key)
        if step % 250 == 0 or step == steps:
            print(f"round {step}: L_D {d_loss:.2f}, L_G {g_loss:.2f}")
    samples = G.apply({"params": g.params, "batch_stats": g.batch_stats}, z, train=False)[..., 0]
    rows = np.split(np.uint8((np.asarray(samples) + 1) * 127.5).repeat(3, 1).repeat(3, 2), 8)
    Image.fromarray(np.block([list(row) for row in rows])).save(out)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=2500)
    parser.add_argument("--mnist", metavar="FOLDER", help="learn from FOLDER/train-images-idx3-ubyte.gz")
    main(**vars(parser.parse_args()))
