"""The live views in a real browser, as saved pages without a kernel."""

import math

import pytest
import torch

from tests.support import browser as b
from tests.support.external import package
from tests.support.views import KINDS, LAYOUT, NAMELESS, STAGE, middle, opened
from toycore import data, exact, mixtures, samplers, sigmas, style
from toycore.live import lattice


@pytest.fixture(scope="module")
def page(browser, pages, request):
    """A view without a network, for the tests that take it in this order."""
    with b.page_of(browser, 1024, 768, offline=True, bypass_csp=True) as page:
        opened(page, pages[request.param])
        yield page


@pytest.mark.parametrize("page", KINDS, indirect=True)
def test_axe_finds_nothing(page):
    script = package("axe-core/axe.min.js", "the views as a screen reader meets them").read_text(encoding="utf-8")
    page.evaluate(script)
    found = page.evaluate(
        """async () => (await axe.run(".tc-view")).violations
          .map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 150))])"""
    )
    assert found == []


@pytest.mark.parametrize(("page", "kind"), [(kind, kind) for kind in KINDS], indirect=["page"])
def test_page(page, pages, kind):
    """Offline it draws, asks for nothing, moves with its main slider, names everything, and fits two screens."""
    assert b.drawn(page) > 20 and page.get_attribute(".tc-canvas", "tabindex") == "0"
    assert page.evaluate("() => document.querySelector('.tc-view').tcStats.drawMs") > 0
    assert page.evaluate(LAYOUT) == []
    assert len(page.get_attribute(".tc-canvas", "aria-label")) > len(page.inner_text(".tc-title")) + 10
    before = b.picture(page)
    page.focus(".tc-canvas")
    page.keyboard.press("ArrowLeft" if kind == "training" else "ArrowRight")
    b.settle(page)
    assert b.picture(page) != before
    assert page.evaluate(NAMELESS) == []
    page.set_viewport_size({"width": 380, "height": 740})
    b.settle(page, 4)
    assert page.evaluate(LAYOUT) == []
    asked = [url for url in page.requests if not url.startswith("blob:")]  # where the page keeps its own worker
    assert asked == [pages[kind].as_uri()] and page.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_theme_follows_the_host(browser, pages, scheme):
    """The system's wish counts, and JupyterLab's setting on the body counts more, at once."""
    themes = {"light": style.LIGHT, "dark": style.DARK}
    other = "dark" if scheme == "light" else "light"

    def corner(page):
        return page.eval_on_selector(
            ".tc-canvas", "(c) => [...c.getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"
        )

    def rgb(colour):
        return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]

    with b.page_of(browser, scheme=scheme) as page:
        opened(page, pages["field"])
        assert corner(page) == rgb(themes[scheme].background)
        page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(other == "light").lower())
        b.settle(page)
        assert corner(page) == rgb(themes[other].background)
        assert page.get_attribute(".tc-view", "data-theme") == other


def ends(page) -> torch.Tensor:
    return torch.tensor(page.evaluate("() => document.querySelector('.tc-view').tcPoints()")).reshape(-1, 2)


def test_play_ends_where_torch_ends(browser, pages):
    with b.page_of(browser) as page:
        page.clock.install()  # the page's own time: seven seconds of play need not last seven seconds
        opened(page, pages["walk"], page.clock.run_for)
        page.focus(".tc-canvas")
        page.keyboard.press(" ")
        page.clock.run_for(100)
        assert page.get_attribute("[data-role=play]", "data-face") == "pause"
        for _ in range(90):
            page.clock.fast_forward(100)  # one frame
        assert page.get_attribute("[data-role=play]", "data-face") == "play"
        got = ends(page)
    D = exact.posterior_mean(mixtures.spiral())
    want = samplers.final(samplers.ddim(D, 10 * lattice.normals(0, 0, 1000), sigmas.log_linear(20)))
    gap = (got - want).norm(dim=1)
    assert float(gap.median()) <= 0.005 and float(gap.quantile(0.99)) <= 0.03


def test_field_view_samples_by_play(browser, pages):
    with b.page_of(browser, reduced_motion="reduce") as page:  # play jumps to its end
        opened(page, pages["field"])
        page.click("[data-role=play]")
        b.settle(page)
        got = ends(page)
        assert "coverage" in page.inner_text(".tc-readouts")
    gap = torch.cdist(got, data.spiral(40).x).min(1).values
    assert float(gap.median()) < 0.02


