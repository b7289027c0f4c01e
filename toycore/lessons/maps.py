"""Flow maps: from one level of the flow to another in a single step, exact and learned (notebook 8b).

A flow map f(x, start, end) carries x from noise level `start` to where the flow dx/dsigma = eps_hat(x, sigma) brings it
at level `end`. In the zoom of the flow, z_t = x / (1 + sigma) and t = sigma / (1 + sigma), it is a mean velocity u:

    z_r = z_t - (t - r) u(z_t, t, r),    u = 1/(t - r) integral of v(z_s, s) ds from r to t.
"""

import copy
from collections.abc import Callable, Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn

from toycore import fields, flow, mixtures, networks, sigmas, training
from toycore.checks import above, as_batch, denoise, denoiser, level, number, positive, shaped_like, stream
from toycore.frames import FLOW
from toycore.precondition import FromVelocity, fits
from toycore.types import Denoiser, Label, Rng, column, in_chunks, randn_like

HIGH, RHO = 80.0, 7.0  # where a map starts; the clock of the solver, sigma^(1/7), in which the flow moves evenly
ROWS = 250  # integrated together: one step size serves them all


def exact(D: Denoiser, x: Tensor, start: float, end: float, label: Label = None) -> Tensor:
    """Return where the flow dx/dsigma = (x - D(x, sigma)) / sigma carries x from level `start` to level `end`, to 1e-6.

    Solved in float64 by an adaptive method of order 8 (Dormand & Prince; local error 1e-11) in the clock w =
    sigma^(1/7); upwards and downwards, also to 0. A network is asked in its own float32, which holds the result to some
    1e-4. The answer has the dtype of x. Karras et al. 2022, eq. 1 and 3.
    """
    start, end = number(start, "start", 0), number(end, "end", 0)
    dtype, tolerance = (torch.float64, 1e-11) if _doubles(D, as_batch(x), start, label) else (torch.float32, 1e-6)

    def rate(w: float, x: Tensor) -> Tensor:  # dx/dw = eps_hat dsigma/dw, which vanishes at w = 0
        sigma = w**RHO
        eps_hat = fields.noise(D, x.to(dtype), sigma, label).double() if sigma > 1e-12 else 0 * x
        return RHO * w ** (RHO - 1) * eps_hat

    def solve(x: Tensor) -> Tensor:
        return _integrate(rate, x.double(), start ** (1 / RHO), end ** (1 / RHO), tolerance)

    with torch.no_grad():
        return in_chunks(solve, ROWS, x).to(x.dtype)


def _doubles(D: Denoiser, x: Tensor, sigma: float, label: Label) -> bool:
    """Say whether D computes in float64; a network of float32 refuses it."""
    denoise(denoiser(D), x, sigma, label)
    try:
        D(x[:1].double(), sigma, label)
    except (TypeError, RuntimeError):
        return False
    return True


def _integrate(rate: Callable[[float, Tensor], Tensor], x: Tensor, w: float, w_end: float, tolerance: float) -> Tensor:
    from scipy.integrate import solve_ivp

    def f(w: float, y):  # arrays of NumPy
        return rate(w, torch.from_numpy(y).reshape(x.shape)).flatten().numpy()

    if w == w_end:
        return x
    path = solve_ivp(f, (w, w_end), x.flatten().numpy(), method="DOP853", rtol=tolerance, atol=tolerance)
    return torch.from_numpy(path.y[:, -1].copy()).reshape(x.shape)


def mean_velocity(D: Denoiser, z: Tensor, t: float, r: float) -> Tensor:
    """Return the exact mean velocity u(z, t, r) = (z_t - z_r) / (t - r) of the flow of D, in its zoom, r < t < 1.

    Geng et al. 2025 (2505.13447), eq. 3.
    """
    t, r = number(t, "t", 0, 1), number(r, "r", 0, 1)
    if not r < t < 1:
        raise ValueError(f"r is {r} and t is {t}; a mean velocity needs 0 <= r < t < 1")
    x = exact(D, as_batch(z, "z") / (1 - t), t / (1 - t), r / (1 - r))
    return (z - (1 - r) * x) / (t - r)


