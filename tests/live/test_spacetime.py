"""Flow matching in space-time: the page's closed forms are the flow's, and a click shows what it averages."""

import pytest
import torch

from tests.support import browser as b
from tests.support.page import answers
from tests.support.views import opened
from toycore import exact, flow, live, samplers, sigmas
from toycore.live.views import spacetime
from toycore.mixtures import GaussianMixture

UNEVEN = GaussianMixture(torch.tensor([[-1.0], [0.2], [1.1]]), torch.tensor([0.1, 0.3, 0.15]), [0.5, 0.2, 0.3])
LINE = {"means": UNEVEN.means[:, 0].tolist(), "std": UNEVEN.std.tolist(), "weight": UNEVEN.weights.tolist()}
EPS = torch.linspace(-2.5, 2.5, 11).double()


def in_page(code: str, **given) -> torch.Tensor:
    return torch.tensor(answers("maths/line.js", code, line=LINE, eps=EPS.tolist(), **given), dtype=torch.float64)


def test_velocity_is_pythons():
    """The closed form of the page and eps_hat - x0_hat of the exact Denoiser, both in float64."""
    D = exact.posterior_mean(UNEVEN.to(torch.float64))
    for t in (0.05, 0.5, 0.95):
        want = flow.velocity(D, EPS[:, None], t)[:, 0]
        torch.testing.assert_close(in_page("eps.map((x) => m.velocity(line, x, t))", t=t), want, rtol=1e-6, atol=1e-6)


def test_paths_are_the_flows():
    """Each path keeps its share of the points below it; Phi is good to 1e-7 in the page."""
    for t in (0.0, 0.3, 0.8):
        want = spacetime.carried(UNEVEN, EPS, t)
        torch.testing.assert_close(in_page("eps.map((e) => m.carriedTo(line, e, t))", t=t), want, rtol=0, atol=2e-5)


def test_paths_solve_the_flow_equation():
    """Heun's method from sigma = 80, t = 80/81, ends where the shares say, up to its own error with 400 steps."""
    start = 81 * spacetime.carried(UNEVEN, EPS, 80 / 81)[:, None]
    grid = sigmas.karras(400, 0.002, 80.0)
    ends = samplers.final(samplers.heun(exact.posterior_mean(UNEVEN.to(torch.float64)), start, grid))
    torch.testing.assert_close(ends[:, 0], spacetime.carried(UNEVEN, EPS, 0.0), rtol=0, atol=1e-3)


def test_polygon_is_eulers_method():
    D = exact.posterior_mean(UNEVEN.to(torch.float64))
    times = torch.linspace(1, 0, 6, dtype=torch.float64)
    first = EPS[:, None] + (UNEVEN.mean - EPS[:, None]) / 5  # at t = 1 all aim at the mean
    want = list(flow.euler(lambda x, t: flow.velocity(D, x, t), first, times[1:]))[-1][:, 0]
    got = in_page("eps.map((e) => m.polygon(line, e, 5))")
    torch.testing.assert_close(got[:, -1], want, rtol=0, atol=1e-5)
    assert in_page("eps.map((e) => m.polygon(line, e, 1)[1])").std() < 1e-6, "one step ends at the mean"


def test_the_lines_through_a_place_average_to_the_flow():
    """u(x, t) = E[eps - x0 | x_t = x] (Lipman et al. 2022, eq. 8): the page's own lines, 2,000 of them."""
    fan = "Array.from({ length: 2000 }, (_, i) => m.quantile(m.passing(line, x, t), (i + 0.5) / 2000))"
    for x, t in ((0.1, 0.4), (-0.6, 0.7)):
        x0 = in_page(fan, x=x, t=t)
        u = in_page("m.velocity(line, x, t)", x=x, t=t)
        torch.testing.assert_close(((x - x0) / t).mean(), u, rtol=0, atol=2e-3)
        assert ((x - x0) / t).std() > 0.3, "single lines differ"


def test_the_pairs_of_a_seed_are_the_same_in_still_and_page():
    x0, eps = spacetime.pairs(UNEVEN, 40, seed=3)
    assert x0.std() > 0.5 and abs(torch.corrcoef(torch.stack([x0, eps]))[0, 1]) < 0.4
    again = in_page("z.map((v) => m.quantile(line, m.normalShare(v)))", z=live.lattice.normals(3, 0, 40)[:, 1].tolist())
    torch.testing.assert_close(again, x0, rtol=0, atol=2e-5)


def test_what_is_no_line_is_refused():
    with pytest.raises(ValueError, match=r"one dimension against time, but these data have 2; give points \[n, 1\]"):
        live.spacetime(torch.zeros(5, 2))
    with pytest.raises(ValueError, match="steps"):
        live.spacetime(steps=3)


def test_a_click_moves_time_and_place(browser, tmp_path):
    """Only a step of one leads all to one point: the picture says how far Euler's steps end from the flow."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, live.spacetime().save(tmp_path / "view.html"))
        box = page.locator(".tc-canvas").bounding_box()
        page.mouse.click(box["x"] + 0.8 * box["width"] / 2, box["y"] + 0.4 * box["height"])
        b.settle(page)
        assert 0.7 < float(page.input_value("input[data-role=time]")) < 0.95
        errors = []
        for place in (1, 3, 6):  # 1, 4 and 64 steps
            page.locator(".tc-choice label").nth(place).click()
            b.settle(page)
            errors.append(
                float(page.inner_text(".tc-status").split("steps end ")[-1].split("step end ")[-1].split()[0])
            )
        assert errors[0] > 0.7 > 0.2 > errors[1] > errors[2]
