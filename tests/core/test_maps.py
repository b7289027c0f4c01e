"""Flow maps: the exact one against closed forms, each loss at its truth and beside it, short trainings."""

import pytest
import torch

import toycore
from toycore import exact, flow, mixtures, samplers, seeded, sigmas
from toycore.lessons import maps

MEAN, STD = torch.tensor([[0.4, -0.2]], dtype=torch.float64), 0.3
BLOB = mixtures.GaussianMixture(MEAN, STD)
TWO = mixtures.GaussianMixture(torch.tensor([[-0.9], [0.9]]), 0.2)
SPIRAL = mixtures.spiral(components=60, std=0.06)


def carried(x, start, end):
    """The flow of one Gaussian keeps (x - mean) / sqrt(std^2 + sigma^2)."""
    ratio = (STD**2 + torch.as_tensor(end).double() ** 2) / (STD**2 + torch.as_tensor(start).double() ** 2)
    return MEAN.to(x) + ratio.to(x).reshape(-1, 1).sqrt() * (x - MEAN.to(x))


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize(
    ("start", "end"), [(80.0, 0.0), (80.0, 1.0), (0.5, 0.02), (0.02, 20.0), (0.0, 5.0), (3.0, 3.0)]
)
def test_the_exact_map_of_a_gaussian(start, end):
    x = MEAN + (STD**2 + start**2) ** 0.5 * normal(300, 2)
    assert (maps.exact(exact.posterior_mean(BLOB), x, start, end) - carried(x, start, end)).abs().max() < 1e-7


def test_on_a_line_the_exact_map_keeps_quantiles():
    """A flow on a line cannot let paths cross, so it carries every quantile of p_start to the same one of p_end."""

    def below(x, sigma):  # the distribution function of the noised mixture
        return torch.special.ndtr((x - TWO.means[:, 0].double()) / (TWO.std.double() ** 2 + sigma**2).sqrt()).mean(1)

    x = 20.0 * normal(200, 1, seed=1)
    for end in (0.5, 0.0):
        y = maps.exact(exact.posterior_mean(TWO), x, 20.0, end)
        assert (below(y, end) - below(x, 20.0)).abs().max() < 1e-7


def test_there_and_back_and_in_two_parts():
    D, x = exact.posterior_mean(SPIRAL), 10 * normal(40, 2, seed=2)
    half = maps.exact(D, x, 10.0, 0.3)
    assert (maps.exact(D, half, 0.3, 0.0) - maps.exact(D, x, 10.0, 0.0)).abs().max() < 1e-6
    assert (maps.exact(D, half, 0.3, 10.0) - x).abs().max() < 1e-6


def test_rows_do_not_know_each_other_and_the_dtype_stays():
    D, x = exact.posterior_mean(SPIRAL), 10 * normal(maps.ROWS + 1, 2, seed=3)
    together = maps.exact(D, x, 10.0, 0.1)
    assert (together[-3:] - maps.exact(D, x[-3:], 10.0, 0.1)).abs().max() < 1e-6
    single = maps.exact(D, x[:3].float(), 10.0, 0.1)
    assert single.dtype == torch.float32 and (single - together[:3]).abs().max() < 1e-4


def test_labels_reach_the_denoiser():
    m = mixtures.GaussianMixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.1, label=torch.tensor([0, 1]))
    x = 5 * normal(20, 2, seed=4)
    assert (maps.exact(exact.posterior_mean(m), x, 5.0, 0.0, 1)[:, 0] > 0.3).all()


def test_a_network_is_asked_in_its_own_precision():
    D, x = toycore.load("moons"), 5 * normal(10, 2, seed=5).float()
    many = samplers.final(samplers.heun(D, x.double().float(), sigmas.karras(1000, 0.02, 5.0)[:-1]))
    assert (maps.exact(D, x, 5.0, 0.02) - many).abs().max() < 2e-3


