"""The lecturer's guide, made from guide.yaml and from the tables of exercises, and the notes that pages carry:
python -m tools.guide.
"""

import importlib
import json
from collections.abc import Iterator
from typing import Any

import yaml

from tools.coverage import HERE, as_notebook, heading
from toycore.check import exercises_of, source

PAGE = HERE.parent / "notebooks" / "lecturer_guide.ipynb"
NOTES = HERE.parent / "toycore" / "live" / "notes.json"


def table() -> dict[str, Any]:
    """Return guide.yaml: the text above all under "head", then an entry per notebook."""
    return yaml.safe_load((HERE / "guide.yaml").read_text(encoding="utf-8"))


def solved(name: str) -> Iterator[str]:
    """Yield the exercises of a notebook as Markdown: question, second hint, answer, and the mistakes that it knows."""
    module = importlib.import_module(f"toycore.check.{name.split('_', 1)[1]}")
    for key, exercise in exercises_of(module).items():
        mistakes = " · ".join(f"*{message}*" for _, message in exercise.wrong())
        yield f"**`{key}`.** {exercise.question}\n\n```python\n{source(exercise)}\n```\n\n{exercise.why}"
        yield f"Second hint, `exercises.{key}.hint()`: {exercise.more}"
        yield f"It knows these mistakes, and says of each: {mistakes}."


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


def notes() -> str:
    """Return the sections without the answers, as JSON, for the second window of a page."""
    sections = {name: {"title": heading(name), **entry} for name, entry in table().items() if name != "head"}
    return json.dumps(sections, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    NOTES.write_text(notes(), encoding="utf-8", newline="\n")
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