def test_no_noise_collapses_and_ddim_does_not(browser, pages):
    """The lesson of notebook 04, read off the screen's own numbers."""
    with b.page_of(browser) as page:
        opened(page, pages["lanes"])
        b.slide(page, "step", 20)
        status = page.inner_text(".tc-status")
    spread = [
        float(part.split("spread ")[1].split()[0])
        for part in status.split("noise level")[0].split(". ")
        if "spread " in part
    ]
    assert spread[1] < 0.1 < 0.85 < min(spread[0], spread[2])


def test_keys(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["field"])
        role = ".tc-view input[data-role={}]"
        page.focus(".tc-canvas")
        page.keyboard.press("?")
        assert page.is_visible(".tc-help") and "presets" in page.inner_text(".tc-help")
        page.keyboard.press("?")
        assert not page.is_visible(".tc-help")
        page.keyboard.press("1")
        page.wait_for_function(
            "() => Math.abs(document.querySelector('input[data-role=sigma]').value - Math.log10(0.05)) < 0.006"
        )
        page.keyboard.press("2")
        page.wait_for_function(
            "() => Math.abs(document.querySelector('input[data-role=sigma]').value - Math.log10(2)) < 0.006"
        )
        assert page.is_checked(role.format("frame") + "[value=VP]")
        page.keyboard.press("r")
        b.settle(page)
        assert page.is_checked(role.format("frame") + "[value=VE]")
        assert float(page.input_value(role.format("sigma"))) == pytest.approx(math.log10(0.1), abs=0.006)
        before = b.picture(page)
        page.keyboard.press("Shift+ArrowUp")
        b.settle(page)
        assert b.picture(page) != before and "at the point" in page.inner_text(".tc-readouts")


def test_keys_do_not_reach_the_notebook(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["field"])
        page.evaluate(
            "() => { window.heard = []; document.addEventListener('keydown', (e) => window.heard.push(e.key)); }"
        )
        page.focus(".tc-canvas")
        for key in "abxdd":
            page.keyboard.press(key)
        page.keyboard.press("Tab")
        assert page.evaluate("() => window.heard") == ["Tab"]


def test_new_noise_is_visible_and_repeatable(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["walk"])
        b.slide(page, "step", 20)
        first = ends(page)
        page.focus(".tc-canvas")
        page.keyboard.press("n")
        b.settle(page)
        assert not torch.equal(first, ends(page)) and "seed\n1" in page.inner_text(".tc-readouts")
        b.slide(page, "noise", 0.5)
        assert not torch.equal(first, ends(page))


def test_pauses_off_screen_and_comes_back(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["forward"])
        page.evaluate(
            "() => { document.body.append(Object.assign(document.createElement('div'), { style: 'height: 9000px' })); }"
        )
        frames = "() => document.querySelector('.tc-view').tcStats.frames"
        page.click("[data-role=play]")
        b.settle(page, 3)
        page.evaluate("() => scrollTo(0, 8000)")
        b.settle(page, 5)
        hidden = page.evaluate(frames)
        b.settle(page, 20)
        assert page.evaluate(frames) == hidden
        page.evaluate("() => scrollTo(0, 0)")
        b.settle(page, 6)
        assert page.evaluate(frames) > hidden and b.drawn(page) > 8


