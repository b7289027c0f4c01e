"""Every metric against a closed form and a second implementation (scipy, scikit-learn, loops)."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from scipy.spatial.distance import cdist
from sklearn.neighbors import NearestNeighbors

from tests.support.problems import close, uneven
from toycore import data, exact, fields, metrics, mixtures
from toycore.types import seeded


@pytest.fixture
def x(rng):
    return torch.randn(300, 2, generator=rng, dtype=torch.float64)


@pytest.fixture
def y(rng):
    return 0.5 + 1.3 * torch.randn(400, 2, generator=rng, dtype=torch.float64)


def test_field_error_of_the_truth_is_zero_and_of_zero_is_one(rng):
    m = mixtures.spiral(components=50)
    error = metrics.field_error(exact.posterior_mean(m), m, n=100, rng=rng)
    assert error.max() < 1e-9  # of float32's rounding, squared
    close(metrics.field_error(lambda x, sigma, label=None: x, m, n=100, rng=rng), 1.0, atol=1e-6)


SOURCES = {"Points": data.spiral(50), "tensor": data.spiral(50).x, "mixture": mixtures.spiral(50)}


@pytest.mark.parametrize("name", SOURCES)
def test_field_error_is_its_formula(name):
    """sum |eps_hat - eps*|^2 / sum |eps*|^2 level by level, on the same draws."""
    source = SOURCES[name]

    def D(x, sigma, label=None):
        return 0.5 * x

    levels, truth = torch.tensor([0.1, 2.0]), exact.posterior_mean(source)
    ours = metrics.field_error(D, source, levels, n=500, rng=seeded(3))
    rng = seeded(3)
    for level, value in zip(levels.tolist(), ours):
        if isinstance(source, mixtures.GaussianMixture):
            x0 = source.sample(500, rng)[0]
        else:
            x0 = mixtures.of(source).means[torch.randint(50, (500,), generator=rng)]
        x = x0 + level * torch.randn(500, 2, generator=rng)
        wrong, right = fields.noise(D, x, level), fields.noise(truth, x, level)
        close(value, ((wrong - right) ** 2).sum() / (right**2).sum(), rtol=1e-4, atol=1e-6)


def test_levels_are_the_courses():
    close(metrics.LEVELS, torch.from_numpy(np.geomspace(0.01, 10, 20)))


def test_spread(x):
    assert metrics.spread(x, x) == pytest.approx(1)
    assert metrics.spread(5 + 0.3 * x, x) == pytest.approx(0.3)
    a, b = x * torch.tensor([1.0, 3.0]), x
    square = [((z - z.mean(0)) ** 2).sum() for z in (a, b)]
    assert metrics.spread(a, b) == pytest.approx(float(square[0] / square[1]) ** 0.5)


def test_distance_and_coverage(x, y):
    near = torch.from_numpy(cdist(x, y).min(1))
    close(metrics.distance(x, y), near)
    back = torch.from_numpy(cdist(y, x).min(1))
    for radius in (0.05, 0.2):
        assert metrics.coverage(x, y, radius) == pytest.approx(float((back <= radius).double().mean()))
    assert metrics.coverage(data.spiral(50).x[:25], data.spiral(50).x, 1e-6) == 0.5


def test_energy_distance_by_loops(x, y):
    mean = [cdist(a, b).mean() for a, b in ((x, y), (x, x), (y, y))]
    assert metrics.energy_distance(x, y) == pytest.approx(2 * mean[0] - mean[1] - mean[2], abs=1e-6)
    assert metrics.energy_distance(x, x) == pytest.approx(0, abs=1e-6)
    assert metrics.energy_distance(x, y) == pytest.approx(metrics.energy_distance(y, x))


def test_energy_distance_in_one_dimension_is_scipys(x, y):
    """scipy returns its square root."""
    ours = metrics.energy_distance(x[:, :1], y[:, :1])
    assert ours == pytest.approx(scipy.stats.energy_distance(x[:, 0], y[:, 0]) ** 2, rel=1e-4)


def test_sliced_wasserstein_of_a_shift(x, rng):
    """A shift by v: every projection moves by w.v, and the mean over directions of (w.v)^2 is |v|^2 / 2."""
    moved = x + torch.tensor([3.0, 4.0], dtype=torch.float64)
    assert metrics.sliced_wasserstein(x, moved, 20_000, rng) == pytest.approx(5 / math.sqrt(2), rel=0.03)
    assert metrics.sliced_wasserstein(x, x, rng=rng) == pytest.approx(0, abs=1e-9)


def test_sliced_wasserstein_in_one_dimension(x, y, rng):
    """W2 by sorting (equal sizes), and close to it by quantiles (unequal sizes)."""
    a, b = x[:, :1], y[:300, :1]
    truth = float(((a.sort(0).values - b.sort(0).values) ** 2).mean().sqrt())
    assert metrics.sliced_wasserstein(a, b, 4, rng) == pytest.approx(truth)
    thrice = b.repeat(3, 1)  # the same law in another size
    assert metrics.sliced_wasserstein(a, thrice, 4, rng) == pytest.approx(truth, rel=0.05)


def test_sliced_wasserstein_of_a_stretch(rng):
    """N(0, 1) against N(0, 4): W2 = 1 along every direction."""
    q = torch.from_numpy(scipy.stats.norm.ppf((np.arange(2000) + 0.5) / 2000))[:, None]
    assert metrics.sliced_wasserstein(q, 2 * q, 4, rng) == pytest.approx(1, rel=0.01)


def test_precision_recall_by_neighbours(x, y):
    """Kynkaanniemi et al. with scikit-learn's neighbours."""

    def share(inside, of):
        radius = NearestNeighbors(n_neighbors=6).fit(of).kneighbors(of)[0][:, -1]  # itself and 5 more
        return (cdist(inside, of) <= radius).any(1).mean()

    assert metrics.precision_recall(x, y) == pytest.approx((share(x, y), share(y, x)))
    assert metrics.precision_recall(x, x + 100) == (0, 0)
    precision, recall = metrics.precision_recall(0.05 * x, x)  # collapsed: good points, little of the data
    assert precision == 1 and recall < 0.5


