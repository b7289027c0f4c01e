"""Set up the course and use it: one file, standard library only.

    python3 course.py           set up (once), then open the first notebook  (Windows: py course.py)
    python3 course.py test      set up (once), then run every test
    python3 course.py --help    all the commands

Everything is installed into .venv beside this file. A stamp is written there last: a set-up that
was cut off goes on where it stopped, and a finished one costs nothing.
"""

from __future__ import print_function  # Python 2.7, too, must be able to read this file to say what it lacks

import sys

OLDEST, NEWEST = (3, 11), (3, 14)


def stop(message):
    sys.exit("\ncourse.py: " + message)


def check_python(version=sys.version_info[:2]):
    if not OLDEST <= tuple(version) <= NEWEST:
        this, low, high = (".".join(map(str, v)) for v in (version, OLDEST, NEWEST))
        stop(
            "this is Python {0}; the course needs {1} to {2}. Install one from python.org, or name one\n"
            "that you have: python{1} course.py (Windows: py -{1} course.py).".format(this, low, high)
        )


check_python()  # before the imports, since an old Python does not have them all

import contextlib
import difflib
import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
PYTHON = VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = VENV / "course-stamp"
SIZE = 2.5e9  # bytes of a finished set-up, with what pip needs while it works
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
PIP_INSTALL = PYTHON, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"
MISLEADING = "PYTHONPATH", "PYTHONHOME", "PYTHONIOENCODING", "MPLBACKEND"  # they lead Python or matplotlib elsewhere
AGAIN = ", then run this again: it goes on where it stopped."
ADVICE = {  # what a failing venv or pip prints: what to do about it; the first match counts
    r"No space left|Errno 28|not enough space|Disk quota": "The disk is full. Make room for 2.5 GB" + AGAIN,
    r"Permission denied|Errno 13|WinError 5\b|Read-only file system": "This folder cannot be written to. Close a"
    " JupyterLab that runs from it, or copy the course to a folder of your own" + AGAIN,
    r"ensurepip is not\s+available|No module named '?(venv|ensurepip)": "This Python lacks the venv module. Install it"
    " (Debian, Ubuntu: sudo apt install python3-venv) or Python from python.org" + AGAIN,
    r"Long Path support|WinError 206": "This folder's path is too long for Windows. Move the course to a short one such"
    " as C:\\course, or switch long paths on" + AGAIN,
    r"ProxyError|407 Proxy|CERTIFICATE_VERIFY_FAILED": "The network's proxy or its certificate is in the way. Set"
    " HTTPS_PROXY (and PIP_CERT) as your network asks" + AGAIN,
    r"NewConnection|NameResolution|ConnectTimeout|ReadTimeout|timed out|Connection\w*Error": "The package index cannot"
    " be reached. Check the network" + AGAIN,
    r"No matching distribution": "One package has no build for this Python and this system (torch has none for Macs"
    " with Intel processors). README.md, 'If something is wrong', says more.",
    r"": "The lines above say what is wrong. If they do not help, delete .venv and run this again.",
}


# ---- set-up --------------------------------------------------------------------------------------


def environment():
    """The caller's without what misleads; one thread, since small networks are fastest so; UTF-8 in every locale."""
    kept = {name: value for name, value in os.environ.items() if name not in MISLEADING}
    return dict(kept, OMP_NUM_THREADS="1", PYTHONUTF8="1")


def end(process, patience=5):
    """End a child that still runs, and all of its group where it leads one: ask first, then force."""
    for name in ("SIGTERM", "SIGKILL"):
        if process.poll() is None:
            try:
                os.killpg(process.pid, getattr(signal, name))
            except (AttributeError, OSError):  # Windows, or a child in our own group
                process.terminate() if name == "SIGTERM" else process.kill()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(patience)


def fingerprint():
    """What .venv is built from: requirements, project file, Python, machine, place."""
    files = [(ROOT / name).read_bytes() for name in ("requirements.txt", "pyproject.toml")]
    return hashlib.sha256(repr((files, sys.version_info[:2], platform.machine(), str(ROOT))).encode()).hexdigest()


