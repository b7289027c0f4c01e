"""Break the code behind every claim of a notebook and name the claims that stay green.

    python -m tools.break_claims notebooks/03_learning_the_field.ipynb

A claim that nothing can turn red says nothing. The notebook runs once. At each cell with a claim the process forks,
once per breakage; each copy breaks one thing and runs that one cell. First the training, the noise or the walk is
broken, and each thing that the cell reads: a tensor, a Denoiser, whatever a module's functions return is scaled,
turned or emptied. Then the cell itself: one operator or one number at a time. A claim that has turned red twice is
done. An exception or a NaN proves nothing: it counts neither for a claim nor against it.
"""

import argparse
import ast
import contextlib
import copy
import dataclasses
import io
import math
import multiprocessing
import sys
import time
import types
from collections.abc import Callable, Iterator
from functools import partial, wraps
from pathlib import Path
from typing import Any

import matplotlib
import nbformat
import torch

from toycore import check, guidance, live, mixtures, plots, samplers, training

Names = dict[str, Any]
Verdicts = dict[int, tuple[str, bool]]  # per claim of a cell: its sentence, and whether it held
Change = Callable[[Any], Any]
Breakage = tuple[str, ast.Module, Callable[[Names], None]]  # what is broken, the code to run, what to change before

FORK = multiprocessing.get_context("fork") if sys.platform != "win32" else None
CLAIM = check.claim
ENOUGH = 2  # a claim that this many breakages turn red can fail

# ---- what a breakage does to a value

WAYS: dict[str, Change] = {
    "x 1.3": lambda x: 1.3 * x,
    "x -1": lambda x: -x,
    "x 0": lambda x: 0 * x,
    "x + 1": lambda x: x + 1,
}
NO_MATHS = "check", "live", "plots", "style", "types", "programs", "checkpoints"


def spoil(value: Any, change: Change) -> Any:
    """Apply change to every real number in a value: in tensors, tuples, walks, and in what functions return."""
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
    if isinstance(value, torch.nn.Module):
        value.register_forward_hook(lambda net, given, answer: spoil(answer, change))
    if isinstance(value, mixtures.GaussianMixture):
        value = copy.copy(value)
        value.means = change(value.means)
    if isinstance(value, types.ModuleType) and computes(value.__name__):
        return types.SimpleNamespace(**{name: spoil(part, change) for name, part in vars(value).items()})
    if dataclasses.is_dataclass(value) and hasattr(value, "x"):
        return dataclasses.replace(value, x=spoil(value.x, change))  # type: ignore[type-var]
    return value


def computes(name: str) -> bool:
    """Whether what stands in this module of toycore is mathematics."""
    return name.startswith("toycore") and not set(name.split(".")) & {*NO_MATHS}


def spoiled(function: Callable[..., Any], change: Change) -> Callable[..., Any]:
    """Return the function with change applied to whatever it answers."""

    @wraps(function)
    def answer(*given: Any, **named: Any) -> Any:
        return spoil(function(*given, **named), change)

    return answer


def at_random(self: mixtures.GaussianMixture, n: int, rng: Any = None, sample: Any = mixtures.GaussianMixture.sample):
    """Draw from a mixture, with the labels of other points."""
    x, label = sample(self, n, rng)
    return x, label.roll(1)


def randn(*shape: Any, times: float, true: Any = torch.randn, **options: Any) -> torch.Tensor:
    """Draw noise of another size."""
    return times * true(*shape, **options)


def one_step(D: Any, objective: Any, steps: int, lr: float, true: Any = training.descend) -> Any:
    """Train for one step, however many were asked for."""
    return true(D, objective, 1, lr)


LIBRARY: dict[str, tuple[Any, str, Any]] = {  # what is broken: the owner, the name, and what stands there instead
    "training: one step": (training, "descend", one_step),
    "noise: none": (torch, "randn", partial(randn, times=0)),
    "noise: twice as much": (torch, "randn", partial(randn, times=2)),
    "walks: the first step is the last": (samplers, "final", lambda walk: next(iter(walk)).x),
    "labels: at random": (mixtures.GaussianMixture, "sample", at_random),
    "guidance: scale ignored": (guidance, "guided", lambda strong, weak, s: strong),
}

# ---- what a breakage does to the code of a cell

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


# ---- one cell, broken in every way


