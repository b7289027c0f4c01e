"""Exercises of notebook 15, Latents and transformers."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore.check import Verdicts, call, close, exercise


def _standardise(z: Tensor) -> Tensor:
    return (z - z.mean(0)) / z.std(0)


@exercise(
    answer=_standardise,
    mistakes={
        "one scale for all": lambda z: (z - z.mean()) / z.std(),
        "by the variance": lambda z: (z - z.mean(0)) / z.var(0),
        "not centred": lambda z: z / z.std(0),
        "row by row": lambda z: (z - z.mean(1, keepdim=True)) / z.std(1, keepdim=True),
    },
)
def standardise(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write standardise(z): latents [n, d] become centred with spread 1, each of the d numbers on its own."""
    z = torch.randn(500, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([0.1, 1.0, 20.0]) + 5
    y = torch.as_tensor(call(attempt, z))
    yield y.shape == z.shape, f"the shape must stay [n, d]; yours is {tuple(y.shape)}"
    yield not close(y.mean(1), torch.zeros(500), 1e-3), "you work row by row: a latent is one column, over all pictures"
    whole, each = abs(float(y.mean())) < 1e-3, float(y.mean(0).abs().max()) < 1e-2
    yield not (whole and not each), "you use one scale for all d numbers; the first one would drown beside the third"
    yield each, f"the first number is not centred: its mean is {float(y.mean(0)[0]):.2f}"
    yield not close(y.std(0), 1 / z.std(0), 1e-2), "the spreads are turned over: did you divide by the variance?"
    yield (
        close(y, _standardise(z), 1e-3),
        f"the spreads should be 1; yours are {[round(s, 2) for s in y.std(0).tolist()]}",
    )


def _tokens(side: int, down: int, patch: int) -> int:
    return (side // down // patch) ** 2


@exercise(
    answer=_tokens,
    mistakes={
        "rows and columns": lambda side, down, patch: side // down // patch,
        "the autoencoder": lambda side, down, patch: (side // patch) ** 2,
        "the patch": lambda side, down, patch: (side // down) ** 2,
        "divides the side": lambda side, down, patch: side**2 // down // patch,
    },
)
def tokens(attempt: Callable[[int, int, int], int]) -> Verdicts:
    """Write tokens(side, down, patch): how many tokens a transformer sees for a picture of side x side pixels, when the
    autoencoder shrinks the side by `down` and a token is a patch of patch x patch latents.
    """
    plain = call(attempt, 8, 1, 1)
    yield plain != 8, "8 x 8 single pixels are 64 tokens, not 8: there are rows and columns"
    yield plain == 64, f"8 x 8 single pixels are 64 tokens; you say {plain}"
    seen = [call(attempt, *words) for words in ((64, 8, 1), (64, 1, 8), (512, 8, 2))]
    yield not (seen[0] == 4096 and seen[1] == 64), "the autoencoder shrinks the side first: 64 pixels become 8 latents"
    yield not (seen[0] == 64 and seen[1] == 4096), "the patch joins latents: 8 x 8 of them are one token"
    yield (
        seen[0] == 64 and seen[1] == 64,
        f"a factor 8 divides the side, so 64 x 64 become 64 tokens; you say {seen[:2]}",
    )
    yield seen[2] == 1024, f"512 pixels, down 8, patch 2 are 32 x 32 = 1024 tokens; you say {seen[2]}"


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
        return x

    closed = torch.as_tensor(call(attempt, h, f, zero, zero, zero))
    yield closed.shape == h.shape, f"the shape must stay [b, n, d]; yours is {tuple(closed.shape)}"
    yield not close(closed, 0 * h), "with gate 0 you return 0: that is the branch only; where does h pass?"
    yield close(closed, h), "with gate 0 the block must be the identity: what does the gate multiply?"
    yield bool(seen) and not close(seen[-1], 0 * h), "with scale 0 nothing reaches f: is it scale, or 1 + scale?"
    yield not close(seen[-1], h), "f gets h itself: it was not normalised"
    yield close(seen[-1], torch.nn.functional.layer_norm(h, (8,)), 1e-3), "with scale and shift 0, f must get norm(h)"
    words = h, f, zero + 0.5, zero + 2, zero + 3
    yield close(call(attempt, *words), _adaln(*words), 1e-3), "for other scales, shifts and gates the value is off"
