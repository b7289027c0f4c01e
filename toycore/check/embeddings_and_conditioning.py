"""Exercises of notebook 09, Embeddings and conditioning."""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from toycore.check import Exercise, Verdicts, close, normal

IMAGE, TEXT = normalize(normal(6, 4), dim=1), normalize(normal(6, 4, seed=1), dim=1)
SCALE, SAME = torch.tensor(1.5, dtype=torch.float64), torch.ones(6, 4, dtype=torch.float64) / 2

def _info_nce(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    logits, own = scale.exp() * image @ text.T, torch.arange(len(image))
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2

def _not_info_nce(i: Tensor, t: Tensor, s: Tensor) -> list[tuple[Tensor, str]]:
    logits, own = s.exp() * i @ t.T, torch.arange(len(i))
    right = _info_nce(i, t, s)
    return [
        (1 - (i * t).sum(1).mean(),
         "equal embeddings would give loss 0: nothing pushes different pairs apart; what should?"),
        (-logits.log_softmax(1).diag(), "a loss is one number, and yours is one per pair, [6]: which mean is missing?"),
        (cross_entropy(logits, own), "only one direction: which captions find their pictures?"),
        (cross_entropy(logits.T, own), "only one direction, captions find pictures; and the other way?"),
        (2 * right, "twice as large: the two directions are averaged, or added?"),
        (_info_nce(i, t, 0 * s), "the temperature is missing: what are the cosines multiplied by?"),
        (_info_nce(i, t, s.log()), "scale is a logarithm; what is the temperature's factor itself?"),
        (_info_nce(i, t, -s), "the cosines are divided by exp(scale); does a larger scale make the choice sharper?"),
        (cross_entropy(logits.softmax(1), own), "cross-entropy takes the softmax itself; did you take it twice?"),
        (cross_entropy(logits, 0 * own), "every picture is sent to caption 0; which caption belongs to picture i?"),
        (_info_nce(i, i, s), "pictures are compared with pictures; what do the captions say?"),
        (-right, "a loss grows when the match is worse; which sign has yours?"),
        (len(i) * right, "you sum over the pairs; does the loss grow with the batch?")]

info_nce = Exercise(
    "Write info_nce(image, text, scale): the symmetric cross-entropy of CLIP. image, text: [N, d] of length 1, row i of"
    " one belongs to row i of the other; logits = exp(scale) times the cosines.",
    answer=_info_nce,
    more="The logits are a matrix [N, N] whose diagonal is right: cross_entropy(logits, torch.arange(N)), once for the"
         " rows and once for the columns.",
    why="Each picture must find its caption among all, and each caption its picture; the two losses are averaged.",
    asks=[(IMAGE, TEXT, SCALE), (IMAGE[:3], TEXT[1:4], 0 * SCALE + 0.3)],
    mistakes=_not_info_nce,
    properties=lambda loss: [
        (close(loss(SAME, SAME, SCALE), torch.tensor(6.0).log(), 1e-4),
         "all embeddings equal must give log 6 for 6 pairs, the loss of a blind guess; why not here?")],
    caught=[
        (lambda image, text, scale: _info_nce(image, text, scale) + 1, "blind guess"),
        (lambda image, text, scale: torch.tensor(6.0).log(), "which diagonal")],
    otherwise="right when nothing is known, not for 6 random pairs: how many pairs, which diagonal?",
    elsewhere="right for 6 pairs, wrong for 3: is a number fixed in yours?",
    tolerance=1e-4)

B = normal(7, 8)

split = Exercise(
    "Appending is adding: give split(B, width) = (P, Q) with B [h, c] = P h + Q c, where h has `width` numbers.",
    answer=lambda B, width: (B[:, :width], B[:, width:]),
    more="Column j of B is multiplied by entry j of [h, c]. Which columns meet h?",
    why="A matrix times a stacked vector is the sum of its column blocks times the parts.",
    asks=[(B, 5), (B, 2)],
    mistakes=lambda B, width: [
        ((B[:, width:], B[:, :width]), "P must act on h, which has 5 numbers, and Q on c: is it the other way round?"),
        ((B[:width], B[width:]), "you cut B between rows; a row makes one output; what do the columns belong to?"),
        ((B, B), "you gave B twice; does each part of B not act on one part of [h, c]?"),
        ((B[:, :width].T, B[:, width:].T), "your P lies on its side; P h has 7 numbers, so which axis comes first?"),
        ((B[:, : width + 1], B[:, width + 1 :]),
         "P has one column too many; a slice leaves out its last index: where does it end?"),
        ((B[:, -width:], B[:, :-width]), "h stands above c in [h, c]; which of the two parts stands first?"),
        ((B[:, :4], B[:, 4:]), "you cut in the middle; how many numbers has h?"),
        ((0 * B[:, :width], 0 * B[:, width:]), "nothing is left of B; which of its numbers act on h?"),
        ((B[:, :5], B[:, 5:]), "right for width 5, not for other widths: where does it stand in yours?")],
    caught=[(lambda B, width: B[:, :width], "values are asked for")],
    otherwise="the shapes are right, but P h + Q c is not B [h, c]: which columns?")

_RNG = torch.Generator().manual_seed(3)
CAPTIONS = torch.randn(12, 4, generator=_RNG, dtype=torch.float64) * (0.5 + torch.arange(12.0)[:, None] / 6)
QUESTIONS = [(CAPTIONS, *torch.randperm(12, generator=_RNG)[:3].tolist()) for _ in range(12)]
NEAR, FAR = [[0.2, 1.0], [-1.0, 0.2]], [[-0.2, -1.0], [-1.0, -0.2]]
WINS = [  # captions among which a, b or c would win, if it were allowed to
    [[1.0, 0.0], [2.0, 0.2], [2.0, -0.2]],
    [[1.0, 0.0], [1.0, 1.0], [1.0, 0.05]],
    [[1.0, 0.0], [1.0, 0.05], [1.0, 1.0]]]

def _analogy(text: Tensor, a: int, b: int, c: int) -> int:
    cosine = normalize(text, dim=1) @ (text[c] + text[b] - text[a])
    cosine[[a, b, c]] = -torch.inf
    return int(cosine.argmax())

def _best(measure: Tensor, *left_out: int, low: float = -9e9) -> int:
    return int(measure.index_fill(0, torch.tensor(left_out, dtype=torch.long), low).argmax())

def _not_analogy(text: Tensor, a: int, b: int, c: int) -> list[tuple[object, str]]:
    unit, own = normalize(text, dim=1), (a, b, c)
    to = text[c] + text[b] - text[a]
    others = [i for i in range(len(text)) if i not in own]
    return [
        (_best(unit @ (text[c] + text[a] - text[b]), *own), "which way does the difference go? a leads to b"),
        (_best(-unit @ to, *own), "that is the farthest caption; which cosine has the nearest?"),
        (_best(text @ to, *own), "long rows win in yours; does a cosine depend on the length?"),
        (_best(-(text - to).norm(dim=1), *own),
         "that is the nearest by distance; is it the nearest in direction, too?"),
        (_best(unit @ text[c], *own), "nearest to c alone; what do a and b say?"),
        (_best(unit @ text[b], *own), "nearest to b; what does c change?"),
        (_best(unit @ text.T[:, [*own]].sum(1), *own), "you add a; what is common to a and b should drop out: how?"),
        (int((unit[others] @ to).argmax()), "did you count after leaving out a, b, c? Where is it in the whole list?"),
        (3, "caption 3 is not the answer to every question: what does yours compare?"),
        (to, "that is a vector, and the number of a caption is asked for: of the one nearest to it in direction?"),
        (99, "the number of a row is asked for, 0 to 11; what is 99?")]

def _left_out(analogy) -> Verdicts:
    for rows in WINS:
        best = int(analogy(torch.tensor(rows + NEAR).double(), 0, 1, 2))
        yield best > 2, f"the answer may not be one of the question; did you leave out {'abc'[min(best, 2)]}?"
    best = analogy(torch.tensor(WINS[0] + FAR).double(), 0, 1, 2)
    yield best == 3, "when all cosines are less than 0, one is still the largest; what stands for those left out?"

analogy = Exercise(
    "Write analogy(text, a, b, c): a is to b as c is to which caption? The row of text [k, d] nearest in cosine to"
    " text[c] + text[b] - text[a], other than a, b and c.",
    answer=_analogy,
    more="Normalise the rows, multiply by text[c] + text[b] - text[a], set the entries a, b, c to -inf, take argmax.",
    why="The cosine compares directions; the length of the vector that is searched for does not change the order.",
    asks=QUESTIONS,
    mistakes=_not_analogy,
    properties=_left_out,
    caught=[
        (lambda text, a, b, c: _best(normalize(text, dim=1) @ (text[c] + text[b] - text[a])), "leave out a"),
        (lambda text, a, b, c: _best(normalize(text, dim=1) @ (text[c] + text[b] - text[a]), a), "leave out b"),
        (lambda text, a, b, c: _best(normalize(text, dim=1) @ (text[c] + text[b] - text[a]), a, b), "leave out c"),
        (lambda text, a, b, c: _best(normalize(text, dim=1) @ (text[c] + text[b] - text[a]), a, b, c, low=0.0),
         "less than 0"),
        (lambda text, a, b, c: torch.stack([text[a], text[b]]), "one number is needed")],
    otherwise="some of 12 random questions have another answer: which row has the largest cosine?",
    elsewhere="some of 12 random questions have another answer: which row has the largest cosine, of those allowed?")
