"""What nbval does not see in a stored notebook: counts, addresses, paths, sizes, alt texts."""

import base64
import json
import re
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tools.record import normalise
from toycore.programs.notebook import code_of

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
AGAIN = "record it again: python3 course.py record"
HERE = "|".join(re.escape(str(folder)) for folder in (ROOT, Path.home()) if len(folder.parts) > 1)
HOME = re.compile(rf"/home/\w|/Users/\w|Users\\\\\w|ipykernel_\d|{HERE}")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}", re.IGNORECASE)
MARKER = re.compile(r"# *(fmt: *\w+|noqa)")
WIDEST, LARGEST = 1000, 1_000_000  # pixels (10 inches at 100 dpi), bytes
CODE_LINES, CELL_LINES = 140, 12  # one statement a line

Notebook = dict[str, Any]
Complaints = Iterator[str]


def text(lines: str | list[str]) -> str:
    return "".join(lines)


def code_cells(notebook: Notebook) -> Iterator[tuple[str, dict[str, Any], list[str]]]:
    """Yield (name, cell, tags) of the code cells; the name counts all cells from 1 and quotes the first line."""
    for i, cell in enumerate(notebook["cells"], 1):
        if cell["cell_type"] == "code":
            first = text(cell["source"]).strip().split("\n")[0][:40]
            yield f"cell {i} ({first})", cell, cell["metadata"].get("tags", [])


def code_lines(cell: dict[str, Any]) -> int:
    """Comments are not code, nor is the text below a figure."""
    lines = (line.strip() for line in text(cell["source"]).split("\n"))
    return sum(bool(line) and not line.startswith(("#", "caption=", "alt=")) for line in lines)


def png_width(data: str) -> int:
    """Read the width from a PNG's header: bytes 16 to 20, big-endian."""
    return int(struct.unpack(">I", base64.b64decode(text(data)[:64])[16:20])[0])


def kernel(notebook: Notebook) -> Complaints:
    name = notebook["metadata"].get("kernelspec", {}).get("name")
    if name != "python3":
        yield f"its kernel is {name!r}, not 'python3': {AGAIN}"


def counts(notebook: Notebook) -> Complaints:
    """nbval skips a cell without a count, so the counts must run 1..n."""
    expected = 0
    for name, cell, tags in code_cells(notebook):
        if text(cell["source"]).strip() and "skip-execution" not in tags:
            expected += 1
            if cell["execution_count"] != expected:
                yield f"{name} has the count {cell['execution_count']}, not {expected}: {AGAIN}"


def semicolons(notebook: Notebook) -> Complaints:
    for name, cell, _ in code_cells(notebook):
        if text(cell["source"]).rstrip().endswith(";"):
            yield f"{name} ends with ';', which nbval ignores: write _ = ... instead"


def errors(notebook: Notebook) -> Complaints:
    for name, cell, tags in code_cells(notebook):
        fails = any(output["output_type"] == "error" for output in cell["outputs"])
        if fails != ("raises-exception" in tags):
            yield f"{name} {'stops with an error' if fails else 'runs'}, but its tags say otherwise: {tags}"


def skips(notebook: Notebook) -> Complaints:
    for name, _, tags in code_cells(notebook):
        if ("nbval-skip" in tags) != ("skip-execution" in tags):
            yield f"{name} needs both tags, nbval-skip and skip-execution, or neither; it has {tags}"


def places(notebook: Notebook) -> Complaints:
    """Nothing that differs between two machines: home folders, addresses in memory."""
    for name, cell, _ in code_cells(notebook):
        for output in cell["outputs"]:
            shown = {**output, "data": {k: v for k, v in output.get("data", {}).items() if "image" not in k}}
            for what, pattern in ("a path", HOME), ("an address", ADDRESS):
                if found := pattern.search(json.dumps(shown)):
                    yield f"{name} shows {what}, {found.group()!r}: print less, then {AGAIN}"


def pictures(notebook: Notebook) -> Complaints:
    for name, cell, _ in code_cells(notebook):
        for output in cell["outputs"]:
            if data := output.get("data", {}).get("image/png"):
                if not output["metadata"].get("image/png", {}).get("alt", "").strip():
                    yield f"{name} shows a picture without an alt text: use plots.show(fig, caption, alt)"
                if png_width(data) > WIDEST:
                    yield f"{name} shows {png_width(data)} pixels in a row; at most {WIDEST}: use 100 dpi"


def length(notebook: Notebook) -> Complaints:
    lines = {name: code_lines(cell) for name, cell, _ in code_cells(notebook)}
    for name, n in lines.items():
        if n > CELL_LINES:
            yield f"{name} has {n} lines of code; at most {CELL_LINES}: split it, or move code into toycore"
    if sum(lines.values()) > CODE_LINES:
        yield f"it has {sum(lines.values())} lines of code; at most {CODE_LINES}: move code into toycore"