def is_ready():
    return PYTHON.exists() and STAMP.exists() and STAMP.read_text() == fingerprint()


def attempt(*command):
    """Run a step of the set-up, show its main lines, return (exit code, all that it printed)."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "stdin": subprocess.DEVNULL}
    options = dict(pipes, encoding="utf-8", errors="replace", env=environment(), start_new_session=os.name != "nt")
    lines = []
    with subprocess.Popen([str(part) for part in command], **options) as process:
        try:
            for line in process.stdout:
                lines.append(line)
                if line.startswith(("Collecting", "Downloading", "Installing")):
                    print("  " + line.split(" (from")[0].strip()[:94], flush=True)
            process.wait()
        finally:
            end(process)
    return process.returncode, "".join(lines)


def advice(output):
    if shutil.disk_usage(ROOT).free < 20e6:  # venv does not say why it failed
        output += "No space left"
    return next(what for sign, what in ADVICE.items() if re.search(sign, output))


def step(*command):
    """Run a step of the set-up and return what it printed; where it fails, stop with advice."""
    code, output = attempt(*command)
    if code:
        print(output[-2000:], flush=True)
        stop(advice(output))
    return output.strip()


def works():
    """Whether .venv has a Python of our version and a pip that is complete."""
    code = "import sys, importlib.metadata as m; print(sys.version[:4], m.distribution('pip').read_text('INSTALLER'))"
    output = attempt(PYTHON, "-c", code)[1] if PYTHON.exists() else ""
    return output.split() == [sys.version[:4], "pip"]


def make_venv():
    if VENV.exists() and not works():
        print("Building .venv again: it is incomplete, or of another Python.", flush=True)
        shutil.rmtree(VENV, ignore_errors=True)
    if not VENV.exists():
        print("Making .venv", flush=True)
        step(sys.executable, "-m", "venv", VENV)


def remove_half_installed(site):
    """Let pip install again what was cut off: it writes INSTALLER after a package's files."""
    for record in site.glob("*.dist-info"):
        if not (record / "INSTALLER").exists():
            shutil.rmtree(record)


