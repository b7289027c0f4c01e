"""Draw every figure as PNG and SVG and write a gallery page: `python -m figures [--out FOLDER] [names ...]`."""

import argparse
import html
import importlib
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import figures
from toycore import plots, style
from toycore.checks import one_of

ROOT = Path(__file__).parent.parent


def names() -> list[str]:
    """Return the names of all figure scripts, in the order of the alphabet."""
    return sorted(m.name for m in pkgutil.iter_modules(figures.__path__) if not m.name.startswith("_"))


def script(name: str) -> ModuleType:
    """Import a figure's script."""
    return importlib.import_module(f"figures.{one_of(name, names(), 'figure')}")


def make(name: str) -> Figure:
    """Return the figure that a script draws, in the course's style."""
    module = script(name)
    with mpl.rc_context(style.rc()):
        fig = Figure(module.SIZE, dpi=plots.DPI, layout="constrained")
        FigureCanvasAgg(fig)
        module.draw(fig)
        fig.canvas.draw()
    return fig


def save(name: str, out: Path) -> str:
    """Write NAME.png and NAME.svg and return the figure's place in the gallery as HTML."""
    module, fig = script(name), make(name)
    meta = {"Title": module.CAPTION, "Description": module.ALT}
    fig.savefig(out / f"{name}.png", metadata={**meta, "Software": None})
    with mpl.rc_context(style.rc()):
        fig.savefig(out / f"{name}.svg", metadata={**meta, "Date": None})
    return (
        f'<figure id="{name}"><img src="{name}.png" alt="{html.escape(module.ALT, quote=True)}">'
        f'<figcaption>{html.escape(module.CAPTION)} <a href="{name}.svg">SVG</a></figcaption></figure>'
    )


def main(arguments: list[str]) -> None:
    """Read the command line, draw, and write the gallery."""
    parser = argparse.ArgumentParser(prog="figures", description="draw the figures of the course")
    parser.add_argument("names", nargs="*", help="default: all of them")
    parser.add_argument("--out", type=Path, default=ROOT / "dist" / "figures")
    options = parser.parse_args(arguments)
    if wrong := set(options.names) - set(names()):
        parser.error(f"there is no figure {min(wrong)}; there are {', '.join(names())}")
    options.out.mkdir(parents=True, exist_ok=True)
    items = [save(name, options.out) for name in options.names or names()]
    page = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Figures of the diffusion course</title>"
    look = "<style>body{font:17px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    look += "figure{margin:3rem 0}img{max-width:100%}</style><h1>Figures of the diffusion course</h1>"
    (options.out / "index.html").write_text(page + look + "\n".join(items), encoding="utf-8")
    print(f"{len(items)} figures; open {options.out / 'index.html'}")


if __name__ == "__main__":
    main(sys.argv[1:])
