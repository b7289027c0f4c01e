"""Four ways to give a network a condition, and a network that reads captions (notebook 9)."""

import torch
from torch import Tensor, nn

from toycore.checks import label_rows, numbers, one_of, positive
from toycore.networks import check_input, frequencies, initialise, waves
from toycore.types import Label, Rng


class ConditionalMLP(nn.Module):
    """F(u, sigma, tokens) -> `[b, dim]`: an MLP with a condition that enters after each layer in one of four ways.

    tokens: vectors `[b, k, e]` (or one, `[b, e]`) with e = embedding; None stands for a learned null token. With c the
    sum of the tokens, `how` is one of

        "add"     h + A c                                  "concat"  B [h, c]
        "film"    (1 + S c) norm(h) + T c                  "attend"  h + O softmax(Q h . K tokens) V tokens

    FiLM: Perez et al. 2017 (1709.07871); as adaLN in Peebles & Xie 2022. Cross-attention: Rombach et al. 2021.
    """

    frequencies: Tensor

    def __init__(
        self,
        dim: int = 2,
        width: int = 64,
        depth: int = 3,
        embedding: int = 16,
        how: str = "film",
        features: int = 16,
        scale: float = 2.0,
        rng: Rng = None,
    ) -> None:
        super().__init__()
        self.config = dict(
            dim=dim, width=width, depth=depth, embedding=embedding, how=how, features=features, scale=scale
        )
        self.register_buffer("frequencies", frequencies(dim, features, scale, rng))
        self.first = nn.Linear(dim + 2 * features + 16, positive(width, "width"))
        way = WAYS[one_of(how, WAYS, "way of conditioning")]
        self.conditions = nn.ModuleList(
            way(width, positive(embedding, "embedding")) for _ in range(positive(depth, "depth"))
        )
        self.hidden = nn.ModuleList(nn.Linear(width, width) for _ in range(depth - 1))
        self.last = nn.Linear(width, dim)
        self.null = nn.Parameter(torch.zeros(1, 1, embedding))
        initialise(self, rng)
        nn.init.zeros_(self.last.weight)

    def forward(self, u: Tensor, sigma: Tensor, tokens: Tensor | None = None) -> Tensor:
        """Return F shaped like u, `[b, dim]`; sigma is `[1]` or `[b]`."""
        check_input(u, sigma, self.last.out_features)
        tokens = self.null if tokens is None else self._rows(tokens, len(u))
        phase, level = u @ self.frequencies, waves(sigma).expand(len(u), -1)
        h = self.first(torch.cat([u, phase.sin(), phase.cos(), level], 1))
        for condition, layer in zip(self.conditions, [*self.hidden, self.last], strict=True):
            h = layer(nn.functional.silu(condition(h, tokens)))
        return h

    def _rows(self, tokens: Tensor, b: int) -> Tensor:
        """Return tokens as `[b, k, e]`, with k = 1 where they come as `[b, e]`."""
        e = self.null.shape[-1]
        tokens = numbers(tokens, "tokens", "vectors [b, k, e]")
        if tokens.ndim not in (2, 3) or len(tokens) != b or tokens.shape[-1] != e:
            raise ValueError(f"tokens have shape {tuple(tokens.shape)}; {b} points need [{b}, k, {e}] or [{b}, {e}]")
        return tokens.reshape(b, -1, e)


class Add(nn.Module):
    """h + A c, c the sum of the tokens: as a class vector is added to the embedding of the level."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.A = nn.Linear(embedding, width)

    def forward(self, h: Tensor, tokens: Tensor) -> Tensor:
        return h + self.A(tokens.sum(1))


class Concat(nn.Module):
    """B [h, c] = B_h h + B_c c: to append c is to add a linear function of c."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.B = nn.Linear(width + embedding, width)

    def forward(self, h: Tensor, tokens: Tensor) -> Tensor:
        return self.B(torch.cat([h, tokens.sum(1).expand(len(h), -1)], 1))


