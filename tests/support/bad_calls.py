"""Bad calls as text, `("data.spiral(0)", "n is 0")`: how they are made and judged, and the names that they use."""
# ruff: noqa: F401  (the names are used by the calls)

import math
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

import toycore
from toycore import (
    check,
    data,
    density,
    embeddings,
    exact,
    fields,
    flow,
    frames,
    gaussians,
    guidance,
    live,
    metrics,
    mixtures,
    networks,
    plots,
    precondition,
    samplers,
    sigmas,
    training,
)
from toycore.lessons import (
    ablation,
    adapters,
    bridge,
    chains,
    classifiers,
    conditioning,
    dimension,
    discrete,
    discrete_laws,
    inverse,
    maps,
    steering,
    vae,
)
from toycore.mixtures import GaussianMixture
from toycore.types import seeded

PACKAGE = str(Path(toycore.__file__).parent)
SECONDS = 10  # no call may take longer; most take a millisecond

X = torch.randn(5, 2, generator=seeded())
LINE = GaussianMixture(torch.tensor([[-1.0], [1.0]]), 0.3)
M = mixtures.spiral(components=9, classes=3)
P = data.spiral(9, classes=3)
D = exact.posterior_mean(M)
NET = training.model(P, width=8, depth=1)
GRID = sigmas.log_linear(4)
UP = sigmas.log_linear(4)[:-1]
A1, Y1 = torch.tensor([[1.0, 0.0]]), torch.tensor([0.3])  # a measurement of x1
POST = inverse.posterior(M, A1, Y1, 0.1)
RIGHT = torch.zeros(5, dtype=torch.int64)
WORDS = discrete.joint()
TOKENS = WORDS.words
PICTURES = torch.zeros(5, 7, 2)


@contextmanager
def limit(seconds: int) -> Iterator[None]:
    """Stop what computes for longer, where the system has such a clock: one of our own time, whatever else runs."""
    if not hasattr(signal, "SIGVTALRM"):
        yield
        return

    def stop(*_: object) -> None:
        raise TimeoutError(f"no answer after {seconds} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def outcome(call: str, names: dict[str, Any] | None = None) -> tuple[str, str]:
    """Return what a call came to, "refused", "bare" or "accepted", and its message."""
    try:
        with limit(SECONDS):
            value = eval(call, globals() | (names or {}))
            if isinstance(value, Iterator):
                return "accepted until it is read", ""
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        kind = "refused" if isinstance(error, (TypeError, ValueError, OSError)) else "bare"
        own = last.filename.startswith(PACKAGE) and (last.line or "").startswith("raise ")
        return kind if own else "bare", f"{type(error).__name__}: {error}"
    return "accepted", repr(value)[:80]


def refused_in_words(call: str, *parts: str, names: dict[str, Any] | None = None) -> None:
    """The call raises an error of toycore's own, at once, that says this."""
    came, message = outcome(call, names)
    assert came == "refused", f"{call}: {came}: {message}"
    assert all(part in message for part in parts), f"{call}: {message}"
