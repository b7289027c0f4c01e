"""Training: same rng, same model; the losses are the papers'; Ctrl-C keeps what is learned; a short fit learns."""

import inspect
import math

import pytest
import torch

from tests.support.problems import close, twins, within
from toycore import data, exact, fields, frames, metrics, mixtures, networks, precondition, training
from toycore.types import seeded


def _weights(D):
    return torch.cat([p.detach().flatten() for p in D.parameters()])


SOURCES = {
    "points": lambda: data.spiral(50),
    "labelled": lambda: data.moons(60),
    "tensor": lambda: data.spiral(50).x,
    "mixture": mixtures.spiral,
    "float64 mixture": lambda: mixtures.spiral(classes=3).to(torch.float64),
}


@pytest.mark.parametrize("name", SOURCES)
def test_same_rng_same_model(name):
    a, b, c = (training.fit(SOURCES[name](), steps=8, batch=32, width=16, rng=seeded(seed)) for seed in (0, 0, 1))
    assert twins(a, b) and not twins(a, c)
    assert not a.training and not any(p.requires_grad for p in a.parameters())


def test_a_short_fit_learns_the_points():
    """Field error <= .1 in 300 steps; the untrained model's is far above."""
    points = data.spiral()
    D = training.fit(points, steps=300, rng=seeded())
    FE = float(metrics.field_error(D, points, rng=seeded(1)).mean())
    start = float(metrics.field_error(training.model(points), points, rng=seeded(1)).mean())
    assert FE <= 0.1 < 0.25 < start


def test_labels_are_learned():
    """300 steps on three classes: each conditional field is nearer its own truth than the others' or the whole."""
    spiral, n = mixtures.spiral(classes=3), 1000
    D, truth = training.fit(spiral, steps=300, batch=256, rng=seeded()), exact.posterior_mean(spiral)
    x0, _ = spiral.sample(n, seeded(1))
    x = x0 + 0.5 * torch.randn(n, 2, generator=seeded(2))
    asked = [None, 0, 1, 2]
    error = torch.tensor([[float(((D(x, 0.5, a) - truth(x, 0.5, b)) ** 2).mean()) for b in asked] for a in asked])
    assert torch.equal(error.argmin(1), torch.arange(4))


# ---- the loss ------------------------------------------------------------------------------------


def test_loss_of_the_exact_model_is_the_irreducible_one():
    """With weight 1/sigma^2 it is half of |eps_hat - eps|^2 summed over two dims: .881 / 2 (A29b)."""

    class Exact(torch.nn.Module):
        def forward(self, x, sigma, label=None):
            return exact.posterior_mean(mixtures.spiral())(x, sigma, label)

    n = 20_000
    x0, sigma = mixtures.spiral().sample(n, seeded())[0], 0.01 * 1000 ** torch.rand(n, generator=seeded(1))
    assert float(training.loss(Exact(), x0, sigma, rng=seeded(2))) == pytest.approx(0.4405, abs=0.012)


def test_loss_of_preconditioned_is_that_of_its_raw_network():
    """Karras et al. 2022, eq. 8: |F - (x0 - c_skip x) / c_out|^2."""
    net, s, n = networks.MLP(rng=seeded()), 0.47, 50
    torch.nn.init.normal_(net.last.weight, generator=seeded(1))
    D = precondition.Preconditioned(net, s)
    x0, sigma = torch.randn(n, 2, generator=seeded(2)), 0.05 * 100 ** torch.rand(n, generator=seeded(3))
    x = x0 + sigma[:, None] * torch.randn(n, 2, generator=seeded(4))
    norm = (sigma**2 + s**2).sqrt()[:, None]
    target = (x0 - (s / norm) ** 2 * x) / (sigma[:, None] * s / norm)
    raw = ((net(x / norm, sigma) - target) ** 2).mean()
    close(training.loss(D, x0, sigma, rng=seeded(4)), raw, rtol=1e-4, atol=1e-5)


