"""What every Denoiser and every sampler promises, as checks that run on all of them.

A check is a function of one `Case` (a Denoiser and what it declares) or of one `Walker` (a sampler
and what it declares). The test files parametrise them with their own models.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from tests.support import problems
from tests.support.problems import alike, close
from toycore import data, exact, fields, mixtures, networks, precondition, samplers, sigmas, training
from toycore.types import Denoiser, seeded

SIGMAS = torch.tensor([0.01, 0.1, 0.5, 2.0, 10.0])


class Case(NamedTuple):
    """A Denoiser; `classes` labels; dtype it computes in; is D(x, 0) = x; its mixture if exact; a row's shape."""

    D: Denoiser
    classes: int = 1
    dtype: torch.dtype = torch.float32
    identity: bool = True
    mixture: mixtures.GaussianMixture | None = None
    shape: tuple[int, ...] = (2,)


def exact_case(mixture: mixtures.GaussianMixture) -> Case:
    bare = not isinstance(mixture, mixtures.FullMixture) and bool((mixture.std == 0).any())
    D = exact.posterior_mean(mixture)
    return Case(D, mixture.classes, torch.float64, not bare, mixture)  # bare points answer with the nearest at 0


def untrained(classes: int = 3) -> Case:
    net = networks.MLP(classes=classes, rng=seeded())
    torch.nn.init.normal_(net.last.weight, generator=seeded(1))  # or F would be 0
    return Case(precondition.Preconditioned(net, 0.47, torch.tensor([0.1, -0.2])), classes)


def trained() -> Case:
    D = training.fit(mixtures.spiral(classes=3), steps=20, batch=64, rng=seeded())
    return Case(D, 3)


def noise_net() -> Case:
    return Case(precondition.from_noise(networks.NoiseMLP(classes=3, rng=seeded())), 3)


def velocity_net() -> Case:
    net = networks.MLP(classes=3, rng=seeded())
    torch.nn.init.normal_(net.last.weight, generator=seeded(1))
    return Case(precondition.from_velocity(net), 3)


EXACT: dict[str, Callable[[], Case]] = {
    "spiral": lambda: exact_case(mixtures.spiral(components=100)),
    "spiral, 3 classes": lambda: exact_case(mixtures.spiral(components=99, classes=3)),
    "uneven": lambda: exact_case(problems.uneven()),
    "slanted": lambda: exact_case(problems.slanted()),
    "points": lambda: exact_case(mixtures.of(data.spiral(90, classes=3))),
}
LEARNED: dict[str, Callable[[], Case]] = {
    "untrained": untrained,
    "untrained, no classes": lambda: untrained(0)._replace(classes=1),
    "trained": trained,
    "noise net": noise_net,
    "velocity net": velocity_net,
}


def _batch(case: Case, b: int = 7) -> tuple[Tensor, Tensor]:
    """Points at mixed levels, as they occur: x = sigma eps."""
    sigma = SIGMAS.repeat(2)[:b].to(case.dtype)
    x = torch.randn(b, *case.shape, generator=seeded(2)).to(case.dtype)
    return sigma.reshape(-1, *[1] * len(case.shape)) * x, sigma


def _tolerance(case: Case) -> dict[str, float]:
    return {"rtol": 1e-9, "atol": 1e-9} if case.dtype == torch.float64 else {"rtol": 1e-4, "atol": 1e-5}


def shape_and_dtype(case: Case) -> None:
    x, sigma = _batch(case)
    out = case.D(x, sigma)
    assert out.shape == x.shape and out.dtype == x.dtype and torch.isfinite(out).all()


def float_keeps_float32(case: Case) -> None:
    x, sigma = _batch(case)
    assert case.D(x.float(), sigma.float()).dtype == torch.float32


