"""The inverse view: the page's posterior, fields and walks are the library's, and the measured line can be dragged."""

import json

import pytest
import torch

from tests.support import browser as b
from tests.support.page import answers
from tests.support.views import opened
from toycore import exact, live, metrics, mixtures, samplers, sigmas
from toycore.lessons import inverse as lesson
from toycore.live import lattice
from toycore.live.views import inverse
from toycore.types import seeded

PRIOR = mixtures.spiral(40, 0.04).to(torch.float64)
SENT = {
    "means": PRIOR.means.flatten().tolist(),
    "std": PRIOR.std.tolist(),
    "weight": PRIOR.weights.tolist(),
    "label": [0] * 40,
}
A = inverse.A.double()
CASES = [(0.2, 0.05), (-0.7, 0.3), (1.1, 0.02)]


@pytest.mark.parametrize(("y", "tau"), CASES)
def test_the_pages_posterior_is_exact(y, tau):
    """Both in float64: to 1e-9; weights that underflow are raised by the library to 1e-38."""
    post = lesson.posterior(PRIOR, A, torch.tensor([y]).double(), tau)
    code = "(() => { const p = m.condition(m.bells(prior), { y, tau }); return ['mx', 'vx', 'vy', 'log']"
    page = answers("maths/inverse.js", code + ".map((k) => Array.from(p[k])); })()", prior=SENT, y=y, tau=tau)
    mx, vx, vy, log = torch.tensor(page, dtype=torch.float64)
    assert torch.allclose(mx, post.means[:, 0], atol=1e-9) and torch.allclose(log.softmax(0), post.weights, atol=1e-9)
    assert torch.allclose(torch.stack([vx, vy], 1).diag_embed(), post.covariance, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.01, 0.2, 5.0])
@pytest.mark.parametrize(("y", "tau"), CASES)
def test_the_pages_fields_are_the_librarys(sigma, y, tau):
    """At noised points of the posterior. The page drops Gaussians of less than 10^-8 of the strongest, which a pull
    multiplies by sigma^2 / tau^2.
    """
    D, at = exact.posterior_mean(PRIOR), torch.tensor([y]).double()
    x = lesson.posterior(PRIOR, A, at, tau).sample(40, seeded(3))[0]
    x = x + sigma * torch.randn(40, 2, generator=seeded(4), dtype=torch.float64)
    fields = {
        "exact": exact.posterior_mean(lesson.posterior(PRIOR, A, at, tau)),
        "DPS": lesson.dps(D, A, at, tau),
        "PiGDM": lesson.pigdm(D, A, at, tau, 0.47),
        "replacement": D,
    }
    code = """(() => { const prior = m.bells(sent), measured = { y, tau, spread: 0.47 };
      const D = { exact: m.denoiser(m.condition(prior, measured)), replacement: m.denoiser(prior),
        DPS: m.guided(prior, measured, "DPS"), PiGDM: m.guided(prior, measured, "PiGDM") };
      return Object.fromEntries(Object.entries(D).map(([k, f]) => [k, f(sigma, x, x.map(() => 0))])); })()"""
    page = answers("maths/inverse.js", code, sent=SENT, y=y, tau=tau, sigma=sigma, x=x.flatten().tolist())
    for name, field in fields.items():
        got = torch.tensor(page[name], dtype=torch.float64).reshape(-1, 2)
        assert torch.allclose(got, field(x, sigma), rtol=1e-5, atol=1e-5), name


