"""Captions and the pictures they describe: a CLIP that trains in seconds, and condition vectors from it.

A picture is a set of points on the outline of one shape; its caption names size, shape and place. Place, size and
turn vary from picture to picture, so a picture holds more than its caption.
"""

import math
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from toycore import mixtures, networks
from toycore.checks import alike, as_batch, finite, label_rows, named, number, numbers, positive, stream
from toycore.types import Rng

SIZES, SHAPES, PLACES = ("small", "large"), ("ring", "square", "cross", "triangle"), ("left", "right", "top", "bottom")
WORDS = (*SIZES, *SHAPES, *PLACES)
CAPTIONS = tuple(" ".join(words) for words in product(SIZES, SHAPES, PLACES))
TOKENS = torch.tensor([[WORDS.index(word) for word in caption.split()] for caption in CAPTIONS])  # [32, 3]
RADIUS = torch.tensor([0.14, 0.3])
CENTRE = 0.62 * torch.tensor([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, -1.0]])


def _polygon(corners: int, turn: float) -> Tensor:
    angle = 2 * math.pi * torch.arange(corners + 1) / corners + turn
    ring = torch.stack([angle.cos(), angle.sin()], -1)
    return torch.stack([ring[:-1], ring[1:]], 1)


def _segments() -> Tensor:
    """Return the outlines of radius 1 as `[shapes, 24, 2 ends, 2]`, each of 24 segments that are equally likely."""
    cross = torch.tensor([[[-1.0, 0.0], [1.0, 0.0]], [[0.0, -1.0], [0.0, 1.0]]])
    outlines = _polygon(24, 0.0), _polygon(4, math.pi / 4), cross, _polygon(3, math.pi / 2)
    return torch.stack([outline.repeat(24 // len(outline), 1, 1) for outline in outlines])


def _even(segments: Tensor) -> Tensor:
    """Return 24 points spread evenly along each outline, `[shapes, 24, 2]`."""
    several = torch.tensor([len(outline.unique(dim=0)) for outline in segments])[:, None]  # 24, 4, 2, 3 segments
    along = (torch.arange(24) // several + 0.5) * several / 24
    return segments[:, :, 0] + along[..., None] * (segments[:, :, 1] - segments[:, :, 0])


SEGMENTS = _segments()
OUTLINES = _even(SEGMENTS)


def parts(caption: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the numbers of size, shape and place of captions `[b]`."""
    rows = caption_rows(caption)
    return rows // 16, rows // 4 % 4, rows % 4


def caption_rows(caption: Tensor) -> Tensor:
    """Return captions `[b]` as checked numbers of CAPTIONS; unlike a label, -1 is none of them."""
    rows = numbers(caption, "captions", f"numbers [b] in 0..{len(CAPTIONS) - 1}")
    if rows.ndim != 1 or rows.is_floating_point() or rows.dtype == torch.bool or not len(rows) or (rows < 0).any():
        raise ValueError(f"captions are numbers [b] in 0..{len(CAPTIONS) - 1}; got {caption!r}")
    return label_rows(rows, len(rows), len(CAPTIONS))


def draw(caption: Tensor, points: int = 48, vary: float = 1.0, rng: Rng = None) -> Tensor:
    """Return one picture `[b, points, 2]` per caption `[b]`: points on the outline, in a box of about [-1, 1]^2.

    The centre varies by 0.07, the radius by 8 percent, the turn by 0.15 rad (standard deviations, times vary).
    """
    size, shape, place = parts(caption)
    b, n = len(caption), positive(points, "points")
    number(vary, "vary", 0)
    pick = torch.randint(24, (b, n), generator=stream(rng))
    ends = SEGMENTS[shape[:, None], pick]  # [b, n, 2, 2]
    along = torch.rand(b, n, 1, generator=rng)
    x = ends[:, :, 0] + along * (ends[:, :, 1] - ends[:, :, 0])
    z = vary * torch.randn(b, 4, generator=rng)
    turn = 0.15 * z[:, 3]
    spin = torch.stack([turn.cos(), turn.sin(), -turn.sin(), turn.cos()], -1).reshape(b, 2, 2)
    radius = RADIUS[size] * (1 + 0.08 * z[:, 2])
    return radius[:, None, None] * (x @ spin) + (CENTRE[place] + 0.07 * z[:, :2])[:, None]


def mixture(std: float = 0.03, captions: Tensor | None = None) -> mixtures.GaussianMixture:
    """Return the points of all captions as a mixture, one class per caption, 24 Gaussians along each average outline.

    captions: draw from these only, each as likely as before; the others keep a weight of nearly 0.
    """
    every = torch.arange(len(CAPTIONS))
    size, shape, place = parts(every)
    means = RADIUS[size][:, None, None] * OUTLINES[shape] + CENTRE[place][:, None]  # [32, 24, 2]
    label = every.repeat_interleave(means.shape[1])
    weights = torch.ones(len(label)) if captions is None else torch.isin(label, caption_rows(captions)) + 1e-9
    return mixtures.GaussianMixture(means.reshape(-1, 2), std, weights, label)


class Clip(nn.Module):
    """Two encoders into one space, `[b, dim]` of length 1: of pictures `[b, n, 2]` and of captions `[b]`.

    Pictures: an MLP on each point, then mean and maximum over the points. Captions: word vectors, summed, then an MLP.
    logits = exp(scale) cos with a learned temperature exp(-scale), which starts at 1 (the paper starts at 0.07).
    Radford et al. 2021 (2103.00020), section 2 and figure 3.
    """

    def __init__(self, dim: int = 16, width: int = 64, rng: Rng = None) -> None:
        super().__init__()
        self.config = dict(dim=dim, width=width)
        self.point = nn.Sequential(
            nn.Linear(2, positive(width, "width")), nn.SiLU(), nn.Linear(width, width), nn.SiLU()
        )
        self.picture = nn.Sequential(nn.Linear(2 * width, width), nn.SiLU(), nn.Linear(width, positive(dim, "dim")))
        self.word = nn.Embedding(len(WORDS), width)
        self.caption = nn.Sequential(nn.Linear(width, width), nn.SiLU(), nn.Linear(width, dim))
        networks.initialise(self, rng)
        self.scale = nn.Parameter(torch.zeros(()))

    def image(self, pictures: Tensor) -> Tensor:
        """Return the embeddings of pictures `[b, n, 2]`."""
        if not isinstance(pictures, Tensor) or pictures.ndim != 3 or pictures.shape[2] != 2 or not pictures.numel():
            given = f"of shape {tuple(pictures.shape)}" if isinstance(pictures, Tensor) else named(pictures)
            raise ValueError(f"pictures is {given}; CLIP reads points, a tensor [b, n, 2]: embeddings.draw(captions)")
        h = self.point(finite(pictures, "pictures"))
        return normalize(self.picture(torch.cat([h.mean(1), h.amax(1)], 1)), dim=1)

    def text(self, caption: Tensor) -> Tensor:
        """Return the embeddings of captions `[b]`, numbers of CAPTIONS."""
        return normalize(self.caption(self.word(TOKENS[caption_rows(caption)]).sum(1)), dim=1)


def info_nce(image: Tensor, text: Tensor, scale: Tensor) -> Tensor:
    """Return the symmetric cross-entropy of matching N pictures with N captions, in nats: log N when nothing is known.

    logits_ij = exp(scale) image_i . text_j; each row, and each column, must find its partner on the diagonal. If a
    caption occurs k times, this is as if each of its k pictures were right with 1/k, as equal captions have equal rows.
    Radford et al. 2021 (2103.00020), figure 3; van den Oord et al. 2018 (1807.03748), eq. 4.
    """
    _partners(image, text)
    scale, own = numbers(scale, "scale", "a number, log 1/temperature"), torch.arange(len(image))
    logits = scale.exp() * image @ text.T
    return (cross_entropy(logits, own) + cross_entropy(logits.T, own)) / 2


def _partners(image: Tensor, text: Tensor) -> None:
    alike("image and text", as_batch(image, "image"), as_batch(text, "text"), "partners are two times [b, dim]")


def cosine_only(image: Tensor, text: Tensor) -> Tensor:
    """Return the mean of 1 - cosine of partners: attraction without repulsion, which collapses to one point."""
    _partners(image, text)
    return (1 - (image * text).sum(1)).mean()


def retrieval(image: Tensor, text: Tensor, own: Tensor) -> float:
    """Return the share of pictures `[b, dim]` whose nearest caption among `[k, dim]` is their own, own `[b]`."""
    if as_batch(image, "image").shape[1:] != as_batch(text, "text").shape[1:]:
        raise ValueError(f"image is {tuple(image.shape)} and text {tuple(text.shape)}; both are [.., dim]")
    own = label_rows(own, len(image), len(text))
    return float(((image @ text.T).argmax(1) == own).double().mean())