def test_frechet_is_its_formula(x, y):
    a, b = np.cov(x.T), np.cov(y.T)
    truth = ((x.mean(0) - y.mean(0)) ** 2).sum() + np.trace(a + b - 2 * scipy.linalg.sqrtm(a @ b).real)
    assert metrics.frechet(x, y) == pytest.approx(float(truth))
    assert metrics.frechet(x, x) == pytest.approx(0, abs=1e-6)
    assert metrics.frechet(x, x + torch.tensor([3.0, 4.0])) == pytest.approx(25)


def test_frechet_of_whitened_samples_is_a_closed_form(x):
    """Std s against std 1 without other difference: d (s - 1)^2."""
    white = (x - x.mean(0)) @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T
    assert metrics.frechet(white, 3 * white) == pytest.approx(2 * 4)


def test_coverage_counts_a_point_at_the_radius_itself():
    assert metrics.coverage(torch.tensor([[0.0, 0.5]]), torch.tensor([[0.0, 0.0], [0.0, -1.0]]), 0.5) == 0.5


def test_sliced_wasserstein_reads_quantiles_in_the_middle_of_their_shares(x, y):
    """Mirrored samples have mirrored quantiles, so their distance is the same: no end of the line is preferred."""
    a, b = x[:, :1], y[:, :1]
    ours, mirrored = (metrics.sliced_wasserstein(s * a, s * b, 1, seeded()) for s in (1, -1))
    assert ours == pytest.approx(mirrored, rel=1e-9)


def test_frechet_extrapolated_measures_an_eighth_to_the_whole_of_the_smaller_set(x, y):
    assert metrics.frechet_extrapolated(x, y)[1].tolist() == [37, 75, 150, 300]


@pytest.mark.parametrize("p", [[[1.2, -0.2], [0.5, 0.5]], [[0.5, 0.6], [0.5, 0.5]]])
def test_inception_score_needs_probabilities(p):
    with pytest.raises(ValueError, match="sum to 1; apply softmax"):
        metrics.inception_score(torch.tensor(p))


def test_alignment(x):
    assert metrics.alignment(x, 2 * x) == pytest.approx(1)
    assert metrics.alignment(x, -x) == pytest.approx(-1)
    assert metrics.alignment(x, x @ torch.tensor([[0.0, 1.0], [-1.0, 0.0]]).double()) == pytest.approx(0, abs=1e-9)


def test_standard_error(x):
    assert metrics.standard_error(x[:, 0]) == pytest.approx(scipy.stats.sem(x[:, 0]))


def test_pictures_are_compared_as_rows(rng):
    a, b = torch.randn(20, 1, 3, 3, generator=rng), torch.randn(30, 1, 3, 3, generator=rng)
    assert metrics.energy_distance(a, b) == pytest.approx(metrics.energy_distance(a.flatten(1), b.flatten(1)), rel=1e-5)
    assert metrics.spread(a, b) == pytest.approx(metrics.spread(a.flatten(1), b.flatten(1)), rel=1e-5)


def test_metrics_notice_the_noise_floor():
    """Two draws of one law are nearer than draws of two laws, by every distance."""
    m, rng = uneven(), seeded()
    a, b = (m.sample(1000, rng)[0] for _ in range(2))
    for distance in (metrics.energy_distance, metrics.sliced_wasserstein, metrics.frechet):
        assert distance(a, b) < distance(a, b + 0.3) / 3


def test_copies_made_once_content_precision_and_recall() -> None:
    """Notebook 13, end: recall notices copies only if each is made many times, so that its ball has radius zero."""
    spiral = mixtures.spiral(classes=3)
    real, train = spiral.sample(2000, seeded(1))[0], spiral.sample(100, seeded(4))[0]
    assert min(metrics.precision_recall(train, real)) > 0.9
    assert metrics.precision_recall(train[torch.arange(2000) % 100], real)[1] < 0.1
