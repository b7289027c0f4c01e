"""Where is it taught, and how is it checked? The readers' page, made from coverage.yaml: python -m tools.coverage."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tools.record import KERNEL, LANGUAGE

HERE = Path(__file__).resolve().parent
PAGE = HERE.parent / "notebooks" / "coverage.ipynb"

HEAD = """# Where is it taught, and how is it checked?

The course grew out of five sets of lecture notes. Below stands every statement of theirs, corrected where it needed \
it, and what the course adds to them, with the notebook that treats it. Each is held by **claims**: cells of that \
notebook that measure it, on your machine, when you run them. Most are held by **tests** too, which compare the \
package with formulas, with the papers' own steps, or with other libraries. The tests' names are sentences; you find \
them in the folder `tests`.

The notebooks call them *source notes* and number them:

| note | what it is |
|---|---|
| 0 | a student's notes, *DDIM and Classifier-free Guidance*, on a video by Welch Labs |
| 1 | notes of a lecture on deep learning, *Diffusion Models*: VAE, DDPM, DDIM, SDE, score matching, guidance |
| 2 | notes on a course on flow and diffusion models, part 4, *Classifier-Free Guidance* |
| 3 | notes, *Diffusion*: CLIP, training, inference, classifier-free guidance, negative prompts |
| 4 | a chapter, *Guiding Diffusion Models: Classifier and Classifier-Free Guidance*, with pseudo-code |

[Back to the start](00_start_here.ipynb) · [Notation](notation.ipynb)"""


def table() -> dict[str, Any]:
    """Return coverage.yaml: an entry per id, and under "pending" the notebooks that are still to come."""
    return yaml.safe_load((HERE / "coverage.yaml").read_text(encoding="utf-8"))


def notebook(name: str) -> list[dict[str, Any]]:
    """Return the cells of a notebook."""
    return json.loads((PAGE.parent / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]


def row(entry: dict[str, Any]) -> str:
    """Return a statement and its checks as a line of a Markdown table."""
    tests = (test.split("::") for test in entry.get("tests", []))
    checks = [f"{name.removeprefix('test_').replace('_', ' ')} (`{file}`)" for file, name in tests]
    how = "a matter of record: see the sources" if entry.get("history") else "the notebook's claims"
    return f"| {entry['claim'].replace('|', chr(92) + '|')} | {'; '.join(checks) or how} |"


def heading(name: str) -> str:
    """Return a notebook's own heading, such as "4 DDPM, with and without noise"."""
    if not (PAGE.parent / f"{name}.ipynb").exists():
        return name.replace("_", " ")
    return "".join(notebook(name)[0]["source"]).lstrip("# ").partition("\n")[0].strip()


def sections() -> Iterator[str]:
    """Yield the page, cell by cell: a heading per notebook, and a table of what it treats."""
    yield HEAD
    known = table()
    pending = known.pop("pending")
    for name in sorted({entry["notebook"] for entry in known.values()}):
        rows = [row(entry) for entry in known.values() if entry["notebook"] == name]
        link = "This notebook is still to come." if name in pending else f"Taught in [{name}]({name}.ipynb)."
        yield "\n".join([f"## {heading(name)}", "", link, "", "| statement | tests |", "|---|---|", *rows])


def as_notebook(id: str, texts: Iterable[str]) -> str:
    """Return Markdown cells as the text of a notebook, the same for the same texts."""
    cells = [
        {"cell_type": "markdown", "id": f"{id}-{i:02}", "metadata": {}, "source": text.splitlines(keepends=True)}
        for i, text in enumerate(texts)
    ]
    book = {"cells": cells, "metadata": {"kernelspec": KERNEL, "language_info": LANGUAGE}}
    return json.dumps(book | {"nbformat": 4, "nbformat_minor": 5}, indent=1, ensure_ascii=False) + "\n"


def page() -> str:
    """Return the whole page as the text of a notebook."""
    return as_notebook("coverage", sections())


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