def test_loss_of_from_noise_is_l_simple():
    """Ho et al. 2020, eq. 14: |eps - eps_hat(sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps, t)|^2."""
    net = networks.NoiseMLP(rng=seeded())
    D, x0, sigma = precondition.from_noise(net), torch.randn(9, 2, generator=seeded(2)), torch.logspace(-1, 1, 9)
    eps = torch.randn(9, 2, generator=seeded(4))
    alpha_bar = (1 / (1 + sigma**2))[:, None]
    x_t = alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * eps
    simple = ((eps - net(x_t, frames.ddpm_step(sigma, D.grid).float())) ** 2).mean()
    close(training.loss(D, x0, sigma, rng=seeded(4)), simple, rtol=1e-4, atol=1e-5)


def test_loss_of_from_velocity_is_flow_matchings():
    """Lipman et al. 2022: |v(x_t, t) - (eps - x0)|^2 at x_t = (1 - t) x0 + t eps."""
    net = networks.MLP(rng=seeded())
    torch.nn.init.normal_(net.last.weight, generator=seeded(1))
    D, x0, sigma = precondition.from_velocity(net), torch.randn(9, 2, generator=seeded(2)), torch.logspace(-1, 1, 9)
    eps, t = torch.randn(9, 2, generator=seeded(4)), (sigma / (1 + sigma))[:, None]
    truth = ((net((1 - t) * x0 + t * eps, t[:, 0]) - (eps - x0)) ** 2).mean()
    close(training.loss(D, x0, sigma, rng=seeded(4)), truth, rtol=1e-4, atol=1e-5)


# ---- the loop ------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 1.0])
def test_label_dropout_share(share):
    label = torch.randint(3, (20_000,), generator=seeded())
    dropped = training.drop(label, share, seeded(1))
    kept = dropped >= 0
    assert torch.equal(dropped[kept], label[kept]) and (dropped[~kept] == -1).all()
    within((~kept).double().mean(), share, math.sqrt(share * (1 - share) / 20_000) + 1e-9)
    assert training.drop(None, share, seeded()) is None


def test_train_drops_labels(monkeypatch):
    heard = []
    monkeypatch.setattr(training, "loss", lambda D, x0, sigma, label, rng: heard.append(label) or _weights_loss(D))

    def _weights_loss(D):
        return sum((p**2).sum() for p in D.parameters())

    points = data.spiral(90, classes=3)
    list(training.train(training.model(points, width=8), points, steps=20, batch=500, label_dropout=0.3, rng=seeded()))
    labels = torch.cat(heard)
    within((labels < 0).double().mean(), 0.3, math.sqrt(0.21 / 10_000))
    assert set(labels.tolist()) == {-1, 0, 1, 2}


def test_progress_counts_and_averages():
    D = training.model(data.spiral(20), width=8, rng=seeded())
    steps = list(training.train(D, data.spiral(20), steps=5, batch=16, rng=seeded()))
    assert [p.step for p in steps] == [1, 2, 3, 4, 5]
    assert all(math.isfinite(p.loss) for p in steps) and steps[-1].D is not D


def test_descend_is_adam_with_a_warm_up_and_a_cosine():
    """Written out: m and v are averages of g and g^2 with 0.9 and 0.99; lr rises over 50 steps and falls to 0."""
    w, steps, lr = torch.nn.Linear(1, 1, bias=False).double(), 80, 0.1
    g = torch.randn(steps, generator=seeded(), dtype=torch.float64)
    place, m, v, slopes = w.weight.item(), 0.0, 0.0, iter(g)
    for t, _ in enumerate(training.descend(w, lambda: (next(slopes) * w.weight).sum(), steps, lr), 1):
        m, v = 0.9 * m + 0.1 * float(g[t - 1]), 0.99 * v + 0.01 * float(g[t - 1]) ** 2
        rate = lr * min(1, t / 50) * 0.5 * (1 + math.cos(math.pi * (t - 1) / steps))
        place -= rate * (m / (1 - 0.9**t)) / (math.sqrt(v / (1 - 0.99**t)) + 1e-8)
        assert w.weight.item() == pytest.approx(place, abs=1e-9)


