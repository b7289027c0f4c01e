"""The live views in a real browser: saved pages without a kernel, and a JupyterLab with one."""

import base64
import io
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.support import browser as b
from tests.support.external import package
from toycore import data, exact, live, mixtures, samplers, sigmas, style
from toycore.live import lattice

KINDS = "field", "linked", "forward", "walk", "lanes", "guidance", "density", "training", "frames"


@pytest.fixture(scope="module")
def browser():
    with b.launched() as browser:
        yield browser


def points():
    return data.spiral(40, classes=3)


MAKE = {
    "field": lambda: live.field(points(), presets=[dict(sigma=0.05), dict(frame="VP", sigma=2.0)]),
    "linked": lambda: live.field({"a": data.spiral(40), "b": data.moons(40)}),
    "forward": lambda: live.forward(points()),
    "walk": lambda: live.walk(mixtures.spiral(), steps=20, sampler="ddim"),
    "lanes": lambda: live.walk(data.spiral(40), samplers=["ddpm", "no noise", "ddim"], steps=20),
    "guidance": lambda: live.guidance(data=points()),
    "density": lambda: live.density(points()),
    "training": lambda: small_training(),
    "frames": lambda: live.frames(
        torch.rand(5, 8, 8, generator=torch.Generator().manual_seed(0)), captions=list("abcde")
    ),
}


def small_training():
    from toycore import training

    rng = torch.Generator().manual_seed(0)
    D = training.model(data.spiral(40), width=8, depth=1, rng=rng)
    return live.training(data.spiral(40), training.train(D, data.spiral(40), 20, batch=32, rng=rng))


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    return {kind: make().save(folder / f"{kind}.html") for kind, make in MAKE.items()}


def opened(page, path: Path, pass_time=None) -> None:
    page.goto(path.as_uri())
    page.wait_for_selector(".tc-view")
    if pass_time:
        return pass_time(100)
    page.wait_for_function("() => document.querySelector('.tc-view').tcStats.frames > 0")
    b.settle(page, 3)


LAYOUT = """() => {
              const root = document.querySelector(".tc-view"), width = document.documentElement.clientWidth;
              const all = root.querySelectorAll(".tc-panel > :not([hidden]), .tc-stage, .tc-bar");
              const parts = [...all].filter((n) => n.offsetHeight), apart = (p, q) => p.left >= q.right - 1
                || q.left >= p.right - 1 || p.top >= q.bottom - 1 || q.top >= p.bottom - 1;
              const boxes = parts.map((n) => [n.className, n.getBoundingClientRect()]), found = [];
              for (const [name, r] of boxes) if (r.right > width + 1 || r.left < -1) found.push(`${name} leaves`);
              boxes.forEach(([a, p], i) => boxes.slice(i + 1).forEach(([c, q]) => {
                if (!apart(p, q)) found.push(`${a} over ${c}`);
              }));
              for (const n of root.querySelectorAll("button, label, .tc-value, dd, dt")) {
                const cut = n.offsetParent && n.clientWidth && n.scrollWidth > n.clientWidth + 2;
                if (cut) found.push(`${n.className || n.tagName} cut: ${n.textContent}`);
              }
              return found;
            }"""

NAMELESS = """() => [...document.querySelectorAll(".tc-view input, .tc-view button, .tc-view canvas, .tc-view [role]")]
              .filter((n) => !["status", "note"].includes(n.getAttribute("role")))
              .filter((n) => !(n.getAttribute("aria-label") || n.labels?.[0]?.textContent.trim()))
              .map((n) => n.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("kind", KINDS)
def test_page(browser, pages, kind):
    """Offline it draws, asks for nothing, moves with its main slider, names everything, and fits two screens."""
    with b.page_of(browser, 1024, 768, offline=True) as page:
        opened(page, pages[kind])
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
        assert page.requests == [pages[kind].as_uri()] and page.errors == []


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


STAGE = "() => [document.fullscreenElement?.className ?? '', document.querySelector('[data-role=play]').dataset.face]"


@pytest.mark.parametrize("kind", KINDS)
def test_keys_on_stage(browser, pages, kind):
    """Every key that "?" lists does its work in every view, from the first moment on, and R brings back the start."""
    with b.page_of(browser, 1280, 800) as page:
        opened(page, pages[kind])
        if kind == "training":  # it is opened at its last snapshot; its start is the first
            page.keyboard.press("r")
            b.settle(page)
        start, seed = pixels(page), page.evaluate(SEED)
        main = "() => [...document.querySelectorAll('input[type=range]')].map((n) => n.value).join()"
        before = page.evaluate(main)
        page.keyboard.press("ArrowRight")  # nothing was clicked yet
        b.settle(page)
        assert page.evaluate(main) != before
        page.keyboard.press(" ")
        b.settle(page, 6)
        assert page.evaluate(STAGE)[1] == "pause"
        if kind != "frames":
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
        assert np.mean(np.abs(pixels(page) - start) > 40) < 1e-4  # Chromium smooths edges now so, now so


SEED = "() => Number(/seed\\s*(\\d+)/.exec(document.querySelector('.tc-readouts').innerText)?.[1] ?? -1)"


def pixels(page) -> np.ndarray:
    """The canvas as integers `[h, w, 3]`."""
    raw = base64.b64decode(b.picture(page).split(",")[1])
    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGB")).astype(int)


def middle(page) -> tuple[float, float]:
    box = page.locator(".tc-canvas").bounding_box()
    return box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"]


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
        assert page.evaluate(size) >= small and box["height"] > 760 and box["y"] + box["height"] <= 900


# ---- for everybody


def contrast(one: str, two: str) -> float:
    """The contrast ratio of WCAG 2.2: (L1 + .05) / (L2 + .05) of relative luminances."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK])
