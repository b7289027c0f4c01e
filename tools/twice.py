"""Run notebooks twice where nothing can be written and nothing reached; the two runs must agree to the byte.

    python -m tools.twice [notebooks ...]    Linux, some minutes for all of them: not part of the daily tests

The course's folder is mounted read-only, the network has no other end than this machine, and the home folder is new,
empty and small. What may differ between two runs: seconds, rates, addresses, and rounding errors that are shown as such
(below 1e-5): sums in float32 depend on how memory happens to be aligned.
"""

import argparse
import fcntl
import json
import os
import re
import socket
import struct
import subprocess
import sys
import tempfile
from configparser import ConfigParser
from pathlib import Path
from typing import Any

from nbclient.exceptions import CellExecutionError

from tools.record import normalise
from toycore.programs.notebook import execute

ROOT = Path(__file__).resolve().parent.parent
HOME_SIZE = "64m"
MAY_DIFFER = "seconds", "rate", "addresses"  # of nbval_sanitize.cfg; measured numbers may not
SHELL = """
mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && mount -t tmpfs -o size="$1" tmpfs "$HOME" || exit 3
shift; exec "$@"
"""


def shut_in(names: list[str]) -> int:
    """Start this module again in a namespace of its own: no network, a read-only course, a small home."""
    rights = [] if os.geteuid() == 0 else ["--map-root-user"]
    inner = [sys.executable, "-m", "tools.twice", "--inside", *names]
    with tempfile.TemporaryDirectory() as home:
        ours = {"HOME": home, "TMPDIR": home, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("XDG_", "JUPYTER_", "IPYTHON", "MPL"))}
        outer = ["unshare", *rights, "--net", "--mount", "sh", "-c", SHELL, str(ROOT), HOME_SIZE]
        return subprocess.run([*outer, *inner], env={**kept, **ours}, cwd=ROOT, check=False).returncode


def check_the_walls() -> None:
    """Switch the loopback on, which kernels talk through; the folder and the network must refuse."""
    with socket.socket() as s:
        up = struct.pack("16sh", b"lo", 0x1)  # IFF_UP
        fcntl.ioctl(s, 0x8914, up)  # SIOCSIFFLAGS
    for what, refused in (("folder", lambda: (ROOT / "written").touch()), ("network", reach)):
        try:
            refused()
        except OSError:
            continue
        sys.exit(f"the {what} is open: nothing would be shown by this")


def reach() -> None:
    """Try to reach an address that is meant for examples (RFC 5737)."""
    socket.create_connection(("192.0.2.1", 80), timeout=2).close()


def traces(book: Any) -> list[tuple[str, list[str]]]:
    """Return (where, lines) of everything that a run leaves: outputs cell by cell, then the state of the views."""
    state = book.metadata.pop("widgets", {}).get("application/vnd.jupyter.widget-state+json", {}).get("state", {})
    ours = [model for model in state.values() if "_esm" in model["state"]]  # not the bars, which show seconds
    views = sorted(settled(json.dumps(model, sort_keys=True)) for model in ours)
    cells = [cell for cell in normalise(book)["cells"] if cell["cell_type"] == "code"]
    found = [(cell["source"].split("\n")[0], [settled(json.dumps(o)) for o in cell["outputs"]]) for cell in cells]
    return [*found, ("the live views", views)]


def settled(text: str) -> str:
    """Replace what may differ between two runs."""
    rules = ConfigParser(interpolation=None)
    rules.read(ROOT / "tests" / "support" / "nbval_sanitize.cfg", encoding="utf-8")
    for name in MAY_DIFFER:
        text = re.sub(rules[name]["regex"], rules[name]["replace"], text)
    text = re.sub(r"\(measured -?[\d.]+e-(0[6-9]|[1-9]\d)\)", "(measured ROUNDING)", text)
    return re.sub(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])", "MODEL", text)


def differences(first: Any, second: Any) -> list[str]:
    """Say where two runs of a notebook differ, with the first words that do."""
    pairs = zip(traces(first), traces(second), strict=True)
    return [f"{where[:60]}: {first_difference(a, b)}" for (where, a), (_, b) in pairs if a != b]


def first_difference(a: list[str], b: list[str]) -> str:
    one, other = next(((p, q) for p, q in zip(a, b) if p != q), (f"{len(a)} outputs", f"{len(b)} outputs"))
    at = next((i for i, (p, q) in enumerate(zip(one, other)) if p != q), min(len(one), len(other)))
    return f"...{one[max(0, at - 60) : at + 40]!r} against {other[at : at + 40]!r}"


def run_all(paths: list[Path]) -> int:
    """Run each notebook twice, print a line for each, return how many differ or fail."""
    check_the_walls()
    wrong = 0
    for path in paths:
        try:
            found = differences(*(execute(path, stderr=subprocess.DEVNULL) for _ in range(2)))
        except CellExecutionError as error:
            found = [f"stops with {error.ename}: {error.evalue}"]
        print("\n    ".join([f"{'NO ' if found else 'ok '} {path.name}", *found]), flush=True)
        wrong += bool(found)
    home = Path.home()
    left = sorted({str(f.relative_to(home)).split("/")[0] for f in home.rglob("*") if f.is_file()})
    print(f"{len(paths) - wrong} of {len(paths)} notebooks alike twice, read-only and offline. In the home: {left}")
    return wrong


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="tools.twice", description=__doc__.split("\n")[0])
    parser.add_argument("notebooks", nargs="*", type=Path, help="default: all of them")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    paths = [path.resolve() for path in options.notebooks] or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if missing := [path for path in paths if not path.is_file()]:
        parser.error(f"there is no {missing[0]}")
    return run_all(paths) if options.inside else shut_in([str(path) for path in paths])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
