"""Exercises of notebook 15, Latents and transformers."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore.check import Verdicts, ask, ask_number, close, exercise, unlike


def _standardise(z: Tensor) -> Tensor:
    return (z - z.mean(0)) / z.std(0)


@exercise(
    answer=_standardise,
    mistakes={
        "one scale for all": lambda z: (z - z.mean()) / z.std(),
        "by the variance": lambda z: (z - z.mean(0)) / z.var(0),
        "not centred": lambda z: z / z.std(0),
        "spreads should be 1": lambda z: z - z.mean(0),
        "moved and scaled": lambda z: _standardise(z.argsort(0).argsort(0).double()),
        "row by row": lambda z: (z - z.mean(1, keepdim=True)) / z.std(1, keepdim=True),
    },
)
def standardise(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write standardise(z): latents [n, d] become centred with spread 1, each of the d numbers on its own."""
    z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.1, 1.0, 20.0]) + 5
    y = ask(attempt, z)
    yield y.shape == z.shape, f"the shape must stay [n, d]; yours is {tuple(y.shape)}"
    yield (
        not close(y.mean(1), torch.zeros(500), 1e-3),
        "you work row by row, and a row is one picture: over which axis do all pictures lie?",
    )
    whole, each = abs(float(y.mean())) < 1e-3, float(y.mean(0).abs().max()) < 1e-2
    yield (
        not (whole and not each),
        "you use one scale for all d numbers; would the first one not drown beside the third?",
    )
    yield each, f"the first number is not centred, its mean is {float(y.mean(0)[0]):.2f}: what do you subtract?"
    yield not close(y.std(0), 1 / z.std(0), 1e-2), "the spreads are turned over: did you divide by the variance?"
    spreads = [round(float(spread), 2) for spread in y.std(0)]
    yield (
        close(y.std(0), torch.ones(3), 5e-3),
        f"the spreads should be 1; yours are {spreads}: which of them is off, and why?",
    )
    yield (
        close(y, _standardise(z), 1e-2),
        "centre and spread are right, but these are not the latents moved and scaled: what else?",
    )


