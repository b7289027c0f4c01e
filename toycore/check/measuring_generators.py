"""Exercises of notebook 13, Measuring generators."""

from collections.abc import Callable

import torch
from torch import Tensor

from toycore import metrics, mixtures
from toycore.check import Verdicts, ask, ask_number, close, exercise, unlike


def _four_points(data: Tensor) -> Tensor:
    """Four places carry the two moments of any plane data: mean +- sqrt(2 lambda_i) e_i."""
    size, axes = torch.linalg.eigh(torch.cov(data.T))
    arm = axes * (2 * size).sqrt()  # columns
    corners = data.mean(0) + torch.cat([arm.T, -arm.T])
    return corners.repeat(len(data) // 4, 1)


def _gaussian(data: Tensor) -> Tensor:
    root = torch.linalg.cholesky(torch.cov(data.T))
    z = torch.randn(1500, 2, generator=torch.Generator().manual_seed(0), dtype=data.dtype)
    z = (z - z.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(z.T))).T
    return data.mean(0) + z @ root.T


@exercise(
    answer=_four_points,
    mistakes={
        "recall is still": _gaussian,
        "first moment": lambda data: data[data[:, 0] > 0],
        "second moment": lambda data: data.mean(0) + 0 * data,
        "needs the shape": lambda data: data[0],
    },
)
def fool(attempt: Callable[[Tensor], Tensor]) -> Verdicts:
    """Write fool(data): points [n, 2] whose Frechet distance to the data [2000, 2] is below 0.001, but whose recall is
    below 0.2. Any two moments will do.
    """
    data = mixtures.spiral().sample(2000, torch.Generator().manual_seed(0))[0].double()
    x = ask(attempt, data)
    yield (
        x.ndim == 2 and x.shape[-1] == 2 and len(x) > 5,
        f"the sample needs the shape [n, 2], more than 5 points; yours is {list(x.shape)}: why?",
    )
    yield close(x.mean(0), data.mean(0), 0.02), "the first moment differs: is your mean that of the data?"
    yield close(torch.cov(x.T), torch.cov(data.T), 0.01), "the second moment differs: what is your covariance?"
    FD, recall = metrics.frechet(x, data), metrics.precision_recall(x, data)[1]
    yield FD < 0.001, f"FD is {FD:.4f}, and it should be below 0.001: match the two moments more closely"
    yield recall < 0.2, f"recall is still {recall:.2f}: how few different points can carry two moments?"


def _line(n: Tensor, FD: Tensor) -> Tensor:
    table = torch.stack([torch.ones_like(FD), 1 / n], 1)
    return torch.linalg.lstsq(table, FD[:, None]).solution[0, 0]


def _through(n: Tensor, FD: Tensor, f: Callable[[Tensor], Tensor]) -> Tensor:
    return _line(1 / f(n), FD)


@exercise(
    answer=_line,
    mistakes={
        "still carries its bias": lambda n, FD: FD[-1],
        "a line in n": lambda n, FD: _through(n, FD, lambda n: n),
        "root of n": lambda n, FD: _through(n, FD, lambda n: n**-0.5),
        "does each of them not carry": lambda n, FD: FD.mean(),
        "one number": lambda n, FD: FD - FD[-1],
        "wrong for others": lambda n, FD: (FD - 20 / n)[0] if FD[0] < 3 else FD[0],
        "the slope": lambda n, FD: (FD[0] - FD[-1]) / (1 / n[0] - 1 / n[-1]),
    },
)
def extrapolate(attempt: Callable[[Tensor, Tensor], Tensor]) -> Verdicts:
    """Write extrapolate(n, FD): FD was measured with n points, n and FD are [k]. Return what it would be with
    infinitely many, given that FD = a + b / n.
    """
    n = torch.tensor([100.0, 200.0, 400.0, 1000.0], dtype=torch.float64)
    same = ask(attempt, n, torch.full_like(n, 3.0))
    yield (
        same.numel() == 1,
        f"one number is asked for, the value at n = infinity; you gave {same.numel()}: which one is it?",
    )
    yield not close(same.reshape(()), 0.0), "for FD = 3 at every n you return 0: is that the slope b? a is asked for"
    falls = ask_number(attempt, n, 0.5 + 20 / n)
    yield from unlike(falls, {
        "you return the FD of the largest n; it still carries its bias, b / n: what is left without it?": 0.52,
        "that is the mean of all; does each of them not carry its own bias?": float((0.5 + 20 / n).mean()),
        "you fit a line in n and read it at n = 0: in which quantity is the bias a straight line?": float(
            _through(n, 0.5 + 20 / n, lambda n: n)
        ),
        "you let the bias fall with the root of n; a standard error does, but does this bias?": float(
            _through(n, 0.5 + 20 / n, lambda n: n**-0.5)
        ),
    })  # fmt: skip
    yield (
        close(falls, 0.5, 1e-4),
        f"for FD = 0.5 + 20 / n the answer must be 0.5; yours is {falls:.3f}: what did you fit?",
    )
    again = ask_number(attempt, n[:3] / 2, 1.3 + 7 / n[:3])
    yield close(again, 1.3, 1e-4), "right for one a and b, wrong for others: what in yours is fixed?"


def _nearer(x: Tensor, train: Tensor, held: Tensor) -> Tensor:
    return (torch.cdist(x, train).amin(1) < torch.cdist(x, held).amin(1)).double().mean()


@exercise(
    answer=_nearer,
    mistakes={
        "did you count": lambda x, train, held: len(x) * _nearer(x, train, held),
        "one number is needed": lambda x, train, held: torch.cdist(x, train).amin(1) < torch.cdist(x, held).amin(1),
        "of which points": lambda x, train, held: _nearer(x[:50], train, held),
        "the other way round": lambda x, train, held: _nearer(x, held, train),
        "copies of training points": lambda x, train, held: torch.tensor(0.5),
        "mean distance": lambda x, train, held: (
            (torch.cdist(x, train).mean(1) < torch.cdist(x, held).mean(1)).double().mean()
        ),
        "a fixed distance": lambda x, train, held: (torch.cdist(x, train).amin(1) < 0.01).double().mean(),
    },
)
def memorised(attempt: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Verdicts:
    """Write memorised(x, train, held): the share of samples x [b, 2] whose nearest training point is nearer than their
    nearest held-out point. Both sets have the same size.
    """
    rng = torch.Generator().manual_seed(0)
    x, train, held = torch.randn(3, 300, 2, generator=rng).unbind(0)
    fresh, copies, kept = (ask_number(attempt, part, train, held) for part in (x, train[:100], held[:100]))
    yield (
        max(fresh, copies) <= 1,
        f"a share lies between 0 and 1; yours is {max(fresh, copies):g}: did you count, or take per cent?",
    )
    yield not (copies < 0.01 and kept > 0.99), "copies of training points give 0: do you compare the other way round?"
    yield (
        copies != kept,
        "copies of training points must give 1 and copies of held-out points 0; why are yours the same?",
    )
    yield copies > 0.99 or fresh < 0.1, "copies give less than 1: do you compare mean distances? The nearest one counts"
    yield abs(fresh - 0.5) < 0.12, f"fresh samples should give 1/2, not {fresh:.2f}: do you use a fixed distance?"
    yield (
        close(fresh, _nearer(x, train, held)),
        f"fresh samples give {fresh:.3f}; the share is another: of which points?",
    )
