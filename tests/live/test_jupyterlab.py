"""Live views in a JupyterLab, with a kernel: what is moved there is known here, and the other way round."""

import json
import math

import pytest

from tests.support import browser as b

ROOT = "document.querySelector('.tc-view')"
VIEWS = [
    "from toycore import data, live, training\nimport torch\npoints = data.spiral(40)",
    "view = live.field(points)\nview",
    "view.sigma",
    "learn = live.training(points, walk=())\nlearn",
    "rng = torch.Generator().manual_seed(0)\n"
    "model = training.model(points, width=8, depth=1, rng=rng)\n"
    "D = learn.follow(training.train(model, points, 40, batch=32, rng=rng))",
]
PLAY = [
    "from toycore import data, exact, live, metrics, mixtures\nfrom toycore.types import seeded\n"
    "view = live.playground()\nview",
    "mixtures.of(view.points).means.shape",
    "view.points = data.moons(40).x",
    "D = view.trained()\n"
    "float(metrics.field_error(D, view.source, rng=seeded(1)).mean()), len(view.points), view.learned['error']",
    "view.load(exact.posterior_mean(view.source), 'exact again')",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with two notebooks."""
    folder = tmp_path_factory.mktemp("lab")
    b.notebook(folder / "views.ipynb", VIEWS)
    b.notebook(folder / "play.ipynb", PLAY)
    with b.jupyterlab(folder) as address:
        yield address


def output(page, number: int) -> str:
    return page.locator(".jp-CodeCell").nth(number).locator(".jp-OutputArea-output").last.inner_text()


def test_views_live_in_jupyterlab(lab, browser):
    with b.page_of(browser, 1200, 1000) as page:
        b.open_notebook(page, lab, "views.ipynb")
        for number in (0, 1):
            b.run_cell(page, number)
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0", timeout=30_000)
        assert b.drawn(page) > 8

        b.slide(page, "sigma", math.log10(2))  # released: Python has it
        b.run_cell(page, 2)
        assert float(output(page, 2)) == pytest.approx(2, abs=0.02)

        page.evaluate("() => { document.body.dataset.jpThemeLight = 'false'; }")
        b.settle(page)
        assert page.get_attribute(".tc-view", "data-theme") == "dark"

        b.run_cell(page, 3)
        page.wait_for_function("() => document.querySelectorAll('.tc-view').length === 2", timeout=30_000)
        b.run_cell(page, 4)
        page.wait_for_function(
            "() => document.querySelectorAll('.tc-view')[1].innerText.includes('40')", timeout=30_000
        )

        b.run_cell(page, 1)  # run again: one view, alive
        page.wait_for_function("() => document.querySelectorAll('.tc-view').length === 2")
        page.locator(".tc-view").first.scroll_into_view_if_needed()
        before = b.picture(page)
        b.slide(page, "sigma", -1.5)
        assert b.picture(page) != before

        page.keyboard.press("Escape")  # restart the kernel: the picture goes on without it
        page.keyboard.press("0")
        page.keyboard.press("0")
        page.locator(".jp-Dialog button.jp-mod-accept").click()
        page.wait_for_timeout(1500)
        before = b.picture(page)
        b.slide(page, "sigma", -0.5)
        assert b.picture(page) != before
        ours = [e for e in page.errors if "tc" in e.lower() or "anywidget" in e.lower() or "Uncaught" in e]
        assert ours == [], json.dumps(page.errors)[:2000]


def test_a_playground_goes_on_in_python(lab, browser):
    """What is drawn is a tensor, what Python sets is shown, the page's network is a Denoiser."""
    with b.page_of(browser, 1300, 1000) as page:
        b.open_notebook(page, lab, "play.ipynb")
        b.run_cell(page, 0)
        page.wait_for_function(f"() => {ROOT}?.tcStats.frames > 0", timeout=60_000)
        page.click("[data-role=clear]")
        page.click("[data-role=ring]")
        b.run_cell(page, 1)
        assert output(page, 1) == "torch.Size([60, 2])"
        b.run_cell(page, 2)
        page.wait_for_function(f"() => {ROOT}.tcData().length === 40", timeout=30_000)
        page.click("[data-role=train]")
        page.wait_for_function(f"() => {ROOT}.tcTrain.step > 0 && !{ROOT}.tcTrain.running", timeout=60_000)
        b.run_cell(page, 3)
        error, n, said = eval(output(page, 3))
        assert n == 40 and error == pytest.approx(said, rel=0.15), "200 points a level: two digits"
        b.run_cell(page, 4)
        page.wait_for_function(
            "() => document.querySelector('input[data-role=beside][value=kept]').checked", timeout=30_000
        )
        assert not [e for e in page.errors if "Uncaught" in e or "anywidget" in e.lower()]