def test_the_pages_walks_are_the_librarys(monkeypatch):
    """With the same noise, to 1e-3: all but a few particles whose way a rounding changes, for the page keeps positions
    as float32, and DPS throws them far out first.
    """
    view, counter, n = live.inverse(PRIOR), iter(range(1, 100)), inverse.N
    grid, seen = sigmas.karras(inverse.STEPS, inverse.LOW, inverse.HIGH), {"k": 0}

    def step_noise(x, rng):
        seen["k"] = next(counter)
        return lattice.normals(view.seed, seen["k"], n).to(x)

    monkeypatch.setattr(samplers, "randn_like", step_noise)
    monkeypatch.setattr(
        lesson, "randn_like", lambda x, rng: lattice.normals(view.seed, 1000 + seen["k"], n)[:, :1].to(x)
    )
    rest = {"sigmas": grid.tolist(), "n": n, "seed": view.seed, "rule": view.meta["rule"]}
    code = "Array.from(m.walked(m.bells(sent), measured, how, rest).walk.xs.at(-1))"
    measured = {"y": view.y, "tau": view.tau, "spread": view.meta["spread"]}
    for name, walk in inverse.walks(view).items():
        counter = iter(range(1, 100))
        want = samplers.final(walk(inverse.HIGH * lattice.normals(view.seed, 0, n).double(), grid, rng=seeded()))
        got = torch.tensor(answers("maths/inverse.js", code, sent=SENT, measured=measured, how=name, rest=rest))
        off = (got.reshape(-1, 2) - want).abs().amax(1)
        assert (off < 1e-3).double().mean() >= 0.9, name


def test_what_the_page_measures_and_draws():
    post = lesson.posterior(PRIOR, A, torch.tensor([0.2]).double(), 0.1)
    mixture = "m.condition(m.bells(prior), { y: 0.2, tau: 0.1 })"
    x, z = (torch.tensor(answers("maths/inverse.js", f"Array.from(m.drawn({mixture}, 4000, {seed}))", prior=SENT))
            for seed in (1, 2))  # fmt: skip
    real = post.sample(4000, seeded(5))[0]
    assert metrics.sliced_wasserstein(x.reshape(-1, 2).double(), real, rng=seeded()) < 0.04
    a, far = x[:600], 0.3 * z[:600] + 0.2
    page = answers("maths/inverse.js", "m.sliced(a, b)", a=a.tolist(), b=far.tolist())
    want = metrics.sliced_wasserstein(a.reshape(-1, 2), far.reshape(-1, 2), directions=4000, rng=seeded())
    assert page == pytest.approx(want, rel=0.05)
    code = f"Array.from(m.densityOf({mixture}, 0.3, [0, 0], 1.5, 60))"
    p = torch.tensor(answers("maths/inverse.js", code, prior=SENT)).reshape(60, 60)
    line = (torch.arange(60) + 0.5) / 20 - 1.5
    places = torch.stack(torch.meshgrid(-line, line, indexing="ij"), -1).flip(-1).reshape(-1, 2).double()
    density = post.log_density(places, 0.3).exp().reshape(60, 60)
    assert torch.allclose(p.double(), density / density.max(), atol=2e-3)


def test_too_many_gaussians_are_refused():
    with pytest.raises(ValueError, match="at most 400"):
        live.inverse(mixtures.spiral(401))
    with pytest.raises(ValueError, match="y is 7"):
        live.inverse(y=7.0)


def test_dragging_the_line_measures_another_value(browser, tmp_path):
    """DPS covers less of the posterior than the exact field, and the numbers of both follow the hand."""
    view = live.inverse(sigma=inverse.LOW)
    with b.page_of(browser, 1280, 720) as page:
        opened(page, view.save(tmp_path / "view.html"))
        box = page.locator(".tc-canvas").bounding_box()
        said = []
        for share in (0.06, 0.13):
            page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
            page.mouse.down()
            page.mouse.up()
            b.settle(page, 3)
            said.append(page.inner_text(".tc-status"))
        assert said[0] != said[1] and page.errors == []
        for text in said:
            coverage = [float(part.split(",")[0]) for part in text.split("coverage ")[1:]]
            assert len(coverage) == 4 and coverage[1] < coverage[0] and coverage[0] > 0.85, text
    assert json.dumps(view.meta)