@pytest.mark.parametrize("kind", KINDS)
def test_keys_on_stage(browser, pages, kind):
    """Every key that "?" lists does its work in every view, from the first moment on, and R brings back the start."""
    with b.page_of(browser, 1280, 800) as page:
        opened(page, pages[kind])
        if kind == "training":  # it is opened at its last snapshot; its start is the first
            page.keyboard.press("r")
            b.settle(page)
        start, seed = b.picture(page), page.evaluate(SEED)
        main = "() => [...document.querySelectorAll('input[type=range]')].map((n) => n.value).join()"
        before = page.evaluate(main)
        page.keyboard.press("ArrowRight")  # nothing was clicked yet
        b.settle(page)
        assert page.evaluate(main) != before
        page.keyboard.press(" ")
        b.settle(page, 6)
        assert page.evaluate(STAGE)[1] == "pause"
        if kind not in ("frames", "damage", "latent", "attention"):  # there is no noise to renew
            page.keyboard.press("n")
            b.settle(page)
            assert page.evaluate(SEED) == max(seed, 0) + 1  # the field's is shown once there are particles
        page.mouse.click(*middle(page))  # a point to look at, a particle to follow
        page.keyboard.press("?")
        assert page.is_visible(".tc-help") and "full screen" in page.inner_text(".tc-help")
        page.keyboard.press("Escape")
        assert not page.is_visible(".tc-help")
        page.keyboard.press("r")
        b.settle(page, 3)
        assert page.evaluate(STAGE)[1] == "play" and page.evaluate(SEED) == seed
        assert b.alike(b.picture(page), start)


SEED = "() => Number(/seed\\s*(\\d+)/.exec(document.querySelector('.tc-readouts').innerText)?.[1] ?? -1)"


@pytest.mark.parametrize("kind", KINDS)
def test_full_screen_fits(browser, pages, kind):
    """On a projector and at 200 % zoom nothing is scrolled, the picture has most of the screen; F leads back."""
    with b.page_of(browser, 1920, 1080, reduced_motion="reduce") as page:  # play jumps to its end
        opened(page, pages[kind])
        page.click("[data-role=fullscreen]")
        page.wait_for_function("() => document.fullscreenElement")
        b.settle(page, 4)
        projector = fit(page)
        page.set_viewport_size({"width": 960, "height": 540})
        b.settle(page, 4)
        assert projector == fit(page) == []
        page.keyboard.press("r")
        b.settle(page, 3)
        before = b.picture(page)
        page.keyboard.press(" ")  # after a click on a button space plays; it does not press the button again
        b.settle(page, 4)
        assert "tc-full" in page.evaluate(STAGE)[0] and b.picture(page) != before and fit(page) == []
        page.keyboard.press("f")
        page.wait_for_function("() => !document.fullscreenElement")
        b.settle(page, 3)
        assert "tc-full" not in page.get_attribute(".tc-view", "class") and page.errors == []


def fit(page) -> list[str]:
    """What is wrong with a full screen."""
    hidden, share = page.evaluate(
        """() => { const r = document.querySelector(".tc-view"), canvas = r.querySelector("canvas");
          return [r.scrollHeight - r.clientHeight, canvas.offsetHeight / innerHeight]; }"""
    )
    return [
        *page.evaluate(LAYOUT),
        *([f"{hidden} pixels are below the screen"] if hidden > 1 else []),
        *([f"the picture has {share:.2f} of the screen"] if share < 0.8 else []),
    ]


def test_resizing_leaves_no_blank_frame(browser, pages):
    """A new size wipes a canvas: the view draws again before the page shows it."""
    with b.page_of(browser) as page:
        opened(page, pages["walk"])
        page.keyboard.press(" ")
        found = page.evaluate(
            """async () => {
              const root = document.querySelector(".tc-view"), canvas = root.querySelector("canvas"), found = [];
              const ink = () => canvas.getContext("2d").getImageData(2, 2, 1, 1).data[3];
              let done;
              const watch = new ResizeObserver(() => { found.push(ink()); done?.(); });
              watch.observe(root); // after the view's own observer, before the page is painted
              for (const width of [900, 700, 800]) {
                const heard = new Promise((resolve) => { done = resolve; });
                root.style.width = `${width}px`;
                await heard;
                await new Promise(requestAnimationFrame);
              }
              return found;
            }"""
        )
        assert len(found) >= 3 and set(found) == {255}


def test_full_screen_shrinks_nothing(browser, pages):
    with b.page_of(browser, 1600, 900) as page:
        opened(page, pages["field"])
        size = "() => parseFloat(getComputedStyle(document.querySelector('.tc-view')).fontSize)"
        small = page.evaluate(size)
        page.click("[data-role=fullscreen]")
        page.wait_for_function("() => document.fullscreenElement")
        b.settle(page, 4)
        box = page.locator(".tc-canvas").bounding_box()
        assert page.evaluate(size) >= small and box["height"] > 0.8 * 900 and box["y"] + box["height"] <= 900
