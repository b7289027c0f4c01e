"""The metrics of notebook 13 against closed forms: inception score, extrapolated FD, the detector of memory."""

import math

import pytest
import torch

from toycore import metrics
from toycore.types import seeded


def test_inception_score_is_the_number_of_kinds_seen() -> None:
    """Sure verdicts over k of 10 classes give exactly k; unsure ones give 1."""
    for k in (1, 3, 10):
        assert metrics.inception_score(torch.eye(10)[torch.arange(30 * k) % k]) == pytest.approx(k)
    assert metrics.inception_score(torch.full((50, 10), 0.1)) == pytest.approx(1)


def test_inception_score_is_the_exponential_of_mutual_information() -> None:
    """With p(y|x) = (a, 1 - a) or its mirror, evenly: exp(ln 2 - H(a))."""
    a = 0.8
    p = torch.tensor([[a, 1 - a], [1 - a, a]]).repeat(10, 1)
    entropy = -a * math.log(a) - (1 - a) * math.log(1 - a)
    assert metrics.inception_score(p) == pytest.approx(2 * math.exp(-entropy), rel=1e-6)


@pytest.mark.parametrize("p", [torch.randn(5, 3), torch.ones(5, 3)])
def test_logits_are_no_probabilities(p: torch.Tensor) -> None:
    with pytest.raises(ValueError, match="softmax"):
        metrics.inception_score(p)


def test_extrapolated_frechet_removes_the_bias() -> None:
    """Two draws of one Gaussian have FD 0; measured with n points it is about d / n * (2 + (d + 1) / 2)."""
    x, y = torch.randn(2, 16_000, 4, generator=seeded(), dtype=torch.float64).unbind(0)
    best, n, FD = metrics.frechet_extrapolated(x, y, (100, 200, 400, 800), seeded(1))
    assert (FD.diff() < 0).all() and abs(best) < 0.2 * FD[0]
    torch.testing.assert_close(FD, 4 / n.double() * (2 + 5 / 2), rtol=0.25, atol=0)


def test_extrapolated_frechet_keeps_what_is_there() -> None:
    """Means 2 apart and std 1 against 3 in 2-D: FD = 4 + 2 (3 - 1)^2 = 12."""
    x = torch.randn(20_000, 2, generator=seeded(), dtype=torch.float64)
    y = 3 * torch.randn(20_000, 2, generator=seeded(1), dtype=torch.float64) + torch.tensor([2.0, 0.0])
    assert metrics.frechet_extrapolated(x, y, rng=seeded(2))[0] == pytest.approx(12, rel=0.03)


def test_extrapolated_frechet_asks_for_independent_draws() -> None:
    """Two classes at -3 and 3, as many of each: the subsets scatter more than the sets, and the limit is too low."""
    sets = [
        torch.tensor([3.0, -3.0]).repeat(400)[:, None] + torch.randn(800, 2, generator=seeded(k)) / 2 for k in (0, 1)
    ]
    assert metrics.frechet_extrapolated(*(x.double() for x in sets), rng=seeded(2))[0] < -0.01


@pytest.mark.parametrize("sizes", [(100,), (1, 50), (50, 5000), (50, 50)])
def test_sizes_that_cannot_be(sizes: tuple[int, ...]) -> None:
    x = torch.randn(1000, 2, generator=seeded())
    with pytest.raises(ValueError, match="two or more"):
        metrics.frechet_extrapolated(x, x, sizes)


def test_memorised_is_half_for_fresh_samples_and_one_for_copies() -> None:
    x, train, held, more = torch.randn(4, 2000, 2, generator=seeded()).unbind(0)
    for seen in (train, torch.cat([train, more])):  # a larger training set is no crime
        assert abs(metrics.memorised(x, seen, held) - 0.5) < 4 * 0.5 / 2000**0.5
    copies = train[:500] + 1e-4 * torch.randn(500, 2, generator=seeded(1))
    assert metrics.memorised(copies, train, held) > 0.99
    assert metrics.memorised(held[:500], train, held) < 0.01
