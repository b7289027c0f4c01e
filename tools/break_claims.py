"""Break the code behind every claim of a notebook, once each way, and name the claims that stay green.

    python -m tools.break_claims notebooks/03_learning_the_field.ipynb

A claim that nothing can turn red says nothing. First the library is broken: whatever a module's functions return is
scaled, turned or emptied, training ends after one step, the noise is gone; the notebook runs again after each. A claim
that survives has its own cell broken too: one operator or one number of it at a time. An exception or a NaN proves
nothing: it counts neither for a claim nor against it.
"""

import argparse
import ast
import contextlib
import dataclasses
import importlib
import inspect
import io
import math
import pkgutil
import signal
import sys
import time
import types
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import torch

import toycore
from toycore import check, live, plots

Key = tuple[int, int]  # the cell, and which claim of it
Verdicts = dict[Key, tuple[str, bool]]
Change = Callable[[Any], Any]

NO_MATHS = "check", "checks", "live", "plots", "style", "types", "export", "programs", "checkpoints"
WAYS: dict[str, Change] = {"x 1.3": lambda x: 1.3 * x, "x -1": lambda x: -x, "x 0": lambda x: 0 * x}


def spoil(value: Any, change: Change) -> Any:
    """Apply change to every real number in what a function returned: tensors, tuples, walks, Denoisers."""
    if isinstance(value, float) or (torch.is_tensor(value) and value.is_floating_point()):
        return change(value)
    if isinstance(value, tuple):
        parts = (spoil(part, change) for part in value)
        return type(value)(*parts) if hasattr(value, "_fields") else type(value)(parts)
    if isinstance(value, dict):
        return {key: spoil(part, change) for key, part in value.items()}
    if isinstance(value, list):
        return [spoil(part, change) for part in value]
    if isinstance(value, types.GeneratorType):
        return (spoil(part, change) for part in value)
    if isinstance(value, types.FunctionType):
        return spoiled(value, change)
    if dataclasses.is_dataclass(value) and hasattr(value, "x"):
        return dataclasses.replace(value, x=spoil(value.x, change))  # type: ignore[type-var]
    return value


def spoiled(function: Callable[..., Any], change: Change) -> Callable[..., Any]:
    """Return the function with change applied to whatever it answers."""

    @wraps(function)
    def answer(*given: Any, **named: Any) -> Any:
        return spoil(function(*given, **named), change)

    return answer


def rooms() -> list[types.ModuleType]:
    """Return the modules of toycore that compute."""
    names = (found.name for found in pkgutil.walk_packages(toycore.__path__, "toycore."))
    chosen = (name for name in names if not set(name.split(".")) & {*NO_MATHS, "__main__"})
    return [importlib.import_module(name) for name in chosen]


def functions(room: types.ModuleType) -> Iterator[tuple[Any, str, Any]]:
    """Yield (owner, name, function) of a room's public functions and methods."""
    for name, value in list(vars(room).items()):
        if name.startswith("_") or getattr(value, "__module__", None) != room.__name__:
            continue
        if inspect.isfunction(value):
            yield room, name, value
        elif inspect.isclass(value):
            yield from ((value, n, f) for n, f in vars(value).items() if inspect.isfunction(f) and n[0] != "_")


def put(function: Any, other: Any) -> None:
    """Let every module of toycore that holds a function by name hold the other one instead."""
    for module in [m for name, m in sys.modules.items() if name.startswith("toycore")]:
        for name in [name for name, value in vars(module).items() if value is function]:
            setattr(module, name, other)


@contextlib.contextmanager
def exchanged(pairs: list[tuple[Any, str, Any, Any]]) -> Iterator[None]:
    """Exchange functions (owner, name, old, new) for as long as the block runs."""
    for owner, name, old, new in pairs:
        setattr(owner, name, new)
        put(old, new)
    try:
        yield
    finally:
        for owner, name, old, new in pairs:
            setattr(owner, name, old)
            put(new, old)


def breakages() -> Iterator[tuple[str, list[tuple[Any, str, Any, Any]]]]:
    """Yield (what is broken, the functions to exchange for it)."""
    from toycore import guidance, mixtures, samplers, training

    descend, final, randn = training.descend, samplers.final, torch.randn
    sample = mixtures.GaussianMixture.sample

    def at_random(self: Any, n: int, rng: Any = None) -> Any:
        x, label = sample(self, n, rng)
        return x, None if label is None else label.roll(1)

    yield (
        "training: one step",
        [(training, "descend", descend, lambda D, objective, steps, lr: descend(D, objective, 1, lr))],
    )
    yield "walks: the first step is the last", [(samplers, "final", final, lambda walk: next(iter(walk)).x)]
    yield "noise: none", [(torch, "randn", randn, lambda *a, **k: 0 * randn(*a, **k))]
    yield "noise: twice as much", [(torch, "randn", randn, lambda *a, **k: 2 * randn(*a, **k))]
    yield "labels: at random", [(mixtures.GaussianMixture, "sample", sample, at_random)]
    yield "guidance: scale ignored", [(guidance, "guided", guidance.guided, lambda strong, weak, s: strong)]
    for room in rooms():
        found = list(functions(room))
        for way, change in WAYS.items():
            yield f"{room.__name__[8:]} {way}", [(o, n, f, spoiled(f, change)) for o, n, f in found]


