"""Are the live views fit for a stage? Measures every view as a saved page, and prints a table.

    python tools/stage.py [FOLDER [VIEW ...]]

At 1280, 1920 and 3840 pixels of width (16:9), on a full screen of 1920, and on a phone: the canvas' share of the
height and of the area of the screen; the smallest type on the page, in percent of the height; whether play and the
main slider stand in the first screen. Then the contrast of the data with the darkest or lightest density, per theme.
With a FOLDER a screenshot of every page is left there, light and dark.
"""

import sys
import tempfile
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.support import browser as b
from tests.support.views import attending
from toycore import data, live, style
from toycore.live import engine
from toycore.types import seeded

SIZES = {"1280": (1280, 720), "1920": (1920, 1080), "3840": (3840, 2160), "phone": (390, 844)}
SHOTS = "1280", "1920", "phone"
VIEWS = {
    "field": lambda: live.field(),
    "linked": lambda: live.field({"spiral": data.spiral(100), "moons": data.moons(100)}),
    "forward": lambda: live.forward(),
    "walk": lambda: live.walk(steps=20),
    "lanes": lambda: live.walk(samplers=["ddpm", "no noise", "ddim"]),
    "guidance": lambda: live.guidance(label=1),
    "density": lambda: live.density(),
    "playground": lambda: live.playground(),
    "training": lambda: live.training(data.spiral(100)),
    "spacetime": lambda: live.spacetime(),
    "damage": lambda: live.damage(damage="gaussian"),
    "inverse": lambda: live.inverse(sigma=0.005),
    "latent": lambda: live.latent(),
    "frames": lambda: live.frames(torch.rand(9, 40, 60, generator=seeded()), values=[f"s = {s}" for s in range(9)]),
    "sentence": lambda: live.sentence(together=2, step=2),
    "bridge": lambda: live.bridge(),
    "attention": lambda: live.attention(attending(width=60)),
}
MEASURE = """() => {
  const root = document.querySelector(".tc-view"), canvas = root.querySelector("canvas"), { width: W, height: H } =
    { width: innerWidth, height: innerHeight }, box = canvas.getBoundingClientRect();
  const leaves = [...root.querySelectorAll("*")].filter((n) => n.offsetParent && n.getClientRects().length
    && [...n.childNodes].some((c) => c.nodeType === 3 && c.textContent.trim()) && !n.closest(".tc-status"));
  const seen = (role) => [...root.querySelectorAll(role)].some((n) => {
    const r = n.getBoundingClientRect();
    return r.width > 0 && r.top >= 0 && r.bottom <= H;
  });
  return {
    height: Math.min(box.height, H - box.top) / H,
    area: (Math.min(box.width, W) * Math.min(box.height, H - box.top)) / (W * H),
    type: Math.min(...leaves.map((n) => parseFloat(getComputedStyle(n).fontSize))) / H,
    first: seen("[data-role=play]") && seen("input[type=range]"),
  };
}"""


def rows(page) -> dict:
    """What a page shows at its present size."""
    b.settle(page, 5)
    return page.evaluate(MEASURE)


def line(name: str, size: str, row: dict) -> str:
    first = "yes" if row["first"] else "no"
    return f"{name:10s}{size:>8s}{row['height']:9.0%}{row['area']:8.0%}{row['type']:9.2%}{first:>8s}"


def measure(browser, name: str, path: Path, shots: Path | None) -> None:
    """Print a line for each size of the screen, and take the pictures."""
    for size, (width, height) in SIZES.items():
        for scheme in ("light", "dark") if shots and size in SHOTS else ("light",):
            with b.page_of(browser, width, height, scheme) as page:
                page.goto(path.as_uri())
                page.wait_for_selector(".tc-view")
                row = rows(page)
                if shots:
                    page.screenshot(path=shots / f"{name}-{size}-{scheme}.png")
            if scheme == "light":
                print(line(name, size, row), flush=True)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    """The contrast ratio (L1 + .05) / (L2 + .05) of WCAG 2."""
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def main(folder: str = "", *names: str) -> None:
    shots = Path(folder) if folder else None
    if shots:
        shots.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as pages, b.launched() as browser:
        print(f"{'view':10s}{'screen':>8s}{'height':>9s}{'area':>8s}{'type':>9s}{'first':>8s}")
        for name in names or VIEWS:
            measure(browser, name, VIEWS[name]().save(Path(pages) / f"{name}.html"), shots)
    for scheme, theme in (("light", style.LIGHT), ("dark", style.DARK)):
        worst = min(contrast(theme.data, colour) for colour in engine.palette()[scheme]["density"])
        print(f"data on the density, {scheme}: {worst:.1f} : 1")


if __name__ == "__main__":
    main(*sys.argv[1:])
