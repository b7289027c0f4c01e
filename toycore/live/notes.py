"""The lecturer's notes that a page carries: the guide's sections for its notebook, or for its kinds of view.

`notes.json` is written with the guide (python -m tools.guide). The answers to the exercises, which stand beside them
in the guide, stay out: pages are for students too.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any


@cache
def guide() -> dict[str, dict[str, Any]]:
    """Return the sections by the names of their notebooks: title, aim, plan, ask, keys, wrong, mistaken."""
    return json.loads(Path(__file__).with_name("notes.json").read_text(encoding="utf-8"))


def script(entries: Iterable[dict[str, Any]]) -> str:
    """Return sections as the text of a JSON script, which no "</script" ends."""
    return json.dumps(list(entries)).replace("<", "\\u003c")


def of_notebook(name: str) -> str:
    """Return the section for a notebook, as `script` writes it."""
    return script([guide()[name]] if name in guide() else [])


def of_views(kinds: Iterable[str]) -> str:
    """Return the sections in which one of these kinds of view is shown, as `script` writes them."""
    named = [f"live.{kind}(" for kind in kinds]
    return script(entry for entry in guide().values() if any(name in entry["keys"] for name in named))