def jacobian(f: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-3) -> Tensor:
    """Return df/dx at each row of x by central differences of width h, `[b, d, d]`: entry i, j is df_i / dx_j."""
    steps = above(h, "h") * torch.eye(as_batch(x).shape[1], dtype=x.dtype)
    near = torch.cat([x + way * step for step in steps for way in (1, -1)])
    ends = shaped_like(f(near), near, "f(x)", "a map has a place per point").reshape(-1, 2, *x.shape)
    return ((ends[:, 0] - ends[:, 1]) / (2 * h)).permute(1, 2, 0)


def stretch(f: Callable[[Tensor], Tensor], x: Tensor, h: float = 1e-3) -> Tensor:
    """Return the largest singular value of the Jacobian, `[b]`: how far apart f carries two neighbours, at most."""
    return torch.linalg.matrix_norm(jacobian(f, x, h), 2)


def consistency_loss(
    f: nn.Module, x0: Tensor, eps: Tensor, high: Tensor, low: Tensor, teacher: Denoiser | None = None
) -> Tensor:
    """Return the mean of |f(x_high, high) - f(x_low, low)|^2, the second term without gradient; f(x, 0) = x.

    Both are points of one path, and one path has one end. x_high = x0 + high eps; x_low is one Heun step of the
    teacher's flow below it (distillation: Song et al. 2023, 2303.01469, eq. 7), or x0 + low eps (without a teacher:
    eq. 10, Song & Dhariwal 2023, 2310.14189, whose targets are no moving average).
    """
    x_high = x0 + column(high, x0) * eps
    with torch.no_grad():
        x_low = x0 + column(low, x0) * eps if teacher is None else _heun(teacher, x_high, high, low)
        target = torch.where(column(low, x0) > 0, f(x_low, low), x_low)
    return ((f(x_high, high) - target) ** 2).sum(1).mean()


def _heun(D: Denoiser, x: Tensor, high: Tensor, low: Tensor) -> Tensor:
    """Take one Heun step of the flow, each row between levels of its own; an Euler step where it ends in 0."""
    h, above = column(low - high, x), low.clamp(min=1e-4)
    d = fields.noise(D, x, high)
    d_next = fields.noise(D, x + h * d, above)
    return x + h * torch.where(column(low, x) > 0, (d + d_next) / 2, d)


