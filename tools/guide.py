"""The lecturer's guide, made from guide.yaml and from the checks of the exercises: python -m tools.guide."""

import ast
import importlib
import inspect
import textwrap
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import yaml

from tools.coverage import HERE, as_notebook, heading
from toycore.check import Exercise

PAGE = HERE.parent / "notebooks" / "lecturer_guide.ipynb"


def table() -> dict[str, Any]:
    """Return guide.yaml: the text above all under "head", then an entry per notebook."""
    return yaml.safe_load((HERE / "guide.yaml").read_text(encoding="utf-8"))


def exercises(module: ModuleType) -> dict[str, Exercise]:
    """Return the exercises of a module of toycore.check, in its order."""
    return {name: value for name, value in vars(module).items() if isinstance(value, Exercise)}


def answers(module: ModuleType) -> dict[str, str]:
    """Return each exercise's answer as Python, after the functions of the module that it names."""
    source = inspect.getsource(module)
    known = {node.name: node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)}
    return {name: _answer(known, known[name], source) for name in exercises(module)}


def _answer(known: dict[str, ast.FunctionDef], check: ast.FunctionDef, source: str) -> str:
    call = next(d for d in check.decorator_list if isinstance(d, ast.Call))
    value = next(word.value for word in call.keywords if word.arg == "answer")
    own = {node.arg for node in ast.walk(value) if isinstance(node, ast.arg)}  # a lambda's arguments
    names = [node.id for node in ast.walk(value) if isinstance(node, ast.Name) and node.id not in own]
    helpers = [known[name] for name in dict.fromkeys(names) if name in known]
    parts = [*helpers, *([] if isinstance(value, ast.Name) and helpers else [value])]
    return "\n\n".join(textwrap.dedent(ast.get_source_segment(source, part) or "") for part in parts)


def solved(name: str) -> Iterator[str]:
    """Yield the exercises of a notebook as Markdown: question, answer, and the mistakes that the check knows."""
    module = importlib.import_module(f"toycore.check.{name.split('_', 1)[1]}")
    code = answers(module)
    for key, exercise in exercises(module).items():
        question = " ".join(exercise.question.split())
        mistakes = " · ".join(f"*{told}*" for told in exercise.mistakes)
        yield f"**`{key}`.** {question}\n\n```python\n{code[key]}\n```"
        yield f"The check knows these mistakes, and says of each: {mistakes}."


def section(name: str, entry: dict[str, Any]) -> str:
    """Return the guide to one notebook as Markdown."""
    rows = [f"| {minutes} | {what} |" for minutes, what in entry["plan"]]
    parts = [
        f"## {heading(name)}",
        f"*{entry['aim']}* ([the notebook]({name}.ipynb))",
        "\n".join(["| minutes | what |", "|---|---|", *rows]),
        "**Ask first.**\n\n" + "\n".join(f"- {question}" for question in entry["ask"]),
        f"**Views and keys.** {entry['keys']}",
        f"**What goes wrong.** {entry['wrong']}",
        f"**What students believe.** {entry['mistaken']}",
        f"### Answers to {name.split('_')[0]}",
        *solved(name),
    ]
    return "\n\n".join(parts)


def page() -> str:
    """Return the whole guide as the text of a notebook."""
    known = table()
    return as_notebook("guide", [known.pop("head").strip(), *(section(*item) for item in known.items())])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