def markers(notebook: Notebook) -> Complaints:
    """Students read the cells: settings of a formatter or a linter stand in pyproject.toml."""
    for name, cell, _ in code_cells(notebook):
        if found := MARKER.search(text(cell["source"])):
            yield f"{name} holds {found.group()!r}: delete it; pyproject.toml tells the tools what to leave alone"


def recorded(notebook: Notebook) -> Complaints:
    """What is stored is what `course.py record` leaves: no times, no widget state, no Python patch version."""
    metadata, cells = notebook["metadata"], json.dumps(notebook["cells"])
    by_hand = "widgets" in metadata or "version" in metadata.get("language_info", {})
    if by_hand or json.loads(cells) != normalise({"metadata": {}, "cells": json.loads(cells)})["cells"]:
        yield f"it was saved by hand: {AGAIN}"
    if metadata.get("recorded", code_of(notebook)) != code_of(notebook):
        yield f"its code has changed since its outputs were recorded: {AGAIN}"


RULES: list[Callable[[Notebook], Complaints]] = [
    kernel,
    counts,
    semicolons,
    errors,
    skips,
    places,
    pictures,
    length,
    markers,
    recorded,
]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_notebook(path: Path, rule: Callable[[Notebook], Complaints]) -> None:
    found = list(rule(json.loads(path.read_text(encoding="utf-8"))))
    assert not found, "\n".join(f"{path.name}: {complaint}" for complaint in found)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_size(path: Path) -> None:
    size = path.stat().st_size
    assert size < LARGEST, f"{path.name} has {size:,} bytes; at most {LARGEST:,}: fewer or smaller pictures"


# ---- each rule, seen failing -------------------------------------------------------------------------------


def notebook_with(source: str = "x = 1", tags: tuple[str, ...] = (), **output: Any) -> Notebook:
    """Make a good notebook of one code cell, with one output if any is given."""
    cell = {"cell_type": "code", "source": source, "metadata": {"tags": list(tags)}, "execution_count": 1}
    cell["outputs"] = [{"output_type": "display_data", "data": {}, "metadata": {}, **output}] if output else []
    return normalise({"metadata": {}, "cells": [cell], "nbformat": 4, "nbformat_minor": 5})


def picture(width: int, alt: str) -> dict[str, Any]:
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, 10) + bytes(40)
    return {"data": {"image/png": base64.b64encode(header).decode()}, "metadata": {"image/png": {"alt": alt}}}


def changed(notebook: Notebook, **cell: Any) -> Notebook:
    notebook["cells"][0].update(cell)
    return notebook


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_a_good_notebook_passes(rule: Callable[[Notebook], Complaints]) -> None:
    assert not list(rule(notebook_with(**picture(600, "a spiral"))))
    assert not list(rule(notebook_with("1 / 0", ("raises-exception",), output_type="error")))


@pytest.mark.parametrize(
    ("rule", "notebook", "message"),
    [
        (kernel, {**notebook_with(), "metadata": {"kernelspec": {"name": "mine"}}}, "'mine'"),
        (counts, changed(notebook_with(), execution_count=None), "count None, not 1"),
        (semicolons, notebook_with("plot();"), "ends with ';'"),
        (errors, notebook_with("1 / 0", output_type="error"), "stops with an error"),
        (errors, notebook_with(tags=("raises-exception",)), "runs"),
        (skips, notebook_with(tags=("nbval-skip",)), "both tags"),
        (places, notebook_with(data={"text/plain": "/home/ada/x.png"}), "a path"),
        (places, notebook_with(data={"text/plain": "<f at 0x7f00aa11>"}), "an address"),
        (pictures, notebook_with(**picture(600, " ")), "alt text"),
        (pictures, notebook_with(**picture(1001, "a spiral")), "1001 pixels"),
        (length, notebook_with("x = 1\n" * 13), "13 lines"),
        (length, {**notebook_with(), "cells": notebook_with("x = 1\n" * 11)["cells"] * 13}, "143 lines"),
        (markers, notebook_with("x = (1,\n     2)  # fmt: skip"), "'# fmt: skip'"),
        (markers, notebook_with("f = lambda x: x  # noqa: E731"), "'# noqa'"),
        (recorded, changed(notebook_with(), metadata={"execution": {"iopub.execute_input": "now"}}), "by hand"),
        (recorded, changed(notebook_with(), source="x = 2"), "has changed since"),
    ],
)
def test_a_bad_notebook_is_reported(rule: Callable[[Notebook], Complaints], notebook: Notebook, message: str) -> None:
    assert any(message in complaint for complaint in rule(notebook))
