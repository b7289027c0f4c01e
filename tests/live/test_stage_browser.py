"""The live views as a lecturer uses them: nothing on the stage slides away, jumps, or says what is not so."""

import math

import numpy as np
import pytest

from tests.support import browser as b
from tests.support.views import attending
from toycore import data, exact, live, mixtures, style, training
from toycore.live import engine


def opened(page, tmp_path, view) -> None:
    page.goto(view.save(tmp_path / "view.html").as_uri())
    page.wait_for_function("() => document.querySelector('.tc-view')?.tcStats.frames > 0")
    b.settle(page, 3)


def shown(page, role: str) -> str:
    """The number beside a slider."""
    return page.eval_on_selector(
        f".tc-view input[type=range][data-role={role}]",
        "(n) => document.querySelector(`output[for='${n.id}']`).textContent",
    )


def test_the_walk_stays_at_its_end_while_its_steps_change(browser, tmp_path):
    """The lecture of notebook 05: play four steps, then pull "number of steps" up and see where more steps lead."""
    with b.page_of(browser, reduced_motion="reduce") as page:  # play jumps to its end
        opened(page, tmp_path, live.walk(mixtures.spiral(), sampler="ddpm", steps=4))
        page.click("[data-role=play]")
        b.settle(page)
        for steps in (50, 10, 30):
            b.slide(page, "steps", steps)
            assert shown(page, "step") == str(steps)
            assert f"Step {steps} of {steps}" in page.inner_text(".tc-status")
        b.slide(page, "step", 20)
        b.slide(page, "steps", 40)
        assert shown(page, "step") == "20", "in the middle of a walk it stays at its step"
        b.slide(page, "steps", 10)
        assert shown(page, "step") == "10", "no step lies beyond the last"


def test_a_slider_that_is_held_does_not_slide_away(browser, tmp_path):
    with b.page_of(browser) as page:
        opened(page, tmp_path, live.field(data.spiral(40), frame="VP"))
        page.click("[data-role=play]")
        page.wait_for_timeout(500)
        slider = page.locator("input[data-role=sigma]")
        box, share = slider.bounding_box(), (float(slider.input_value()) + 2) / 3
        page.mouse.move(box["x"] + 10 + share * (box["width"] - 20), box["y"] + box["height"] / 2)
        page.mouse.down()
        b.settle(page, 2)
        held = slider.input_value()
        page.wait_for_timeout(400)
        assert slider.input_value() == held
        assert page.get_attribute("[data-role=play]", "data-face") == "play"
        page.mouse.up()


def test_the_legend_follows_every_change(browser, tmp_path):
    """A reset or a preset brings the scale of what it shows, as the controls do; a class its colour."""
    with b.page_of(browser, reduced_motion="reduce") as page:
        learned = exact.posterior_mean(data.moons(40))
        opened(page, tmp_path, live.field(learned, data.spiral(40), presets=[dict(show="error"), dict(show="exact")]))
        page.focus(".tc-canvas")
        for key, error in (("1", True), ("r", False), ("1", True), ("2", False)):
            page.keyboard.press(key)
            b.settle(page, 3)
            assert ("error" in page.inner_text(".tc-legend")) == error


def test_the_ends_of_an_interval_push_each_other(browser, tmp_path):
    """Guidance from 3.16 up to 0.1 would be none at all, without a word."""
    with b.page_of(browser) as page:
        opened(page, tmp_path, live.guidance(data=data.spiral(40, classes=3)))
        b.slide(page, "high", -1.0)
        b.slide(page, "low", 0.5)
        low, high = (float(page.input_value(f"input[data-role={role}]")) for role in ("low", "high"))
        assert low == pytest.approx(0.5, abs=0.01) and high == pytest.approx(low, abs=0.011)
        b.slide(page, "high", math.log10(0.1))
        assert float(page.input_value("input[data-role=low]")) == pytest.approx(-1.0, abs=0.011)


def test_play_says_what_it_would_do(browser, tmp_path):
    with b.page_of(browser) as page:
        opened(page, tmp_path, live.field(data.spiral(40)))
        for says in ("play", "pause"):
            title = page.get_attribute("[data-role=play]", "title")
            assert title.startswith(says) and page.get_attribute("[data-role=play]", "aria-label").startswith(says)
            page.click("[data-role=play]")
            b.settle(page)


