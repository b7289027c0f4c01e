"""The lecturer's notes that a page carries: the guide's sections for its notebook, or for its kinds of view.

They come from the guide's own table in a clone of the course; an installed wheel has none. The answers to the
exercises, which stand beside them in the guide, stay out: pages are for students too.
"""

import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

GUIDE = Path(__file__).parents[2] / "tools" / "guide.yaml"
PARTS = "aim", "plan", "ask", "keys", "wrong", "mistaken"


@cache
def guide() -> dict[str, dict[str, Any]]:
    """Return the guide's entries by the names of their notebooks; {} where it is not there or cannot be read."""
    try:
        import yaml

        known = yaml.safe_load(GUIDE.read_text(encoding="utf-8"))
    except (ImportError, OSError):
        return {}
    return {name: {"title": titled(name), **entry} for name, entry in known.items() if name != "head"}


def titled(name: str) -> str:
    """Return a notebook's name as a title: 04_two_steps is "04 two steps"."""
    return name.replace("_", " ")


def script(entries: Iterable[dict[str, Any]]) -> str:
    """Return sections as the text of a JSON script, which no "</script" ends."""
    kept = [{part: entry[part] for part in ("title", *PARTS)} for entry in entries]
    return json.dumps(kept).replace("<", "\\u003c")


def of_notebook(name: str) -> str:
    """Return the section for a notebook, as `script` writes it."""
    return script([guide()[name]] if name in guide() else [])


def of_views(kinds: Iterable[str]) -> str:
    """Return the sections in which one of these kinds of view is shown, as `script` writes them."""
    named = [f"live.{kind}(" for kind in kinds]
    return script(entry for entry in guide().values() if any(name in entry["keys"] for name in named))