class Notebook:
    """The code cells of a notebook, run in this process with recorded claims and without views."""

    def __init__(self, path: Path) -> None:
        cells = nbformat.read(path, as_version=4).cells
        self.cells = {i: cell.source for i, cell in enumerate(cells) if cell.cell_type == "code"}
        self.before: dict[int, dict[str, Any]] = {}  # the names that each cell found
        self.limit = 600.0

    def run(self, keep: bool = False) -> Verdicts:
        """Run all cells; a cell that raises ends there, the next one goes on."""
        names: dict[str, Any] = {"__name__": "notebook"}
        verdicts: Verdicts = {}
        end = time.monotonic() + self.limit
        for i, source in self.cells.items():
            if keep:
                self.before[i] = dict(names)
            verdicts |= self.cell(i, ast.parse(source), names, max(1.0, end - time.monotonic()))
        return verdicts

    def cell(self, i: int, tree: ast.Module, names: dict[str, Any], seconds: float) -> Verdicts:
        """Run one cell in these names and return what its claims found."""
        verdicts: Verdicts = {}

        def record(text: str, measured: Any, **bounds: Any) -> None:
            try:
                CLAIM(text, measured, **bounds)
                holds = True
            except AssertionError:
                holds = math.isnan(float(measured))
            verdicts[i, len(verdicts)] = text, holds

        check.claim = record
        names |= {"claim": record} if "claim" in names else {}
        signal.signal(signal.SIGALRM, _too_long)
        signal.setitimer(signal.ITIMER_REAL, seconds)
        try:
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                exec(compile(tree, f"cell {i}", "exec"), names)
        except Exception:
            pass
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            check.claim = CLAIM
        return verdicts


CLAIM = check.claim


def _too_long(*_: Any) -> None:
    raise TimeoutError("this breakage takes too long")


SWAPS: dict[type, type] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
}


def spots(tree: ast.Module) -> list[ast.AST]:
    """Return the operators and numbers of a cell, those of a claim's bounds and text left out."""
    spared: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "claim":
            outside = [node.args[0], *(keyword.value for keyword in node.keywords)]
            spared |= {id(inner) for part in outside for inner in ast.walk(part)}
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("figure", "show", "set", "plane"):
            spared |= {id(inner) for inner in ast.walk(node)}
    return [node for node in ast.walk(tree) if id(node) not in spared and _can_break(node)]


def _can_break(node: ast.AST) -> bool:
    if isinstance(node, ast.BinOp):
        return type(node.op) in SWAPS
    if isinstance(node, ast.Compare):
        return type(node.ops[0]) in SWAPS
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def broken_cells(source: str) -> Iterator[ast.Module]:
    """Yield the cell with one operator exchanged or one number changed, each in turn."""
    for k in range(len(spots(ast.parse(source)))):
        tree = ast.parse(source)
        node: Any = spots(tree)[k]
        if isinstance(node, ast.BinOp):
            node.op = SWAPS[type(node.op)]()
        elif isinstance(node, ast.Compare):
            node.ops[0] = SWAPS[type(node.ops[0])]()
        else:
            node.value = node.value * 1.5 if isinstance(node.value, float) else node.value + 1
        yield tree


def survivors(path: Path, report: Callable[[str], None] = print) -> tuple[Verdicts, dict[Key, list[str]]]:
    """Return the claims of a notebook and, for each, the breakages that turned it red."""
    book, began = Notebook(path), time.monotonic()
    whole = book.run(keep=True)
    book.limit = 10 + 3 * (time.monotonic() - began)
    report(f"{path.name}: {len(whole)} claims in {time.monotonic() - began:.0f} s")
    red: dict[Key, list[str]] = {key: [] for key, (_, holds) in whole.items() if holds}
    for key in whole.keys() - red.keys():
        report(f"  red before anything is broken: cell {key[0]}: {whole[key][0]}")
    used = _used(book)
    for name, pairs in breakages():
        if not any((owner, function) in used for owner, function, *_ in pairs):
            continue
        with exchanged(pairs):
            found = book.run()
        turned = [key for key, (_, holds) in found.items() if not holds and key in red]
        for key in turned:
            red[key].append(name)
        report(f"  {name}: {len(turned)} red, {len(whole) - len(found.keys() & whole.keys())} not reached")
    green = {key for key, names in red.items() if not names}
    for i in {key[0] for key in green}:
        for tree in broken_cells(book.cells[i]):
            for key, (_, holds) in book.cell(i, tree, dict(book.before[i]), book.limit).items():
                if key in green and not holds:
                    red[key].append("its own cell")
    return whole, red


def _used(book: Notebook) -> set[tuple[Any, str]]:
    """Return the breakable functions that the notebook calls, as (owner, name)."""
    used: set[tuple[Any, str]] = set()

    def seen(owner: Any, name: str, function: Any) -> Any:
        @wraps(function)
        def call(*given: Any, **named: Any) -> Any:
            used.add((owner, name))
            return function(*given, **named)

        return call

    every = {(owner, name): old for _, pairs in breakages() for owner, name, old, _ in pairs}
    with exchanged([(owner, name, old, seen(owner, name, old)) for (owner, name), old in every.items()]):
        book.run()
    return used


def quiet() -> None:
    """Draw nothing: views and finished figures say nothing about a claim."""
    matplotlib.use("agg")
    plots.show = lambda *_, **__: None
    for name in live.__all__:
        if name != "View":
            setattr(live, name, lambda *_, **__: None)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tools.break_claims", description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    quiet()
    for path in parser.parse_args(arguments).notebooks:
        whole, red = survivors(path, lambda line: print(line, flush=True))
        for key, names in red.items():
            kinds = list(dict.fromkeys(names))
            if len(kinds) < 2:
                by = f"by {kinds[0]} only" if kinds else "BY NOTHING"
                print(f"  red {by}: cell {key[0]}: {whole[key][0]}")


if __name__ == "__main__":
    main(sys.argv[1:])