def consistency_train(
    f: FromVelocity,
    data: mixtures.Source,
    teacher: Denoiser | None = None,
    steps: int = 1000,
    batch: int = 512,
    rng: Rng = None,
) -> Iterator[training.Progress]:
    """Lower the consistency loss of f in place, and yield a Progress per step.

    Neighbours on a Karras grid of 8, then 16, 32 and 64 levels from 80 to 0, a quarter of the training each: few levels
    carry the end upwards fast, many carry it accurately. With a teacher it is distillation; see `consistency_loss`.
    """
    positive(steps, "steps")
    teacher = None if teacher is None else denoiser(teacher, "teacher")
    counts = iter(8 * 2 ** (4 * k // steps) for k in range(steps))

    def loss(x0: Tensor) -> Tensor:
        grid = sigmas.karras(next(counts), 0.01, HIGH).float()
        i = torch.randint(len(grid) - 1, (len(x0),), generator=rng)
        return consistency_loss(f, x0, randn_like(x0, rng), grid[i], grid[i + 1], teacher)

    return _descend(f, data, loss, steps, batch, rng)


def _descend(
    f: nn.Module, data: mixtures.Source, loss: Callable[[Tensor], Tensor], steps: int, batch: int, rng: Rng
) -> Iterator[training.Progress]:
    """Lower the loss of batches of the data."""
    draw = training.sampler_of(data)
    positive(batch, "batch"), positive(steps, "steps"), stream(rng)
    return training.descend(f, lambda: loss(draw(batch, rng)[0]), steps, lr=2e-2)


def consistency_fit(
    data: mixtures.Source,
    teacher: Denoiser | None = None,
    steps: int = 1000,
    batch: int = 512,
    rng: Rng = None,
    progress: bool = False,
) -> FromVelocity:
    """Train a consistency model f(x, sigma) -> end of the path through x, and return it: one call is a sample.

    f has a Denoiser's signature, and samples by f(80 eps, 80.0). With a teacher it is distillation; see
    `consistency_train`. progress shows a bar with the time left.
    """
    start = untrained(data, rng)
    return training.run(consistency_train(start, data, teacher, steps, batch, rng), steps, start, progress)


def untrained(data: mixtures.Source, rng: Rng) -> FromVelocity:
    """Return the network of `flow.fit`, untrained, in the dimension of the data."""
    dim = mixtures.of(data).means.shape[1]
    return FromVelocity(networks.MLP(dim, features=24, scale=2.5, rng=stream(rng)))


def progressive_fit(
    data: mixtures.Source,
    teacher: Denoiser,
    grid: Tensor,
    steps: int = 300,
    batch: int = 512,
    rng: Rng = None,
    progress: bool = False,
) -> Denoiser:
    """Halve the number of DDIM steps, round by round, until one is left, and return the last student.

    grid: 2^k + 1 levels, the last 0. Each round takes `steps` of training, and its student is the next one's teacher:
    see `halving_loss`. progress shows a bar per round. Salimans & Ho 2022 (2202.00512), algorithm 2.
    """
    draw, grid = training.sampler_of(data), sigmas.decreasing(grid).float()
    if len(grid) < 3 or (len(grid) - 1) & (len(grid) - 2) or grid[-1] != 0:
        raise ValueError(f"grid has {len(grid)} levels, the last {float(grid[-1])}; need 2^k + 1 of them, the last 0")
    positive(steps, "steps"), positive(batch, "batch"), denoiser(teacher, "teacher")
    student = untrained(data, rng)
    while len(grid) > 2:
        student = _halve(student, teacher, draw, grid, steps, batch, rng, progress)
        teacher, student, grid = student, copy.deepcopy(student).requires_grad_(), grid[::2]
    return teacher


def _halve(
    student: FromVelocity,
    teacher: Denoiser,
    draw: Callable[..., tuple[Tensor, Tensor | None]],
    grid: Tensor,
    steps: int,
    batch: int,
    rng: Rng,
    progress: bool,
) -> FromVelocity:
    def objective() -> Tensor:
        x0 = draw(batch, rng)[0]
        i = 2 * torch.randint((len(grid) - 1) // 2, (batch,), generator=rng)
        return halving_loss(student, teacher, x0, randn_like(x0, rng), grid[i], grid[i + 1], grid[i + 2])

    return training.run(training.descend(student, objective, steps, lr=2e-2), steps, student, progress)


def halving_loss(
    D: Denoiser, teacher: Denoiser, x0: Tensor, eps: Tensor, high: Tensor, middle: Tensor, low: Tensor
) -> Tensor:
    """Return the mean of |D(x, high) - target|^2: one DDIM step of D shall land where two of the teacher do, in x''.

        x'' = target + (low/high) (x - target),    target = (x'' - (low/high) x) / (1 - low/high)

    The target of Salimans & Ho 2022, algorithm 2, in the VE frame.
    """
    x = x0 + column(high, x0) * eps
    with torch.no_grad():
        half = _ddim(teacher, x, high, middle)
        ratio = column(low / high, x)
        target = (_ddim(teacher, half, middle, low) - ratio * x) / (1 - ratio)
    return ((denoise(D, x, high) - target) ** 2).sum(1).mean()


def _ddim(D: Denoiser, x: Tensor, sigma: Tensor, sigma_next: Tensor) -> Tensor:
    x0_hat = denoise(D, x, sigma)
    return x0_hat + column(sigma_next / sigma, x) * (x - x0_hat)


class FlowMap(nn.Module):
    """A learned flow map, x -> f(x, start, end), by way of a network u(z, t, r) for the mean velocity from t down to r.

    The network reads z and its Fourier features, ln t and ln(t - r); about as many weights as the network of
    `flow.fit`. With end left out it goes to the data, f(x, sigma), as a consistency model does.
    """

    frequencies: Tensor

    def __init__(self, dim: int = 2, width: int = 64, features: int = 24, scale: float = 2.5, rng: Rng = None) -> None:
        super().__init__()
        self.config = dict(dim=dim, width=width, features=features, scale=scale)
        self.register_buffer("frequencies", networks.frequencies(dim, features, scale, rng))
        sizes = [dim + 2 * features + 32, *[positive(width, "width")] * 3]
        hidden = [layer for a, b in pairwise(sizes) for layer in (nn.Linear(a, b), nn.SiLU())]
        self.net = nn.Sequential(*hidden, last := nn.Linear(width, dim))
        networks.initialise(self, rng)
        nn.init.zeros_(last.weight)

    def u(self, z: Tensor, t: Tensor, r: Tensor) -> Tensor:
        """Return the mean velocity from t down to r of the path through z, shaped like z; t, r are `[b]` or `[1]`."""
        phase, times = z @ self.frequencies, torch.cat([networks.waves(t), networks.waves(t - r)], 1)
        return self.net(torch.cat([z, phase.sin(), phase.cos(), times.expand(len(z), -1)], 1))

    def forward(self, x: Tensor, start: Tensor | float, end: Tensor | float | None = None) -> Tensor:
        """Return the place at level `end` (None: 0, the data) of the path through x at level `start`."""
        fits(as_batch(x), self)
        start, end = level(start, x), level(0.0 if end is None else end, x)
        if (start < end).any():
            raise ValueError(f"start is {start.flatten()[0]} and end {end.flatten()[0]}; this map goes downwards")
        t, r, z = FLOW.time(start), FLOW.time(end), FLOW.scale(start) * x
        return (z - (t - r) * self.u(z, *(s.flatten().expand(len(x)) for s in (t, r)))) / (1 - r)


def meanflow_loss(f: FlowMap, x0: Tensor, eps: Tensor, t: Tensor, r: Tensor, teacher: Denoiser | None = None) -> Tensor:
    """Return the mean of |u(z, t, r) - target|^2, z = (1 - t) x0 + t eps, 0 <= r <= t < 1, the target without gradient.

        target = v - (t - r) (v . grad_z u + partial_t u)

    v is eps - x0, or the velocity of a teacher's flow; the bracket, one Jacobian-vector product, is u's derivative
    along the path.
    Geng et al. 2025 (2505.13447), eq. 8-11.
    """
    z = flow.point(x0, eps, t)
    v = eps - x0 if teacher is None else flow.velocity(teacher, z, t).detach()
    u, du, *_ = torch.func.jvp(f.u, (z, t, r), (v, torch.ones_like(t), torch.zeros_like(r)))
    target = v - column(t - r, z) * du
    return ((u - target.detach()) ** 2).sum(1).mean()


def meanflow_train(
    f: FlowMap,
    data: mixtures.Source,
    teacher: Denoiser | None = None,
    steps: int = 1000,
    batch: int = 512,
    rng: Rng = None,
) -> Iterator[training.Progress]:
    """Lower the MeanFlow loss of f in place, and yield a Progress per step.

    t and r are the larger and the smaller of two uniform times; in half of the rows r = t, which is flow matching.
    Geng et al. 2025, algorithm 1.
    """
    teacher = None if teacher is None else denoiser(teacher, "teacher")

    def loss(x0: Tensor) -> Tensor:
        times = flow.uniform(2 * batch, rng).reshape(2, batch)
        t, r = times.max(0).values, times.min(0).values
        r = torch.where(torch.rand(batch, generator=rng) < 0.5, t, r)
        return meanflow_loss(f, x0, randn_like(x0, rng), t, r, teacher)

    return _descend(f, data, loss, steps, batch, rng)


def meanflow_fit(
    data: mixtures.Source,
    teacher: Denoiser | None = None,
    steps: int = 1000,
    batch: int = 512,
    rng: Rng = None,
    progress: bool = False,
) -> FlowMap:
    """Train a flow map by the MeanFlow identity, with a teacher or without, and return it: f(80 eps, 80.0) samples.

    progress shows a bar with the time left; see `meanflow_train`.
    """
    start = FlowMap(mixtures.of(data).means.shape[1], rng=stream(rng))
    return training.run(meanflow_train(start, data, teacher, steps, batch, rng), steps, start, progress)