@pytest.mark.parametrize(("t", "r"), [(0.9, 0.0), (0.6, 0.3), (0.5, 0.45)])
def test_the_meanflow_identity_holds_on_the_exact_field(t, r):
    """u = v - (t - r) (u(z + h v, t + h) - u(z - h v, t - h)) / 2h: both sides come from separate integrations."""
    D, h = exact.posterior_mean(SPIRAL), 1e-4
    z = (1 - t) * SPIRAL.sample(20, seeded(6))[0].double() + t * normal(20, 2, seed=7)
    v = flow.velocity(D, z, t)
    u, later, before = (maps.mean_velocity(D, z + k * h * v, t + k * h, r) for k in (0, 1, -1))
    off = (v - (t - r) * (later - before) / (2 * h) - u).norm(dim=1)
    assert (off / u.norm(dim=1)).max() < 1e-3
    assert ((v - u).norm(dim=1) / u.norm(dim=1)).max() > 0.02  # and it says something: u is not v


def test_a_mean_velocity_over_no_time_is_the_velocity():
    D, z = exact.posterior_mean(SPIRAL), 0.6 * normal(20, 2, seed=8)
    assert (maps.mean_velocity(D, z, 0.5, 0.4999) - flow.velocity(D, z, 0.5)).norm(dim=1).max() < 5e-3


def test_the_jacobian_and_the_stretch_of_a_linear_map():
    A = torch.tensor([[1.0, 2.0], [0.5, -3.0]], dtype=torch.float64)
    J = maps.jacobian(lambda x: x @ A.T + 1, normal(5, 2))
    assert torch.allclose(J, A.expand(5, 2, 2), atol=1e-9)
    assert torch.allclose(maps.stretch(lambda x: x @ A.T, normal(5, 2)), torch.linalg.svdvals(A)[0], atol=1e-9)


class Truth(torch.nn.Module):
    """The map of BLOB to the data, times a factor: 1 is right."""

    def __init__(self, factor=1.0):
        super().__init__()
        self.factor = factor

    def forward(self, x, sigma, label=None):
        return self.factor * carried(x, sigma, 0.0)


def test_the_consistency_loss_is_least_at_the_exact_map():
    """With a teacher it vanishes there, up to a Heun step's error; without, every other map costs more."""
    x0, eps = BLOB.sample(4000, seeded(9))[0], normal(4000, 2, seed=10)
    high, low = torch.full((4000,), 1.0, dtype=torch.float64), torch.full((4000,), 0.9, dtype=torch.float64)
    losses = [
        [float(maps.consistency_loss(Truth(factor), x0, eps, high, low, D)) for factor in (1.0, 0.9, 1.1)]
        for D in (exact.posterior_mean(BLOB), None)
    ]
    assert losses[0][0] < 1e-8
    assert losses[1][0] < 1e-2
    to_data = [float(maps.consistency_loss(Truth(f), x0, eps, 0.1 * high, 0 * low, None)) for f in (1.0, 0.9, 1.1)]
    assert to_data[0] < min(to_data[1:])  # at level 0 the end is given: f(x, 0) = x


def test_a_consistency_target_at_zero_is_the_point_itself():
    f = Truth(factor=7.0)  # its answer at level 0 is wrong, and must not be asked
    x0, eps, one = MEAN.expand(4, 2), normal(4, 2), torch.ones(4, dtype=torch.float64)
    loss = maps.consistency_loss(f, x0, eps, 0.5 * one, 0 * one)
    assert float(loss) == pytest.approx(float(((f(x0 + 0.5 * eps, 0.5) - x0) ** 2).sum(1).mean()))


class TrueMean(maps.FlowMap):
    """The mean velocity of BLOB's flow, in closed form, plus an error."""

    def __init__(self, error=0.0):
        super().__init__()
        self.error = error

    def u(self, z, t, r):
        t, r = t.reshape(-1, 1), r.reshape(-1, 1)
        x = carried(z / (1 - t), t / (1 - t), r / (1 - r))
        return (z - (1 - r) * x) / (t - r) + self.error * z.sin()


