"""Every link between notebooks, pages and files leads somewhere; every word that is meant to be the same is."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from toycore.live.controls import MARKS
from toycore.programs.export import for_readers, slug

ROOT = Path(__file__).resolve().parents[2]
BOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each = pytest.mark.parametrize("book", BOOKS, ids=lambda path: path.stem)


def text(book: Path) -> str:
    """The Markdown of a notebook."""
    cells = json.loads(book.read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def prose(book: Path) -> str:
    """The Markdown without code and formulas."""
    return re.sub(r"```.*?```|`[^`]*`|\$\$.*?\$\$|\$[^$]*\$|\]\([^)]*\)", " ", text(book), flags=re.DOTALL)


def anchors(book: Path) -> set[str]:
    """The anchors that the site, and much the same JupyterLab, gives to the headings of a notebook."""
    return {slug(heading) for heading in re.findall(r"^#{1,4} (.*)$", text(book), re.MULTILINE)}


@each
def test_links_within_the_course_resolve(book: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|mailto:|#see:)([^)\s]+)\)", text(book)):
        file, _, anchor = target.partition("#")
        place = (book.parent / file) if file else book
        assert place.exists(), f"{book.name} links to {target}, which is not there"
        if anchor and place.suffix == ".ipynb":
            known = anchors(place) | {a.lower() for a in anchors(place)}
            assert slug(anchor) in known, f"{book.name} links to {target}; {place.name} has no such heading"


@each
def test_symbols_point_at_what_views_know(book: Path) -> None:
    assert set(re.findall(r"\]\(#see:([^)]*)\)", text(book))) <= set(MARKS)


@pytest.mark.parametrize("book", for_readers(ROOT / "notebooks"), ids=lambda path: path.stem)
def test_the_site_links_only_to_its_own_pages(book: Path) -> None:
    linked = set(re.findall(r"\]\(([\w.-]+)\.ipynb", text(book)))
    assert linked <= {path.stem for path in for_readers(book.parent)}


@each
def test_papers_are_linked_to_themselves(book: Path) -> None:
    """A link with an arXiv number as its text leads to that number."""
    for number, address in re.findall(r"\[(\d{4}\.\d{4,5})\]\(([^)]+)\)", text(book)):
        assert address.endswith(number), f"{book.name}: {number} leads to {address}"


@each
def test_no_word_stands_twice(book: Path) -> None:
    found = re.findall(r"(?<![\w-])([a-z]{2,}) \1(?![\w-])", prose(book))
    assert not set(found) - {"that", "had"}, f"{book.name} says {found} twice in a row"


def test_binder_installs_what_the_course_is_tested_with() -> None:
    script = ROOT / ".binder" / "postBuild"
    assert subprocess.run(["bash", "-n", script], check=False).returncode == 0
    text = script.read_text(encoding="utf-8")
    assert "requirements.txt" in text and "course.CPU_WHEELS" in text
    major, minor = re.fullmatch(r"python-(\d+)\.(\d+)\n", (ROOT / ".binder" / "runtime.txt").read_text()).groups()
    assert (3, 11) <= (int(major), int(minor)) <= (3, 14)


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (test_links_within_the_course_resolve, "See [there](nowhere.ipynb)."),
        (test_links_within_the_course_resolve, "# A heading\n\nSee [there](#another-heading)."),
        (test_symbols_point_at_what_views_know, "[$y$](#see:y)"),
        (test_papers_are_linked_to_themselves, "[2006.11239](https://arxiv.org/abs/2010.02502)"),
        (test_no_word_stands_twice, "Add the the noise."),
    ],
)
def test_a_bad_page_is_found(check, text: str, tmp_path: Path) -> None:
    book = tmp_path / "bad.ipynb"
    book.write_text(json.dumps({"cells": [{"cell_type": "markdown", "source": text}]}))
    with pytest.raises(AssertionError):
        check(book)
