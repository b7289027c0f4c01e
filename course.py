"""Set up the course and use it: one file, standard library only.

    python3 course.py           set up (once), then open the first notebook  (Windows: py course.py)
    python3 course.py test      set up (once), then run every test
    python3 course.py --help    all the words

Everything is installed into .venv beside this file. A stamp is written there last: a set-up that
was cut off goes on where it stopped, and a finished one costs nothing.
"""

from __future__ import print_function  # every Python, 2.7 too, must read this file to be told so

import sys

OLDEST, NEWEST = (3, 11), (3, 14)


def stop(message):
    sys.exit("\ncourse.py: " + message)


def check_python(version=sys.version_info[:2]):
    if not OLDEST <= tuple(version) <= NEWEST:
        said, low, high = (".".join(map(str, v)) for v in (version, OLDEST, NEWEST))
        stop(
            "this is Python {0}; the course needs {1} to {2}. Install one from python.org, or name one\n"
            "that you have: python{1} course.py (Windows: py -{1} course.py).".format(said, low, high)
        )


check_python()  # before the imports, since an old Python does not have them all

import contextlib
import difflib
import hashlib
import json
import os
import platform
import re
import runpy
import shutil
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "course-stamp"
SIZE = 2.5e9  # bytes of a finished set-up, with what pip needs while it works
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
MISLEADING = "PYTHONPATH", "PYTHONHOME", "MPLBACKEND"  # would lead Python or matplotlib elsewhere

TROUBLES = {  # what a failing venv or pip prints: what to do about it; the first match speaks
    r"No space left|Errno 28|not enough space|Disk quota": "The disk is full. The course needs 2.5 GB: make"
    " room, then run this again; it goes on where it stopped.",
    r"Permission denied|Errno 13|WinError 5\b|Read-only file system": "This folder cannot be written"
    " to. Close a JupyterLab that runs from it, or copy the course to a folder of your own.",
    r"ensurepip is not\s+available|No module named '?(venv|ensurepip)": "This Python lacks the"
    " venv module. On Debian and Ubuntu: sudo apt install python3-venv. Elsewhere install Python from"
    " python.org. Then run this again.",
    r"Long Path support|WinError 206": "This folder's path is too long for Windows. Move the course to a short"
    " one such as C:\\course, or switch long paths on, then run this again.",
    r"ProxyError|407 Proxy|CERTIFICATE_VERIFY_FAILED": "The network's proxy or its certificate is in"
    " the way. Set HTTPS_PROXY (and PIP_CERT) as your network asks, then run this again.",
    r"NewConnection|NameResolution|ConnectTimeout|ReadTimeout|timed out|Connection\w*Error": "The"
    " package index cannot be reached. Check the network, then run this again; it goes on where it"
    " stopped.",
    r"No matching distribution": "One package has no build for this Python and this system (torch"
    " has none for Macs with Intel processors). README.md, 'If something is wrong', says more.",
}
ELSE = "The lines above say what is wrong. If they do not help, delete .venv and run this again."


# ---- set-up --------------------------------------------------------------------------------------


def fingerprint():
    """What .venv is built from: requirements, project file, Python, machine, place."""
    files = [(ROOT / name).read_bytes() for name in ("requirements.txt", "pyproject.toml")]
    sources = files, sys.version_info[:2], platform.machine(), str(ROOT)
    return hashlib.sha256(repr(sources).encode()).hexdigest()


def is_ready():
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def environment():
    """The caller's, less what misleads; one thread, since small networks are fastest so."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return dict(kept, OMP_NUM_THREADS="1")


def attempt(*command):
    """Run a step of the set-up, show its main lines, return (exit code, all that it printed)."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    command, lines = [str(word) for word in command], []
    with subprocess.Popen(command, errors="replace", env=environment(), **pipes) as process:
        for line in process.stdout:
            lines.append(line)
            if line.startswith(("Collecting", "Downloading", "Installing")):
                print("  " + line.split(" (from")[0].strip()[:94], flush=True)
    return process.returncode, "".join(lines)


def advice(output):
    if shutil.disk_usage(ROOT).free < 20e6:  # venv does not say why it failed
        output += "No space left"
    return next((told for sign, told in TROUBLES.items() if re.search(sign, output)), ELSE)


def insist(*command):
    code, output = attempt(*command)
    if code:
        print(output[-2000:], flush=True)
        stop(advice(output))
    return output.strip()


def works():
    """Whether .venv has a Python of our version and a pip that is complete."""
    version = "import sys, importlib.metadata as m; print(*sys.version_info[:2]);"
    whole = "print(m.distribution('pip').read_text('INSTALLER').strip())"
    output = attempt(PYTHON, "-c", version + whole)[1] if PYTHON.exists() else ""
    return output.split() == [str(part) for part in sys.version_info[:2]] + ["pip"]