def one_sigma_is_every_sigma(case: Case) -> None:
    x, _ = _batch(case)
    for sigma in SIGMAS.tolist():
        batched = case.D(x, torch.full((len(x),), sigma, dtype=x.dtype))
        close(case.D(x, sigma), batched, **_tolerance(case))
        close(case.D(x, torch.tensor(sigma)), batched, **_tolerance(case))
        close(case.D(x, batched.new_full((len(x),), sigma).numpy()), batched, **_tolerance(case))


def batch_is_one_by_one(case: Case) -> None:
    x, sigma = _batch(case)
    label = torch.arange(len(x)) % (case.classes + 1) - 1
    singly = [case.D(x[i : i + 1], sigma[i], label[i : i + 1]) for i in range(len(x))]
    close(case.D(x, sigma, label), torch.cat(singly), **_tolerance(case))


def none_is_minus_one(case: Case) -> None:
    x, sigma = _batch(case)
    free = case.D(x, sigma)
    close(free, case.D(x, sigma, None), **_tolerance(case))
    close(free, case.D(x, sigma, -1), **_tolerance(case))
    close(free, case.D(x, sigma, torch.full((len(x),), -1)), **_tolerance(case))


def int_label_is_every_row(case: Case) -> None:
    x, sigma = _batch(case)
    for c in range(case.classes):
        rows = case.D(x, sigma, torch.full((len(x),), c))
        close(case.D(x, sigma, c), rows, **_tolerance(case))


def labels_matter(case: Case) -> None:
    x, sigma = _batch(case)
    answers = [case.D(x, sigma, c) for c in [None, *range(case.classes)]]
    differ = [not torch.allclose(a, b) for i, a in enumerate(answers) for b in answers[:i]]
    assert all(differ) if case.classes > 1 else not any(differ)


def identity_at_zero(case: Case) -> None:
    x, _ = _batch(case)
    if case.identity:
        close(case.D(x, 1e-9), x, rtol=1e-6, atol=1e-6)
        close(case.D(x, 0.0), x, rtol=1e-6, atol=1e-6)


def input_is_kept(case: Case) -> None:
    x, sigma = _batch(case)
    before = x.clone(), sigma.clone()
    case.D(x, sigma, 0)
    assert torch.equal(x, before[0]) and torch.equal(sigma, before[1])


def bad_labels_are_named(case: Case) -> None:
    x, sigma = _batch(case)
    for label in (case.classes, -2, torch.zeros(3, dtype=torch.int64), torch.zeros(len(x))):
        try:
            case.D(x, sigma, label)
        except ValueError as error:
            assert "label" in str(error), error
        else:
            raise AssertionError(f"label {label} was accepted")


def bad_levels_are_named(case: Case) -> None:
    x, _ = _batch(case)
    for sigma in (-1.0, math.nan, math.inf, torch.full((len(x),), -0.5), torch.ones(3)):
        try:
            case.D(x, sigma)
        except ValueError as error:
            assert "sigma" in str(error), error
        else:
            raise AssertionError(f"sigma {sigma} was accepted")


def a_row_is_no_batch(case: Case) -> None:
    x, _ = _batch(case)
    try:
        case.D(x[0], 0.5)
    except ValueError as error:
        assert "shape" in str(error) and "[b" in str(error), error
    else:
        raise AssertionError("a row without its batch was accepted")


DENOISER = [
    shape_and_dtype,
    float_keeps_float32,
    one_sigma_is_every_sigma,
    batch_is_one_by_one,
    none_is_minus_one,
    int_label_is_every_row,
    labels_matter,
    identity_at_zero,
    input_is_kept,
    bad_labels_are_named,
    bad_levels_are_named,
    a_row_is_no_batch,
]


# ---- what only exact Denoisers promise -----------------------------------------------------------


def far_away_says_the_mean(case: Case) -> None:
    assert case.mixture is not None
    x, _ = _batch(case)
    close(case.D(x, 1e8), case.mixture.to(torch.float64).mean, rtol=0, atol=1e-9)


