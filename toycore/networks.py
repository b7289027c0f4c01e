"""Raw networks: functions of (input, noise level, label) in which nothing is specific to diffusion."""

import math

import torch
from torch import Tensor, nn

from toycore.checks import at_least, finite, label_rows, network, number, positive, stream
from toycore.types import Label, Rng


class MLP(nn.Module):
    """A multilayer perceptron on Fourier features of the point and of ln sigma: F(u, sigma, label) -> `[b, dim]`.

    Input: u, then sin and cos of `features` fixed random frequencies of u drawn from N(0, scale^2), then sin and cos of
    0.3 k ln sigma for k = 1..8. `depth` layers of `width` with SiLU; the last layer starts at zero. With classes > 0 a
    learned vector per class, and one for "no label", is added before the first SiLU.
    Random Fourier features: Tancik et al. 2020 (2006.10739), eq. 5.
    """

    frequencies: Tensor

    def __init__(
        self,
        dim: int = 2,
        width: int = 64,
        depth: int = 3,
        classes: int = 0,
        features: int = 16,
        scale: float = 2.0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        self.config = dict(dim=dim, width=width, depth=depth, classes=classes, features=features, scale=scale)
        self.classes = at_least(0, classes, "classes")
        self.register_buffer("frequencies", frequencies(dim, features, scale, rng))
        self.first = nn.Linear(dim + 2 * features + 16, positive(width, "width"))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(positive(depth, "depth") - 1))
        self.last = nn.Linear(width, dim)
        self.label = nn.Embedding(classes + 1, width) if classes else None
        initialise(self, rng)
        nn.init.zeros_(self.last.weight)

    def forward(self, u: Tensor, sigma: Tensor, label: Label = None) -> Tensor:
        """Return F(u, sigma, label) shaped like u, `[b, dim]` or pictures of dim pixels; sigma is `[1]` or `[b]`."""
        check_input(u, sigma, self.last.out_features)
        of_u, of_sigma = self.first.weight[:, :-16], self.first.weight[:, -16:]
        shift = nn.functional.linear(waves(sigma), of_sigma, self.first.bias)  # [1 or b, width]
        shift = shift + class_vector(self.label, label, len(u), self.classes)
        h = torch.addmm(shift, self.features(u.flatten(1)), of_u.T)
        for layer in self.hidden:
            h = layer(nn.functional.silu(h))
        return self.last(nn.functional.silu(h)).reshape(u.shape)

    def features(self, u: Tensor) -> Tensor:
        """Return u and the sines and cosines of its fixed random frequencies, `[b, dim + 2 features]`."""
        phase = u @ self.frequencies
        return torch.cat([u, phase.sin(), phase.cos()], 1)


class NoiseMLP(nn.Module):
    """The network of a first DDPM: eps_hat = F(x, i, label) from the point and a sinusoidal embedding of step i.

    The embedding of step i in [0, 1000] has `embedding` sines and cosines at frequencies 10000^(-j/half), as in Ho et
    al. 2020 (appendix B), which took it from Vaswani et al. 2017.
    """

    def __init__(
        self, dim: int = 2, width: int = 128, depth: int = 3, classes: int = 0, embedding: int = 64, rng: Rng = None
    ) -> None:
        super().__init__()
        self.config = dict(dim=dim, width=width, depth=depth, classes=classes, embedding=embedding)
        if positive(embedding, "embedding") % 2:
            raise ValueError(f"embedding is {embedding}; it must be even, half sines and half cosines")
        self.classes, self.embedding = at_least(0, classes, "classes"), embedding
        positive(dim, "dim")
        self.first = nn.Linear(dim + embedding, positive(width, "width"))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(positive(depth, "depth") - 1))
        self.last = nn.Linear(width, dim)
        self.label = nn.Embedding(classes + 1, width) if classes else None
        initialise(self, rng)

    def forward(self, x: Tensor, step: Tensor, label: Label = None) -> Tensor:
        """Return eps_hat `[b, dim]` for x `[b, dim]` in the VP frame and real steps `[1]` or `[b]`."""
        check_input(x, step, self.last.out_features, "step", "x")
        half = self.embedding // 2
        phase = step.reshape(-1, 1) * torch.exp(-math.log(10000) / half * torch.arange(half)).to(x)
        embedding = torch.cat([phase.sin(), phase.cos()], 1).expand(len(x), -1)
        h = self.first(torch.cat([x, embedding], 1)) + class_vector(self.label, label, len(x), self.classes)
        for layer in self.hidden:
            h = layer(nn.functional.silu(h))
        return self.last(nn.functional.silu(h))


