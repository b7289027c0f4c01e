"""The page's ES modules: their types, their style, the tests that run under node, and the one text they become."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from tests.support import external
from tests.support.external import package
from toycore.live import engine, modules

ROOT = Path(__file__).resolve().parents[2]
PAGE, JS = ROOT / "toycore" / "live" / "page", Path(__file__).parent / "js"
KINDS = sorted(path.stem for path in (PAGE / "scenes").glob("*.js"))


def node(*command: str | Path) -> None:
    """Run a program of node that must find nothing wrong."""
    run = subprocess.run(
        [external.node(), *command], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )
    assert run.returncode == 0, (run.stdout + run.stderr)[-6000:]


def test_types_agree():
    node(package("typescript/bin/tsc", "the types of the views' modules"), "-p", PAGE)


def test_eslint_has_nothing_to_say():
    eslint = package("eslint/bin/eslint.js", "the style of the views' modules")
    node(eslint, "-c", PAGE / "eslint.config.mjs", PAGE, JS, PAGE.parents[1] / "programs" / "export" / "page")


@pytest.mark.parametrize("name", ["address", "named", "page", "actions", "trainer"])
def test_under_node(name):
    node("--test", JS / f"{name}.test.mjs")


# ---- joined


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_of_view_is_one_module_that_renders(kind, tmp_path):
    """One ES module without imports; it exports a widget, and holds its own scene alone."""
    path = tmp_path / "module.mjs"
    path.write_text(engine.module(kind), encoding="utf-8")
    code = f"const m = await import({path.as_uri()!r}); if (typeof m.default.render !== 'function') process.exit(1);"
    node("--input-type=module", "-e", code)
    assert re.findall(r"^const \$scenes_(\w+) =", engine.module(kind), re.M) == [kind]


@pytest.fixture
def pair(tmp_path, monkeypatch):
    """Two modules, of which one imports from the other; write(a, b) joins them."""
    monkeypatch.setattr(modules, "ROOT", tmp_path)

    def write(a: str, b: str) -> str:
        (tmp_path / "a.js").write_text(a)
        (tmp_path / "b.js").write_text(b)
        return modules.joined(tmp_path / "a.js")

    return write


def test_every_module_keeps_its_own_names(pair):
    b = "const own = 1;\n/**\n * Long.\n */\nexport const two = own + 1;\nexport function three() {\n  return 3;\n}\n"
    a = 'import {\n  three,\n  two as zwei,\n} from "./b.js";\nconst own = zwei + three();\nexport default own;\n'
    text = pair(a, b)
    assert text.index("$b =") < text.index("$a =") and "Long" not in text
    node("-e", f"{text}; if ($a.default !== 5 || $b.two !== 2) process.exit(1);")


@pytest.mark.parametrize(
    ("a", "b", "why"),
    [
        ('import { gone } from "./b.js";\n', "export const here = 1;\n", "imports gone, which b.js does not export"),
        (
            'import { b } from "./b.js";\nexport const a = 1;\n',
            'import { a } from "./a.js";\nexport const b = 1;\n',
            "circle",
        ),
        ('import b from "./b.js";\n', "export default 1;\n", "cannot join"),
        ('export { b } from "./b.js";\n', "export const b = 1;\n", "cannot join"),
        ('const b = await import("./b.js");\n', "export const b = 1;\n", "cannot join"),
        ('import "https://example.org/b.js";\n', "", "cannot join"),
        ("const here = import.meta.url;\n", "", "cannot join"),
    ],
)
def test_what_cannot_be_joined_is_refused(pair, a, b, why):
    with pytest.raises(ValueError, match=why):
        pair(a, b)


# ---- the Python beside it


def body(node: ast.FunctionDef) -> int:
    """The lines of a function without its signature and its docstring."""
    first = node.body[bool(ast.get_docstring(node)) :]
    return node.end_lineno - first[0].lineno + 1 if first else 0


def test_functions_are_short():
    """A function of the live package is taken in at a glance: at most 25 lines, half of them at most 8."""
    lengths = {
        f"{path.name} {node.name}": body(node)
        for path in PAGE.parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }
    assert {name: n for name, n in lengths.items() if n > 25} == {}
    assert sorted(lengths.values())[len(lengths) // 2] <= 8