def score_is_the_gradient(case: Case) -> None:
    """Central differences of log p_sigma, and autograd of it, against (D - x) / sigma^2."""
    assert case.mixture is not None
    x = torch.randn(20, 2, generator=seeded(3), dtype=torch.float64)
    label = torch.arange(20) % (case.classes + 1) - 1
    for sigma in (0.1, 0.3, 2.0):
        h = 1e-4 * sigma
        steps = h * torch.eye(2, dtype=x.dtype)
        up, down = ([case.mixture.log_density(x + s * e, sigma, label) for e in steps] for s in (1, -1))
        slope = (torch.stack(up, 1) - torch.stack(down, 1)) / (2 * h)
        close(fields.score(case.D, x, sigma, label), slope, rtol=1e-6, atol=1e-6)


def the_average_answer_is_the_mean(case: Case) -> None:
    """E over noised data of E[x0 | x] = E[x0]."""
    assert case.mixture is not None
    x0, _ = case.mixture.to(torch.float64).sample(20_000, seeded(4))
    for sigma in (0.1, 1.0):
        answer = case.D(x0 + sigma * torch.randn(x0.shape, generator=seeded(5), dtype=x0.dtype), sigma)
        error = (answer - case.mixture.to(torch.float64).mean).std(0) / math.sqrt(len(x0))
        problems.within(answer.mean(0), case.mixture.to(torch.float64).mean, error)


EXACT_ONLY = [far_away_says_the_mean, score_is_the_gradient, the_average_answer_is_the_mean]


# ---- samplers ------------------------------------------------------------------------------------


class Walker(NamedTuple):
    """A sampler `walk(D, x, sigmas)`; is it random, and of which order is it on the flow ODE?"""

    walk: Callable
    random: bool = False
    order: int | None = None


WALKERS = {
    "ddpm": Walker(samplers.ddpm, random=True),
    "ddpm, noise 0": Walker(lambda *a, **k: samplers.ddpm(*a, **{"noise": 0.0} | k)),
    "ddim": Walker(samplers.ddim, order=1),
    "ddim, eta 1": Walker(lambda *a, **k: samplers.ddim(*a, **{"eta": 1.0} | k), random=True),
    "heun": Walker(samplers.heun, order=2),
}


def _knobs(walker: Walker, seed: int = 0) -> dict:
    return {"rng": seeded(seed)} if walker.random else {}


def _start(b: int = 30, high: float = 10.0) -> Tensor:
    return high * torch.randn(b, 2, generator=seeded(6), dtype=torch.float64)


def counts_and_levels(walker: Walker) -> None:
    problem, grid = problems.gaussian(), sigmas.karras(9, 0.01, 10.0)
    states = list(walker.walk(exact.posterior_mean(problem.mixture), _start(), grid, **_knobs(walker)))
    assert [s.sigma for s in states] == grid[1:].tolist()
    for s in states:
        assert s.x.shape == s.x0_hat.shape == s.mean.shape == s.noise.shape == (30, 2)
        assert s.x.dtype == torch.float64 and not s.x.requires_grad
        alike(s.x, s.mean + s.noise)
        assert bool((s.noise != 0).any()) == (walker.random and s.sigma > 0)


def last_state_is_the_answer(walker: Walker) -> None:
    """The step to sigma = 0 ends at x0_hat for every one of these algorithms."""
    problem = problems.two_modes()
    *_, last = walker.walk(exact.posterior_mean(problem.mixture), _start(), sigmas.karras(9, 0.01, 10.0))
    assert last.sigma == 0
    close(last.x, last.x0_hat, rtol=0, atol=1e-12)


def x0_hat_is_what_the_model_said(walker: Walker) -> None:
    """Each State's x0_hat is D at the step's start: the previous State's x and level."""
    D, grid, x = exact.posterior_mean(problems.two_modes().mixture), sigmas.karras(5, 0.1, 10.0), _start()
    levels, last = grid.tolist(), x
    for sigma, state in zip(levels, walker.walk(D, x, grid, **_knobs(walker))):
        close(state.x0_hat, D(last, sigma))
        last = state.x