def frequencies(dim: int, features: int, scale: float, rng: Rng) -> Tensor:
    """Draw the fixed random frequencies of Fourier features from N(0, scale^2), `[dim, features]`."""
    shape = positive(dim, "dim"), at_least(0, features, "features")
    return number(scale, "scale", 0) * torch.randn(*shape, generator=stream(rng))


def check_input(u: Tensor, sigma: Tensor, dim: int, level: str = "sigma", what: str = "u") -> None:
    """Refuse what no raw network can read: u must be `[b, dim]` or pictures of dim pixels, the levels a tensor."""
    if not isinstance(u, Tensor) or u.ndim < 2 or not len(u) or u.shape[1:].numel() != dim:
        given = f"shape {tuple(u.shape)}" if isinstance(u, Tensor) else f"the type {type(u).__name__}"
        raise ValueError(f"{what} has {given}; this network needs a tensor [b, {dim}]")
    if not isinstance(sigma, Tensor):
        raise TypeError(
            f"{level} is {sigma!r}; a raw network takes levels as a tensor [1] or [b], and is not a Denoiser yet:"
            " precondition.Preconditioned(net) is one and takes numbers too"
        )
    if not u.is_floating_point() or not sigma.is_floating_point() or sigma.numel() not in (1, len(u)):
        raise ValueError(
            f"{what} is {u.dtype} and {level} {sigma.dtype} of shape {tuple(sigma.shape)}; this network needs floats,"
            f" and one level, or one per row ({len(u)})"
        )
    if u.device.type == "cpu":
        finite(u, "the input"), finite(sigma, level)


def mlp(inputs: int, width: int, outputs: int) -> nn.Sequential:
    """Return a plain network of two hidden layers with SiLU."""
    layers = nn.Linear(inputs, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, outputs)
    return nn.Sequential(*layers)


def waves(sigma: Tensor) -> Tensor:
    """Return sin and cos of 0.3 k ln sigma, k = 1..8, as `[len(sigma), 16]`; sigma below 1e-4 counts as 1e-4."""
    if not isinstance(sigma, Tensor):
        raise TypeError(f"sigma is {sigma!r}; it must be a tensor of levels, [1] or [b]")
    k = 0.3 * torch.arange(1, 9, dtype=sigma.dtype, device=sigma.device)
    phase = sigma.clamp(min=1e-4).log().reshape(-1, 1) * k
    return torch.cat([phase.sin(), phase.cos()], 1)


def class_vector(table: nn.Embedding | None, label: Label, b: int, classes: int) -> Tensor | float:
    """Return the learned vector of each row's class (the last row of the table is "no label"); 0 without classes."""
    rows = label_rows(label, b, max(classes, 1))
    if table is None:
        return 0.0
    if label is None:
        return table.weight[-1:]
    return table((rows % (classes + 1)).to(table.weight.device))  # -1 -> the last row


def initialise(net: nn.Module, rng: Rng) -> None:
    """Draw the weights from rng: linear and convolution layers uniform within 1/sqrt(fan-in), embeddings N(0, 1)."""
    rng = stream(rng)
    for module in net.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            bound = module.weight[0].numel() ** -0.5
            nn.init.uniform_(module.weight, -bound, bound, generator=rng)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]
        elif isinstance(module, nn.Embedding):
            nn.init.normal_(module.weight, generator=rng)


def count_params(module: nn.Module) -> int:
    """Return the number of trainable numbers."""
    weights = network(module, "module", "only a network has weights to count").parameters()
    return sum(p.numel() for p in weights if p.requires_grad)
