"""Bridges: the closed forms between Gaussians, against Sinkhorn, simulation and their two limits; couplings of sets."""

from itertools import permutations

import pytest
import torch

from toycore import flow, mixtures, seeded
from toycore.lessons import bridge

MEAN0, COV0 = torch.tensor([-1.0, 0.3]), torch.tensor([[0.5, 0.2], [0.2, 0.3]])
MEAN1, COV1 = torch.tensor([1.0, -0.5]), torch.tensor([[0.4, -0.25], [-0.25, 0.6]])
ENTROPIES = [0.0, 0.1, 1.0, 30.0]


def between(entropy):
    return bridge.gaussian(MEAN0, COV0, MEAN1, COV1, entropy)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_the_ends_are_the_two_gaussians(entropy):
    B = between(entropy)
    assert torch.equal(B.mean(0.0), MEAN0.double()) and torch.equal(B.mean(1.0), MEAN1.double())
    assert torch.allclose(B.cov(0.0), COV0.double(), atol=1e-12) and torch.allclose(
        B.cov(1.0), COV1.double(), atol=1e-12
    )


@pytest.mark.parametrize("entropy", [0.2, 1.0])
def test_the_coupling_is_sinkhorns_on_a_line(entropy):
    """Sinkhorn's iterations on a grid of the line, for N(0, .5) and N(0, .8), find the same Cov(x0, x1)."""
    x = torch.linspace(-6, 6, 601, dtype=torch.float64)
    p, q = ((-(x**2) / (2 * v)).softmax(0) for v in (0.5, 0.8))
    K = (-((x[:, None] - x) ** 2) / (2 * entropy)).exp()
    a, b = torch.ones_like(x), torch.ones_like(x)
    for _ in range(300):
        a, b = p / (K @ b), q / (K.T @ (p / (K @ b)))
    plan = a[:, None] * K * b
    B = bridge.gaussian([0.0], [[0.5]], [0.0], [[0.8]], entropy)
    assert float((plan * x[:, None] * x).sum()) == pytest.approx(float(B.cross), abs=1e-5)


def test_without_entropy_it_is_optimal_transport():
    """x1 = mean1 + T (x0 - mean0) with T symmetric, positive, T cov0 T = cov1: the map of Gaussians."""
    T = torch.linalg.solve(COV0.double(), between(0.0).cross).T
    assert torch.allclose(T, T.T, atol=1e-10) and torch.linalg.eigvalsh(T)[0] > 0
    assert torch.allclose(T @ COV0.double() @ T, COV1.double(), atol=1e-10)


def test_with_much_entropy_the_ends_are_independent():
    """cross = cov0 cov1 / entropy to first order, however large the entropy."""
    for entropy in (1e3, 1e8):
        assert torch.allclose(entropy * between(entropy).cross, (COV0 @ COV1).double(), rtol=5e-3)


def test_no_other_coupling_has_less_cost():
    """E|x0 - x1|^2 / 2 + entropy KL, a function of the cross covariance C alone, is least at `cross`."""
    B = between(0.3)

    def cost(C):
        information = -0.5 * torch.logdet(
            torch.eye(2) - torch.linalg.solve(B.cov0, C) @ torch.linalg.solve(B.cov1, C.T)
        )
        return 0.3 * information - C.trace()

    C = B.cross.clone().requires_grad_()
    assert torch.autograd.grad(cost(C), C)[0].abs().max() < 1e-9
    tries = 0.02 * torch.randn(50, 2, 2, generator=seeded(), dtype=torch.float64)
    assert all(cost(B.cross + step) > cost(B.cross) for step in tries)


@pytest.mark.parametrize("entropy", ENTROPIES)
@pytest.mark.parametrize("t", [0.0, 0.2, 0.7, 1.0])
def test_drift_and_velocity_carry_the_marginals(entropy, t):
    """d cov/dt = A cov + cov A^T (+ entropy I for the process), A the field's Jacobian; the mean moves evenly."""
    B, h = between(entropy), 1e-5
    at = min(max(t, h), 1 - h)
    change = (B.cov(at + h) - B.cov(at - h)) / (2 * h)
    rows = torch.cat([B.mean(at) + torch.eye(2), B.mean(at)[None]])
    for field, noise in ((B.drift, entropy), (B.velocity, 0.0)):
        f = field(rows, at)
        A, tolerance = (f[:2] - f[2]).T, 1e-6 * (1 + entropy)
        assert torch.allclose(f[2], (MEAN1 - MEAN0).double(), atol=1e-9)
        assert torch.allclose(A @ B.cov(at) + B.cov(at) @ A.T + noise * torch.eye(2), change, atol=tolerance)