# ---- on a screen of its own

SHARES = """() => {
  const box = document.querySelector(".tc-canvas").getBoundingClientRect(), root = document.querySelector(".tc-view");
  const small = [...root.querySelectorAll("*")].filter((n) => n.getClientRects().length && !n.closest(".tc-status")
    && [...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim()));
  const sizes = small.map((n) => parseFloat(getComputedStyle(n).fontSize));
  return [box.height / innerHeight, Math.min(...sizes) / innerHeight,
    Math.max(root.scrollHeight, document.documentElement.scrollHeight) - innerHeight];
}"""
VIEWS = {
    "field": lambda: live.field(data.spiral(40)),
    "linked": lambda: live.field({"a": data.spiral(40), "b": data.moons(40)}),
    "walk": lambda: live.walk(data.spiral(40), steps=20),
    "lanes": lambda: live.walk(data.spiral(40), samplers=["ddpm", "no noise", "ddim"], steps=20),
    "guidance": lambda: live.guidance(data=data.spiral(40, classes=3)),
    "forward": lambda: live.forward(data.spiral(40)),
    "spacetime": lambda: live.spacetime(),
    "damage": lambda: live.damage(n=60),
    "inverse": lambda: live.inverse(),
    "latent": lambda: live.latent(),
    "sentence": lambda: live.sentence(),
    "bridge": lambda: live.bridge(),
    "attention": lambda: live.attention(attending(width=8)),
    "density": lambda: live.density(data.spiral(40)),
}


