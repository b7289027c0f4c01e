"""Runs of notebooks, as far as they are needed: for the state of the live views, which recorded outputs do not hold.

A notebook whose outputs were recorded from its present code is run down to its last view, and not at all without one. A
run is kept under a key of all that it depends on: what has not changed is not run again.
"""

import contextlib
import hashlib
import re
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import nbformat

from toycore.checkpoints import write_whole
from toycore.programs import notebook

PACKAGE = Path(__file__).parents[2]
STILLS = """import sys
if "toycore.live.engine" in sys.modules:
    from toycore.programs.export import stills
    stills.show()
"""  # run after a notebook's last cell

Runs = dict[Path, Any]


def all_of(paths: Sequence[Path], folder: Path, workers: int = 2) -> Runs:
    """Return the notebooks with their outputs, kept ones from the folder, the others run, so many at a time."""
    runs = {path: run for path in paths if (run := kept(path, folder))}
    for i, path in enumerate(runs, 1):
        print(f"[{i}/{len(paths)}] {path.name}: unchanged", flush=True)
    missing, start = [path for path in paths if path not in runs], time.monotonic()
    for path, run in fresh(missing, workers):
        keep(path, run, folder)
        runs[path] = run
        print(f"[{len(runs)}/{len(paths)}] {path.name}: done, {time.monotonic() - start:.0f} s", flush=True)
    return {path: runs[path] for path in paths}


def fresh(paths: Sequence[Path], workers: int) -> Iterator[tuple[Path, Any]]:
    """Run notebooks and yield each as it ends; an error in one, or Ctrl-C, stops the others at once."""
    pool = ThreadPoolExecutor(workers)
    jobs = {pool.submit(_run, path): path for path in paths}
    try:
        for job in as_completed(jobs):
            yield jobs[job], job.result()
    except BaseException:
        pool.shutdown(wait=False, cancel_futures=True)
        notebook.stop_all()
        raise
    finally:
        pool.shutdown()


def _run(path: Path) -> Any:
    book = nbformat.read(path, as_version=4)
    if last := needed(book):
        rest, book = book.cells[last:], stored(notebook.execute(path, after=STILLS, first=last))
        book.cells += rest
    return without_bars(book)


def needed(book: Any) -> int:
    """Return how many cells of a notebook must be run: down to its last view, all where its code is not as recorded."""
    code = any(cell.cell_type == "code" for cell in book.cells)
    if code and book.metadata.get("recorded") != notebook.code_of(book):
        return len(book.cells)
    return max((i for i, cell in enumerate(book.cells, 1) if any(map(is_view, cell.get("outputs", [])))), default=0)


def is_view(out: Any) -> bool:
    """Return whether a recorded output stands for a live view, or for a box that holds one."""
    return "<live." in text(out)


def without_bars(book: Any) -> Any:
    """Return a notebook without the progress bars among its recorded outputs."""
    for cell in book.cells:
        if outputs := cell.get("outputs"):
            cell.outputs = [out for out in outputs if not re.search(r"\d%\|", text(out))]
    return book


def text(out: Any) -> str:
    """Return an output as plain text, "" for what has none."""
    return str(out.get("data", {}).get("text/plain", ""))


def stored(run: Any) -> Any:
    """Move the stills that the last cell printed, {id of a view: PNG}, to the notebook's metadata."""
    from toycore.programs.export.stills import read

    if run.cells and run.cells[-1].source == STILLS:
        run.metadata["stills"] = read(run.cells.pop().outputs)
    return run


def kept(path: Path, folder: Path) -> Any:
    """Return the run that was kept of a notebook as it is now, or None."""
    place = folder / f"{path.stem}-{key(path)}.ipynb"
    return nbformat.read(place, as_version=4) if place.is_file() else None


def keep(path: Path, run: Any, folder: Path) -> None:
    """Keep a run in the folder in place of older ones; where that cannot be written, it is run again next time."""
    place = folder / f"{path.stem}-{key(path)}.ipynb"
    with contextlib.suppress(OSError):
        write_whole(place, lambda beside: Path(beside).write_text(nbformat.writes(run), encoding="utf-8"))
        for old in set(folder.glob(f"{path.stem}-{'?' * 16}.ipynb")) - {place}:
            old.unlink()


def key(path: Path) -> str:
    """Return a name for all that a run depends on: the notebook's cells, not their outputs, and the package."""
    book = nbformat.read(path, as_version=4)
    cells = repr([(cell.cell_type, cell.source, sorted(cell.metadata.items())) for cell in book.cells])
    return hashlib.sha256((cells + package()).encode()).hexdigest()[:16]


@cache
def package() -> str:
    """Return the hash of the package's files, programs apart, and of the versions of Python and of all libraries."""
    found = hashlib.sha256(repr(_versions()).encode())
    for path in sorted(PACKAGE.rglob("*")):
        if path.is_file() and not {"programs", "__pycache__"} & set(path.relative_to(PACKAGE).parts):
            found.update(str(path.relative_to(PACKAGE)).encode() + path.read_bytes())
    still = Path(__file__).with_name("stills.py")
    return found.hexdigest() + hashlib.sha256(still.read_bytes()).hexdigest()


def _versions() -> list[str]:
    names = {f"{found.metadata['Name']} {found.version}" for found in distributions()}
    return [sys.version, *sorted(names)]
