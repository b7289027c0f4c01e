"""The bridge view: the page's closed form is the library's, and its particles follow the law that it draws."""

from functools import partial

import pytest
import torch

from tests.support import browser as b
from tests.support.page import answers
from tests.support.views import opened
from toycore import live
from toycore.lessons import bridge as lesson
from toycore.live.views import bridge

LEFT, RIGHT = ([-1.0, 0.2], [[0.1, -0.05], [-0.05, 0.4]]), ([1.0, -0.5], [[0.5, 0.2], [0.2, 0.3]])
CLOUDS = [{"mean": mean, "cov": [*cov[0], *cov[1]]} for mean, cov in (LEFT, RIGHT)]
ENTROPIES = 0.0, 0.001, 0.1, 1.0, 10.0


def exact(entropy: float) -> lesson.Bridge:
    return lesson.gaussian(*LEFT, *RIGHT, entropy)


def in_page(code: str, **given) -> torch.Tensor:
    return torch.tensor(answers("maths/bridge.js", code, clouds=CLOUDS, **given), dtype=torch.float64)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_the_closed_form_is_the_librarys(entropy):
    """Roots of 2 x 2 matrices in closed form, and torch's by eigenvectors, in float64."""
    B = exact(entropy)
    close = partial(torch.testing.assert_close, rtol=0, atol=1e-9)
    close(in_page("m.crossOf(clouds, e)", e=entropy), B.cross.flatten())
    for t in (0.0, 0.3, 1.0):
        close(in_page("m.covAt(clouds, e, t)", e=entropy, t=t), B.cov(t).flatten())
        close(in_page("m.meanAt(clouds, t)", t=t), B.mean(t))
    assert in_page("m.cost(clouds, e)", e=entropy).item() == pytest.approx(bridge.cost(B), abs=1e-9)


@pytest.mark.parametrize("entropy", ENTROPIES)
def test_pairs_and_paths_are_pythons(entropy):
    """The page keeps points in float32; without entropy the start decides the end."""
    B, n = exact(entropy), 20
    points = "m.pointsAt(m.pairs(clouds, e, 3, n), m.bridges(3, n), e, t)"
    xs = bridge.paths(B, n, seed=3)
    for k in (0, 37, 100):
        got = in_page(f"[...{points}]", e=entropy, n=n, t=k / 100).reshape(n, 2)
        torch.testing.assert_close(got, xs[k], rtol=0, atol=1e-5)
    torch.testing.assert_close(xs[0], bridge.pairs(exact(5.0), n, seed=3)[0])  # entropy leaves the starts as they are
    path = in_page("m.pathOf(m.pairs(clouds, e, 3, n), m.bridges(3, n), e, 7)", e=entropy, n=n)
    torch.testing.assert_close(path, xs[:, 7], rtol=0, atol=1e-5)


def test_the_particles_follow_the_law_that_is_drawn():
    """The covariance of 4,000 particles, within 4 standard errors of the bridge's at the start, halfway, at the end."""
    n = 4000
    for entropy in (0.1, 3.0):
        B = exact(entropy)
        xs = bridge.paths(B, n)
        for k in (0, 50, 100):
            C, s = B.cov(k / 100), B.cov(k / 100).diagonal().sqrt()
            error = ((s[:, None] * s) ** 2 + C**2).sqrt() / n**0.5
            assert ((torch.cov(xs[k].T) - C).abs() <= 4 * error).all(), (entropy, k)


def test_without_entropy_no_pair_would_gain_by_an_exchange():
    """Optimal transport: (p_i - p_j) . (q_i - q_j) >= 0 for all; with much entropy nearly half of the pairs would."""
    gains = []
    for entropy in (0.0, 10.0):
        p, q = bridge.pairs(exact(entropy), 200)
        gains.append(float((((p[:, None] - p) * (q[:, None] - q)).sum(-1) < -1e-6).double().mean()))
    assert gains[0] == 0 and 0.4 < gains[1] < 0.5


def test_what_the_pairs_measure():
    pairs = "m.measured(m.pairs(clouds, 0.5, 0, 50))"
    cost, correlation = in_page(f"[{pairs}.cost, {pairs}.correlation]")
    x0, x1 = bridge.pairs(exact(0.5), 50)
    assert cost.item() == pytest.approx(float((x1 - x0).square().sum(1).mean()), abs=1e-5)
    heights = torch.corrcoef(torch.stack([x0[:, 1], x1[:, 1]]))[0, 1]
    assert correlation.item() == pytest.approx(float(heights), abs=1e-5)


def test_what_is_no_plane_is_refused():
    with pytest.raises(ValueError, match=r"these Gaussians have 1 dimension\(s\); give means \[2\]"):
        live.bridge([0.0], [[1.0]], [1.0], [[1.0]])
    with pytest.raises(ValueError, match="a covariance is symmetric, its eigenvalues above 0"):
        live.bridge(cov0=[[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match="entropy"):
        live.bridge(entropy=100.0)
    with pytest.raises(ValueError, match="n is 1"):
        live.bridge(n=1)


def test_entropy_unties_the_ends_and_a_click_follows_a_path(browser, tmp_path):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, live.bridge(entropy=0.001, n=200).save(tmp_path / "view.html"))
        starts = page.evaluate("() => document.querySelector('.tc-view').tcPoints()")
        b.slide(page, "entropy", 1)
        assert "Entropy 10" in page.inner_text(".tc-status") and "correlation 0.05" in page.inner_text(".tc-status")
        assert page.evaluate("() => document.querySelector('.tc-view').tcPoints()") != starts
        box = page.locator(".tc-canvas").bounding_box()
        page.mouse.click(box["x"] + 0.2 * box["width"], box["y"] + 0.3 * box["height"])
        b.settle(page)
        page.click("[data-role=more]")
        b.settle(page)
        assert page.locator("input[data-role=time]").is_visible() and page.errors == []
