"""The playground as a friend uses it: draw, guess, train, look, share; with a mouse, a finger and the keyboard."""

import html
import json
import math
import re

import pytest
import torch

from tests.support import browser as b
from tests.support.views import opened
from toycore import data, live, metrics
from toycore.programs.export import front
from toycore.types import seeded

ROOT = "document.querySelector('.tc-view')"
DONE = f"() => {ROOT}.tcTrain.step > 0 && !{ROOT}.tcTrain.running"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return live.playground(data.spiral(100)).save(tmp_path_factory.mktemp("play") / "playground.html")


def drawn(page) -> torch.Tensor:
    return torch.tensor(page.evaluate(f"() => {ROOT}.tcData()")).reshape(-1, 2)


def training(page) -> dict:
    return page.evaluate(f"() => {ROOT}.tcTrain")


def train(page) -> dict:
    page.click("[data-role=train]")
    page.wait_for_function(DONE, timeout=60_000)
    return training(page)


def at(page, x: float, y: float) -> tuple[float, float]:
    """The pixel of a place of the drawing, found by a tap that is taken back: its pane is a square on the left."""
    box = page.locator(".tc-canvas").bounding_box()
    if not hasattr(page, "pane"):
        page.pane = None
        taps = []
        for px, py in ((0.12, 0.4), (0.24, 0.6)):
            before = len(drawn(page))
            page.mouse.click(box["x"] + px * box["width"], box["y"] + py * box["height"])
            taps.append(drawn(page)[-1].tolist() if len(drawn(page)) != before else None)
            page.click("[data-role=undo]")
        (x0, y0), (x1, y1) = taps
        kx, ky = 0.12 * box["width"] / (x1 - x0), 0.2 * box["height"] / (y1 - y0)
        page.pane = 0.12 * box["width"] - kx * x0, kx, 0.4 * box["height"] - ky * y0, ky
    left, kx, top, ky = page.pane
    return box["x"] + left + kx * x, box["y"] + top + ky * y


def stroke(page, *places: tuple[float, float]) -> None:
    page.mouse.move(*at(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*at(page, *place), steps=8)
    page.mouse.up()
    b.settle(page)


def test_draw_train_and_read_off_the_error(browser, path):
    """A line by the mouse; the error that the page says is `metrics.field_error` of its network, as torch has it."""
    with b.page_of(browser, 1280, 720, offline=True) as page:
        opened(page, path)
        stroke(page, (-0.8, -0.5), (0.0, 0.6), (0.8, -0.5))
        x = drawn(page)
        assert 60 < len(x) < 110, "the stroke took the place of the spiral"
        assert (x.diff(dim=0).norm(dim=1) < 0.05).all() and (x / 0.0024 - (x / 0.0024).round()).abs().max() < 1e-3
        end = train(page)
        assert end["step"] == end["steps"] == 600 and 0 < end["error"] < 0.15 and end["loss"] > 0
        assert "field error" in page.inner_text(".tc-status")
        stroke(page, (0.0, -0.9), (0.3, -0.9))
        assert training(page)["step"] == 0, "other data: what was learned is of no use"
        assert all(url.startswith(("file:", "blob:")) for url in page.requests) and page.errors == []


def test_pause_go_on_and_other_noise(browser, path):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, path)
        page.click("[data-role=more]")
        page.check("input[data-role=network][value=full]", force=True)
        b.slide(page, "steps", 4000)
        page.click("[data-role=train]")
        page.wait_for_function(f"() => {ROOT}.tcTrain.step > 20")
        page.click("[data-role=train]")
        page.wait_for_function(f"() => !{ROOT}.tcTrain.running")
        stopped = training(page)["step"]
        assert stopped < 4000 and page.inner_text("[data-role=train]") == "Go on"
        page.click("[data-role=train]")
        page.wait_for_function(f"() => {ROOT}.tcTrain.step > {stopped}")
        page.keyboard.press("n")
        page.wait_for_function(f"() => {ROOT}.tcTrain.step < {stopped}")
        page.click("[data-role=train]")