class Film(nn.Module):
    """(1 + S c) norm(h) + T c: the condition sets the gain and the offset of every feature."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.ST = nn.Linear(embedding, 2 * width)

    def forward(self, h: Tensor, tokens: Tensor) -> Tensor:
        S, T = self.ST(tokens.sum(1)).chunk(2, 1)
        return (1 + S) * nn.functional.layer_norm(h, h.shape[1:]) + T


class Attend(nn.Module):
    """h + O softmax(Q h . K tokens) V tokens: each row weighs the tokens by how well their keys match its query."""

    def __init__(self, width: int, embedding: int) -> None:
        super().__init__()
        self.Q, self.KV = nn.Linear(width, embedding), nn.Linear(embedding, 2 * embedding)
        self.O = nn.Linear(embedding, width)

    def weights(self, h: Tensor, tokens: Tensor) -> Tensor:
        """Return how much each row reads of each token, `[b, k]`; the rows sum to 1."""
        K = self.KV(tokens).chunk(2, 2)[0]
        return ((K @ self.Q(h)[:, :, None])[..., 0] / K.shape[-1] ** 0.5).softmax(1)

    def forward(self, h: Tensor, tokens: Tensor) -> Tensor:
        V = self.KV(tokens).chunk(2, 2)[1]
        return h + self.O((self.weights(h, tokens)[..., None] * V).sum(1))


WAYS = {"add": Add, "concat": Concat, "film": Film, "attend": Attend}


class Captioned(nn.Module):
    """F(u, sigma, label): a ConditionalMLP that reads the words of caption number `label`; -1 or None: null words only.

    tokens: the captions as numbers of words, `[captions, k]`. Each word has a learned vector, so a caption never seen
    in training is still made of words that were. The options are those of ConditionalMLP.
    """

    tokens: Tensor

    def __init__(self, tokens: list[list[int]], rng: Rng = None, **options: int | float | str) -> None:
        super().__init__()
        self.config = dict(tokens=tokens, **options)
        rows = numbers(tokens, "tokens", "the captions as numbers of words, [captions, k]")
        if rows.ndim != 2 or rows.is_floating_point() or not rows.numel() or int(rows.min()) < 0:
            raise ValueError(f"tokens has shape {tuple(rows.shape)}; it must be whole numbers >= 0, [captions, k]")
        self.classes, null = len(rows), int(rows.max()) + 1
        self.register_buffer("tokens", torch.cat([rows, torch.full_like(rows[:1], null)]), persistent=False)
        self.net = ConditionalMLP(rng=rng, **options)  # type: ignore[arg-type]
        self.word = nn.Embedding(null + 1, self.net.null.shape[-1])
        initialise(self.word, rng)

    def forward(self, u: Tensor, sigma: Tensor, label: Label = None) -> Tensor:
        """Return F shaped like u, `[b, dim]`; sigma is `[1]` or `[b]`, label numbers of captions."""
        rows = label_rows(label, len(u), self.classes)
        return self.net(u, sigma, self.word(self.tokens[rows]))  # -1: the last row


@torch.no_grad()
def attention_weights(D: nn.Module, x: Tensor, sigma: float, label: Label) -> Tensor:
    """Return how much each layer of a Denoiser's Captioned(how="attend") reads of each word at points x `[b, 2]`,
    `[layers, b, words]`; every row sums to 1.
    """
    found: list[Tensor] = []
    layers = [layer for layer in D.modules() if isinstance(layer, Attend)]
    if not layers:
        raise ValueError('D has no layer of cross-attention; give a Denoiser of Captioned(..., how="attend")')
    hooks = [layer.register_forward_pre_hook(lambda own, given: found.append(own.weights(*given))) for layer in layers]
    D(x, sigma, label)
    for hook in hooks:
        hook.remove()
    return torch.stack(found)
