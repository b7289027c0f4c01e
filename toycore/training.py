"""Learning the field: add noise, ask for the clean point, take a gradient step; again."""

import copy
import math
import warnings
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn

from toycore import mixtures, networks
from toycore.checks import (
    above,
    alike,
    as_batch,
    batched,
    denoise,
    function,
    named,
    network,
    number,
    numbers,
    positive,
    share,
    stream,
)
from toycore.data import Points
from toycore.precondition import Preconditioned
from toycore.sigmas import level_range, log_uniform
from toycore.types import Rng, column, randn_like

LOW, HIGH = 0.01, 10.0  # the noise levels of training
Model = TypeVar("Model", bound=nn.Module)


class Progress(NamedTuple):
    """One training step: its number from 1, its loss, and the averaged model so far, a Denoiser."""

    step: int
    loss: float
    D: nn.Module


def sampler_of(source: mixtures.Source) -> Callable[[int, Rng], tuple[Tensor, Tensor | None]]:
    """Return draw(n, rng) -> (x0, label): fresh points of a mixture, or rows of a data set with replacement."""
    if isinstance(source, mixtures.GaussianMixture):
        return source.to(torch.float32).sample
    x, label = (source.x, source.label) if isinstance(source, Points) else (source, None)
    x = as_batch(x, "data").float()
    if label is not None and not isinstance(label, Tensor):
        raise TypeError(f"the labels are {named(label)}; they must be an integer tensor [{len(x)}]")
    if label is not None and label.shape != (len(x),):
        raise ValueError(f"the data are {len(x)} points with {len(label)} labels; give one label per point")

    def draw(n: int, rng: Rng) -> tuple[Tensor, Tensor | None]:
        rows = torch.randint(len(x), (positive(n),), generator=stream(rng))
        return x[rows], None if label is None else label[rows]

    return draw


def loss(D: nn.Module, x0: Tensor, sigma: Tensor, label: Tensor | None = None, rng: Rng = None) -> Tensor:
    """Return `weighted_error` with noise eps ~ N(0, I) drawn from rng: denoising score matching (Vincent 2011)."""
    return weighted_error(D, x0, randn_like(batched(x0, "x0"), stream(rng)), sigma, label)


def weighted_error(D: nn.Module, x0: Tensor, eps: Tensor, sigma: Tensor, label: Tensor | None = None) -> Tensor:
    """Return the mean over rows and dims of w(sigma) |D(x0 + sigma eps, sigma) - x0|^2.

    w = D.weight(sigma) = 1/c_out^2 makes it a plain squared error of the raw network: of F in `Preconditioned` (Karras
    et al. 2022, eq. 8), of the velocity in `FromVelocity` (Lipman et al. 2022). Without a weight, w = 1/sigma^2:
    |eps_hat - eps|^2, the L_simple of Ho et al. 2020, eq. 14.
    """
    alike("eps and x0", batched(eps, "eps"), batched(x0, "x0"), "give one noise per point")
    x = x0 + column(sigma, x0) * eps
    weight = getattr(D, "weight", lambda sigma: 1 / sigma**2)(sigma)
    return (column(weight, x0) * (denoise(D, x, sigma, label) - x0) ** 2).mean()


def drop(label: Tensor | None, share: float, rng: Rng) -> Tensor | None:
    """Replace a random share of the labels by -1, "no label", so that one network learns both fields of guidance."""
    if label is None:
        return None
    label, share = numbers(label, "label", "integers [b]"), number(share, "share", 0, 1)
    return label.masked_fill(torch.rand(label.shape, generator=stream(rng)) < share, -1)


def train(
    D: nn.Module,
    data: mixtures.Source,
    steps: int = 1000,
    batch: int = 512,
    lr: float = 2e-2,
    label_dropout: float = 0.1,
    low: float = LOW,
    high: float = HIGH,
    rng: Rng = None,
) -> Iterator[Progress]:
    """Train D in place on random noise levels, log-uniform in [low, high], and yield a Progress per step.

    `descend` does the steps. Stop whenever you like: the model of the last Progress is usable.
    """
    draw, classes = sampler_of(data), getattr(getattr(D, "net", D), "classes", 0)
    positive(batch, "batch"), share(label_dropout, "label_dropout"), stream(rng)
    level_range(low, high)

    def objective() -> Tensor:
        x0, label = draw(batch, rng)
        label = drop(label, label_dropout, rng) if classes else None
        return loss(D, x0, log_uniform(batch, low, high, rng), label, rng)

    return descend(D, objective, steps, lr)


