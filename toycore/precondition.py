"""From a raw network to a Denoiser: what the network predicts is a choice, the contract is always x0_hat.

`Preconditioned` is Karras et al.'s choice (EDM); `from_noise` and `from_velocity` read networks that predict eps in
the VP frame (DDPM) or the velocity in the flow frame.
"""

import torch
from torch import Tensor, nn

from toycore import sigmas
from toycore.checks import above, batched, level, network, numbers
from toycore.frames import FLOW, VP, ddpm_step
from toycore.types import Label


class Preconditioned(nn.Module):
    """D(x) = c_skip x + c_out F(c_in x, sigma, label), about the data's mean (Karras et al. 2022, eq. 7 and table 1).

        c_skip = s^2 / (sigma^2 + s^2)    c_out = sigma s / sqrt(sigma^2 + s^2)    c_in = 1 / sqrt(sigma^2 + s^2)

    with s = sigma_data. Then F's input and target have unit variance at every level, and D(x, 0) = x even untrained.
    """

    mean: Tensor

    def __init__(self, net: nn.Module, sigma_data: float = 0.5, mean: Tensor | float = 0.0) -> None:
        super().__init__()
        _network(net), above(sigma_data, "sigma_data")
        self.net, self.sigma_data = net, sigma_data
        self.register_buffer("mean", numbers(mean, "mean", "a number or a tensor [d]", torch.float32))

    def forward(self, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        """Return x0_hat, shaped like x; sigma is a number or `[b]`."""
        fits(x, self.net)
        rows, s, u = level(sigma, x), self.sigma_data, x - self.mean
        sigma = sigma if isinstance(sigma, (int, float)) else rows  # a plain number stays one: its factors cost nothing
        norm = (sigma**2 + s**2) ** 0.5
        F = self.net(u / norm, rows.flatten(), label)
        return self.mean + (s / norm) ** 2 * u + sigma * s / norm * F

    def weight(self, sigma: Tensor) -> Tensor:
        """Return 1/c_out^2 = 1/sigma^2 + 1/s^2: with it the loss is a plain squared error of F."""
        return 1 / sigma**2 + 1 / self.sigma_data**2


class FromNoise(nn.Module):
    """D(x) = x - sigma eps_hat, eps_hat = net(x / sqrt(1 + sigma^2), i, label): a DDPM network as a Denoiser.

    i is the real-valued step of sigma on the discrete schedule the network was trained with (default DDPM's 1000).
    """

    grid: Tensor

    def __init__(self, net: nn.Module, grid: Tensor | None = None) -> None:
        super().__init__()
        self.net = _network(net)
        self.register_buffer("grid", sigmas.ddpm() if grid is None else sigmas.decreasing(grid))
        if self.grid[-1] != 0:
            raise ValueError(f"the grid ends at {float(self.grid[-1])}; it must hold the levels of all T steps, then 0")

    def forward(self, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        """Return x0_hat, shaped like x; sigma is a number or `[b]`."""
        fits(x, self.net)
        sigma = level(sigma, x)
        step = ddpm_step(sigma.flatten(), self.grid).to(x)
        return x - sigma * self.net(VP.scale(sigma) * x, step, label)


class FromVelocity(nn.Module):
    """D(x) = x_t - t v, v = net(x_t, t, label), x_t = (1 - t) x: a flow-matching network as a Denoiser."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = _network(net)

    def forward(self, x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        """Return x0_hat, shaped like x; sigma is a number or `[b]`."""
        fits(x, self.net)
        sigma = level(sigma, x)
        t, x_t = FLOW.time(sigma), FLOW.scale(sigma) * x
        return x_t - t * self.net(x_t, t.flatten(), label)

    def weight(self, sigma: Tensor) -> Tensor:
        """Return 1/t^2 = (1 + 1/sigma)^2: with it the loss is flow matching's |v - (eps - x0)|^2."""
        return (1 + 1 / sigma) ** 2


def _network(net: nn.Module) -> nn.Module:
    return network(net, "net", "it must be a network, such as networks.MLP()")


def fits(x: Tensor, net: nn.Module) -> None:
    """Refuse points of another dimension or dtype than the network's."""
    dim = getattr(net, "config", {}).get("dim")
    if batched(x).shape[1:].numel() != (dim or x.shape[1:].numel()):
        raise ValueError(f"x has shape {tuple(x.shape)}; this network needs [b, {dim}], or pictures of {dim} pixels")
    own = next(net.parameters(), x).dtype
    if x.dtype != own:
        raise TypeError(f"x is {x.dtype} and this network {own}; pass x.to({own}), or convert it: D.to({x.dtype})")


def from_noise(net: nn.Module, grid: Tensor | None = None) -> FromNoise:
    """Read a network that predicts eps in the VP frame as a Denoiser."""
    return FromNoise(net, grid)


def from_velocity(net: nn.Module) -> FromVelocity:
    """Read a network that predicts the flow's velocity as a Denoiser."""
    return FromVelocity(net)