@pytest.mark.parametrize("kind", VIEWS)
def test_a_saved_page_is_a_stage(browser, tmp_path, kind):
    """At any width of a wide screen the picture has 80 % of the height, and the smallest type 2.2 %."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, tmp_path, VIEWS[kind]())
        for width in (1280, 1920, 3840):
            page.set_viewport_size({"width": width, "height": width * 9 // 16})
            b.settle(page, 4)
            picture, type_size, over = page.evaluate(SHARES)
            assert picture >= 0.8 and type_size >= 0.022 and over <= 1, width
        assert page.locator("input[type=range]:visible").count() == 1
        assert page.inner_text(".tc-view").count("F fills the screen") == 1
        page.mouse.click(400, 300)
        b.settle(page)
        assert not page.is_visible(".tc-hint"), "it was heard"
        assert page.errors == []


@pytest.mark.parametrize("kind", ["field", "lanes"])
def test_on_a_phone_the_first_screen_is_enough(browser, tmp_path, kind):
    with b.page_of(browser, 390, 844, has_touch=True, is_mobile=True) as page:
        opened(page, tmp_path, VIEWS[kind]())
        for what in (".tc-canvas", "[data-role=play]", ".tc-bar input[type=range]"):
            box = page.locator(what).bounding_box()
            assert box["y"] >= 0 and box["y"] + box["height"] <= 844, what
        page.tap("[data-role=more]")
        b.settle(page)
        assert (
            page.is_visible("[data-role=reset]") and page.get_attribute("[data-role=more]", "aria-expanded") == "true"
        )


WHERE = """() => [...document.querySelectorAll(".tc-canvas, .tc-bar, .tc-bar *, .tc-title, .tc-legend")].map((n) => {
  const r = n.getBoundingClientRect(); // the button's word and the number change
  return [n.className || n.tagName, r.x * !n.matches("output, button *"), r.y, getComputedStyle(n).fontSize].join();
})"""


@pytest.mark.parametrize("kind", ["field", "linked"])
def test_nothing_jumps_when_a_walk_ends(browser, tmp_path, kind):
    """All stands at the end where it stood during the walk, on a full screen."""
    with b.page_of(browser, 1920, 1080) as page:
        opened(page, tmp_path, VIEWS[kind]())
        page.keyboard.press("f")
        page.wait_for_function("() => document.fullscreenElement")
        page.keyboard.press(" ")
        page.wait_for_timeout(400)
        during = page.evaluate(WHERE)
        ended = "() => document.querySelector('[data-role=play]').dataset.face === 'play'"
        page.wait_for_function(ended, timeout=20_000)
        b.settle(page, 3)
        assert page.evaluate(WHERE) == during


def test_labels_stand_on_one_line(browser, tmp_path):
    """With all controls open no word of a label is pushed below the others."""
    with b.page_of(browser, 1920, 1080) as page:
        opened(page, tmp_path, VIEWS["guidance"]())
        page.click("[data-role=more]")
        b.settle(page, 3)
        high = page.evaluate(
            """() => { const unit = parseFloat(getComputedStyle(document.querySelector(".tc-view")).fontSize);
              return [...document.querySelectorAll(".tc-label, .tc-choice label, .tc-view button:not(.tc-moments *)")]
                .filter((n) => n.offsetParent && n.scrollHeight > 2.4 * unit).map((n) => n.textContent); }"""
        )
        assert high == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_data_stand_out_from_the_density(scheme):
    """4.5 : 1 by WCAG 2.2, wherever on the density they lie."""
    from tests.support.views import contrast

    colours = engine.palette()[scheme]
    assert min(contrast(colours["data"], shade) for shade in colours["density"]) >= 4.5


@pytest.mark.parametrize("theme", [style.LIGHT, style.DARK])
def test_guidance_has_colours_of_its_own(theme):
    """No arrow of guidance has the colour of a class; the random part of a step does not look like the data."""
    assert not {theme.arrow, theme.condition, theme.accent, theme.ink} & set(theme.classes)
    assert theme.random not in (theme.data, theme.predicted, theme.sample)


def test_guidance_plays_from_the_noise(browser, tmp_path):
    """Wherever the level of the arrows stands, play begins at the highest; the bars run with the particles."""
    with b.page_of(browser) as page:
        opened(page, tmp_path, live.guidance(data=data.spiral(40, classes=3), sigma=0.05))
        page.click("[data-role=play]")
        page.wait_for_timeout(300)
        page.click("[data-role=play]")
        b.settle(page)
        assert float(page.input_value("input[data-role=sigma]")) > math.log10(0.05), (
            "play goes down: it came from above"
        )
        assert not page.is_visible(".tc-hint")


def clouds(page) -> list[np.ndarray]:
    points = np.array(page.evaluate("() => document.querySelector('.tc-view').tcPoints()")).reshape(3, -1, 2)
    return list(points)


def test_three_processes_share_their_noise_and_their_density(browser, tmp_path):
    """All start from the noise that the forward SDE made of the data; at a low level each has the data's spread."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, tmp_path, live.density(mixtures.spiral(), sigma=10.0, frame="VE"))
        forward, reverse, ode = clouds(page)
        assert np.array_equal(forward, reverse) and np.array_equal(forward, ode)
        b.slide(page, "sigma", math.log10(0.05))
        want = float((mixtures.spiral().sample(20_000)[0].var(0).mean() + 0.05**2) ** 0.5)
        spreads = [float(x.std(0).mean()) for x in clouds(page)]
        assert spreads == pytest.approx([want] * 3, rel=0.06), "1,200 coordinates: 2 % each"
        assert np.abs(clouds(page)[1] - clouds(page)[2]).max() > 0.3, "but not the same points"
        page.mouse.click(640, 300)
        b.settle(page)
        assert page.errors == []


def test_a_strip_of_moments_leads_the_slider(browser, tmp_path):
    """Five small pictures, drawn once the page has time; a click sets the slider; the strip is drawn again when another
    control changes, and only then; a phone has no room for it.
    """
    pictures = "() => [...document.querySelectorAll('.tc-moments img')].map((n) => n.src)"
    drawn = "(old) => { const now = [...document.querySelectorAll('.tc-moments img')].map((n) => n.src);"
    drawn += " return now.length === 5 && now.every((url) => url && !old.includes(url)); }"
    with b.page_of(browser, 1280, 720) as page:
        opened(page, tmp_path, live.walk(data.spiral(40), sampler="ddim", steps=20))
        page.wait_for_function(drawn, arg=[])
        first = page.evaluate(pictures)
        assert len(set(first)) == 5
        third = page.locator("[data-role=moment]").nth(2)
        assert third.get_attribute("aria-label") == "set step to 10"
        third.click()
        b.settle(page, 3)
        assert shown(page, "step") == "10"
        page.wait_for_timeout(700)
        assert page.evaluate(pictures) == first, "the main slider changes nothing in its own strip"
        page.keyboard.press("n")
        page.wait_for_function(drawn, arg=first)
        page.set_viewport_size({"width": 390, "height": 844})
        b.settle(page, 4)
        assert page.locator("[data-role=moment]:visible").count() == 0
        assert page.errors == []