def test_train_takes_its_levels(monkeypatch):
    heard = []
    monkeypatch.setattr(training, "loss", lambda D, x0, sigma, label, rng: heard.append(sigma) or D(x0, sigma).mean())
    points = data.spiral(20)
    list(training.train(training.model(points, width=8), points, steps=3, batch=500, low=0.3, high=0.5, rng=seeded()))
    levels = torch.cat(heard)
    assert 0.3 <= levels.min() < 0.301 and 0.499 < levels.max() <= 0.5


def test_a_fitted_model_can_be_trained_further():
    points = data.spiral(20)
    D = training.fit(points, steps=3, batch=16, width=8, rng=seeded())
    before = _weights(D)
    *_, last = training.train(D.requires_grad_(), points, steps=3, batch=16, rng=seeded())
    assert not torch.equal(_weights(last.D), before)


def test_average_is_exponential():
    """After every step: average <- decay average + (1 - decay) weights, starting at the first weights."""
    D, decay = training.model(data.spiral(20), width=8, rng=seeded()), min(0.99, 1 - 10 / 40)
    average = None
    for progress in training.train(D, data.spiral(20), steps=30, batch=16, rng=seeded()):
        w = _weights(D)
        average = w.clone() if average is None else decay * average + (1 - decay) * w
        close(_weights(progress.D), average, rtol=1e-4, atol=1e-5)


def test_model_suits_its_data():
    points = data.spiral(100, classes=3)
    D = training.model(points)
    close(D.mean, points.x.mean(0), atol=1e-6)
    assert D.sigma_data == pytest.approx(float(points.x.var(0, correction=0).mean().sqrt()), rel=1e-5)
    assert D.net.classes == 3 and training.model(data.spiral()).net.classes == 0
    bare, smooth = D.net.config, training.model(mixtures.spiral()).net.config
    assert (bare["features"], bare["scale"], smooth["features"], smooth["scale"]) == (48, 6.0, 24, 2.5)
    wide = mixtures.GaussianMixture(torch.tensor([[0.0, 0.0], [1.0, 0.0]]), torch.tensor([0.1, 0.5]))
    x = wide.sample(200_000, seeded())[0]
    assert training.model(wide).sigma_data == pytest.approx(float(x.var(0).mean().sqrt()), rel=0.01)


class Interrupted(mixtures.GaussianMixture):
    """Ctrl-C in the middle of drawing the batch of a given step."""

    after = 5

    def sample(self, n, rng=None):
        self.after -= 1
        if self.after < 0:
            raise KeyboardInterrupt
        return super().sample(n, rng)


@pytest.mark.parametrize("after", [0, 5])
def test_ctrl_c_keeps_what_is_learned(after):
    m = mixtures.spiral(components=20)
    source = Interrupted(m.means, m.std)
    source.after = after
    with pytest.warns(UserWarning, match=f"stopped after {after} of 50 steps; the model learned so far is kept"):
        D = training.fit(source, steps=50, batch=16, width=8, rng=seeded())
    start = training.model(m, width=8, rng=seeded())
    assert fields.noise(D, torch.zeros(3, 2), 0.5).isfinite().all() and not D.training
    assert twins(D, start) == (after == 0)


def test_progress_bar_shows_time_left(capsys):
    training.fit(data.spiral(20), steps=3, batch=8, width=8, rng=seeded(), progress=True)
    shown = capsys.readouterr()
    assert "training" in shown.err and "3/3" in shown.err and shown.out == ""
    training.fit(data.spiral(20), steps=3, batch=8, width=8, rng=seeded())
    assert capsys.readouterr() == ("", "")


def test_fit_takes_the_public_words():
    defaults = {k: p.default for k, p in list(inspect.signature(training.fit).parameters.items())[1:]}
    numbers = dict(steps=1000, batch=512, width=64, depth=3, lr=2e-2, label_dropout=0.1)
    assert defaults == numbers | dict(rng=None, progress=False)
