"""Exercises of notebook 09, Embeddings and conditioning."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from toycore import embeddings
from toycore.check import Verdicts, ask, ask_number, call, close, exercise, numbers, unlike


def _one_way(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    return cross_entropy(scale.exp() * image @ text.T, torch.arange(len(image)))


LOSSES = {  # what students take for CLIP's loss, by what to ask them
    "only one direction: which captions find their pictures?": _one_way,
    "only one direction, captions find pictures; and the other way?": lambda i, t, s: _one_way(t, i, s),
    "twice as large: the two directions are averaged, or added?": lambda i, t, s: 2 * embeddings.info_nce(i, t, s),
    "the temperature is missing: what are the cosines multiplied by?": lambda i, t, s: embeddings.info_nce(i, t, 0 * s),
    "scale is a logarithm; what is the temperature's factor itself?": lambda i, t, s: embeddings.info_nce(
        i, t, s.log()
    ),
    "the cosines are divided by exp(scale); does a larger scale make the choice sharper?": lambda i, t, s: (
        embeddings.info_nce(i, t, -s)
    ),
    "cross-entropy takes the softmax itself; did you take it twice?": lambda i, t, s: cross_entropy(
        (s.exp() * i @ t.T).softmax(1), torch.arange(len(i))
    ),
    "every picture is sent to caption 0; which caption belongs to picture i?": lambda i, t, s: cross_entropy(
        s.exp() * i @ t.T, torch.zeros(len(i), dtype=torch.long)
    ),
    "pictures are compared with pictures; what do the captions say?": lambda i, t, s: embeddings.info_nce(i, i, s),
    "a loss grows when the match is worse; which sign has yours?": lambda i, t, s: -embeddings.info_nce(i, t, s),
    "you sum over the pairs; does the loss grow with the batch?": lambda i, t, s: len(i) * embeddings.info_nce(i, t, s),
}


@exercise(
    answer=embeddings.info_nce,
    mistakes={
        **LOSSES,
        "nothing pushes": lambda image, text, scale: embeddings.cosine_only(image, text),
        "one number": lambda image, text, scale: (scale.exp() * image @ text.T).log_softmax(1).diag(),
        "blind guess": lambda image, text, scale: embeddings.info_nce(image, text, scale) + 1,
        "how many pairs": lambda image, text, scale: torch.tensor(6.0).log(),
    },
)
def info_nce(attempt: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdicts:
    """Write info_nce(image, text, scale): the symmetric cross-entropy of CLIP. image, text: [N, d] of length 1, row i
    of one belongs to row i of the other; logits = exp(scale) times the cosines.
    """
    rng = torch.Generator().manual_seed(0)
    image, text = (normalize(torch.randn(6, 4, generator=rng, dtype=torch.float64), dim=1) for _ in range(2))
    same, scale = torch.ones(6, 4, dtype=torch.float64) / 2, torch.tensor(1.5, dtype=torch.float64)
    blank, mine = ask(attempt, same, same, scale), ask(attempt, image, text, scale)
    yield mine.numel() == 1, f"a loss is one number; yours has shape {list(mine.shape)}: which mean is missing?"
    blank, mine = blank.reshape(()), mine.reshape(())
    yield not close(blank, 0.0), "all embeddings equal gives loss 0: nothing pushes different pairs apart; what should?"
    yield from unlike(mine, {message: wrong(image, text, scale) for message, wrong in LOSSES.items()}, 1e-4)
    log_6 = float(torch.tensor(6.0).log())
    yield (
        close(blank, log_6, 1e-4),
        "all embeddings equal must give log 6 for 6 pairs, the loss of a blind guess; why not here?",
    )
    right = embeddings.info_nce(image, text, scale)
    yield (
        close(mine, right, 1e-4),
        "right when nothing is known, not for 6 random pairs: how many pairs, which diagonal?",
    )
    few = image[:3], text[1:4], 0 * scale + 0.3
    again = ask_number(attempt, *few)
    yield close(again, embeddings.info_nce(*few), 1e-4), "right for 6 pairs, wrong for 3: is a number fixed in yours?"


@exercise(
    answer=lambda B, width: (B[:, :width], B[:, width:]),
    mistakes={
        "other way round": lambda B, width: (B[:, width:], B[:, :width]),
        "columns": lambda B, width: (B[:width], B[width:]),
        "twice": lambda B, width: (B, B),
        "two parts": lambda B, width: B[:, :width],
        "on its side": lambda B, width: (B[:, :width].T, B[:, width:].T),
        "where does it end": lambda B, width: (B[:, : width + 1], B[:, width + 1 :]),
        "which of the two parts stands first": lambda B, width: (B[:, -width:], B[:, :-width]),
        "cut in the middle": lambda B, width: (B[:, :4], B[:, 4:]),
        "nothing is left": lambda B, width: (0 * B[:, :width], 0 * B[:, width:]),
        "for other widths": lambda B, width: (B[:, :5], B[:, 5:]),
    },
)
def split(attempt: Callable[[Tensor, int], tuple[Tensor, Tensor]]) -> Verdicts:
    """Appending is adding: give split(B, width) = (P, Q) with B [h, c] = P h + Q c, where h has `width` numbers."""
    rng = torch.Generator().manual_seed(0)
    B, h, c = (torch.randn(*shape, generator=rng, dtype=torch.float64) for shape in ((7, 8), (5,), (3,)))
    parts = call(attempt, B, 5)
    pair = isinstance(parts, list | tuple) and len(parts) == 2
    yield pair, "two parts are asked for, return P, Q; what does yours return?"
    P, Q = map(numbers, parts)
    yield from _cut({P.shape, Q.shape}, P, Q)
    yield (
        close(P, B[:, :5]) or not close(P, B[:, 3:]),
        "h stands above c in [h, c]; which of the two parts stands first?",
    )
    yield not close(P, 0 * P), "nothing is left of B; which of its numbers act on h?"
    yield (
        close(P @ h + Q @ c, B @ torch.cat([h, c])),
        "the shapes are right, but P h + Q c is not B [h, c]: which columns?",
    )
    P, Q = map(numbers, call(attempt, B, 2))
    yield (
        P.shape == (7, 2) and Q.shape == (7, 6),
        "right for width 5, not for other widths: where does it stand in yours?",
    )


def _cut(shapes: set[torch.Size], P: Tensor, Q: Tensor) -> Verdicts:
    """Judge where B [7, 8] was cut, for a width of 5."""
    yield shapes != {torch.Size([7, 8])}, "you gave B twice; does each part of B not act on one part of [h, c]?"
    yield P.shape[-1:] != (8,), "you cut B between rows; a row makes one output; what do the columns belong to?"
    yield P.shape != (7, 3), "P must act on h, which has 5 numbers, and Q on c: is it the other way round?"
    yield P.shape != (5, 7), "your P lies on its side; P h has 7 numbers, so which axis comes first?"
    yield P.shape != (7, 4), "you cut in the middle; how many numbers has h?"
    yield P.shape != (7, 6), "P has one column too many; a slice leaves out its last index: where does it end?"
    yield (
        P.shape == (7, 5) and Q.shape == (7, 3),
        f"P h + Q c needs [7, 5] and [7, 3]; yours: {list(P.shape)}, {list(Q.shape)}",
    )


Measure = Callable[[Tensor, Tensor], Tensor]


def _cosine(text: Tensor, to: Tensor) -> Tensor:
    return normalize(text, dim=1) @ to


def _analogy(
    measure: Measure = _cosine,
    to: Callable[[Tensor, Tensor, Tensor], Tensor] = lambda a, b, c: c + b - a,
    skip: Callable[[int, int, int], list[int]] = lambda a, b, c: [a, b, c],
    low: float = -9e9,
) -> Callable[[Tensor, int, int, int], int]:
    """The nearest row, by another measure, to another place, or with other rows left out."""

    def analogy(text: Tensor, a: int, b: int, c: int) -> int:
        near = measure(text, to(text[a], text[b], text[c]))
        return int(near.index_fill(0, torch.tensor(skip(a, b, c), dtype=torch.long), low).argmax())

    return analogy


ANALOGIES = {  # what students take for the answer, by what to ask them
    "which way does the difference go? a leads to b": _analogy(to=lambda a, b, c: c + a - b),
    "that is the farthest caption; which cosine has the nearest?": _analogy(lambda text, to: -_cosine(text, to)),
    "long rows win in yours; does a cosine depend on the length?": _analogy(lambda text, to: text @ to),
    "that is the nearest by distance; is it the nearest in direction, too?": _analogy(
        lambda text, to: -(text - to).norm(dim=1)
    ),
    "nearest to c alone; what do a and b say?": _analogy(to=lambda a, b, c: c),
    "nearest to b; what does c change?": _analogy(to=lambda a, b, c: b),
    "you add a; what is common to a and b should drop out: how?": _analogy(to=lambda a, b, c: a + b + c),
}


@exercise(
    answer=_analogy(),
    mistakes={
        **ANALOGIES,
        "leave out a": _analogy(skip=lambda a, b, c: []),
        "leave out b": _analogy(skip=lambda a, b, c: [a]),
        "leave out c": _analogy(skip=lambda a, b, c: [a, b]),
        "less than 0": _analogy(low=0.0),
        "no vector": lambda text, a, b, c: text[c] + text[b] - text[a],
        "in the whole list": lambda text, a, b, c: _among_others(text, a, b, c),
        "the number of a row": lambda text, a, b, c: 99,
        "every question": lambda text, a, b, c: 3,
    },
)
def analogy(attempt: Callable[[Tensor, int, int, int], int]) -> Verdicts:
    """Write analogy(text, a, b, c): a is to b as c is to which caption? The row of text [k, d] nearest in cosine to
    text[c] + text[b] - text[a], other than a, b and c.
    """
    yield (
        ask(attempt, torch.eye(6).double(), 0, 1, 2).numel() == 1,
        "the number of a caption is asked for, no vector: of which?",
    )
    rng = torch.Generator().manual_seed(3)
    text = torch.randn(12, 4, generator=rng, dtype=torch.float64) * (0.5 + torch.arange(12.0)[:, None] / 6)
    questions = [tuple(torch.randperm(12, generator=rng)[:3].tolist()) for _ in range(12)]
    mine = [ask_number(attempt, text, *words) for words in questions]
    yield all(n in range(12) for n in mine), f"the number of a row is asked for, 0 to 11; what is {mine[0]:g}?"
    right = [float(_analogy()(text, *words)) for words in questions]
    yield from unlike(mine, {m: [float(f(text, *words)) for words in questions] for m, f in ANALOGIES.items()}, 1e-9)
    yield mine != [float(_among_others(text, *words)) for words in questions], _SHIFTED
    yield from _left_out(attempt)
    yield len(set(mine)) > 1, f"caption {mine[0]:g} is not the answer to every question: what does yours compare?"
    wrong = sum(a != b for a, b in zip(mine, right, strict=True))
    yield wrong == 0, f"{wrong} of 12 random questions have another answer: which row has the largest cosine?"


_SHIFTED = "did you count after leaving out a, b and c? The number is that in the whole list"


def _among_others(text: Tensor, a: int, b: int, c: int) -> int:
    """The number among the captions that are left."""
    others = [i for i in range(len(text)) if i not in (a, b, c)]
    return int(_cosine(text[others], text[c] + text[b] - text[a]).argmax())


def _left_out(attempt: Callable[[Tensor, int, int, int], int]) -> Verdicts:
    """Ask where a, b or c would win if it were let, and where all others look the other way."""
    near, far = [[0.2, 1.0], [-1.0, 0.2]], [[-0.2, -1.0], [-1.0, -0.2]]
    for rows in (
        [[1.0, 0.0], [2.0, 0.2], [2.0, -0.2]],  # c + b - a leads to a
        [[1.0, 0.0], [1.0, 1.0], [1.0, 0.05]],  # to b
        [[1.0, 0.0], [1.0, 0.05], [1.0, 1.0]],  # to c
    ):
        got = int(ask_number(attempt, torch.tensor(rows + near, dtype=torch.float64), 0, 1, 2))
        yield got > 2, f"the answer may not be one of the question; did you leave out {'abc'[min(got, 2)]}?"
    got = int(ask_number(attempt, torch.tensor([[1.0, 0.0], [2.0, 0.2], [2.0, -0.2], *far]).double(), 0, 1, 2))
    yield got == 3, "when all cosines are less than 0, one is still the largest; what stands for those left out?"