def _tokens(side: int, down: int, patch: int) -> int:
    return (side // down // patch) ** 2


@exercise(
    answer=_tokens,
    mistakes={
        "rows and columns": lambda side, down, patch: side // down // patch,
        "the autoencoder": lambda side, down, patch: (side // patch) ** 2,
        "the patch": lambda side, down, patch: (side // down) ** 2,
        "which others": lambda side, down, patch: _tokens(side, down, patch) + 1,
        "along a side": lambda side, down, patch: _tokens(side, down, patch) if side < 100 else 32,
        "divides the side": lambda side, down, patch: side**2 // down // patch,
    },
)
def tokens(attempt: Callable[[int, int, int], int]) -> Verdicts:
    """Write tokens(side, down, patch): how many tokens a transformer sees for a picture of side x side pixels, when the
    autoencoder shrinks the side by `down` and a token is a patch of patch x patch latents.
    """
    plain = ask_number(attempt, 8, 1, 1)
    yield plain != 8, "8 x 8 single pixels are 64 tokens, not 8: are there not rows and columns?"
    yield plain == 64, f"8 x 8 single pixels are 64 tokens; you say {plain:g}: which others do you count?"
    coded, patched = (ask_number(attempt, *words) for words in ((64, 8, 1), (64, 1, 8)))
    yield coded != 4096 or patched != 64, "the autoencoder shrinks the side first: 64 pixels become how many latents?"
    yield coded != 64 or patched != 4096, "the patch joins latents: if 8 x 8 of them are one token, how many are left?"
    yield (
        coded == patched == 64,
        f"a factor 8 divides the side, so 64 x 64 become 64 tokens; you say {coded:g}, {patched:g}: why?",
    )
    for side, down, patch in (512, 8, 2), (256, 4, 4), (96, 2, 3):
        said, along = ask_number(attempt, side, down, patch), side // down // patch
        words = f"{side} pixels, down {down}, patch {patch} leave {along} tokens along a side"
        yield said == along**2, f"{words}; you say {said:g} in all: how many are there?"


def _adaln(h: Tensor, f: Callable[[Tensor], Tensor], scale: Tensor, shift: Tensor, gate: Tensor) -> Tensor:
    n = torch.nn.functional.layer_norm(h, h.shape[-1:])
    return h + gate * f(n * (1 + scale) + shift)


def _bare(h: Tensor, f: Callable[[Tensor], Tensor], scale: Tensor, shift: Tensor, gate: Tensor) -> Tensor:
    return h + gate * f(torch.nn.functional.layer_norm(h, h.shape[-1:]) * scale + shift)


@exercise(
    answer=_adaln,
    mistakes={
        "the identity": lambda h, f, scale, shift, gate: _adaln(h, f, scale, shift, 1 + gate),
        "the branch only": lambda h, f, scale, shift, gate: _adaln(h, f, scale, shift, gate) - h,
        "1 + scale": _bare,
        "which of the two comes first": lambda h, f, scale, shift, gate: (
            h + gate * f((torch.nn.functional.layer_norm(h, h.shape[-1:]) + shift) * (1 + scale))
        ),
        "come after f": lambda h, f, scale, shift, gate: (
            h + gate * (f(torch.nn.functional.layer_norm(h, h.shape[-1:])) * (1 + scale) + shift)
        ),
        "never asked": lambda h, f, scale, shift, gate: h,
        "over which axis do you": lambda h, f, scale, shift, gate: (
            h + gate * f(torch.nn.functional.layer_norm(h, h.shape[1:]) * (1 + scale) + shift)
        ),
        "was not normalised": lambda h, f, scale, shift, gate: h + gate * f(h * (1 + scale) + shift),
    },
)
def adaln(attempt: Callable[..., Tensor]) -> Verdicts:
    """Write adaln(h, f, scale, shift, gate): one branch of a DiT block. Normalise h `[b, n, d]` over its last axis,
    scale it by 1 + scale, shift it, send it through f, multiply by the gate, and add h.
    """
    h = 3 + 2 * torch.randn(2, 5, 8, generator=torch.Generator().manual_seed(0))
    zero, seen = torch.zeros(2, 1, 8), []

    def f(x: Tensor) -> Tensor:
        seen.append(x)
        return (2 * x).sin()

    closed = ask(attempt, h, f, zero, zero, zero)
    yield closed.shape == h.shape, f"the shape must stay [b, n, d]; yours is {tuple(closed.shape)}: what is lost?"
    yield not close(closed, 0 * h), "with gate 0 you return 0: that is the branch only; where does h pass?"
    yield close(closed, h), "with gate 0 the block must be the identity: what does the gate multiply?"
    seen.clear()
    ask(attempt, h, f, zero, zero, zero + 1)
    yield bool(seen), "f is never asked: where is the branch?"
    yield not close(seen[-1], 0 * h), "with scale 0 nothing reaches f: is it scale, or 1 + scale?"
    yield not close(seen[-1], h), "f gets h itself: it was not normalised; over which axis should it be?"
    norm = torch.nn.functional.layer_norm(h, (8,))
    yield (
        close(seen[-1], norm, 1e-3),
        "with scale and shift 0, f must get norm(h): over which axis do you normalise, and how?",
    )
    yield from _with_all(attempt, h, f, zero)


def _with_all(attempt: Callable[..., Tensor], h: Tensor, f: Callable[[Tensor], Tensor], zero: Tensor) -> Verdicts:
    """Judge the block with scale 0.5, shift 2 and gate 3."""
    got, norm = ask(attempt, h, f, zero + 0.5, zero + 2, zero + 3), torch.nn.functional.layer_norm(h, (8,))
    yield from unlike(got, {
        "the shift is scaled, too: which of the two comes first?": h + 3 * f((norm + 2) * 1.5),
        "the shift is missing: where is it added?": h + 3 * f(norm * 1.5),
        "scale and shift come after f; where should they act?": h + 3 * (f(norm) * 1.5 + 2),
        "the gate stands inside f; what should it multiply?": h + f(3 * (norm * 1.5 + 2)),
        "the gate takes h away as well; what does it multiply?": -2 * h + 3 * f(norm * 1.5 + 2),
        "f is left out; what does the branch do?": h + 3 * (norm * 1.5 + 2),
        "the shift is subtracted; which sign should it have?": h + 3 * f(norm * 1.5 - 2),
    }, 1e-3)  # fmt: skip
    words = h, f, zero + 0.5, zero + 2, zero + 3
    yield close(got, _adaln(*words), 1e-3), "for scale 0.5, shift 2, gate 3 it is off: in which order do the three act?"
