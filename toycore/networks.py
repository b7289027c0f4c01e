"""Raw networks: functions of (input, noise level, label) that know nothing of diffusion."""

import math

import torch
from torch import Tensor, nn

from toycore.checks import at_least, finite, label_column, number, numbers, one_of, positive, stream
from toycore.types import Label


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
        rng: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        self.config = dict(dim=dim, width=width, depth=depth, classes=classes, features=features, scale=scale)
        self.classes = at_least(0, classes, "classes")
        self.register_buffer("frequencies", _frequencies(dim, features, scale, rng))
        self.first = nn.Linear(dim + 2 * features + 16, positive(width, "width"))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(positive(depth, "depth") - 1))
        self.last = nn.Linear(width, dim)
        self.label = nn.Embedding(classes + 1, width) if classes else None
        initialise(self, rng)
        nn.init.zeros_(self.last.weight)

    def forward(self, u: Tensor, sigma: Tensor, label: Label = None) -> Tensor:
        """Return F(u, sigma, label) shaped like u, `[b, dim]` or pictures of dim pixels; sigma is `[1]` or `[b]`."""
        _readable(u, sigma, self.last.out_features)
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
    """The ordinary network of a first DDPM: eps_hat = F(x, i, label) from the point and a sinusoidal embedding of the
    step.

    The embedding of step i in [0, 1000] has `embedding` sines and cosines at frequencies 10000^(-j/half), as in Ho et
    al. 2020 (appendix B), which took it from Vaswani et al. 2017.
    """

    def __init__(
        self, dim: int = 2, width: int = 128, depth: int = 3, classes: int = 0, embedding: int = 64,
        rng: torch.Generator | None = None,
    ) -> None:  # fmt: skip
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
        _readable(x, step, self.last.out_features, "step", "x")
        half = self.embedding // 2
        phase = step.reshape(-1, 1) * torch.exp(-math.log(10000) / half * torch.arange(half)).to(x)
        embedding = torch.cat([phase.sin(), phase.cos()], 1).expand(len(x), -1)
        h = self.first(torch.cat([x, embedding], 1)) + class_vector(self.label, label, len(x), self.classes)
        for layer in self.hidden:
            h = layer(nn.functional.silu(h))
        return self.last(nn.functional.silu(h))


class ConditionalMLP(nn.Module):
    """F(u, sigma, words) -> `[b, dim]`: an MLP that is told a condition in one of four ways, after each layer.

    words: vectors `[b, k, e]` (or one, `[b, e]`); None stands for a learned null vector. c = their sum. how:

        "add"     h + A c                                            "concat"  B [h, c]
        "film"    (1 + S c) norm(h) + T c                            "attend"  h + O softmax(Q h . K words) V words

    FiLM: Perez et al. 2017 (1709.07871); as adaLN in Peebles & Xie 2022. Cross-attention: Rombach et al. 2021.
    """

    frequencies: Tensor

    def __init__(
        self, dim: int = 2, width: int = 64, depth: int = 3, told: int = 16, how: str = "film", features: int = 16,
        scale: float = 2.0, rng: torch.Generator | None = None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.config = dict(dim=dim, width=width, depth=depth, told=told, how=how, features=features, scale=scale)
        self.register_buffer("frequencies", _frequencies(dim, features, scale, rng))
        self.first = nn.Linear(dim + 2 * features + 16, positive(width, "width"))
        tell = TELL[one_of(how, TELL, "way of conditioning")]
        positive(width, "width"), positive(told, "told")
        self.tell = nn.ModuleList(tell(width, told) for _ in range(positive(depth, "depth")))
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, dim)
        self.null = nn.Parameter(torch.zeros(1, 1, told))
        initialise(self, rng)
        nn.init.zeros_(self.last.weight)

    def forward(self, u: Tensor, sigma: Tensor, words: Tensor | None = None) -> Tensor:
        """Return F shaped like u, `[b, dim]`; sigma is `[1]` or `[b]`."""
        _readable(u, sigma, self.last.out_features)
        words = self.null if words is None else self.sentence(words, len(u))
        phase, level = u @ self.frequencies, waves(sigma).expand(len(u), -1)
        h = self.first(torch.cat([u, phase.sin(), phase.cos(), level], 1))
        for tell, layer in zip(self.tell, [*self.hidden, self.last], strict=True):
            h = layer(nn.functional.silu(tell(h, words)))
        return h

    def sentence(self, words: Tensor, b: int) -> Tensor:
        """Return words as `[b, k, e]`, one of them where they come as `[b, e]`."""
        e = self.null.shape[-1]
        words = numbers(words, "words", "word vectors [b, k, e]")
        if words.ndim not in (2, 3) or len(words) != b or words.shape[-1] != e:
            raise ValueError(f"words have shape {tuple(words.shape)}; {b} points need [{b}, k, {e}] or [{b}, {e}]")
        return words.reshape(b, -1, e)


