"""How good is a field, how good is a sample? Each number answers one question, the one in its name."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from toycore import exact, fields, mixtures
from toycore.checks import above, as_batch, label_rows, listed, numbers, positive, stream
from toycore.training import sampler_of
from toycore.types import Denoiser, Rng

LEVELS = torch.logspace(-2, 1, 20, dtype=torch.float64)  # the 20 levels over which FE is a mean


def field_error(
    D: Denoiser, source: mixtures.Source, sigmas: Tensor = LEVELS, n: int = 2000, rng: Rng = None
) -> Tensor:
    """Return sum |eps_hat - eps*|^2 / sum |eps*|^2 over n points of the noised data at each level, `[levels]`.

    eps* is the exact noise prediction of the source. FE, the course's one number for a field, is the mean over LEVELS.
    """
    truth, draw, rng = exact.posterior_mean(source), sampler_of(source), stream(rng)
    levels = numbers(sigmas, "sigmas", "a list of noise levels above 0").reshape(-1).tolist()
    if not levels:
        raise ValueError("sigmas is empty; give one level or more, such as metrics.LEVELS")

    def at(sigma: float) -> Tensor:
        x0 = draw(positive(n), rng)[0].float()
        x = x0 + sigma * torch.randn(x0.shape, generator=rng)
        eps = fields.noise(truth, x, sigma)
        return ((fields.noise(D, x, sigma) - eps) ** 2).sum() / (eps**2).sum()

    with torch.no_grad():
        return torch.stack([at(sigma) for sigma in levels])


def spread(x: Tensor, data: Tensor) -> float:
    """Return the sample's standard deviation over the data's, each about its own mean, all axes pooled: 1 is right."""
    x, data = _pair(x, data)
    whole = data.var(0, correction=0).sum()
    if whole == 0:
        raise ValueError(f"the data are {len(data)} times the same point; a spread relative to theirs needs two places")
    return float((x.var(0, correction=0).sum() / whole).sqrt())


def distance(x: Tensor, data: Tensor) -> Tensor:
    """Return each point's distance to the nearest data point, `[b]`: how far off the data is it?"""
    from sklearn.neighbors import NearestNeighbors

    x, data = _pair(x, data)
    return torch.from_numpy(NearestNeighbors(n_neighbors=1).fit(data.numpy()).kneighbors(x.numpy())[0][:, 0])


def own_share(x: Tensor, mixture: mixtures.GaussianMixture, label: int) -> float:
    """Return the share of points that the exact classifier of the clean data puts into the class: 1 is obedient."""
    mixture = mixtures.of(mixture)
    own = label_rows(label, len(as_batch(x)), mixture.classes)
    return float((mixture.class_log_posterior(x, 0.0).argmax(1) == own).double().mean())


def coverage(x: Tensor, data: Tensor, radius: float = 0.05) -> float:
    """Return the share of data points that have a sample within the radius: is every part of the data reached?"""
    x, data = _pair(x, data)
    return float((distance(data, x) <= above(radius, "radius")).double().mean())


def energy_distance(x: Tensor, y: Tensor) -> float:
    """Return 2 E|x - y| - E|x - x'| - E|y - y'| >= 0, zero only for equal laws (Szekely & Rizzo 2013); V-statistic."""
    x, y = _pair(x, y)
    return float(2 * _mean_distance(x, y) - _mean_distance(x, x) - _mean_distance(y, y))


def _mean_distance(x: Tensor, y: Tensor, rows: int = 1000) -> Tensor:
    return sum((torch.cdist(part, y).sum() for part in x.split(rows)), x.new_zeros(())) / (len(x) * len(y))


def sliced_wasserstein(x: Tensor, y: Tensor, directions: int = 64, rng: Rng = None) -> float:
    """Return the root mean square, over random directions, of the 1-D Wasserstein-2 distance between projections.

    In one dimension the distance is the RMS gap between quantile functions, read here at 1,000 levels (exactly, for
    equal sizes, by sorting). Bonneel et al. 2015.
    """
    x, y = _pair(x, y)
    w = torch.nn.functional.normalize(
        torch.randn(x.shape[1], positive(directions, "directions"), generator=stream(rng), dtype=x.dtype), dim=0
    )
    a, b = (x @ w).sort(0).values, (y @ w).sort(0).values
    if len(a) != len(b):
        q = (torch.arange(1000, dtype=x.dtype) + 0.5) / 1000
        a, b = a.quantile(q, dim=0), b.quantile(q, dim=0)
    return float(((a - b) ** 2).mean().sqrt())


def precision_recall(x: Tensor, data: Tensor, k: int = 5) -> tuple[float, float]:
    """Return (precision, recall): the share of samples inside the data's k-nearest-neighbour balls, and the reverse.

    A set's manifold is the union of balls that reach each point's k-th nearest neighbour.
    Kynkaanniemi et al. 2019 (1904.06991), eq. 1-2.
    """
    x, data = _pair(x, data)
    return _inside(x, data, k), _inside(data, x, k)