def test_divergence_is_said(browser, path):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, path)
        page.click("[data-role=more]")
        b.slide(page, "rate", math.log10(3))
        page.click("[data-role=train]")
        page.wait_for_function(f"() => {ROOT}.tcTrain.steps > 0 && !{ROOT}.tcTrain.running", timeout=60_000)
        end = training(page)
        assert end["error"] > 0.3
        assert "Diverged" in page.inner_text(".tc-note") and "smaller rate than 2.8" in page.inner_text(".tc-note")


def test_a_link_is_the_experiment(browser, path):
    """The address holds data, seed, recipe and values, and comes back the same, digit for digit in the same browser."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, path)
        stroke(page, (-0.8, -0.5), (0.8, 0.5))
        page.click("[data-role=class1]")
        stroke(page, (-0.8, 0.5), (0.0, 0.8))
        page.keyboard.press("n")
        page.click("[data-role=more]")
        b.slide(page, "steps", 100)
        page.click("[data-role=more]")
        first, end = drawn(page), train(page)
        page.click("[data-role=more]")
        page.click("[data-role=link]")
        page.wait_for_function("() => location.hash.length > 20")
        address = page.url
    assert len(address) < 2500
    with b.page_of(browser, 900, 700) as page:
        page.goto(address + "&hide=clear,train,rate")
        page.wait_for_function(DONE, timeout=60_000)
        assert torch.equal(drawn(page), first)
        again = training(page)
        assert [again[name] for name in ("step", "loss", "error")] == [end[name] for name in ("step", "loss", "error")]
        assert not page.is_visible("[data-role=clear]") and not page.is_visible("[data-role=train]")
        assert page.errors == []


def test_the_cell_of_python_makes_the_same_experiment(browser, path):
    """The copied cell has the same points, calls toycore alone, and ends near the page's field error."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, path)
        page.click("[data-role=clear]")
        page.click("[data-role=moons]")
        end, x = train(page), drawn(page)
        page.click("[data-role=more]")
        page.click("[data-role=python]")
        cell = page.input_value(".tc-cell")
    scope: dict = {}
    exec(cell, scope)
    points, D = scope["points"], scope["D"]
    assert torch.allclose(points.x, x, atol=1e-6) and points.label.tolist() == [0] * 50 + [1] * 50
    assert points.names == ("blue", "green") and D.net.config["width"] == 32
    theirs = float(metrics.field_error(D, points, rng=seeded(1)).mean())
    assert theirs == pytest.approx(float(scope["error"])) and theirs < 2.5 * end["error"] + 0.02


def test_with_the_keyboard_alone(browser, path):
    """Tab to the picture; shift and arrows move the pen, Enter puts it down and lifts it, T trains."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, path)
        page.focus(".tc-canvas")
        page.keyboard.press("Enter")
        for _ in range(10):
            page.keyboard.press("Shift+ArrowRight")
        page.keyboard.press("Enter")
        x = drawn(page)
        assert 10 <= len(x) <= 15 and (x[:, 1] == 0).all() and float(x[:, 0].max()) == pytest.approx(0.4, abs=0.03)
        page.keyboard.press("Control+z")
        assert len(drawn(page)) == 100
        page.keyboard.press("t")
        page.wait_for_function(DONE, timeout=60_000)


def test_with_a_finger(browser, path):
    with b.page_of(browser, 390, 844, has_touch=True, is_mobile=True) as page:
        opened(page, path)
        for what in (".tc-canvas", "[data-role=train]", "[data-role=play]", ".tc-bar input[type=range]"):
            box = page.locator(what).bounding_box()
            assert box["y"] >= 0 and box["y"] + min(box["height"], 400) <= 844, what
        box = page.locator(".tc-canvas").bounding_box()
        page.touchscreen.tap(box["x"] + 100, box["y"] + 100)
        page.touchscreen.tap(box["x"] + 200, box["y"] + 200)
        assert len(drawn(page)) == 2, "taps count"
        page.tap("[data-role=spiral]")
        assert len(drawn(page)) == 102
        page.tap("[data-role=train]")
        page.wait_for_function(DONE, timeout=60_000)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= 390


def test_a_word_and_a_kept_network(browser, path):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, path)
        page.click("[data-role=letters]")
        page.keyboard.type("Hi")
        page.keyboard.press("Enter")
        assert len(drawn(page)) > 60
        train(page)
        page.click("[data-role=more]")
        page.click("[data-role=keep]")
        assert page.is_checked("input[data-role=beside][value=kept]")
        b.slide(page, "width", 8)
        train(page)
        assert page.is_checked("input[data-role=beside][value=kept]"), "the kept one stays beside the next"
        assert "nearer to a drawn than to a held-out point" in page.inner_text(".tc-readouts")


def test_copies_are_counted(browser, tmp_path):
    """On points the exact field can only copy: the page's network, trained long on few, copies more than chance."""
    view = live.playground(data.spiral(12), steps=2000)
    with b.page_of(browser, 1280, 720) as page:
        opened(page, view.save(tmp_path / "few.html"))
        train(page)
        page.click("[data-role=more]")
        text = page.inner_text(".tc-readouts").split("held-out point")[1]
        share = float(text.split("%")[0])
        assert share > 80 and "by chance 50 %" in text