def test_text_and_marks_stand_out(theme):
    assert contrast(theme.ink, theme.background) >= 7
    for mark in (theme.data, theme.sample, theme.exact, theme.accent, theme.predicted, theme.random):
        assert contrast(mark, theme.background) >= 3


def test_every_control_is_reached_by_tab(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["walk"])
        page.focus(".tc-canvas")
        seen = set()
        for _ in range(40):
            page.keyboard.press("Tab")
            seen.add(page.evaluate("() => document.activeElement.dataset?.role ?? ''"))
        wanted = page.evaluate(
            """() => [...document.querySelectorAll(".tc-view [data-role]")].filter((n) => n.offsetParent)
              .map((n) => n.dataset.role)"""
        )
        assert set(wanted) <= seen


@pytest.mark.parametrize("kind", ["field", "guidance"])
def test_a_finger_can_use_it(browser, pages, kind):
    """On a phone every control is at least 24 pixels wide and high (WCAG 2.2, 2.5.8), and a tap is a click."""
    with b.page_of(browser, 390, 800, has_touch=True, is_mobile=True) as page:
        opened(page, pages[kind])
        small = page.evaluate(
            """() => [...document.querySelectorAll(
                ".tc-view button, .tc-view label[for]:not(.tc-label), .tc-view input[type=range]")]
              .filter((n) => n.offsetParent && Math.min(n.offsetWidth, n.offsetHeight) < 24).map((n) => n.outerHTML)"""
        )
        assert small == [] and page.evaluate(LAYOUT) == []
        before = b.picture(page)
        page.touchscreen.tap(*middle(page))
        b.settle(page)
        assert b.picture(page) != before
        page.tap("[data-role=play]")
        b.settle(page, 3)
        assert page.evaluate(STAGE)[1] == "pause"


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(browser, pages, kind):
    script = package("axe-core/axe.min.js", "the views as a screen reader meets them").read_text(encoding="utf-8")
    with b.page_of(browser, bypass_csp=True) as page:
        opened(page, pages[kind])
        page.evaluate(script)
        found = page.evaluate(
            """async () => (await axe.run(".tc-view")).violations
              .map((v) => [v.id, v.nodes.map((n) => n.html.slice(0, 150))])"""
        )
        assert found == []


# ---- JupyterLab

CELLS = [
    "from toycore import data, live, training\nimport torch\npoints = data.spiral(40)",
    "view = live.field(points)\nview",
    "view.sigma",
    "learn = live.training(points, walk=())\nlearn",
    "rng = torch.Generator().manual_seed(0)\n"
    "model = training.model(points, width=8, depth=1, rng=rng)\n"
    "D = learn.follow(training.train(model, points, 40, batch=32, rng=rng))",
]


def test_views_live_in_jupyterlab(browser, tmp_path):
    b.notebook(tmp_path / "views.ipynb", CELLS)
    with b.jupyterlab(tmp_path) as address, b.page_of(browser, 1200, 1000) as page:
        b.open_notebook(page, address, "views.ipynb")
        for number in (0, 1):
            b.run_cell(page, number)
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0", timeout=30_000)
        assert b.drawn(page) > 8

        b.slide(page, "sigma", math.log10(2))  # released: Python has it
        b.run_cell(page, 2)
        shown = page.locator(".jp-CodeCell").nth(2).locator(".jp-OutputArea-output").inner_text()
        assert float(shown) == pytest.approx(2, abs=0.02)

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
