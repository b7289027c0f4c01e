"""The lecturer's tools in a real browser: links to a state, comparing, the pen, pictures and films."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.support import browser as b
from tests.support.external import package
from tests.support.views import KINDS, MAKE, middle, opened
from toycore.live import engine, notes


def address(page) -> str:
    """What "Copy link" puts into the address."""
    if not page.is_visible("[data-role=link]"):
        page.keyboard.press("m")
    page.click("[data-role=link]")
    page.wait_for_function("() => document.querySelector('.tc-note').textContent")
    return page.url


POINTS = "() => JSON.stringify(document.querySelector('.tc-view').tcPoints())"


@pytest.mark.parametrize("kind", KINDS)
def test_a_link_opens_the_same_picture(browser, pages, kind):
    """Other values, other noise, a click on the picture: a page opened by the link shows it."""
    with b.page_of(browser) as page:
        opened(page, pages[kind])
        before = b.picture(page)
        for key in ("n", "ArrowLeft", "ArrowRight", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        page.mouse.click(*middle(page))
        b.settle(page)
        link = address(page)
        b.settle(page)
        shown, points = b.picture(page), page.evaluate(POINTS)
        assert not b.alike(shown, before) and link.startswith(pages[kind].as_uri() + "#") and page.errors == []
    with b.page_of(browser) as page:
        page.goto(link)
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0")
        page.keyboard.press("m")  # the drawer was open
        b.settle(page, 3)
        assert page.evaluate(POINTS) == points and b.alike(b.picture(page), shown)
        assert page.inner_text(".tc-note") == ""


def test_a_broken_link_is_refused_in_words(browser, pages):
    with b.page_of(browser) as page:
        page.goto(pages["field"].as_uri() + "#sigma=400&frame=VP&moon=1&seed&hide=density,moon,help")
        page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0")
        said = page.inner_text(".tc-note")
        for part in ("sigma = 400 is not between 0.01 and 10", "no moon here", "“seed” is not name=value", "to hide"):
            assert part in said
        assert page.is_checked("input[data-role=frame][value=VP]") and "σ = 0.1" not in said
        page.keyboard.press("m")
        assert page.is_visible("[data-role=points]") and not page.is_visible("[data-role=density]")
        page.keyboard.press("?")
        assert not page.is_visible(".tc-help") and page.errors == []


def test_views_of_one_page_have_their_own_keys(browser, tmp_path):
    path = tmp_path / "two.html"
    path.write_text(engine.page("Two", [MAKE["field"]().plain(), MAKE["walk"]().plain()]), encoding="utf-8")
    with b.page_of(browser) as page:
        page.goto(path.as_uri() + "#v1.sigma=2&v2.step=7")
        page.wait_for_function("() => document.querySelectorAll('.tc-view').length === 2")
        shown = page.evaluate("() => [...document.querySelectorAll('.tc-value')].map((n) => n.textContent)")
        assert shown[0] == "2.00" and "7" in shown
        page.evaluate("() => { location.hash = '#v1.sigma=0.5'; }")
        page.wait_for_function("() => document.querySelector('.tc-value').textContent === '0.500'")


def test_in_a_notebook_the_link_leads_to_the_saved_page(tmp_path):
    view = MAKE["field"]()
    assert view.saved == ""
    path = view.save(tmp_path / "a page.html")
    assert view.saved == path.resolve().as_uri() and "saved" not in json.loads(json.dumps(view.plain()))


def test_a_is_shown_while_held_and_the_pen_leaves_the_view_alone(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["field"])
        page.keyboard.press("c")
        assert "press A first" in page.inner_text(".tc-note")
        page.keyboard.press("a")
        first = b.picture(page)
        for _ in range(4):
            page.keyboard.press("ArrowRight")
        b.settle(page)
        other = b.picture(page)
        page.keyboard.down("c")
        b.settle(page)
        assert b.alike(b.picture(page), first) and not b.alike(first, other) and page.inner_text(".tc-badge") == "A"
        page.keyboard.up("c")
        b.settle(page)
        assert b.alike(b.picture(page), other) and page.locator(".tc-badge").count() == 0
        page.keyboard.press("p")
        x, y = middle(page)
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 90, y + 60, steps=4)
        page.mouse.up()
        b.settle(page)
        assert b.drawn(page, ".tc-sheet") > 3 and b.alike(b.picture(page), other)
        page.wait_for_function(EMPTY, timeout=8000)
        page.keyboard.press("p")
        assert page.locator(".tc-sheet").count() == 0 and page.errors == []


EMPTY = """() => { const c = document.querySelector(".tc-sheet");
  return !c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((v) => v); }"""


def test_theme_and_type_by_keys(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["walk"])
        size = "() => parseFloat(getComputedStyle(document.querySelector('.tc-view')).fontSize)"
        small = page.evaluate(size)
        page.keyboard.press("t")
        page.keyboard.press("+")
        b.settle(page)
        assert page.get_attribute(".tc-view", "data-theme") == "dark" and page.evaluate(size) > 1.1 * small
        assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        page.keyboard.press("-")
        page.keyboard.press("t")
        b.settle(page)
        assert page.get_attribute(".tc-view", "data-theme") == "light" and page.evaluate(size) == pytest.approx(small)


def test_a_picture_and_a_film_are_saved(browser, pages):
    """A PNG with the picture at the screen's resolution under its title, and a film that a player opens."""
    with b.page_of(browser, device_scale_factor=2, offline=True) as page:
        opened(page, pages["field"])
        page.keyboard.press("m")
        with page.expect_download() as got:
            page.click("[data-role=picture]")
        png = Image.open(io.BytesIO(got.value.path().read_bytes()))
        width, height = page.eval_on_selector(".tc-canvas", "(c) => [c.width, c.height]")
        assert png.size[0] == width == 2 * page.locator(".tc-canvas").bounding_box()["width"]
        top = np.asarray(png.convert("L"))[: png.size[1] - height]
        assert top[:, : width // 2].min() < 100 and top[:, width // 2 :].min() < 100  # title, and sigma
        page.check("[data-role=speed][value='4']")
        with page.expect_download() as got:
            page.click("[data-role=clip]")
        film = got.value.path().read_bytes()
        assert film[:4] == b"\x1a\x45\xdf\xa3" and len(film) > 10_000 and got.value.suggested_filename.endswith(".webm")
        assert page.errors == []


def test_without_a_recorder_it_says_so(browser, pages):
    with b.page_of(browser) as page:
        page.add_init_script("delete window.MediaRecorder")
        opened(page, pages["field"])
        page.keyboard.press("m")
        page.click("[data-role=clip]")
        assert "cannot record" in page.inner_text(".tc-note")


def test_notes_open_beside_the_page_and_say_what_comes_next(browser, pages):
    """From a disk, without a network: the guide's section, the time, the next part of the plan; no answers."""
    with b.page_of(browser, offline=True) as page:
        opened(page, pages["guidance"])
        with page.expect_popup() as got:
            page.keyboard.press("Shift+N")
        beside, entry = got.value, notes.guide()["10_classifier_guidance"]
        assert entry["aim"] in beside.inner_text("main") and entry["ask"][0] in beside.inner_text("main")
        second = entry["plan"][1][1].replace("`", "").replace("*", "")
        assert second in beside.inner_text(".next") and entry["plan"][0][1] in beside.inner_text("tr.now")
        beside.select_option("select", "1")
        assert notes.guide()["11_classifier_free_guidance"]["title"] in beside.inner_text("h1")
        beside.wait_for_function("() => /^0:(0[1-9]|[1-5][0-9])$/.test(document.querySelector('.time').textContent)")
        again = "document.querySelectorAll('button')[1].click(), document.querySelector('.time').textContent"
        assert beside.evaluate(again) == "0:00" and page.errors == []


def test_a_blocked_window_is_said(browser, pages):
    with b.page_of(browser) as page:
        page.add_init_script("window.open = () => null")
        opened(page, pages["field"])
        page.keyboard.press("Shift+N")
        assert "blocked" in page.inner_text(".tc-note") and page.errors == []


def test_a_symbol_of_the_text_marks_its_thing_in_the_nearest_view(browser, pages):
    """Hover, focus and tap: all but what is meant turns pale, its control is outlined; and all comes back."""
    with b.page_of(browser) as page:
        opened(page, pages["field"])
        page.evaluate(
            """() => document.body.insertAdjacentHTML("afterbegin", "<p>" + ["x0", "sigma", "x", "nonsense"]
              .map((name) => `<a href="#see:${name}">${name}</a>`).join(" and ") + "</p>")"""
        )
        b.settle(page, 3)
        before = b.picture(page)
        page.hover("a >> nth=0")
        b.settle(page)
        marked = b.picture(page)
        assert not b.alike(marked, before) and page.locator(".tc-seen").count() == 1
        page.hover("a >> nth=1")
        b.settle(page)
        assert not b.alike(b.picture(page), marked) and page.locator(".tc-seen [data-role=sigma]").count() == 1
        for idle in (2, 3):  # there are no particles yet; and a symbol that no view knows
            page.hover(f"a >> nth={idle}")
            b.settle(page)
            assert b.alike(b.picture(page), before)
        page.mouse.move(500, 500)
        page.focus("a >> nth=0")
        b.settle(page)
        assert b.alike(b.picture(page), marked) and "the data" in page.inner_text(".tc-status")
        page.evaluate("() => document.activeElement.blur()")
        page.click("a >> nth=1")
        assert "#see" not in page.url and page.locator(".tc-seen").count() == 1 and page.errors == []


def test_the_fresh_noise_of_a_step_is_marked_in_a_walk(browser, pages):
    with b.page_of(browser) as page:
        opened(page, pages["lanes"])
        b.slide(page, "step", 12)
        page.evaluate("() => document.body.insertAdjacentHTML('beforeend', '<a href=\"#see:z\">z</a>')")
        before = b.picture(page)
        page.hover("a")
        b.settle(page)
        assert not b.alike(b.picture(page), before) and "fresh noise" in page.inner_text(".tc-status")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_tools(browser, pages, scheme):
    """The drawer with all tools, a note over the picture, A kept and the pen in the hand; and the notes beside it."""
    script = package("axe-core/axe.min.js", "the tools as a screen reader meets them").read_text(encoding="utf-8")
    found = "async (part) => (await axe.run(part)).violations.map((v) => [v.id, ...v.nodes.map((n) => n.html)])"
    with b.page_of(browser, scheme=scheme, bypass_csp=True) as page:
        opened(page, pages["field"])
        for key in ("m", "a", "p"):
            page.keyboard.press(key)
        with page.expect_popup() as got:
            page.keyboard.press("Shift+N")
        for window, part in (page, ".tc-view"), (got.value, "html"):
            window.evaluate(script)
            assert window.evaluate(found, part) == []