def test_a_click_lands_where_it_is_seen_also_on_a_narrowed_slide(browser, tmp_path):
    """A slide shows a view smaller than it is laid out: the point looked at is the one under the pointer."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, tmp_path, live.field(data.spiral(40)))
        said = []
        for scale in (1, 0.7):
            page.evaluate("(s) => { document.querySelector('main').style.cssText = `transform: scale(${s})`; }", scale)
            box = page.locator(".tc-canvas").bounding_box()
            page.mouse.click(box["x"] + 0.55 * box["width"], box["y"] + 0.7 * box["height"])
            b.settle(page, 3)
            said.append(page.inner_text(".tc-readouts"))
        assert "at the point" in said[0] and said[0] == said[1]


def test_a_hidden_strip_stays_hidden_when_its_pictures_are_due(browser, tmp_path):
    with b.page_of(browser, 1280, 720) as page:
        opened(page, tmp_path, live.density())
        page.set_viewport_size({"width": 390, "height": 844})
        page.wait_for_timeout(700)  # the pictures come 350 ms after the last change
        assert page.locator(".tc-moments").is_hidden()


def test_the_hint_hides_no_chart(browser, tmp_path):
    """What invites the click stands on the picture; the charts under it can be read."""
    with b.page_of(browser, 1280, 720) as page:
        opened(page, tmp_path, live.density(data.spiral(40)))
        hint, canvas = page.locator(".tc-hint").bounding_box(), page.locator(".tc-canvas").bounding_box()
        assert canvas["height"] * 0.4 < hint["y"] + hint["height"] - canvas["y"] < canvas["height"] * 0.7


FILLED = """(canvas) => {
  const g = canvas.getContext("2d"), { width, height } = canvas, { data } = g.getImageData(0, 0, width, height);
  const drawn = (i) => [0, 1, 2].some((c) => Math.abs(data[4 * i + c] - data[c]) > 8), xs = [], ys = [];
  for (let i = 0; i < width * height; i++) if (drawn(i)) [xs[i % width], ys[Math.floor(i / width)]] = [1, 1];
  return [(xs.length - xs.findIndex(Boolean)) / width, (ys.length - ys.findIndex(Boolean)) / height];
}"""


def test_the_pictures_fill_their_canvas(browser, tmp_path):
    """Training used 63 % of a wide screen, with its loss below; density left a gap above the buttons of a phone."""
    with b.page_of(browser, 1280, 720) as page:
        points = data.spiral(20)
        walk = training.train(training.model(points, 8, 1), points, steps=2)
        opened(page, tmp_path, live.training(points, walk))
        assert page.eval_on_selector(".tc-canvas", FILLED)[0] > 0.9
    with b.page_of(browser, 390, 844) as page:
        opened(page, tmp_path, live.density(data.spiral(40)))
        assert page.eval_on_selector(".tc-canvas", FILLED)[1] > 0.93


def test_the_mean_slope_of_the_lines_is_the_flows_at_the_end_too(browser, tmp_path):
    """At t = 0 the lines drawn through a place were those of one moment, their slopes those of another."""
    with b.page_of(browser, 1280, 720) as page:
        page.add_init_script("""const own = CanvasRenderingContext2D.prototype, write = own.fillText;
          window.said = [];
          own.fillText = function (text, ...rest) { window.said.push(text); write.call(this, text, ...rest); };""")
        opened(page, tmp_path, live.spacetime(time=0.0))
        said = " ".join(page.evaluate("() => window.said")).replace("\u2212", "-")
        u = float(said.split(" u = ")[-1].split()[0])
        assert float(said.split("lines: ")[-1].split()[0]) == pytest.approx(u, abs=0.1)
        assert page.locator(".tc-moments").is_visible(), "five moments lead the slider here as well"
