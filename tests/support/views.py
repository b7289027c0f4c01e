"""One live view of each kind, and a page opened on one."""

from pathlib import Path

import torch

from tests.support import browser as b
from toycore import data, live, mixtures


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
    "spacetime": lambda: live.spacetime(),
    "damage": lambda: live.damage(n=60),
    "inverse": lambda: live.inverse(),
    "playground": lambda: live.playground(data.spiral(40)),
    "latent": lambda: live.latent(),
    "sentence": lambda: live.sentence(),
    "bridge": lambda: live.bridge(n=60),
    "attention": lambda: live.attention(attending(width=8)),
    "frames": lambda: live.frames(
        torch.rand(5, 8, 8, generator=torch.Generator().manual_seed(0)), captions=list("abcde")
    ),
}
KINDS = tuple(MAKE)


def attending(width: int):
    """An untrained network that reads captions."""
    from toycore import embeddings, precondition
    from toycore.lessons.conditioning import Captioned

    rng = torch.Generator().manual_seed(0)
    net = Captioned(embeddings.TOKENS.tolist(), rng, how="attend", width=width)
    for part in net.parameters():
        part.data += 0.2 * torch.randn(part.shape, generator=rng)
    return precondition.Preconditioned(net.requires_grad_(False), sigma_data=0.47)


def small_training():
    from toycore import training

    rng = torch.Generator().manual_seed(0)
    D = training.model(data.spiral(40), width=8, depth=1, rng=rng)
    return live.training(data.spiral(40), training.train(D, data.spiral(40), 20, batch=32, rng=rng))


def opened(page, path: Path, pass_time=None) -> None:
    page.goto(path.as_uri())
    page.wait_for_selector(".tc-view")
    if pass_time:
        return pass_time(100)
    page.wait_for_function("() => document.querySelector('.tc-view').tcStats.frames > 0")
    b.settle(page, 3)


def contrast(one: str, two: str) -> float:
    """The contrast ratio of WCAG 2.2: (L1 + .05) / (L2 + .05) of relative luminances."""

    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


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


STAGE = "() => [document.fullscreenElement?.className ?? '', document.querySelector('[data-role=play]').dataset.face]"


def middle(page) -> tuple[float, float]:
    box = page.locator(".tc-canvas").bounding_box()
    return box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"]
