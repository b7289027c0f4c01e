"""The course as a static site: every notebook as a page, its figures and its views alive, no kernel and no network.

    python -m toycore.programs.export [--out FOLDER] [notebooks ...]

Each notebook is run once, so that the state of its views can be stored in the page.
"""

import argparse
import hashlib
import html
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from string import Template
from typing import Any

from toycore import check, style
from toycore.check import Exercise, exercises_of, source

HERE = Path(__file__).parent
WIDGET = "application/vnd.jupyter.widget-view+json"
FOR_TEACHERS = "lecturer_guide", "for_classes"
STATE = "application/vnd.jupyter.widget-state+json"

Notebook = Any


def title(book: Notebook) -> str:
    """Return the notebook's first heading."""
    text = next((c.source for c in book.cells if c.cell_type == "markdown"), "Untitled")
    return text.lstrip("# ").split("\n")[0].strip()


def slug(heading: str) -> str:
    """Return a heading as the name of an anchor."""
    words = html.unescape(re.sub(r"<[^>]+>|\$", "", heading)).lower()
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def markdown(text: str) -> str:
    """Return Markdown as HTML; formulas stay in dollars, headings get anchors, links lead to pages."""
    from nbconvert.filters import markdown2html_mistune

    page = str(markdown2html_mistune(text))
    page = re.sub(r'<a class="anchor-link".*?</a>', "", page)
    page = re.sub(r"<h([1-4])[^>]*>(.*?)</h\1>", lambda m: f'<h{m[1]} id="{slug(m[2])}">{m[2]}</h{m[1]}>', page)
    return re.sub(r'href="([\w./-]+)\.ipynb(#[^"]*)?"', lambda m: f'href="{Path(m[1]).name}.html{m[2] or ""}"', page)