class Add(nn.Module):
    """h + A c, c the sum of the words: as a class vector is added to the embedding of the level."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.A = nn.Linear(told, width)

    def forward(self, h: Tensor, words: Tensor) -> Tensor:
        return h + self.A(words.sum(1))


class Concat(nn.Module):
    """B [h, c] = B_h h + B_c c: to append c is to add a linear function of c."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.B = nn.Linear(width + told, width)

    def forward(self, h: Tensor, words: Tensor) -> Tensor:
        return self.B(torch.cat([h, words.sum(1).expand(len(h), -1)], 1))


class Film(nn.Module):
    """(1 + S c) norm(h) + T c: the condition sets the gain and the offset of every feature."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.ST = nn.Linear(told, 2 * width)

    def forward(self, h: Tensor, words: Tensor) -> Tensor:
        S, T = self.ST(words.sum(1)).chunk(2, 1)
        return (1 + S) * nn.functional.layer_norm(h, h.shape[1:]) + T


class Attend(nn.Module):
    """h + O attention(h asks, the words answer): each row weighs the words by its own question."""

    def __init__(self, width: int, told: int) -> None:
        super().__init__()
        self.Q, self.KV, self.O = nn.Linear(width, told), nn.Linear(told, 2 * told), nn.Linear(told, width)

    def weights(self, h: Tensor, words: Tensor) -> Tensor:
        """Return how much each row reads of each word, `[b, k]`, rows that sum to 1."""
        K = self.KV(words).chunk(2, 2)[0]
        return ((K @ self.Q(h)[:, :, None])[..., 0] / K.shape[-1] ** 0.5).softmax(1)

    def forward(self, h: Tensor, words: Tensor) -> Tensor:
        V = self.KV(words).chunk(2, 2)[1]
        return h + self.O((self.weights(h, words)[..., None] * V).sum(1))


TELL = {"add": Add, "concat": Concat, "film": Film, "attend": Attend}


class Captioned(nn.Module):
    """F(u, sigma, label): a ConditionalMLP told the words of caption number `label`; no label, -1: null words only.

    tokens: the captions as numbers of words, `[captions, k]`. Words are learned vectors, so that a caption never seen
    is still made of words that were.
    """

    tokens: Tensor

    def __init__(self, tokens: list[list[int]], rng: torch.Generator | None = None, **words: int | float | str) -> None:
        super().__init__()
        self.config = dict(tokens=tokens, **words)
        rows = numbers(tokens, "tokens", "the captions as numbers of words, [captions, k]")
        if rows.ndim != 2 or rows.is_floating_point() or not rows.numel() or int(rows.min()) < 0:
            raise ValueError(f"tokens has shape {tuple(rows.shape)}; it must be whole numbers >= 0, [captions, k]")
        self.classes, null = len(rows), int(rows.max()) + 1
        self.register_buffer("tokens", torch.cat([rows, torch.full_like(rows[:1], null)]), persistent=False)
        self.net = ConditionalMLP(rng=rng, **words)  # type: ignore[arg-type]
        self.word = nn.Embedding(null + 1, self.net.null.shape[-1])
        initialise(self.word, rng)

    def forward(self, u: Tensor, sigma: Tensor, label: Label = None) -> Tensor:
        """Return F shaped like u, `[b, dim]`; sigma is `[1]` or `[b]`, label numbers of captions."""
        rows = label_column(-1 if label is None else label, len(u), self.classes)
        return self.net(u, sigma, self.word(self.tokens[rows]))  # -1: the last row


def _frequencies(dim: int, features: int, scale: float, rng: torch.Generator | None) -> Tensor:
    """Draw the fixed random frequencies of Fourier features from N(0, scale^2), `[dim, features]`."""
    shape = positive(dim, "dim"), at_least(0, features, "features")
    return number(scale, "scale", 0) * torch.randn(*shape, generator=stream(rng))


def _readable(u: Tensor, sigma: Tensor, dim: int, level: str = "sigma", what: str = "u") -> None:
    """Say what a raw network needs: u `[b, dim]`, or pictures of dim pixels, and the levels as a tensor."""
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


def waves(sigma: Tensor) -> Tensor:
    """Return sin and cos of 0.3 k ln sigma, k = 1..8, as `[len(sigma), 16]`; sigma below 1e-4 counts as 1e-4."""
    if not isinstance(sigma, Tensor):
        raise TypeError(f"sigma is {sigma!r}; it must be a tensor of levels, [1] or [b]")
    k = 0.3 * torch.arange(1, 9, dtype=sigma.dtype, device=sigma.device)
    phase = sigma.clamp(min=1e-4).log().reshape(-1, 1) * k
    return torch.cat([phase.sin(), phase.cos()], 1)


def class_vector(table: nn.Embedding | None, label: Label, b: int, classes: int) -> Tensor | float:
    """Return the learned vector of each row's class (the last row of the table is "no label"); 0 without classes."""
    rows = label_column(label, b, max(classes, 1))
    if table is None:
        return 0.0
    if rows is None:
        return table.weight[-1:]
    return table((rows % (classes + 1)).to(table.weight.device))  # -1 -> the last row


def initialise(net: nn.Module, rng: torch.Generator | None) -> None:
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
    if not isinstance(module, nn.Module):
        raise TypeError(f"module is a {type(module).__name__}; only a network has weights to count")
    return sum(p.numel() for p in module.parameters() if p.requires_grad)
