"""The training loop of pictures: the batch of a step, noise included, is a function of the step's number alone.

So a run that is killed and resumed goes on exactly, and two processes, each with half of every batch, do what one does
with the whole.
"""

import math
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor, nn

from toycore import training
from toycore.checks import above
from toycore.images import sets
from toycore.images.devices import autocast, mean_over_processes, parallel, place, precision
from toycore.images.plan import Plan, checked, rate
from toycore.images.runs import Run, begin
from toycore.training import Progress


class Batch(NamedTuple):
    """Clean pictures (or latents), noise, noise levels and labels, row by row."""

    x0: Tensor
    eps: Tensor
    sigma: Tensor
    label: Tensor


def batch_of(step: int, x: Tensor, labels: Tensor, plan: Plan) -> Batch:
    """Draw the whole batch of a step; log sigma ~ N(0, 1), so flow time t = sigma / (1 + sigma) is logit-normal.

    Esser et al. 2024 (2403.03206), eq. 19 with m = 0, s = 1.
    """
    rng = torch.Generator(x.device).manual_seed(1_000_003 * plan.seed + step)
    rows = torch.randint(len(x), (plan.batch,), generator=rng, device=x.device)
    x0 = sets.to_unit(x[rows]) if x.dtype == torch.uint8 else x[rows]
    eps = torch.randn(x0.shape, generator=rng, device=x.device)
    sigma = torch.randn(plan.batch, generator=rng, device=x.device).exp()
    dropped = torch.rand(plan.batch, generator=rng, device=x.device) < plan.label_dropout
    if plan.flip:
        mirrored = torch.rand(plan.batch, 1, 1, 1, generator=rng, device=x.device) < 0.5
        x0 = torch.where(mirrored, x0.flip(-1), x0)
    return Batch(x0, eps, sigma, labels[rows].masked_fill(dropped, -1))


class Loss(nn.Module):
    """The loss as a module, so that DistributedDataParallel sees one forward pass per step."""

    def __init__(self, D: nn.Module) -> None:
        super().__init__()
        self.D = D

    def forward(self, batch: Batch) -> Tensor:
        """Return `training.weighted_error` on the batch."""
        return training.weighted_error(self.D, *batch)


def train(D: nn.Module, x: Tensor, labels: Tensor, plan: Plan, run: Run | None = None) -> Iterator[Progress]:
    """Train D in place on x (bytes or floats `[n, ...]`), from where the run stands, and yield a Progress per step.

    Under torchrun each process works on its share of every batch, and the gradients are averaged between them. Ctrl-C
    waits for the end of a step, so that a run is always whole. Errors: a loss that is no number.
    """
    checked(plan)
    if not isinstance(x, Tensor) or not isinstance(labels, Tensor) or len(labels) != len(x) or not len(x):
        given = [f"{value.dtype} {list(value.shape)}" if isinstance(value, Tensor) else value for value in (x, labels)]
        raise ValueError(f"x is {given[0]}, labels are {given[1]}; give tensors [n, ...] and [n], a label per picture")
    if labels.is_floating_point() or labels.ndim != 1:
        raise ValueError(f"labels are {labels.dtype} {list(labels.shape)}; they must be integers [{len(x)}]")
    return _walk(D, x, labels, plan, run or begin(D, plan))


def _walk(D: nn.Module, x: Tensor, labels: Tensor, plan: Plan, run: Run) -> Iterator[Progress]:
    rank, world = place()
    share = slice(rank * plan.batch // world, (rank + 1) * plan.batch // world)
    loss = parallel(Loss(D), x.device, world)
    forward = autocast(x.device, precision(D, x.device, plan.precision))
    for step in range(len(run.losses), plan.steps):
        batch = Batch(*(part[share] for part in batch_of(step, x, labels, plan)))
        with forward, dropout(step, D, x.device, plan):
            value = loss(batch)
        run.optimizer.zero_grad()
        value.backward()
        number = finite(mean_over_processes(value.detach(), world), step, plan.lr)
        nn.utils.clip_grad_norm_(D.parameters(), 1.0)
        with whole_step():
            advance(run.optimizer, rate(step, plan))
            move_average(run.average, D, min(plan.average, (1 + step) / (10 + step)))
            run.losses.append(number)
        yield Progress(step + 1, number, run.average)


@contextmanager
def dropout(step: int, D: nn.Module, device: torch.device, plan: Plan) -> Iterator[None]:
    """Draw dropout's zeros from the step's number as well, and leave torch's own stream as it was."""
    if not any(isinstance(module, nn.Dropout) and module.p for module in D.modules()):
        yield
        return
    gpu, rng = device.type == "cuda", torch.Generator(device).manual_seed(1_000_003 * plan.seed + step)
    with torch.random.fork_rng([device] if gpu else []):
        (torch.cuda if gpu else torch.random).set_rng_state(rng.get_state())
        yield


def finite(loss: float, step: int, lr: float) -> float:
    """Return a loss that is a number; otherwise say that the training has diverged."""
    if not math.isfinite(loss):
        raise ValueError(f"the loss is {loss} at step {step + 1}: with lr {lr} the training diverges; try a smaller lr")
    return loss


def advance(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Take the optimizer's step at this learning rate."""
    for group in optimizer.param_groups:
        group["lr"] = lr
    optimizer.step()


def move_average(average: nn.Module, D: nn.Module, decay: float) -> None:
    """Move the averaged weights towards D's: a <- decay a + (1 - decay) p."""
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(D.parameters()), 1 - decay)


@contextmanager
def whole_step() -> Iterator[None]:
    """Hold back Ctrl-C until the block is done: what changes together changes whole."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield
        return
    pressed: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        before(signal.SIGINT, None)


def descend(
    weights: Iterable[Tensor],
    objective: Callable[[], Tensor],
    rates: Callable[[int], float],
    steps: int,
    lr: float,
    clip: float = math.inf,
    **adam: float | tuple[float, float],
) -> Iterator[float]:
    """Lower a random objective by AdamW at the learning rates lr rates(step), and yield the loss of each step."""
    weights = list(weights)
    above(lr, "lr")
    optimizer = torch.optim.AdamW(weights, lr=lr, fused=True, **adam)  # type: ignore[arg-type]
    for step in range(steps):
        value = objective()
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(weights, clip)
        advance(optimizer, lr * rates(step))
        yield finite(float(value.detach()), step, lr)


def then(walk: Iterator[float], last: Callable[[], None]) -> Iterator[float]:
    """Yield from a walk, and do one last thing when it has come to its end."""
    yield from walk
    last()