def test_it_trains_where_nothing_is_allowed(browser, path, tmp_path):
    """No worker, no WebAssembly: in slices on the page, in plain JavaScript, and the page says so."""
    strict = path.read_text().replace(" 'wasm-unsafe-eval'", "").replace("worker-src blob:", "worker-src 'none'")
    (tmp_path / "strict.html").write_text(strict)
    with b.page_of(browser, 1280, 720) as page:
        opened(page, tmp_path / "strict.html")
        page.click("[data-role=more]")
        b.slide(page, "steps", 50)
        end = train(page)
        assert end["step"] == 50
        assert "on the page itself" in page.inner_text(".tc-note") and "plain JavaScript" in page.inner_text(".tc-note")


def test_nothing_drawn_is_an_invitation(browser, path):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, path)
        page.click("[data-role=clear]")
        assert len(drawn(page)) == 0
        page.click("[data-role=train]")
        b.settle(page)
        assert "at least two points" in page.inner_text(".tc-note") and page.errors == []
        assert json.loads(json.dumps(training(page)))["step"] == 0


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The two pages as the site has them."""
    folder = tmp_path_factory.mktemp("site")
    tried = front.write_playground(folder)
    return folder, re.findall(r'href="playground.html(#[^"]*)"', html.unescape(tried))


def test_five_experiments_are_links(browser, site):
    """Each opens, trains by itself, and shows what its name says."""
    folder, links = site
    errors, said = [], []
    for hash_ in links:
        with b.page_of(browser, 1280, 720) as page:
            page.goto((folder / "playground.html").as_uri() + hash_)
            page.wait_for_function(DONE, timeout=120_000)
            b.settle(page, 3)
            errors.append(training(page)["error"])
            said.append("".join(page.text_content(part) for part in (".tc-status", ".tc-readouts", ".tc-note")))
            assert page.errors == [] and "Not understood" not in said[-1]
    memorise, generalise, small, fast, classes = errors
    share = [int(re.search(r"held-out point(\d+) %", page_said)[1]) for page_said in (said[0], said[1])]
    assert share[0] > 85 and share[1] < 70, share
    assert generalise < 0.06 and small > 2 * generalise and fast > 0.3 and classes < 0.1 and memorise < 0.5
    assert "Diverged" in said[3]


def test_a_room_shows_many_links(browser, site):
    """Links pasted in are drawn and trained one by one; what a link may not ask for is not done."""
    folder, links = site
    wild = "javascript:alert(1)#width=1000000&steps=60&seed=3&trained=on"
    with b.page_of(browser, 1280, 720, offline=True) as page:
        page.goto((folder / "room.html").as_uri())
        page.fill("#tc-room-links", "\n".join(["https://example.org/playground.html" + links[3], "no link", wild]))
        page.click("[data-role=train]")
        done = "() => document.querySelector('.tc-room [role=status]').textContent === '2 experiments.'"
        page.wait_for_function(done, timeout=120_000)
        assert page.locator(".tc-card").count() == 2
        captions = page.locator(".tc-card figcaption").all_inner_texts()
        assert "600 steps: field error" in captions[0] and "128" in captions[1]
        assert all(a.get_attribute("href").startswith("playground.html#") for a in page.locator(".tc-card a").all())
        assert page.errors == [] and all(url.startswith(("file:", "blob:")) for url in page.requests)
