"""The pages of the site: cells, the state of the views, the list of all pages, the index for the search."""

import base64
import hashlib
import html
import json
import re
import zlib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from string import Template
from typing import Any

from toycore import style
from toycore.live import modules, notes
from toycore.programs.export.cells import STATE, Notebook, body, slug, title

HERE = Path(__file__).parent
SHARED = 20_000  # bytes: an array as large as that is a file of its own, which pages share


def widgets(book: Notebook, assets: dict[str, str]) -> dict[str, Any]:
    """Return the stored state of the widgets; modules, styles and arrays go to `assets`, once each, by their hash."""
    models = book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    return {key: {"state": _shared(m["state"], assets), "buffers": _cut(m, assets)} for key, m in models.items()}


def _shared(state: dict[str, Any], assets: dict[str, str]) -> dict[str, Any]:
    moved = {}
    for key, ending in ("_esm", "js"), ("_css", "css"):
        if text := state.get(key):
            moved[key] = hashed(text.encode())
            assets[f"{moved[key]}.{ending}"] = as_script(text, moved[key]) if ending == "js" else text
    return {**state, **moved}


def _cut(model: dict[str, Any], assets: dict[str, str]) -> list[dict[str, Any]]:
    """Return a widget's buffers, each cut into its arrays: {path, parts: [{data in base64} or {shared: hash}]}."""
    starts = [entry["offset"] for entry in model["state"].get("meta", {}).get("index", [])]
    buffers = [(buffer["path"], base64.b64decode(buffer["data"])) for buffer in model.get("buffers", [])]
    return [{"path": path, "parts": list(_parts(data, starts or [0], assets))} for path, data in buffers]


def _parts(data: bytes, starts: list[int], assets: dict[str, str]) -> Iterator[dict[str, str]]:
    for part in (data[start:end] for start, end in pairwise([*starts, len(data)])):
        if len(part) < SHARED:
            yield {"data": base64.b64encode(part).decode()}
        else:
            key, small = hashed(part), base64.b64encode(zlib.compress(part, 9)).decode()
            assets[f"{key}.js"] = f'(window.tcBytes ??= {{}})["{key}"] = "{small}";\n'
            yield {"shared": key}


def hashed(data: bytes) -> str:
    """Return a short name for what these bytes say."""
    return hashlib.sha256(data).hexdigest()[:16]


def as_script(module: str, name: str) -> str:
    """Return an ES module without imports as a script, which a page on a disk may load.

    Its export is tcModules[name]().
    """
    text, found = re.subn(r"^export default (.*);\s*\Z", r"return \1;", module, flags=re.M)
    if not found:
        raise ValueError("the module of a view must end with one line: export default ...;")
    return f"(window.tcModules ??= {{}})[{json.dumps(name)}] = () => {{\n{text}\n}};\n"


def sections(page: str, book: Notebook) -> Iterator[dict[str, str]]:
    """Yield the sections of a page for the search: their headings, anchors and words."""
    text = "\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    for part in re.split(r"^(?=#{1,3} )", text, flags=re.M):
        heading, _, rest = part.lstrip("# ").partition("\n")
        if heading.strip():
            words = re.sub(r"[#*`>|\n]+|\]\([^)]*\)|\[", " ", rest)
            words, plain = " ".join(words.split()), heading.replace("`", "").strip()
            yield {"page": page, "heading": plain, "id": slug(heading), "text": words}


def stylesheet() -> str:
    """Return the site's style: the course's colours and those of code, light and dark, before the layout."""
    from pygments.formatters import HtmlFormatter

    def colours(theme: style.Theme) -> str:
        return "".join(f"--{k}: {v}; " for k, v in theme._asdict().items() if isinstance(v, str))

    light, dark = (HtmlFormatter(style=name) for name in ("xcode", "github-dark"))  # contrast of 4.5 : 1
    return "\n".join([
        f":root {{ color-scheme: light; {colours(style.LIGHT)}}}",
        f"@media screen {{ :root[data-theme=dark] {{ color-scheme: dark; {colours(style.DARK)}}} }}",
        light.get_style_defs(".highlight"),
        f"@media screen {{ {dark.get_style_defs('[data-theme=dark] .highlight')} }}",
        ".highlight, [data-theme=dark] .highlight { background: none; }",
        *(path.read_text(encoding="utf-8") for path in sorted((HERE / "look").glob("*.css"))),
    ])  # fmt: skip


def contents(books: dict[str, Notebook], here: str = "") -> str:
    """Return the list of pages, with the sections of the current one."""
    return "".join(_entry(page, book, page == here) for page, book in books.items())


def _entry(page: str, book: Notebook, current: bool) -> str:
    inside = [s for s in sections(page, book) if current][1:]
    below = "".join(f'<li><a href="#{s["id"]}">{html.escape(s["heading"])}</a></li>' for s in inside)
    mark = ' aria-current="page"' if current else ""
    return f'<li><a href="{page}"{mark}>{html.escape(title(book))}</a>{f"<ul>{below}</ul>" if below else ""}</li>'


def write_page(out: Path, page: str, books: dict[str, Notebook]) -> None:
    """Write one notebook as a page, with links to the one before and the one after."""
    book, names, assets = books[page], list(books), dict[str, str]()
    i = names.index(page)
    before = f'<a href="{names[i - 1]}">← {html.escape(title(books[names[i - 1]]))}</a>' if i else "<span></span>"
    after = f'<a href="{names[i + 1]}">{html.escape(title(books[names[i + 1]]))} →</a>' if i + 1 < len(names) else ""
    state = widgets(book, assets)
    fill(out, page, assets, state, title=title(book), pages=contents(books, page), body=body(book),
         around=before + after, kind="lesson")  # fmt: skip


def fill(out: Path, page: str, assets: dict[str, str], state: dict[str, Any], **parts: str) -> None:
    """Write the page template with its parts, and the scripts and styles of its views beside it."""
    for name, text in assets.items():
        (out / "assets" / name).write_text(text, encoding="utf-8")
    scripts = [f'<script src="assets/{name}"></script>' for name in assets if name.endswith("js")]
    styles = [f'<link rel="stylesheet" href="assets/{name}">' for name in assets if name.endswith("css")]
    models = json.dumps(state).replace("<", "\\u003c")  # "<!--<script>" would swallow the page
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    parts |= {"widgets": models, "notes": notes.of_notebook(Path(page).stem)}
    text = template.substitute(parts, modules="\n".join(scripts), styles="\n".join(styles))
    (out / page).write_text(text, encoding="utf-8")


def script() -> str:
    """Return the site's own script, its modules joined into one: a page on a disk cannot import."""
    return f'"use strict";\n{modules.joined(HERE / "page" / "site.js")}'