def breakages(source: str, names: Names) -> Iterator[Breakage]:
    """Yield every breakage of a cell that finds these names: first of what it reads, then of the cell itself."""
    tree = ast.parse(source)
    read = dict.fromkeys(node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in names)
    for what, (owner, name, other) in LIBRARY.items():
        yield what, tree, lambda names, at=(owner, name, other): setattr(*at)
    for way, change in WAYS.items():
        for name in read:
            yield f"{name} {way}", tree, partial(_spoil_name, name, change)
    for broken in broken_cells(source):
        yield "its own cell", broken, lambda names: None


def _spoil_name(name: str, change: Change, names: Names) -> None:
    names[name] = spoil(names[name], change)


def run(tree: ast.Module, names: Names, report: Callable[[tuple[str, bool]], None] = lambda _: None) -> None:
    """Run a cell in these names, with nothing printed, and report each claim; a cell that raises ends there."""

    def record(text: str, measured: Any, **bounds: Any) -> None:
        try:
            CLAIM(text, measured, **bounds)
            report((text, True))
        except AssertionError:
            report((text, math.isnan(float(measured))))

    check.claim = record
    names |= {"claim": record} if "claim" in names else {}
    nothing = io.StringIO()
    with contextlib.suppress(Exception), contextlib.redirect_stdout(nothing), contextlib.redirect_stderr(nothing):
        exec(compile(tree, "cell", "exec"), names)


def in_a_copy(tree: ast.Module, names: Names, change: Callable[[Names], None], seconds: float) -> Verdicts:
    """Fork, change the names, run the cell, and return what its claims found until the time was over."""

    def work() -> None:
        with contextlib.suppress(Exception):
            change(names)
            run(tree, names, theirs.send)

    ours, theirs = FORK.Pipe(duplex=False)
    child, end, found = FORK.Process(target=work), time.monotonic() + seconds, []
    child.start()
    theirs.close()
    with contextlib.suppress(EOFError):
        while ours.poll(max(0.0, end - time.monotonic())):
            found.append(ours.recv())
    child.kill()
    child.join()
    return dict(enumerate(found))


def survivors(source: str, names: Names) -> tuple[Verdicts, dict[int, list[str]], int]:
    """Return the claims of a cell, for each the first breakages that turned it red, and how many were tried."""
    began, tree, tried = time.monotonic(), ast.parse(source), 0
    whole = in_a_copy(tree, names, lambda names: None, 600)
    limit = 5 + 3 * (time.monotonic() - began)
    red: dict[int, list[str]] = {key: [] for key, (_, holds) in whole.items() if holds}
    for what, broken, change in breakages(source, names):
        if all(len(kinds) >= ENOUGH for kinds in red.values()):
            break
        tried += 1
        for key, (_, holds) in in_a_copy(broken, names, change, limit).items():
            if key in red and not holds:
                red[key] = [*dict.fromkeys([*red[key], what])]
    return whole, red, tried


def review(path: Path) -> Iterator[str]:
    """Run a notebook once, break each cell with a claim on the way, and say which claims stay green."""
    names: Names = {"__name__": "notebook"}
    for i, cell in enumerate(nbformat.read(path, as_version=4).cells):
        if cell.cell_type != "code":
            continue
        if "claim(" in cell.source:
            began = time.monotonic()
            whole, red, tried = survivors(cell.source, names)
            seconds = time.monotonic() - began
            yield f"{path.name}, cell {i}: {len(whole)} claims, {tried} breakages, {seconds:.0f} s"
            for key, (text, holds) in whole.items():
                if not holds:
                    yield f"  red before anything is broken: cell {i}: {text}"
                elif len(red[key]) < ENOUGH:
                    by = f"by {red[key][0]} only" if red[key] else "BY NOTHING"
                    yield f"  red {by}: cell {i}: {text}"
        run(ast.parse(cell.source), names)


def quiet() -> None:
    """Draw nothing: views and finished figures say nothing about a claim. One thread, so that forking is safe."""
    torch.set_num_threads(1)
    matplotlib.use("agg")
    plots.show = lambda *_, **__: None
    for name in live.__all__:
        if name != "View":
            setattr(live, name, lambda *_, **__: None)


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tools.break_claims", description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="+", type=Path)
    if FORK is None:
        parser.error("this needs fork, which Windows does not have: run it on Linux, macOS or in WSL")
    quiet()
    for path in parser.parse_args(arguments).notebooks:
        for line in review(path):
            print(line, flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
