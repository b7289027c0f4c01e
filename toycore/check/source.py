"""The answers of the exercises as Python, read from the tables they stand in."""

import ast
import inspect
import re
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import Any


def source(exercise: Any) -> str:
    """Return the answer of an exercise as Python, after the functions of its module that it uses."""
    module, name = _home(exercise)
    text = inspect.getsource(module)
    tree = ast.parse(text).body
    known = {node.name: node for node in tree if isinstance(node, ast.FunctionDef)}
    value = next(
        _answer(node) for node in tree if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    )
    uses = dict.fromkeys(_uses(value, known))
    parts = [ast.get_source_segment(text, known[use]) or "" for use in uses]
    if not isinstance(value, ast.Name):
        parts.append(f"{name} = {ast.unparse(value)}")
    return re.sub(rf"\b_({'|'.join(use.lstrip('_') for use in uses) or '_'})\b", r"\1", "\n\n\n".join(parts))


def _home(exercise: Any) -> tuple[ModuleType, str]:
    """Return the module and the name of an exercise."""
    tables = [module for name, module in list(sys.modules.items()) if name.startswith(f"{__package__}.")]
    return next((table, name) for table in tables for name, value in vars(table).items() if value is exercise)


def _answer(node: ast.Assign) -> ast.expr:
    assert isinstance(node.value, ast.Call)
    return next(keyword.value for keyword in node.value.keywords if keyword.arg == "answer")


def _uses(node: ast.AST, known: dict[str, ast.FunctionDef]) -> Iterator[str]:
    """Yield the functions of the module that a piece of code names, the innermost first."""
    own = {part.arg for part in ast.walk(node) if isinstance(part, ast.arg)}
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id in known.keys() - own:
            yield from _uses(known[part.id], known)
            yield part.id
