"""The course as a static site: every notebook as a page, its figures and its views alive, no kernel and no network.

    python -m toycore.programs.export [--out FOLDER] [notebooks ...]

Each notebook is run once, so that the state of its views can be stored in the page; what has not changed since is
not run again. Rooms: `runs` (which notebooks must run), `stills`, `cells` (outputs as HTML), `pages`, `front`, and for
the browser `page/` (ES modules) and `look/` (style sheets).
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from toycore.programs.export import front, runs
from toycore.programs.export.cells import STATE, WIDGET, Notebook, exercises, markdown, slug
from toycore.programs.export.pages import HERE, script, sections, stylesheet, write_page

__all__ = ["STATE", "WIDGET", "exercises", "for_readers", "main", "markdown", "sections", "site", "slug", "write"]

FOR_TEACHERS = "lecturer_guide", "for_classes"


def site(notebooks: list[Path], out: Path, kept: Path | None = None) -> Path:
    """Run what has changed of the notebooks and write the site into a folder, all of it or nothing; return its front
    page. Runs are kept in the folder `kept`, "runs" beside the site if none is named.
    """
    books = runs.all_of(notebooks, kept or out.parent / "runs")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="writing-", dir=out) as beside:
        write({path.with_suffix(".html").name: book for path, book in books.items()}, Path(beside))
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
    (out / "assets" / "site.js").write_text(script(), encoding="utf-8")
    (out / "assets" / "site.css").write_text(stylesheet(), encoding="utf-8")
    index = [s for page, book in books.items() for s in sections(page, book)]
    (out / "assets" / "search-index.js").write_text(f"window.tcSections = {json.dumps(index)};", encoding="utf-8")
    for page in books:
        write_page(out, page, books)
    front.write(out, books)
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
