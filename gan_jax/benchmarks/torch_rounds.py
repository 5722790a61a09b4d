"""The rounds of `cases`, as PyTorch's users write them."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

# (images [P, B, C, H, W], latents [P, B, Z], ε [B] of a gradient penalty) -> losses
Round = Callable[[Tensor, Tensor, Tensor], dict[str, Tensor]]


def non_saturating(generator: nn.Module, discriminator: nn.Module) -> Round:
    """One D-step and one G-step of the non-saturating game, each with Adam 2e-4, β1 0.5. Each call plays the next."""
    g_optimizer, d_optimizer = (
        torch.optim.Adam(net.parameters(), lr=2e-4, betas=(0.5, 0.999), fused=True)
        for net in (generator, discriminator)
    )

    def play(images: Tensor, latents: Tensor, ε: Tensor) -> dict[str, Tensor]:
        with torch.no_grad():
            fake = generator(latents[0])
        d_optimizer.zero_grad(set_to_none=True)
        d_loss = softplus(-discriminator(images[0])).mean() + softplus(discriminator(fake)).mean()
        d_loss.backward()
        d_optimizer.step()

        discriminator.requires_grad_(False)
        g_optimizer.zero_grad(set_to_none=True)
        g_loss = softplus(-discriminator(generator(latents[1]))).mean()
        g_loss.backward()
        g_optimizer.step()
        discriminator.requires_grad_(True)
        return {"d_loss": d_loss.detach(), "g_loss": g_loss.detach()}

    return play


def wgan_gp(generator: nn.Module, critic: nn.Module) -> Round:
    """The critic's step of WGAN-GP, with Adam 1e-4, β 0 and 0.9. Each call makes the next."""
    optimizer = torch.optim.Adam(critic.parameters(), lr=1e-4, betas=(0.0, 0.9), fused=True)

    def play(images: Tensor, latents: Tensor, ε: Tensor) -> dict[str, Tensor]:
        real, ε = images[0], ε[:, None, None, None]
        with torch.no_grad():
            fake = generator(latents[0])
            mixed = ε * real + (1 - ε) * fake
        optimizer.zero_grad(set_to_none=True)
        mixed.requires_grad_(True)
        (gradients,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
        penalty = ((gradients.square().sum(dim=(1, 2, 3)).sqrt() - 1) ** 2).mean()
        d_loss = critic(fake).mean() - critic(real).mean() + 10 * penalty
        d_loss.backward()
        optimizer.step()
        return {"d_loss": d_loss.detach()}

    return play


def r3gan(generator: nn.Module, discriminator: nn.Module) -> Round:
    """One D-step and one G-step of the relativistic game with R1 and R2, with Adam 2e-3, β 0 and 0.99."""
    g_optimizer, d_optimizer = (
        torch.optim.Adam(net.parameters(), lr=2e-3, betas=(0.0, 0.99), fused=True) for net in (generator, discriminator)
    )

    def play(images: Tensor, latents: Tensor, ε: Tensor) -> dict[str, Tensor]:
        real = images[0].requires_grad_(True)
        with torch.no_grad():
            fake = generator(latents[0])
        fake.requires_grad_(True)
        d_optimizer.zero_grad(set_to_none=True)
        real_scores, fake_scores = discriminator(real), discriminator(fake)
        slopes = torch.autograd.grad(real_scores.sum() + fake_scores.sum(), (real, fake), create_graph=True)
        penalty = sum(0.5 * slope.square().sum(1).mean() for slope in slopes)
        d_loss = softplus(fake_scores - real_scores).mean() + penalty
        d_loss.backward()
        d_optimizer.step()

        discriminator.requires_grad_(False)
        g_optimizer.zero_grad(set_to_none=True)
        with torch.no_grad():
            real_scores = discriminator(images[1])
        g_loss = softplus(real_scores - discriminator(generator(latents[1]))).mean()
        g_loss.backward()
        g_optimizer.step()
        discriminator.requires_grad_(True)
        return {"d_loss": d_loss.detach(), "g_loss": g_loss.detach()}

    return play
