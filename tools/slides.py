"""Measure the slides of an exported site: how many, how far anything stands out, how much had to be drawn smaller.

python -m tools.slides dist/site [--size 1280 720]
"""

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.support.browser import launched, page_of

NOW = """() => {
  const slide = document.querySelector("#deck > .now"), inner = slide.querySelector(".inner");
  const box = inner.getBoundingClientRect(), beside = inner.scrollWidth - inner.clientWidth;
  const over = Math.max(-box.top, box.bottom - innerHeight, box.right - innerWidth, beside);
  return { over, zoom: Number(inner.style.zoom || 1), text: inner.textContent.trim().slice(0, 60) };
}"""


@contextmanager
def opened(browser: Any, path: Path, width: int, height: int) -> Iterator[Any]:
    """Open a page of the site as slides, at the first one."""
    with page_of(browser, width=width, height=height, offline=True) as page:
        page.goto(path.as_uri())
        page.wait_for_function("() => [...document.querySelectorAll('.view')].every((v) => v.matches('.alive'))")
        page.evaluate("scrollTo(0, 0)")
        page.evaluate("document.getElementById('slides').click()")
        yield page


def measured(page: Any) -> Iterator[dict[str, Any]]:
    """Yield for every slide by how many pixels it is too large, its zoom and its first words."""
    for _ in range(page.locator("#deck > section").count()):
        page.wait_for_timeout(300 if page.locator("#deck > .now .view").count() else 60)
        yield page.evaluate(NOW)
        turn(page)


def turn(page: Any) -> None:
    """Go to the next slide, past what this one still reveals."""
    before = page.inner_text("#place")
    page.keyboard.press("PageDown")
    if page.inner_text("#place") == before:
        page.keyboard.press("PageDown")


def main() -> None:
    """Print one line for each page and one for each slide that is too large."""
    parser = argparse.ArgumentParser(prog="tools.slides", description=__doc__.split("\n")[0])
    parser.add_argument("site", type=Path)
    parser.add_argument("--size", nargs=2, type=int, default=(1280, 720), metavar=("WIDTH", "HEIGHT"))
    options = parser.parse_args()
    with launched() as browser:
        for path in sorted(options.site.glob("*_*.html")):
            with opened(browser, path, *options.size) as page:
                slides = list(measured(page))
            over = [slide for slide in slides if slide["over"] > 1]
            least = min(slide["zoom"] for slide in slides)
            print(f"{path.stem}: {len(slides)} slides, {len(over)} too large, smallest zoom {least:.2f}", flush=True)
            for slide in over:
                print(f"    {slide['over']:.0f} px: {slide['text']}")


if __name__ == "__main__":
    main()