@pytest.mark.parametrize("entropy", [0.0, 0.5])
def test_the_drift_is_the_mean_way_to_the_end(entropy):
    """Regress (x1 - x_t) / (1 - t) of drawn bridges on x_t: the linear fit is the drift, within 5 standard errors."""
    B, t, n = between(entropy), 0.4, 200_000
    x0, x1 = B.pairs(n, seeded(1))
    z = torch.randn(n, 2, generator=seeded(2), dtype=torch.float64)
    x = (1 - t) * x0 + t * x1 + (entropy * t * (1 - t)) ** 0.5 * z
    rest = (x1 - x) / (1 - t) - B.drift(x, t)
    inputs = torch.cat([torch.ones(n, 1), x - B.mean(t)], 1).double()
    slopes = inputs.T @ rest / n
    errors = torch.stack([(inputs * r[:, None]).std(0) for r in rest.T], 1) / n**0.5
    assert (slopes.abs() <= 5 * errors + 1e-9).all()


def test_samples_have_the_moments():
    B = between(0.5)
    x = B.sample(100_000, 0.3, seeded(3))
    x0, x1 = B.pairs(100_000, seeded(4))
    assert torch.allclose(x.mean(0), B.mean(0.3), atol=0.01) and torch.allclose(torch.cov(x.T), B.cov(0.3), atol=0.01)
    assert torch.allclose(torch.cov(torch.cat([x0, x1], 1).T)[:2, 2:], B.cross, atol=0.01)


@pytest.mark.parametrize("entropy", [0.0, 0.5])
def test_a_walk_ends_in_the_second_gaussian_and_in_the_coupling(entropy):
    B, n = between(entropy), 20_000
    x0 = B.sample(n, 0.0, seeded(10))
    *_, x1 = B.walk(x0, 100, seeded(11))
    assert (x1.mean(0) - B.mean1).abs().max() < 4 / n**0.5
    assert torch.allclose(torch.cov(x1.T), B.cov1, atol=0.025)  # 100 steps of first order
    assert torch.allclose(torch.cov(torch.cat([x0, x1], 1).T)[:2, 2:], B.cross, atol=0.025)


def test_fields_keep_the_dtype():
    x = torch.randn(5, 2)
    assert between(0.5).drift(x, 0.5).dtype == between(0.5).velocity(x, 0.5).dtype == torch.float32
    assert (between(0.5).drift(x, 0.5) - between(0.5).drift(x.double(), 0.5)).abs().max() < 1e-5


def test_optimal_is_the_best_of_all_permutations():
    x0, x1 = torch.randn(6, 2, generator=seeded(5)), torch.randn(6, 2, generator=seeded(6))
    cost = lambda p: float(((x0 - x1[list(p)]) ** 2).sum())  # noqa: E731
    assert cost(bridge.optimal(x0, x1).tolist()) == pytest.approx(min(map(cost, permutations(range(6)))))


def test_minibatch_couplings_keep_both_ends_and_shorten_the_way():
    pairs = flow.independent(mixtures.spiral(components=50))
    x0, x1 = pairs(256, seeded(7))
    cost = {}
    for size in (1, 16, 256):
        y0, y1 = bridge.minibatch(pairs, size)(256, seeded(7))
        assert torch.equal(y0, x0)
        assert torch.equal(y1.sort(0).values, x1.sort(0).values)  # the same points, in another order
        cost[size] = float(((y0 - y1) ** 2).sum(1).mean())
    assert cost[1] == pytest.approx(float(((x0 - x1) ** 2).sum(1).mean()))
    assert cost[256] < 0.9 * cost[16] < 0.6 * cost[1]


def test_an_interpolants_velocity_is_the_mean_of_its_lines():
    """Draw pairs, keep those that pass near x at time t: their mean velocity is v(x, t), within 4 standard errors."""
    first = mixtures.GaussianMixture(
        torch.tensor([[-1.0, 0.0], [0.0, 1.0]]), torch.tensor([0.3, 0.5]), torch.tensor([1.0, 2.0])
    )
    second = mixtures.GaussianMixture(torch.tensor([[1.0, 0.0], [0.5, -1.0], [2.0, 0.0]]), 0.4)
    x0, x1 = bridge.between(first, second)(400_000, seeded(8))
    x, t = torch.tensor([[0.1, 0.3]]), 0.35
    way = (x1 - x0)[(((1 - t) * x0 + t * x1) - x).norm(dim=1) < 0.05]
    off = (way.mean(0) - bridge.interpolant(first, second)(x, t)[0]).abs()
    assert len(way) > 500 and (off < 4 * way.std(0) / len(way) ** 0.5).all()


def test_an_interpolant_with_a_gaussian_is_the_flow():
    """With N(0, I) at t = 1 it is the marginal velocity of flow matching."""
    from toycore import exact

    data, noise = mixtures.spiral(components=40, std=0.05), mixtures.GaussianMixture(torch.zeros(1, 2), 1.0)
    x = torch.randn(50, 2, generator=seeded(9), dtype=torch.float64)
    v = bridge.interpolant(data, noise)
    for t in (0.1, 0.5, 0.9):
        assert (v(x, t) - flow.velocity(exact.posterior_mean(data), x, t)).abs().max() < 1e-5
