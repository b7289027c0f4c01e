"""The floors of the package: a module imports from its own floor or from a lower one."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FLOORS = [
    {"types", "checks", "data", "mixtures", "sigmas", "frames", "gaussians"},
    {"exact", "fields", "networks", "precondition", "guidance", "embeddings"},
    {
        "samplers",
        "training",
        "metrics",
        "density",
        "checkpoints",
        "flow",
        "lessons",
        "images",
    },
    {"style", "plots"},
    {"live", "check", "programs"},
]
FLOOR = {module: floor for floor, modules in enumerate(FLOORS) for module in modules}
TOP = len(FLOORS) - 1
LOWEST = {"torch": 0, "numpy": 0, "PIL": 0, "tqdm": 2, "safetensors": 2, "pooch": 2, "certifi": 2, "scipy": 2}
LOWEST |= {"matplotlib": 3, "IPython": 3, "ipywidgets": 4, "anywidget": 4, "traitlets": 4, "zmq": 4}
LOWEST |= dict.fromkeys(("nbformat", "nbclient", "nbconvert", "pygments", "playwright"), 4)
SKLEARN = {"data", "metrics", "images"}
FILES = sorted((ROOT / "toycore").rglob("*.py"))


def module_of(file: Path) -> str:
    """toycore/live/view.py -> live: a folder is one module; the package's own file is ''."""
    return file.relative_to(ROOT / "toycore").with_suffix("").parts[0].replace("__init__", "")


def imports(source: str, package: str = "toycore") -> Iterator[str]:
    """Yield every imported module of a source, inside functions too, with full names."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join([*(above if node.level else []), *filter(None, [node.module])])
            yield from (f"{base}.{alias.name}" for alias in node.names)


def complaints(module: str, source: str, package: str = "toycore") -> Iterator[str]:
    """Yield each import that a module may not have, and why."""
    floor = FLOOR.get(module, TOP)
    for name in imports(source, package):
        outer, _, inner = name.partition(".")
        inner = inner.split(".")[0]
        if outer == "toycore" and FLOOR.get(inner, 0) > floor:
            yield f"{module} (floor {floor}) imports {name} (floor {FLOOR[inner]})"
        elif outer == "sklearn" and module not in SKLEARN:
            yield f"{module} imports sklearn, which is for {sorted(SKLEARN)}"
        elif LOWEST.get(outer, 0) > floor:
            yield f"{module} (floor {floor}) imports {outer}, allowed from floor {LOWEST[outer]}"
        elif outer not in {"toycore", "sklearn", *LOWEST, *sys.stdlib_module_names}:
            yield f"{module} imports {outer}, which this table does not hold"


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(ROOT)))
def test_imports_go_downwards(file: Path) -> None:
    package = ".".join(file.relative_to(ROOT).parent.parts)
    module = module_of(file)
    assert not module or module in FLOOR, f"give {module} its floor, in this test and in DESIGN.md"
    assert not list(complaints(module, file.read_text(encoding="utf-8"), package))


@pytest.mark.parametrize(
    ("module", "source", "package", "message"),
    [
        ("types", "from toycore import exact", "toycore", "exact (floor 1)"),
        ("fields", "def f():\n    import toycore.samplers", "toycore", "samplers (floor 2)"),
        ("exact", "from . import plots", "toycore", "plots (floor 3)"),
        ("images", "from ..live import View", "toycore.images", "live.View (floor 4)"),
        ("samplers", "import matplotlib.pyplot as plt", "toycore", "matplotlib, allowed from floor 3"),
        ("exact", "from sklearn.neighbors import KDTree", "toycore", "sklearn"),
        ("data", "import pandas", "toycore", "does not hold"),
    ],
)
def test_a_wrong_import_is_seen(module: str, source: str, package: str, message: str) -> None:
    assert [line for line in complaints(module, source, package) if message in line]


def test_importing_the_package_is_light() -> None:
    """`import toycore` leaves matplotlib, scikit-learn and the widgets alone until they are asked for."""
    code = "import sys, json, toycore; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    heavy = {"matplotlib", "sklearn", "scipy", "ipywidgets", "anywidget", "IPython", "diffusers", "pooch"}
    assert not heavy & set(json.loads(run.stdout))


def test_the_package_sets_nothing_global() -> None:
    """No seed, no thread count, no rcParams: those belong to whoever runs the code."""
    forbidden = ("manual_seed(", "set_num_threads(", "rcParams[", "rcParams.update", "seed_all(", "np.random.seed(")
    for file in FILES:
        for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), 1):
            for call in forbidden:
                own = call == "manual_seed(" and "Generator" in line
                assert call not in line or own, f"{file.name}:{number} sets something global: {line.strip()}"
