"""High dimension: closed forms of norms, of two points' posterior weights, and of the level where memory sets in."""

import math

import pytest
import torch
from torch.distributions import MultivariateNormal

from toycore.lessons import dimension
from toycore.types import seeded


@pytest.mark.parametrize("d", [1, 3, 50])
def test_shell_is_that_of_the_chi_law(d: int, rng: torch.Generator) -> None:
    mean = math.sqrt(2) * math.exp(math.lgamma((d + 1) / 2) - math.lgamma(d / 2))
    expected = math.sqrt(d - mean**2) / mean
    assert dimension.shell(torch.randn(100_000, d, generator=rng)) == pytest.approx(expected, rel=0.02)


def test_contrast_by_hand() -> None:
    """Corners of a simplex are all equally far; two pairs are near each other and far from the others."""
    assert dimension.contrast(torch.eye(5)) == pytest.approx(1)
    assert dimension.contrast(torch.tensor([[0.0], [1.0], [100.0], [101.0]])) == pytest.approx(1 / 100, rel=0.02)
    with pytest.raises(ValueError, match="at least 3"):
        dimension.contrast(torch.zeros(2, 2))


def test_certainty_of_two_points() -> None:
    """With points at -1 and 1 the larger weight is 1/(1 + exp(-2|x|/sigma^2)): 1 without noise, 1/2 with very much."""
    two = torch.tensor([[-1.0], [1.0]])
    got = dimension.certainty(two, torch.tensor([0.1, 1.0, 100.0]), seeded(), 4001)
    assert got[0] > 0.999 and got[2] < 0.51
    x = 1 + torch.randn(200_000, generator=seeded())
    assert float(got[1]) == pytest.approx(float((1 / (1 + (-2 * x.abs()).exp())).median()), abs=0.02)


@pytest.mark.parametrize("d", [2, 16, 64])
def test_turning_level_balances_one_origin_and_all_others(d: int, rng: torch.Generator) -> None:
    sigma, n = dimension.turning_level(1000, d), 1000
    x0, eps = torch.randn(4000, d, generator=rng), torch.randn(4000, d, generator=rng)
    zero, one = torch.zeros(d), torch.eye(d)
    others = MultivariateNormal(zero, (1 + sigma**2) * one).log_prob(x0 + sigma * eps) + math.log(n)
    own = MultivariateNormal(zero, sigma**2 * one).log_prob(sigma * eps)
    assert float((others - own).mean()) == pytest.approx(0, abs=4 * float((others - own).std()) / 4000**0.5)


@pytest.mark.parametrize("d", [16, 64])
def test_memory_sets_in_there(d: int, rng: torch.Generator) -> None:
    points, sigma = torch.randn(1000, d, generator=rng), dimension.turning_level(1000, d)
    above, below = dimension.certainty(points, torch.tensor([1.4 * sigma, 0.7 * sigma]), rng)
    assert above < 0.5 < below