def code(text: str) -> str:
    """Return Python as highlighted HTML."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return f'<div class="input">{highlight(text, PythonLexer(), HtmlFormatter())}</div>'


def output(out: Notebook) -> str:
    """Return one output of a cell as HTML: the richest form that a page can show."""
    if out.output_type == "stream":
        return "" if out.name == "stderr" else f"<pre>{html.escape(out.text)}</pre>"
    if out.output_type == "error":
        return f"<pre>{html.escape(out.ename)}: {html.escape(out.evalue)}</pre>"
    data = out.data
    if WIDGET in data:
        return f'<div class="view" data-model="{data[WIDGET]["model_id"]}"></div>'
    if "image/png" in data:
        alt = html.escape(out.metadata.get("image/png", {}).get("alt", ""), quote=True)
        return f'<img alt="{alt}" src="data:image/png;base64,{data["image/png"].strip()}">'
    if "text/markdown" in data:
        return markdown(data["text/markdown"])
    return data.get("text/html") or f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def body(book: Notebook) -> str:
    """Return all cells as HTML."""
    known = exercises(book)
    return "\n".join(_cell(cell, known) for cell in book.cells)


def exercises(book: Notebook) -> dict[str, Exercise]:
    """Return the exercises of the tables that a notebook imports, by the names it calls them."""
    text = "\n".join(cell.source for cell in book.cells if cell.cell_type == "code")
    lines = re.findall(r"^from toycore\.check import (.+)$", text, flags=re.M)
    names = [part.strip().split(" as ") for line in lines for part in line.split(",")]
    tables = {name[-1]: import_module(f"toycore.check.{name[0]}") for name in names if name[0] in check.TABLES}
    return {
        f"{alias}.{key}": exercise for alias, table in tables.items() for key, exercise in exercises_of(table).items()
    }


def folded(exercise: Exercise) -> str:
    """Return the second hint and the solution of an exercise, each folded."""
    hint = f"<details><summary>Another hint</summary><p>{html.escape(exercise.more)}</p></details>"
    solution = f"<pre>{html.escape(source(exercise))}</pre><p>{html.escape(exercise.why)}</p>"
    return f"{hint}<details><summary>A solution</summary>{solution}</details>"


def _cell(cell: Notebook, known: dict[str, Exercise]) -> str:
    if cell.cell_type != "code":
        return markdown(cell.source) if cell.cell_type == "markdown" else ""
    stub = any(out.get("text", "").startswith("not yet:") for out in cell.outputs)  # an exercise, still to be done
    out = "".join(map(output, cell.outputs))
    out += "".join(folded(known[call]) for call in re.findall(r"\b(\w+\.\w+)\(", cell.source) if call in known)
    return f'<div class="cell{" stub" if stub else ""}">{code(cell.source)}<div class="output">{out}</div></div>'


def widgets(book: Notebook, modules: dict[str, str]) -> dict[str, Any]:
    """Return the stored state of the widgets; module and style texts go to `modules`, once each, by their hash."""
    models = book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    return {key: {"state": _shared(m["state"], modules), "buffers": m.get("buffers", [])} for key, m in models.items()}


def _shared(state: dict[str, Any], modules: dict[str, str]) -> dict[str, Any]:
    moved = {}
    for key in {"_esm", "_css"} & state.keys():
        moved[key] = hashlib.sha256(state[key].encode()).hexdigest()[:16]
        modules[moved[key]] = state[key]
    return {**state, **moved}


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
    """Return the site's style: the course's colours, light and dark, before the layout, and the code's colours
    after.
    """
    from pygments.formatters import HtmlFormatter

    def colours(theme: style.Theme) -> str:
        return "".join(f"--{k}: {v}; " for k, v in theme._asdict().items() if isinstance(v, str))

    light, dark = (HtmlFormatter(style=name) for name in ("friendly", "github-dark"))
    return "\n".join([
        f":root {{ color-scheme: light; {colours(style.LIGHT)}}}",
        f"@media screen {{ :root[data-theme=dark] {{ color-scheme: dark; {colours(style.DARK)}}} }}",
        light.get_style_defs(".highlight"),
        f"@media screen {{ {dark.get_style_defs('[data-theme=dark] .highlight')} }}",
        ".highlight, [data-theme=dark] .highlight { background: none; }",
        (HERE / "site.css").read_text(encoding="utf-8"),
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
    book, names, modules = books[page], list(books), dict[str, str]()
    i = names.index(page)
    before = f'<a href="{names[i - 1]}">← {html.escape(title(books[names[i - 1]]))}</a>' if i else "<span></span>"
    after = f'<a href="{names[i + 1]}">{html.escape(title(books[names[i + 1]]))} →</a>' if i + 1 < len(names) else ""
    state = json.dumps(widgets(book, modules)).replace("<", "\\u003c")  # "<!--<script>" would swallow the page
    for key, text in modules.items():
        script = f"(window.tcModules ??= {{}})[{json.dumps(key)}] = {json.dumps(text)};"
        (out / "assets" / f"{key}.js").write_text(script, encoding="utf-8")
    fill(out / page, title=title(book), pages=contents(books, page), body=body(book), around=before + after,
         widgets=state, modules="".join(f'<script src="assets/{key}.js"></script>\n' for key in modules))  # fmt: skip


def fill(path: Path, **parts: str) -> None:
    """Write the page template with its parts."""
    template = Template((HERE / "page.html").read_text(encoding="utf-8"))
    path.write_text(template.substitute(parts), encoding="utf-8")


def site(notebooks: list[Path], out: Path) -> Path:
    """Run the notebooks and write the site into the folder, all of it or nothing; return its front page."""
    from toycore.programs.notebook import execute

    out.mkdir(parents=True, exist_ok=True)
    books = {}
    with tempfile.TemporaryDirectory(prefix="writing-", dir=out) as beside:
        for path in notebooks:
            print(f"running {path.name}", flush=True)
            books[path.with_suffix(".html").name] = execute(path)
        write(books, Path(beside))
        move(Path(beside), out)
    return out / "index.html"


def move(source: Path, target: Path) -> None:
    """Move every file of a folder to its place in another one, which may hold more."""
    for path in sorted(source.rglob("*")):
        place = target / path.relative_to(source)
        if path.is_dir():
            place.mkdir(exist_ok=True)
        else:
            path.replace(place)


def write(books: dict[str, Notebook], out: Path) -> Path:
    """Write executed notebooks, each under the name of its page, as a site; return its front page."""
    (out / "assets" / "katex").mkdir(parents=True, exist_ok=True)
    for file in (HERE / "katex").iterdir():  # not copytree, whose error is a list
        shutil.copy(file, out / "assets" / "katex")
    shutil.copy(HERE / "site.js", out / "assets")
    (out / "assets" / "site.css").write_text(stylesheet(), encoding="utf-8")
    index = [s for page, book in books.items() for s in sections(page, book)]
    (out / "assets" / "search-index.js").write_text(f"window.tcSections = {json.dumps(index)};", encoding="utf-8")
    for page in books:
        write_page(out, page, books)
    front = "<h1>The diffusion course</h1><p>An exact answer beside every learned object, a measured number under every"
    front += f" claim.</p><ol class='front'>{contents(books)}</ol>"
    fill(out / "index.html", title="The diffusion course", pages=contents(books), body=front, around="", widgets="{}",
         modules="")  # fmt: skip
    return out / "index.html"


def for_readers(folder: Path) -> list[Path]:
    """Return the notebooks in reading order, then the pages; what is for teachers, answers included, is left out."""
    pages = sorted(path for path in folder.glob("*.ipynb") if path.stem not in FOR_TEACHERS)
    return sorted(pages, key=lambda path: not path.name[0].isdigit())


def main(arguments: list[str]) -> None:
    """Read the command line and write the site."""
    from nbclient.exceptions import CellExecutionError

    root = HERE.parents[2]
    parser = argparse.ArgumentParser(prog="toycore.programs.export", description="write the course as a static site")
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all but those for teachers")
    parser.add_argument("--out", type=Path, default=root / "dist" / "site")
    options = parser.parse_args(arguments)
    books = options.notebooks or for_readers(root / "notebooks")
    if missing := [path for path in books if not path.is_file()]:
        parser.error(f"there is no notebook {missing[0]}")
    if not books:
        sys.exit("there is no notebook to export: run this from a clone of the course, or name one")
    try:
        print(f"open {site(books, options.out)}")
    except CellExecutionError as error:
        sys.exit(f"a notebook stops with an error, so nothing is written.\n{error}")
    except OSError as error:
        sys.exit(f"cannot write the site into {options.out}: {error.strerror or error}; what was there is unchanged")
