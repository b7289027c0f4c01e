"""The front page: a view that plays itself, what one can do here, a card for every notebook."""

import base64
import html
import io
import re
from functools import cache
from pathlib import Path
from typing import Any

from toycore.programs.export.cells import Notebook, markdown, title
from toycore.programs.export.pages import HERE, contents, fill, widgets

CARD = 640, 256  # pixels of a card's picture, shown at half their size


def write(out: Path, books: dict[str, Notebook]) -> None:
    """Write the front page and the pictures of its cards."""
    assets: dict[str, str] = {}
    view, hero = opening()
    state = widgets(hero, assets)
    text = (HERE / "front.html").read_text(encoding="utf-8")
    tried = write_playground(out)
    cards = "".join(card(page, book, out) for page, book in books.items() if page[0].isdigit())
    others = contents({page: book for page, book in books.items() if not page[0].isdigit()})
    first = next(iter(books), "index.html")
    body = text.format(view=view, cards=cards, others=others, first=first, tried=tried)
    fill(out, "index.html", assets, state, title="The diffusion course", pages=contents(books), body=body,
         around="", kind="front")  # fmt: skip


def write_playground(out: Path) -> str:
    """Write the playground and its room, each a page that needs nothing else; return links to its experiments."""
    from toycore import live
    from toycore.live.views.playground import experiments, room

    (out / "playground.html").write_text(live.playground().html(), encoding="utf-8")
    (out / "room.html").write_text(room(), encoding="utf-8")
    links = ((html.escape(text), html.escape(hash_, quote=True)) for text, hash_ in experiments())
    return "".join(f'<li><a href="playground.html#{hash_}">{text}</a></li>' for text, hash_ in links)


@cache
def opening() -> tuple[str, Notebook]:
    """Return the place of the view that plays itself, and a notebook that holds its state."""
    from nbformat import v4

    from toycore import live, plots
    from toycore.programs.export.cells import STATE, view

    spiral = live.field(frame="VP", sigma=0.15, arrows=False)
    names = "kind", "meta", "_esm", "_css", *spiral.meta["traits"]
    state = {name: getattr(spiral, name) for name in names}
    buffers = [{"path": ["buffer"], "data": base64.b64encode(spiral.buffer).decode()}]
    book = v4.new_notebook()
    book.metadata = {
        "widgets": {STATE: {"state": {"opening": {"state": state, "buffers": buffers}}}},
        "stills": {"opening": base64.b64encode(plots.png(spiral.still())).decode()},
    }
    return view("opening", book), book


def card(page: str, book: Notebook, out: Path) -> str:
    """Return the card of a notebook: its first picture, its title, what one can do afterwards."""
    png = next(_pictures(book), None)
    name = Path(page).stem
    if png:
        (out / "assets" / f"{name}.jpg").write_bytes(thumbnail(base64.b64decode(png)))
    picture = f'<img src="assets/{name}.jpg" alt="" loading="lazy" width="320" height="128">' if png else ""
    number, _, words = title(book).partition(" ")
    heading = f"<b>{html.escape(number)}</b> {html.escape(words)}"
    return f'<li><a href="{page}">{picture}<span>{heading}</span></a>{markdown(promise(book))}</li>'


def _pictures(book: Notebook) -> Any:
    outputs = (out.get("data", {}) for cell in book.cells for out in cell.get("outputs", []))
    return (data["image/png"] for data in outputs if "image/png" in data)


def promise(book: Notebook) -> str:
    """Return the first thing that a notebook says one can do after it, or ""."""
    found = re.search(r"^- (.+?)[;.]?$", book.cells[0].source if book.cells else "", flags=re.M)
    return found[1] if found else ""


def thumbnail(png: bytes) -> bytes:
    """Return a picture as a small JPEG on white, of a very wide one its left part."""
    from PIL import Image, ImageOps

    picture = Image.open(io.BytesIO(png)).convert("RGB")
    left = picture.crop((0, 0, min(picture.width, 4 * picture.height), picture.height))
    out = io.BytesIO()
    ImageOps.pad(left, CARD, color="white").save(out, "JPEG", quality=82)
    return out.getvalue()
