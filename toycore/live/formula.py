"""A sampler's step as the page takes it: the formula that stands in `samplers`, read from its source.

A step is arithmetic on numbers, x, D(x, sigma) and fresh noise. Its statements go to the page as JSON, and
`page/maths/step.js` computes them:

    keep = (sigma_next / sigma) ** 2    ->    {"set": "keep", "to": ["**", ["/", "sigma_next", "sigma"], 2]}
"""

import ast
import inspect
from collections.abc import Callable
from textwrap import dedent
from typing import Any

import torch

from toycore.samplers import Walk

SIGNS = {"Add": "+", "Sub": "-", "Mult": "*", "Div": "/", "Pow": "**", "Eq": "==", "Lt": "<", "Gt": ">"}
CALLS = {"D": 2, "randn_like": 0, "torch.zeros_like": 0, "math.log": 1}  # how many of its arguments the page needs


def rule(sampler: Callable[..., Walk], **knobs: float) -> dict[str, Any]:
    """Return a sampler's step as JSON: its statements, and the numbers that its letters stand for ("eta": 0.0)."""
    walk = sampler(lambda x, sigma, label: x, torch.zeros(1, 2), torch.tensor([1.0, 0.0]), **knobs)
    step = inspect.getgeneratorlocals(walk)["step"]  # type: ignore[arg-type]  # a walk is a generator
    [function] = ast.parse(dedent(inspect.getsource(step))).body
    letters = inspect.getclosurevars(step).nonlocals
    numbers = {name: value for name, value in letters.items() if isinstance(value, (int, float))}
    return {"step": [statement(line) for line in function.body], "values": numbers}  # type: ignore[attr-defined]


def statement(line: ast.stmt) -> dict[str, Any]:
    """Return one statement of a step: a letter is set, a case is told apart, or (x0_hat, mean, fresh) is given."""
    match line:
        case ast.Assign([ast.Name(name)], value):
            return {"set": name, "to": tree(value)}
        case ast.If(test, body, []):
            return {"when": tree(test), "then": [statement(inner) for inner in body]}
        case ast.Return(ast.Tuple(parts)):
            return {"give": [tree(part) for part in parts]}
    raise unknown(line)


def tree(node: ast.expr) -> Any:
    """Return an expression as a number, a letter, or [sign, part, part]."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return name
        case ast.BinOp(a, op, b) | ast.Compare(a, [op], [b]) if type(op).__name__ in SIGNS:
            return [SIGNS[type(op).__name__], tree(a), tree(b)]
        case ast.IfExp(test, yes, no):
            return ["if", tree(test), tree(yes), tree(no)]
        case ast.Call(function, args) if (name := ast.unparse(function)) in CALLS:
            return [name, *map(tree, args[: CALLS[name]])]
    raise unknown(node)


def unknown(node: ast.AST) -> TypeError:
    """Return the error that names what the page cannot compute."""
    return TypeError(
        f"a live view cannot take the step {ast.unparse(node)!r}; it computes {' '.join(SIGNS.values())},"
        f" a if b else c, and {', '.join(CALLS)}"
    )