def test_the_meanflow_loss_vanishes_at_the_exact_mean_velocity():
    x0, eps = BLOB.sample(500, seeded(11))[0], normal(500, 2, seed=12)
    t = 0.3 + 0.6 * torch.rand(500, generator=seeded(13), dtype=torch.float64)
    D = exact.posterior_mean(BLOB)
    assert float(maps.meanflow_loss(TrueMean(), x0, eps, t, 0.5 * t, D)) < 1e-20
    assert float(maps.meanflow_loss(TrueMean(0.1), x0, eps, t, 0.5 * t, D)) > 1e-4


def test_without_a_teacher_the_meanflow_target_has_the_right_mean():
    """Along the line of one pair the target is random; near one place it averages to u (4 standard errors)."""
    n, t, r = 200_000, 0.6, 0.2
    z = torch.tensor([[0.3, 0.1]], dtype=torch.float64).repeat(n, 1)
    x0 = exact.posterior_sample(BLOB, z / (1 - t), t / (1 - t), seeded(14))
    v, one = (z - (1 - t) * x0) / t - x0, torch.ones(n, dtype=torch.float64)
    u, du = torch.func.jvp(TrueMean().u, (z, t * one, r * one), (v, one, 0 * one))
    target = v - (t - r) * du
    assert ((target.mean(0) - u[0]).abs() < 4 * target.std(0) / n**0.5).all()
    assert target.std(0).min() > 0.1


def test_one_student_step_lands_where_two_of_the_teacher_do():
    D, x0, eps = exact.posterior_mean(SPIRAL), SPIRAL.sample(30, seeded(15))[0], normal(30, 2, seed=16).float()
    levels = torch.tensor([2.0, 0.7, 0.2])
    x = x0 + 2.0 * eps
    two = samplers.final(samplers.ddim(D, x, levels))
    one = torch.ones(30)
    answers = (two - 0.1 * x) / 0.9  # of the student whose one step ends in `two`
    loss = maps.halving_loss(lambda x, sigma, label=None: answers, D, x0, eps, *(s * one for s in levels))
    assert float(loss) < 1e-10
    assert (samplers.final(samplers.ddim(lambda *_: answers, x, levels[::2])) - two).abs().max() < 1e-5
    assert float(maps.halving_loss(D, D, x0, eps, *(s * one for s in levels))) > 1e-4


def test_a_flow_map_stays_where_no_time_passes_and_stands_in_a_walk():
    f, x = maps.FlowMap(rng=seeded()), normal(6, 2).float()
    with torch.no_grad():
        f.net[-1].weight.normal_()
        assert (f(x, 2.0, 2.0) - x).abs().max() < 1e-5
        assert torch.equal(f(x, 2.0), f(x, 2.0, 0.0))
        walked = samplers.final(samplers.ddim(f, x, torch.tensor([2.0, 0.0])))
    assert (walked - f(x, 2.0)).abs().max() < 1e-5


@pytest.mark.parametrize("way", ["consistency", "distillation", "meanflow", "meanflow of a teacher", "progressive"])
def test_a_short_training_beats_the_best_denoiser_in_one_step(way):
    """The mean of the data is all that a denoiser knows at sigma = 80; two blobs have a spread of 0.92 on one axis."""
    two = mixtures.GaussianMixture(torch.tensor([[-0.9, 0.0], [0.9, 0.0]]), 0.2)
    D, rng = exact.posterior_mean(two), seeded()
    f = {
        "consistency": lambda: maps.consistency_fit(two, steps=200, rng=rng),
        "distillation": lambda: maps.consistency_fit(two, D, steps=200, rng=rng),
        "meanflow": lambda: maps.meanflow_fit(two, steps=200, rng=rng),
        "meanflow of a teacher": lambda: maps.meanflow_fit(two, D, steps=200, rng=rng),
        "progressive": lambda: maps.progressive_fit(two, D, sigmas.karras(16, 0.02), steps=150, rng=rng),
    }[way]()
    x = 80 * normal(100, 2, seed=17)
    truth = maps.exact(D, x, 80.0, 0.0)
    with torch.no_grad():
        ends = f(x.float(), 80.0)
    off = [((y - truth) ** 2).sum(1).mean().sqrt() for y in (ends, D(x, 80.0))]
    assert off[0] < 0.4 * off[1]
    assert not f.training and not any(weight.requires_grad for weight in f.parameters())
