"""The live views as a lecturer uses them: nothing on the stage slides away, jumps, or says what is not so."""

import math

import pytest

from tests.support import browser as b
from toycore import data, exact, live, mixtures


@pytest.fixture(scope="module")
def browser():
    with b.launched() as browser:
        yield browser


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