def install():
    """The packages (torch without CUDA where there is no NVIDIA driver), then this folder."""
    site = Path(step(PYTHON, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"))
    remove_half_installed(site)
    print("Installing the packages: some minutes the first time", flush=True)
    if sys.platform == "linux" and not shutil.which("nvidia-smi"):
        torch = re.search(r"torch==\S+", (ROOT / "requirements.txt").read_text()).group()
        impatiently = "--no-deps", "--retries", "1", "--timeout", "10"
        attempt(*PIP_INSTALL + impatiently + ("--index-url", CPU_WHEELS, torch))
    step(*PIP_INSTALL + ("-r", ROOT / "requirements.txt"))
    (site / "toycore-course.pth").write_text(Path(os.path.relpath(ROOT, site)).as_posix() + "\n")


def turn_off_news():
    """JupyterLab shall not ask about news at its first start."""
    settings = VENV / "share/jupyter/lab/settings/overrides.json"
    settings.parent.mkdir(parents=True, exist_ok=True)
    off = '{"fetchNews": "false", "checkForUpdates": false}'
    settings.write_text('{"@jupyterlab/apputils-extension:notification": ' + off + "}")


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
    except OSError as error:  # of another kind: a disk without locks
        return not isinstance(error, (BlockingIOError, PermissionError))
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
    STAMP.unlink(missing_ok=True)
    install()
    turn_off_news()
    STAMP.write_text(fingerprint())
    print("Ready.", flush=True)


# ---- commands ------------------------------------------------------------------------------------


def start(name, *arguments, **options):
    """Run one of our modules in the environment and return its exit code; Ctrl-C is its to answer."""
    alone = not (sys.stdin and sys.stdin.isatty())  # a terminal gives Ctrl-C to the child, too
    command = [str(part) for part in (PYTHON, ROOT / "tools" / "run.py", name) + arguments]
    can_wait = hasattr(signal, "pthread_sigmask")
    if can_wait:  # Ctrl-C, until tools/run.py can answer it
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    process = subprocess.Popen(command, env=environment(), start_new_session=alone and os.name != "nt", **options)
    try:
        if can_wait:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:
                if alone:
                    process.send_signal(signal.SIGINT)
    finally:
        end(process)


def open_lab(arguments):
    first = sorted((ROOT / "notebooks").glob("00_*.ipynb"))
    page = "/lab/tree/notebooks/" + first[0].name if first else "/lab"
    places = "--ServerApp.root_dir={}".format(ROOT), "--LabApp.default_url={}".format(page)
    encrypted = "--KernelManager.transport_encryption=auto"  # otherwise each kernel warns that it is not
    code = start("jupyterlab", "--ServerApp.ip=127.0.0.1", encrypted, *places + tuple(arguments))
    if code and getattr(os, "geteuid", lambda: 1)() == 0 and "--allow-root" not in arguments:
        print("\ncourse.py: JupyterLab refuses root; in a container: python3 course.py open --allow-root", flush=True)
    return code


def run_tests(arguments):
    """pytest on up to four cores; each file stays whole, since the cells of a notebook build on each other.

    One worker more than cores: the tests in a browser wait much. The files are dealt out in the order of
    pyproject.toml, the longest first, not as xdist would: those of most tests.
    """
    cores = os.cpu_count() or 1
    workers = min(cores + 1, 4) if cores > 1 else 1
    spread = ("-n", workers, "--dist", "loadfile", "--no-loadscope-reorder") if workers > 1 else ()
    return start("pytest", *spread + tuple(arguments), cwd=ROOT)


def bench(arguments):
    return start("tools.bench_2d", *arguments) or start("tools.bench_images", "--quick")


COMMANDS = {  # name: (a module or a function of the arguments, what it does)
    "open": (open_lab, "open JupyterLab on the first notebook; further options go to it"),
    "setup": (lambda arguments: 0, "make .venv and install what the course needs"),
    "test": (run_tests, "run every test; further options go to pytest"),
    "preflight": ("toycore.programs.preflight", "before a lecture: open every view, say ready or not"),
    "demo": ("toycore.programs.demo", "train on the spiral, draw spiral.png, no Jupyter"),
    "record": ("tools.record", "run notebooks (all or those named), store their outputs"),
    "figures": ("figures", "draw every figure of figures/ again"),
    "export": ("toycore.programs.export", "write the course as web pages that need no Python"),
    "bench": (bench, "measure training and sampling: some minutes in the plane, two on pictures"),
    "train": ("toycore.images.train", "train on pictures: mnist, cifar10, strokes, or a folder of your own"),
    "weights": ("toycore.programs.recipes", "train the shipped checkpoints again"),
}


def usage():
    commands = "\n".join("  {:9} {}".format(name, text) for name, (_, text) in COMMANDS.items())
    return "python3 course.py [command]    (Windows: py course.py; without a command: open)\n\n" + commands


def main(arguments):
    for number in ENDING:  # as an exception, so that we end our children first
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, lambda number, frame: sys.exit(128 + number))
    name, rest = (arguments[0], arguments[1:]) if arguments else ("open", [])
    if name in ("-h", "--help", "help"):
        return print(usage())
    if name not in COMMANDS:
        near = "".join(" Did you mean '{}'?".format(n) for n in difflib.get_close_matches(name, COMMANDS, 1))
        stop("there is no command '{}'.{}\n\n{}".format(name, near, usage()))
    try:
        setup()
    except KeyboardInterrupt:
        stop("set-up interrupted. Run this again, and it goes on where it stopped.")
    what = COMMANDS[name][0]
    code = what(rest) if callable(what) else start(what, *rest)
    return 128 - code if code and code < 0 else code  # ended by a signal, as a shell counts


if __name__ == "__main__":
    sys.stdout.reconfigure(errors="replace")  # a terminal without our letters shows a question mark
    sys.exit(main(sys.argv[1:]))
