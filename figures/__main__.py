"""Draw every figure beside its script, with an index page: `python -m figures [--out FOLDER] [names ...]`."""

import argparse
import html
import importlib
import io
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

import figures
from toycore import plots, style
from toycore.checks import one_of

HERE = Path(__file__).parent
INDEX, SLIDE = HERE / "README.md", 144  # dots per inch
HEAD = """# Figures

Take one for a slide: each picture lies here beside the script that draws it. `python3 course.py figures` draws all of
them again; `python3 course.py figures --out slides unet` writes one as PNG and SVG to a folder of yours. Texts and
figures are under Creative Commons BY 4.0 (see the README of the course).
"""


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


def keep(name: str, out: Path = HERE) -> Path:
    """Write NAME.png, large enough for a slide and small enough for the repository: 256 colours."""
    file = io.BytesIO()
    make(name).savefig(file, dpi=SLIDE)
    picture = Image.open(file).convert("RGB").quantize(256, dither=Image.Dither.NONE)
    picture.save(out / f"{name}.png", optimize=True)
    return out / f"{name}.png"


def entry(name: str) -> str:
    """Return a figure's place on the index page, as Markdown."""
    module = script(name)
    return f"## {name.replace('_', ' ')}\n\n![{module.ALT}]({name}.png)\n\n{module.CAPTION} ([{name}.py]({name}.py))\n"


def index() -> str:
    """Return the page that lies beside the pictures, as Markdown."""
    return "\n".join([HEAD, *map(entry, names())])


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


def gallery(chosen: list[str], out: Path) -> Path:
    """Write figures as PNG and SVG, and a page of all of them, to a folder of the reader's."""
    out.mkdir(parents=True, exist_ok=True)
    items = [save(name, out) for name in chosen]
    page = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Figures of the diffusion course</title>"
    look = "<style>body{font:17px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    look += "figure{margin:3rem 0}img{max-width:100%}</style><h1>Figures of the diffusion course</h1>"
    (out / "index.html").write_text(page + look + "\n".join(items), encoding="utf-8")
    return out / "index.html"


def main(arguments: list[str]) -> None:
    """Read the command line, draw, and write the index page."""
    parser = argparse.ArgumentParser(prog="figures", description="draw the figures of the course")
    parser.add_argument("names", nargs="*", help="default: all of them")
    parser.add_argument("--out", type=Path, help="another folder: PNG, SVG and a page of the figures")
    options = parser.parse_args(arguments)
    if wrong := set(options.names) - set(names()):
        parser.error(f"there is no figure {min(wrong)}; there are {', '.join(names())}")
    chosen = options.names or names()
    if options.out:
        page = gallery(chosen, options.out)
    else:
        for name in chosen:
            keep(name)
        page = INDEX
        page.write_text(index(), encoding="utf-8")
    print(f"{len(chosen)} figures; open {page}")


if __name__ == "__main__":
    main(sys.argv[1:])
