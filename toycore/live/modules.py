"""The page's ES modules, joined into one text when a view is made: a notebook and a saved page take one file without
imports.

Every module becomes a function that is called once, so that the names of one never meet those of another:

    import { half } from "./bytes.js";                  const $maths_walk = (() => {
    export function step() { ... }              ->      const { half } = $maths_bytes;
                                                        function step() { ... }
                                                        return { step };
                                                        })();

A worker is `new Worker(new URL("./worker.js", import.meta.url), { type: "module" })`, as a bundler knows it: that
module's own joined text becomes a string, from which the page makes the worker.

Only these forms are understood; anything else is refused. Documentation and types stay behind.
"""

import json
import os
import re
from pathlib import Path

ROOT = Path(__file__).parent / "page"
IMPORT = re.compile(r'^import \{([^}]*)\} from "(\.[^"]*)";\n', re.M)
EXPORT = re.compile(r"^export (?=(?:async )?(?:function|const|class) (\w+))", re.M)
DEFAULT = re.compile(r"^export default (.*);\n", re.M | re.S)  # the last statement
DOCUMENTATION = re.compile(r"^[ \t]*/\*\*.*?\*/\n", re.M | re.S)
WORKER = re.compile(r'new Worker\(new URL\("(\.[^"]*)", import\.meta\.url\), \{ type: "module" \}\)')
LEFT = re.compile(r"^.*(?:^(?:import|export)\b|\bimport\(|\bimport\.meta\b|\brequire\().*", re.M)


def joined(*entries: Path) -> str:
    """Return the text of these modules after all that they import, each once; raise ValueError on a circle."""
    texts: dict[Path, str] = {}
    for entry in entries:
        _add(entry.resolve(), texts, ())
    return "\n".join(scoped(path, text) for path, text in texts.items())


def _add(path: Path, texts: dict[Path, str], above: tuple[Path, ...]) -> None:
    if path in above:
        raise ValueError("modules import each other in a circle: " + " -> ".join(map(name, (*above, path))))
    if path in texts:
        return
    text = path.read_text(encoding="utf-8")
    for _, file in IMPORT.findall(text):
        _add((path.parent / file).resolve(), texts, (*above, path))
    texts[path] = text


def name(path: Path) -> str:
    """Return the name of a module in the joined text: maths/walk.js is $maths_walk, as no name inside a module is."""
    return "$" + re.sub(r"\W+", "_", os.path.relpath(path.resolve().with_suffix(""), ROOT.resolve()))


def scoped(path: Path, text: str) -> str:
    """Return a module's text as a constant: a function's scope, called, that hands out what the module exports."""
    text = DOCUMENTATION.sub("", text)
    exports = EXPORT.findall(text)
    text = EXPORT.sub("", IMPORT.sub(lambda found: _taken(path, *found.groups()), text))
    text = WORKER.sub(lambda found: _worker((path.parent / found[1]).resolve()), text)
    if default := DEFAULT.search(text):
        text, exports = DEFAULT.sub("", text), [*exports, f"default: {default[1]}"]
    if left := LEFT.search(text):
        raise ValueError(
            f'{path.name}: cannot join {left[0].strip()!r}; write import {{ a }} from "./b.js" or export a name'
        )
    return f"const {name(path)} = (() => {{\n{text}return {{ {', '.join(exports)} }};\n}})();\n"


def _worker(path: Path) -> str:
    """Return the expression that makes a worker from the joined text of a module."""
    text = json.dumps(joined(path)).replace("<", "\\u003c")  # "</script" would end the page
    return f'new Worker(URL.createObjectURL(new Blob([{text}], {{ type: "text/javascript" }})))'


def _taken(path: Path, names: str, file: str) -> str:
    """Return the statement that takes these exports of a module, and raise ValueError where it has them not."""
    target = (path.parent / file).resolve()
    wanted = [part.split(" as ") for part in re.split(r"\s*,\s*", names.strip().rstrip(","))]
    missing = {first for first, *_ in wanted} - set(EXPORT.findall(target.read_text(encoding="utf-8")))
    if missing:
        raise ValueError(f"{path.name} imports {', '.join(sorted(missing))}, which {target.name} does not export")
    return f"const {{ {', '.join(': '.join(pair) for pair in wanted)} }} = {name(target)};\n"