def dirac_is_reached(walker: Walker) -> None:
    problem = problems.dirac()
    D = exact.posterior_mean(problem.mixture)
    x = samplers.final(walker.walk(D, _start(), sigmas.karras(9, 0.01, 10.0), **_knobs(walker)))
    close(x, problem.mean, rtol=0, atol=1e-10)


def same_rng_same_walk(walker: Walker) -> None:
    D, grid = exact.posterior_mean(problems.two_modes().mixture), sigmas.karras(6, 0.01, 10.0)
    a, b, c = (samplers.final(walker.walk(D, _start(), grid, **_knobs(walker, seed))) for seed in (0, 0, 1))
    alike(a, b)
    assert torch.allclose(a, c) == (not walker.random)


def start_is_kept(walker: Walker) -> None:
    D, x, grid = exact.posterior_mean(problems.two_modes().mixture), _start(), sigmas.karras(6, 0.01, 10.0)
    before = x.clone(), grid.clone()
    samplers.final(walker.walk(D, x, grid))
    assert torch.equal(x, before[0]) and torch.equal(grid, before[1])


def stops_above_zero(walker: Walker) -> None:
    """A grid that ends at .3 stops there: the first steps of a longer walk, no more."""
    D, grid = exact.posterior_mean(problems.gaussian().mixture), sigmas.log_linear(9, 0.01, 10.0)
    whole = samplers.stack(walker.walk(D, _start(), grid, **_knobs(walker)))
    part = samplers.stack(walker.walk(D, _start(), grid[:5], **_knobs(walker)))
    assert len(part) == 4
    alike(part, whole[:4])


def label_is_passed_on(walker: Walker) -> None:
    heard = []

    def D(x, sigma, label=None):
        heard.append(label)
        return torch.zeros_like(x)

    samplers.final(walker.walk(D, _start(), sigmas.karras(3), label=2, **_knobs(walker)))
    assert heard and set(heard) == {2}


def no_graph_is_kept(walker: Walker) -> None:
    """A network asks for gradients; a walk does not, or its memory would grow with every step."""
    weight = torch.ones((), dtype=torch.float64, requires_grad=True)
    walk = walker.walk(lambda x, sigma, label=None: weight * x / 2, _start(), sigmas.karras(3), **_knobs(walker))
    assert not any(part.requires_grad for s in walk for part in (s.x, s.x0_hat, s.mean, s.noise))


def pictures_walk_too(walker: Walker) -> None:
    x = torch.randn(2, 3, 4, 4, generator=seeded())
    state = next(iter(walker.walk(lambda x, sigma, label=None: 0 * x, x, sigmas.karras(3), **_knobs(walker))))
    assert state.x.shape == x.shape and state.x.dtype == torch.float32


def errors_come_at_once(walker: Walker) -> None:
    """A bad start is refused when the walk is asked for, before its first step."""
    D, x, grid = exact.posterior_mean(problems.gaussian().mixture), _start(), sigmas.karras(5)
    bad = {
        "decrease": (D, x, grid.flip(0)),
        "two or more": (D, x, grid[:1]),
        "finite": (D, x, torch.tensor([math.inf, 1.0, 0.0])),
        "Denoiser": (problems.gaussian().mixture, x, grid),
        "NaN": (D, x * math.nan, grid),
        r"\[b, 2\]": (D, x[0], grid),
        "float": (D, x.long(), grid),
        "tensor": (D, x.tolist(), grid),
    }
    for message, start in bad.items():
        try:
            walker.walk(*start)
        except (ValueError, TypeError) as error:
            assert message.replace("\\", "") in str(error), f"{message!r} is not in: {error}"
        else:
            raise AssertionError(f"a start with wrong {message!r} was accepted")


SAMPLER = [
    counts_and_levels,
    last_state_is_the_answer,
    x0_hat_is_what_the_model_said,
    dirac_is_reached,
    same_rng_same_walk,
    start_is_kept,
    stops_above_zero,
    label_is_passed_on,
    no_graph_is_kept,
    pictures_walk_too,
    errors_come_at_once,
]