def descend(D: nn.Module, objective: Callable[[], Tensor], steps: int, lr: float) -> Iterator[Progress]:
    """Lower a random objective of D's weights, step by step: the loop of every training in the plane.

    Adam with a warm-up of 50 steps and a cosine to zero; the yielded model is an exponential average of the weights.
    """
    positive(steps, "steps"), above(lr, "lr"), function(objective, "objective", "a function without arguments -> loss")
    network(D, "D", "only a network has weights to train: training.model(data) makes one")
    if not any(weight.requires_grad for weight in D.parameters()):
        raise ValueError(
            "D is frozen, as fit and load leave a model; to train it further, call D.requires_grad_() first"
        )
    return _descend(D, objective, steps, lr)


def _descend(D: nn.Module, objective: Callable[[], Tensor], steps: int, lr: float) -> Iterator[Progress]:
    average, decay = copy.deepcopy(D), min(0.99, 1 - 10 / (10 + steps))
    weights: list[Tensor] = list(D.parameters())
    averages: list[Tensor] = list(average.parameters())
    optimizer = torch.optim.Adam(weights, lr=lr, betas=(0.9, 0.99), fused=True)
    for step in range(1, steps + 1):
        optimizer.param_groups[0]["lr"] = lr * min(1, step / 50) * cosine((step - 1) / steps)
        value = _evaluate(objective, step, lr)
        if not torch.isfinite(value):
            raise ValueError(
                f"the loss is {float(value.detach())} at step {step}: training diverged; use a smaller lr than {lr}"
            )
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        with torch.no_grad():
            torch._foreach_lerp_(averages, weights, 1 - decay if step > 1 else 1.0)
        yield Progress(step, float(value.detach()), average)


def _evaluate(objective: Callable[[], Tensor], step: int, lr: float) -> Tensor:
    try:
        return objective()
    except ValueError as error:
        if step == 1:  # a mistake in what was given
            raise
        raise ValueError(f"training diverged at step {step} ({error}); use a smaller lr than {lr}") from error


def cosine(share: float) -> float:
    """Fall from 1 at share = 0 to 0 at share = 1 along half a cosine."""
    return 0.5 * (1 + math.cos(math.pi * share))


def model(data: mixtures.Source, width: int = 64, depth: int = 3, rng: Rng = None) -> Preconditioned:
    """Return an untrained preconditioned MLP that suits the data: its mean, its spread, its classes, its sharpness.

    Bare points need more and finer Fourier features (48 of scale 6) than a smooth density (24 of scale 2.5).
    """
    m, rng = mixtures.of(data), stream(rng)
    sigma_data = float((m.weights @ (((m.means - m.mean) ** 2).mean(1) + m.std**2)).sqrt())
    if sigma_data == 0:
        raise ValueError("the data are one single point; there is nothing to learn")
    features, scale = (24, 2.5) if (m.std > 0).all() else (48, 6.0)
    classes = m.classes if m.classes > 1 else 0
    net = networks.MLP(m.means.shape[1], width, depth, classes, features, scale, rng)
    return Preconditioned(net, sigma_data, m.mean)


def fit(
    data: mixtures.Source,
    steps: int = 1000,
    batch: int = 512,
    width: int = 64,
    depth: int = 3,
    lr: float = 2e-2,
    label_dropout: float = 0.1,
    rng: Rng = None,
    progress: bool = False,
) -> nn.Module:
    """Train a good model of 2-D data in about a second and return it, a Denoiser in evaluation mode.

    progress shows a bar with the time left. Ctrl-C (or the stop button) ends the training and keeps what is learned.
    On a busy machine more than one thread makes it slower: set OMP_NUM_THREADS=1 before Python starts.
    """
    D = model(data, width, depth, rng)
    walk = train(D, data, steps, batch, lr, label_dropout, rng=rng)
    return run(walk, steps, D, progress)


def run(walk: Iterator[Progress], steps: int, start: Model, progress: bool = True) -> Model:
    """Run a training to its end, or to Ctrl-C, and return the averaged model, frozen.

    With progress, a bar shows the step, the loss and the time left. `start` is returned when not one step was done.
    """
    from tqdm.auto import tqdm

    if not isinstance(walk, Iterator):
        raise TypeError(f"walk is {named(walk)}; it must be a training under way: training.train(D, data)")
    last = Progress(0, math.inf, start)
    bar = tqdm(walk, total=steps, disable=not progress, desc="training", unit="step")
    try:
        for last in bar:
            if progress and last.step % 50 == 0:
                bar.set_postfix(loss=f"{last.loss:.3f}", refresh=False)
    except KeyboardInterrupt:
        kept = f"training was stopped after {last.step} of {steps} steps; the model learned so far is kept"
        warnings.warn(kept, stacklevel=2)
    finally:
        bar.close()
    return cast(Model, last.D.eval().requires_grad_(False))
