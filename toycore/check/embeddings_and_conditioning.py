"""Exercises of notebook 09, Embeddings and conditioning."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from toycore import embeddings
from toycore.check import Verdicts, call, close, exercise


def _one_way(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    return cross_entropy(scale.exp() * image @ text.T, torch.arange(len(image)))


@exercise(
    answer=embeddings.info_nce,
    mistakes={
        "one direction": _one_way,
        "temperature": lambda image, text, scale: embeddings.info_nce(image, text, 0 * scale),
        "a logarithm": lambda image, text, scale: embeddings.info_nce(image, text, scale.log()),
        "nothing pushes": lambda image, text, scale: embeddings.cosine_only(image, text),
        "twice": lambda image, text, scale: 2 * embeddings.info_nce(image, text, scale),
    },
)
def info_nce(attempt: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdicts:
    """Write info_nce(image, text, scale): the symmetric cross-entropy of CLIP. image, text: [N, d] of length 1, row i
    of one belongs to row i of the other; logits = exp(scale) times the cosines.
    """
    rng = torch.Generator().manual_seed(0)
    image, text = (normalize(torch.randn(6, 4, generator=rng, dtype=torch.float64), dim=1) for _ in range(2))
    same, scale = torch.ones(6, 4, dtype=torch.float64) / 2, torch.tensor(1.5, dtype=torch.float64)
    blank, mine = call(attempt, same, same, scale), call(attempt, image, text, scale)
    right = embeddings.info_nce(image, text, scale)
    yield torch.as_tensor(blank).ndim == 0, "a loss is one number"
    yield not close(blank, 0.0), "all embeddings equal gives loss 0: nothing pushes different pairs apart"
    yield not close(mine, 2 * right), "twice as large: the two directions are averaged"
    yield close(blank, torch.tensor(6.0).log()), "all embeddings equal must give log N, the loss of a blind guess"
    yield not close(mine, embeddings.info_nce(image, text, 0 * scale)), "the temperature is missing: multiply by ..."
    yield not close(mine, embeddings.info_nce(image, text, scale.log())), "scale is a logarithm: exp(scale) multiplies"
    ways = _one_way(image, text, scale), _one_way(text, image, scale)
    yield not (close(mine, ways[0]) or close(mine, ways[1])), "only one direction: captions must find pictures, too"
    yield close(mine, right), "on random embeddings the value is off"


@exercise(
    answer=lambda B, width: (B[:, :width], B[:, width:]),
    mistakes={
        "other way round": lambda B, width: (B[:, width:], B[:, :width]),
        "columns": lambda B, width: (B[:width], B[width:]),
        "twice": lambda B, width: (B, B),
    },
)
def split(attempt: Callable[[Tensor, int], tuple[Tensor, Tensor]]) -> Verdicts:
    """Appending is adding: give split(B, width) = (P, Q) with B [h, c] = P h + Q c, where h has `width` numbers."""
    rng = torch.Generator().manual_seed(0)
    B, h, c = (torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((7, 8), (5,), (3,)))
    P, Q = call(attempt, B, 5)
    yield not (P.shape == B.shape == Q.shape), "you gave B twice; each part of B acts on one part of [h, c]"
    yield P.shape != (5, 8), "you cut B between rows; a row makes one output, the columns belong to the inputs"
    yield P.shape != (7, 3), "P must act on h, which has 5 numbers, and Q on c: the other way round"
    yield (
        P.shape == (7, 5) and Q.shape == (7, 3),
        f"P must be [7, 5], Q [7, 3]; yours: {list(P.shape)}, {list(Q.shape)}",
    )
    yield close(P @ h + Q @ c, B @ torch.cat([h, c])), "the shapes are right, but P h + Q c is not B [h, c]"


def _analogy(sign: float = 1.0, nearest: bool = True, skip: bool = True) -> Callable[[Tensor, int, int, int], int]:
    def analogy(text: Tensor, a: int, b: int, c: int) -> int:
        cosines = normalize(text, dim=1) @ (text[c] + sign * (text[b] - text[a]))
        if skip:
            cosines = cosines.index_fill(0, torch.tensor([a, b, c]), -9.0 if nearest else 9.0)
        return int(cosines.argmax() if nearest else cosines.argmin())

    return analogy


@exercise(
    answer=_analogy(),
    mistakes={
        "which way": _analogy(sign=-1.0),
        "farthest": _analogy(nearest=False),
        "the question": _analogy(skip=False),
        "a number": lambda text, a, b, c: text[c] + text[b] - text[a],
    },
)
def analogy(attempt: Callable[[Tensor, int, int, int], int]) -> Verdicts:
    """Write analogy(text, a, b, c): a is to b as c is to which caption? The row of text [k, d] nearest in cosine to
    text[c] + text[b] - text[a], other than a, b and c.
    """
    words = torch.eye(6, dtype=torch.float64)
    text = torch.stack([words[0] + words[2], words[1] + words[2], words[0] + words[3], words[1] + words[3],
                        -words[1] + 2 * words[0] + words[3], -words[4] - words[3] - words[1]])  # fmt: skip
    found = call(attempt, text, 0, 1, 2)
    yield isinstance(found, int) or torch.as_tensor(found).numel() == 1, "a number of a caption is asked for, no vector"
    yield int(found) != 4, "which way does the difference go? From a to b is text[b] - text[a]"
    yield int(found) != 5, "that is the farthest caption; the nearest has the largest cosine"
    yield int(found) == 3, f"small ring : large ring = small cross : caption 3 (large cross); yours is {int(found)}"
    close_by = torch.tensor([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.5, 0.9], [-1.0, 0.0]], dtype=torch.float64)
    yield int(call(attempt, close_by, 0, 1, 2)) == 3, "the answer may not be one of the captions of the question"
