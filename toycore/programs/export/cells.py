"""The cells of a notebook as HTML: text, code, and the richest form of each output that a page can show."""

import base64
import html
import re
import struct
from importlib import import_module
from pathlib import Path
from typing import Any

from toycore import check
from toycore.check import Exercise, exercises_of, source

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"

Notebook = Any
COURSE = Path(__file__).parents[3]


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
    page = re.sub(r'href="([\w./-]+)\.ipynb(#[^"]*)?"', lambda m: f'href="{Path(m[1]).name}.html{m[2] or ""}"', page)
    return re.sub(r'<img src="\.\./(figures/\w+\.png)" alt="([^"]*)"[^>]*>', _drawing, page)


def _drawing(found: re.Match[str]) -> str:
    """Return a picture of `figures/`, which a page carries with it, as HTML."""
    return image(base64.b64encode((COURSE / found[1]).read_bytes()).decode(), html.unescape(found[2]))


def code(text: str) -> str:
    """Return Python as highlighted HTML."""
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer

    return f'<div class="input">{highlight(text, PythonLexer(), HtmlFormatter())}</div>'


def output(out: Notebook, book: Notebook) -> str:
    """Return one output of a cell as HTML: the richest form that a page can show."""
    if out.output_type == "stream":
        return "" if out.name == "stderr" else f"<pre>{html.escape(out.text)}</pre>"
    if out.output_type == "error":
        return f"<pre>{html.escape(out.ename)}: {html.escape(out.evalue)}</pre>"
    data = out.data
    if WIDGET in data:
        return view(data[WIDGET]["model_id"], book)
    if "image/png" in data:
        return image(data["image/png"], out.metadata.get("image/png", {}).get("alt", ""))
    if "text/markdown" in data:
        return markdown(data["text/markdown"])
    return data.get("text/html") or f"<pre>{html.escape(data.get('text/plain', ''))}</pre>"


def image(png: str, alt: str) -> str:
    """Return a picture, given in base64, as HTML; slides use the ratio of its sides."""
    width, height = struct.unpack(">II", base64.b64decode(png[:40])[16:24])
    size = f'width="{width}" height="{height}" style="--ratio: {width / height:.4g}"'
    return f'<img alt="{html.escape(alt, quote=True)}" {size} src="data:image/png;base64,{png.strip()}">'


def view(model: str, book: Notebook) -> str:
    """Return the place of a live view with its stills, for paper; "" for what needs a kernel, as progress bars do."""
    found, stills = views(model, states(book)), book.metadata.get("stills", {})
    if not found:
        return ""
    titles = {key: state.get("meta", {}).get("title", "a view") for key, state in found.items()}
    pictures = "".join(image(stills[key], f"A still of {title}") for key, title in titles.items() if key in stills)
    return f'<div class="view" data-model="{model}"><div class="still">{pictures}</div></div>'


def states(book: Notebook) -> dict[str, Any]:
    """Return the stored state of every widget of a notebook, by its id."""
    models = book.metadata.get("widgets", {}).get(STATE, {}).get("state", {})
    return {key: model["state"] for key, model in models.items()}


def views(model: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return the live views in a widget, itself or what a box holds: those that bring their own module."""
    state = known.get(model, {})
    if "_esm" in state:
        return {model: state}
    inside = [views(child.removeprefix("IPY_MODEL_"), known) for child in state.get("children", [])]
    return {key: found for part in inside for key, found in part.items()}


def body(book: Notebook) -> str:
    """Return all cells as HTML."""
    known = exercises(book)
    return "\n".join(_cell(cell, known, book) for cell in book.cells)


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
    hint = f"<details class='hint'><summary>Another hint</summary><p>{html.escape(exercise.more)}</p></details>"
    solution = f"<pre>{html.escape(source(exercise))}</pre><p>{html.escape(exercise.why)}</p>"
    return f"{hint}<details class='solution'><summary>A solution</summary>{solution}</details>"


def _cell(cell: Notebook, known: dict[str, Exercise], book: Notebook) -> str:
    if cell.cell_type != "code":
        return markdown(cell.source) if cell.cell_type == "markdown" else ""
    stub = any(out.get("text", "").startswith("not yet:") for out in cell.outputs)  # an exercise, still to be done
    out = "".join(output(out, book) for out in cell.outputs)
    out += "".join(folded(known[call]) for call in re.findall(r"\b(\w+\.\w+)\(", cell.source) if call in known)
    return f'<div class="cell{" stub" if stub else ""}">{code(cell.source)}<div class="output">{out}</div></div>'