def _inside(x: Tensor, data: Tensor, k: int) -> float:
    if len(data) <= positive(k, "k"):
        raise ValueError(f"k is {k}, but there are only {len(data)} points; ask for k < {len(data)}")
    radius = torch.cat([torch.cdist(part, data).kthvalue(k + 1, dim=1).values for part in data.split(1000)])
    hit = [(torch.cdist(part, data) <= radius).any(1) for part in x.split(1000)]
    return float(torch.cat(hit).double().mean())


def frechet(x: Tensor, y: Tensor) -> float:
    """Return |m_x - m_y|^2 + tr(C_x + C_y - 2 (C_x C_y)^(1/2)), m and C the mean and the covariance of each set.

    The squared Frechet distance of two Gaussians (Dowson & Landau 1982); on image features, FID (Heusel et al. 2017).
    """
    x, y = _pair(x, y)
    if min(len(x), len(y)) < 2:
        raise ValueError(f"the sets hold {len(x)} and {len(y)} points; a covariance needs at least two of each")
    cov_x, cov_y = torch.cov(x.T).reshape(x.shape[1], -1), torch.cov(y.T).reshape(x.shape[1], -1)
    root = torch.linalg.eigvals(cov_x @ cov_y).real.clamp(min=0).sqrt().sum()
    return float(((x.mean(0) - y.mean(0)) ** 2).sum() + cov_x.trace() + cov_y.trace() - 2 * root)


def frechet_extrapolated(
    x: Tensor, y: Tensor, sizes: tuple[int, ...] = (), rng: Rng = None
) -> tuple[float, Tensor, Tensor]:
    """Return (FD at n = infinity, sizes, FD at each size): FD's bias falls as 1/n, so a line in 1/n is continued to 0.

    FD is measured on random subsets of both sets, averaged over several where they are small. The rows of each set
    must be independent draws: a set with equally many rows of every class is more even than its own subsets are, and
    the limit comes out too low.
    Chong & Forsyth 2019 (1911.07023).
    """
    x, y = _pair(x, y)
    most = min(len(x), len(y))
    if not isinstance(sizes, Sequence) or isinstance(sizes, str):
        raise TypeError(f"sizes is {sizes!r}; give two or more whole numbers, such as (250, 500, 1000)")
    n = numbers(tuple(sizes) or (most // 8, most // 4, most // 2, most), "sizes", "whole numbers")
    if int(n.min()) < 2 or int(n.max()) > most or len(n.unique()) < 2:
        raise ValueError(f"sizes are {n.tolist()}; need two or more between 2 and {most}, the smaller set's size")

    def at(size: int) -> float:
        tries = [frechet(_subset(x, size, rng), _subset(y, size, rng)) for _ in range(max(1, most // size))]
        return sum(tries) / len(tries)

    FD = torch.tensor([at(size) for size in n.tolist()], dtype=torch.float64)
    line = torch.stack([torch.ones_like(FD), 1 / n], 1) * n[:, None]  # rows weigh as n: small sets scatter more
    return float(torch.linalg.lstsq(line, (FD * n)[:, None]).solution[0]), n, FD


def _subset(x: Tensor, n: int, rng: Rng) -> Tensor:
    return x[torch.randperm(len(x), generator=stream(rng))[:n]]


def inception_score(p: Tensor) -> float:
    """Return exp of the mean KL(p(y|x) | p(y)) of a classifier's probabilities p `[n, classes]`: from 1 to classes.

    It is high for confident verdicts that differ from sample to sample; real data do not enter. Salimans et al. 2016
    (1606.03498), section 4.
    """
    p = as_batch(p, "p").double()
    if (p < 0).any() or ((p.sum(1) - 1).abs() > 1e-3).any():
        raise ValueError("the rows of p must be probabilities that sum to 1; apply softmax(1) to logits first")
    return float((torch.xlogy(p, p) - torch.xlogy(p, p.mean(0))).sum(1).mean().exp())


def memorised(x: Tensor, train: Tensor, held: Tensor) -> float:
    """Return the share of samples that lie closer to the training set than to as many held-out data: 1/2 is right.

    Near 1 the model repeats its training data. Both sets are cut to the first rows of the larger, as many as the
    smaller has: shuffle sets that come in an order. A two-sample test in the spirit of Meehan et al. 2020 (2004.05675).
    """
    n = min(len(as_batch(train, "train")), len(as_batch(held, "held")))
    return float((distance(x, train[:n]) < distance(x, held[:n])).double().mean())


def alignment(a: Tensor, b: Tensor) -> float:
    """Return the mean cosine between the rows of two fields `[n, d]`, in [-1, 1]."""
    a, b = _pair(a, b)
    if len(a) != len(b):
        raise ValueError(f"the fields have {len(a)} and {len(b)} rows; compare them at the same points")
    return float(torch.nn.functional.cosine_similarity(a, b, dim=1).mean())


def _pair(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    x, y = (as_batch(z, what).detach().flatten(1).double().cpu() for z, what in ((x, "x"), (y, "data")))
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"the samples live in {x.shape[1]} dimensions and the data in {y.shape[1]}; they must agree")
    return x, y


def standard_error(values: Tensor) -> float:
    """Return the standard error of a mean, std / sqrt(n)."""
    values = listed(values, "values", "a list of two or more finite numbers").double()
    return float(values.std()) / math.sqrt(len(values))