def make_venv():
    if VENV.exists() and not works():
        print("Building .venv again: it is incomplete, or of another Python.", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
    if not VENV.exists():
        print("Making .venv", flush=True)
        insist(sys.executable, "-m", "venv", VENV)


def forget_half_installed(site):
    """Let pip install again what was cut off: it writes INSTALLER after a package's files."""
    for record in site.glob("*.dist-info"):
        if not (record / "INSTALLER").exists():
            shutil.rmtree(record)


def pip_install(*what):
    return (PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input") + what


def install():
    """The packages (torch without CUDA where there is no NVIDIA driver), then this folder."""
    site = Path(insist(PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    forget_half_installed(site)
    print("Installing the packages: some minutes the first time", flush=True)
    if sys.platform == "linux" and not shutil.which("nvidia-smi"):
        torch = re.search(r"torch==\S+", (ROOT / "requirements.txt").read_text()).group()
        soon = "--retries", "1", "--timeout", "10"
        attempt(*pip_install("--no-deps", "--index-url", CPU_WHEELS, torch, *soon))
    insist(*pip_install("-r", ROOT / "requirements.txt"))
    (site / "toycore-course.pth").write_text(Path(os.path.relpath(ROOT, site)).as_posix() + "\n")


def quiet_jupyter():
    """No question about news at the first start."""
    settings = VENV / "share/jupyter/lab/settings/overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    settings.write_text(json.dumps({"@jupyterlab/apputils-extension:notification": quiet}))


def lock(file):
    """Whether this process now holds the lock on a file; the system opens it when the process ends."""
    try:
        if os.name == "nt":
            import msvcrt

            file.seek(1 << 30)  # far behind the text, so that others can go on reading it
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError:
        pass  # a disk without locks
    return True


@contextlib.contextmanager
def one_at_a_time():
    """Two set-ups in one folder would break each other's packages: the second one waits."""
    with Path(__file__).open("rb") as file:
        if not lock(file):
            print("Another set-up is at work in this folder; waiting for it (Ctrl-C to stop).", flush=True)
            while not lock(file):
                time.sleep(0.5)
        yield


def setup():
    """Make .venv complete; does nothing where its stamp says that it is."""
    check_python()
    if not (ROOT / "requirements.txt").exists():
        stop("course.py alone is not the course: get the whole folder (clone it, or unpack the whole archive).")
    if is_ready():
        return
    try:
        with one_at_a_time():
            if not is_ready():
                complete()
    except OSError as error:
        stop("{}. {}".format(error, advice(str(error))))


def complete():
    free = shutil.disk_usage(ROOT).free
    if free < SIZE and not VENV.exists():
        print("Only {:.1f} GB are free here; the set-up needs {:.1f}.".format(free / 1e9, SIZE / 1e9), flush=True)
    make_venv()
    if STAMP.exists():
        STAMP.unlink()
    install()
    quiet_jupyter()
    STAMP.write_text(fingerprint())
    print("Ready.", flush=True)


# ---- words ---------------------------------------------------------------------------------------


def start(*arguments, **options):
    """Run the environment's Python; Ctrl-C goes to it, and it decides."""
    command = [str(word) for word in (PYTHON,) + arguments]
    process = subprocess.Popen(command, env=environment(), **dict({"cwd": ROOT}, **options))
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            pass


def module(name, **options):
    """A word that hands its arguments to one of our modules, by way of `run` in the environment."""
    return lambda arguments: start(ROOT / "course.py", "--run", name, *arguments, **options)


def run(name, *arguments):
    sys.argv, sys.excepthook = [name] + list(arguments), hush
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def hush(kind, error, trace):
    """Ctrl-C ends a word with a word, whatever it interrupted; other errors are shown whole."""
    inner = error
    while inner and type(inner).__name__ not in ("KeyboardInterrupt", "DeadKernelError"):  # nbclient's word for it
        inner = inner.__context__
    if inner:
        print("\ncourse.py: stopped ({}).".format(type(inner).__name__), file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, trace)


def open_lab(arguments):
    first = sorted((ROOT / "notebooks").glob("00_*.ipynb"))
    page = "/lab/tree/notebooks/" + first[0].name if first else "/lab"
    places = "--ServerApp.root_dir={}".format(ROOT), "--LabApp.default_url={}".format(page)
    return module("jupyterlab")(("--ServerApp.ip=127.0.0.1",) + places + tuple(arguments))


def run_tests(arguments):
    """pytest on up to four cores; each file stays whole, since the cells of a notebook build on each other."""
    workers = min(os.cpu_count() or 1, 4)
    spread = ("-n", workers, "--dist", "loadfile") if workers > 1 else ()
    return start("-m", "pytest", *spread + tuple(arguments))


def bench(arguments):
    failed = start("-m", "tools.bench_2d", *arguments)
    return failed or start("-m", "tools.bench_images", "--quick")


WORDS = {
    "open": (open_lab, "open JupyterLab on the first notebook; further options go to it"),
    "setup": (lambda arguments: 0, "make .venv and install what the course needs"),
    "test": (run_tests, "run every test; further options go to pytest"),
    "preflight": (module("toycore.programs.preflight"), "before a lecture: open every view, say ready or not"),
    "demo": (module("toycore.programs.demo", cwd=None), "train on the spiral, draw spiral.png, no Jupyter"),
    "record": (module("tools.record"), "run notebooks (all or those named), store their outputs"),
    "figures": (module("figures"), "draw every figure of figures/ again"),
    "export": (module("toycore.programs.export"), "write the course as web pages that need no Python"),
    "bench": (bench, "measure training and sampling: some minutes in the plane, two on pictures"),
    "weights": (module("toycore.programs.recipes"), "train the shipped checkpoints again"),
}


def usage():
    words = "\n".join("  {:9} {}".format(word, told) for word, (_, told) in WORDS.items())
    return "python3 course.py [word]    (Windows: py course.py; no word means open)\n\n" + words


def main(arguments):
    if arguments[:1] == ["--run"]:
        return run(*arguments[1:])
    word, rest = (arguments[0], arguments[1:]) if arguments else ("open", [])
    if word in ("-h", "--help", "help"):
        return print(usage())
    if word not in WORDS:
        near = "".join(" Did you mean '{}'?".format(w) for w in difflib.get_close_matches(word, WORDS, 1))
        stop("there is no word '{}'.{}\n\n{}".format(word, near, usage()))
    try:
        setup()
    except KeyboardInterrupt:
        stop("set-up interrupted. Run this again, and it goes on where it stopped.")
    return WORDS[word][0](rest)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
