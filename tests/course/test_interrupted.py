"""Ctrl-C and SIGTERM, sent to real processes: each ends with one line, leaves no process, and changes no file.

No test waits for some seconds: each reads the number that a process prints before the signal is sent.
"""

import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60  # seconds until a test gives up
REPORT = (
    "import os, signal, sys, time\nprint('Collecting', os.getpid(), flush=True)\n"  # a line that course.py passes on
)
STUBBORN = "for s in (signal.SIGINT, signal.SIGTERM): signal.signal(s, signal.SIG_IGN)\n"
SLEEP = "time.sleep(600)\n"
BEFORE = f"import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {REPORT + SLEEP!r}])\n"

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with course.py and an environment that counts as finished; its modules are fakes."""
    place = tmp_path / "kurs é test"
    (place / "tools").mkdir(parents=True)
    for name in ("course.py", "tools/run.py", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, place / name)
    python = place / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    spec = importlib.util.spec_from_file_location("a_course", place / "course.py")
    course = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(course)
    course.STAMP.write_text(course.fingerprint())
    (place / "torch.py").touch()
    return place


@pytest.fixture(autouse=True)
def hears_ctrl_c():
    """In the background of a shell Ctrl-C is ignored, also by what is started there; not in these tests."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before or signal.SIG_DFL)


def started(*command: str | Path, **options) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    return subprocess.Popen([sys.executable, *map(str, command)], start_new_session=True, **pipes | options)


def course(place: Path, command: str, **options) -> subprocess.Popen[str]:
    return started("course.py", command, cwd=place, **options)


def runs(number: int) -> bool:
    """Whether a process runs; one that has ended and waits for its parent's notice does not."""
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    state = subprocess.run(["ps", "-o", "state=", "-p", str(number)], capture_output=True, text=True, check=False)
    return not state.stdout.startswith(("Z", "X")) and bool(state.stdout.strip())


def number_of(process: subprocess.Popen[str]) -> int:
    """Wait until a process prints its number."""
    found = (re.search(r"Collecting (\d+)", line) for line in iter(process.stdout.readline, ""))
    return int(next(filter(None, found))[1])


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what stood on stderr."""
    output = process.communicate(timeout=PATIENCE)[1]
    return process.returncode, output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_command_ends_with_one_line(place: Path, number: int) -> None:
    (place / "figures.py").write_text(REPORT + SLEEP)
    process = course(place, "figures")
    child = number_of(process)
    process.send_signal(number)
    code, output = ended(process)
    assert code == 128 + number and output == "\ncourse.py: stopped.\n" and not runs(child)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_what_does_not_listen_is_ended_by_force(place: Path, number: int) -> None:
    """A JupyterLab that hangs, and a process that it has started."""
    (place / "jupyterlab.py").write_text(BEFORE + REPORT + STUBBORN + SLEEP)
    process = course(place, "open")
    children = [number_of(process) for _ in range(2)]
    process.send_signal(number)
    assert ended(process)[0] == 128 + number and not any(map(runs, children))


def test_a_terminal_sends_ctrl_c_once(place: Path) -> None:
    """The terminal gives Ctrl-C to parent and child; the parent must not pass it on, or JupyterLab could not ask."""
    count = "got = []\nsignal.signal(signal.SIGINT, lambda *_: got.append(1))\n"
    wait = "while not got: time.sleep(0.01)\ntime.sleep(0.5)\nprint('heard', len(got), flush=True)\n"
    (place / "jupyterlab.py").write_text("import signal\n" + count + REPORT + wait)
    spawn = f"import pty; pty.spawn([{sys.executable!r}, 'course.py', 'open'])"
    process = started("-c", spawn, cwd=place, stdin=subprocess.PIPE)
    assert number_of(process)
    process.stdin.write("\x03")
    process.stdin.flush()
    assert "heard 1" in process.communicate(timeout=PATIENCE)[0]


def test_ctrl_c_waits_until_torch_is_loaded(place: Path) -> None:
    """Its C++ parts abort the process if they are interrupted."""
    (place / "torch.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGINT)\nprint('whole', flush=True)\n"
    )
    (place / "figures.py").write_text("print('not reached')\n")
    process = course(place, "figures")
    out, output = process.communicate(timeout=PATIENCE)
    assert out == "whole\n" and output == "\ncourse.py: stopped.\n" and process.returncode == 130


@pytest.mark.parametrize("code", ["raise KeyboardInterrupt", "try:\n    raise KeyboardInterrupt\nfinally:\n    1 / 0"])
def test_what_fails_on_the_way_out_is_not_shown(place: Path, code: str) -> None:
    (place / "figures.py").write_text(code)
    assert ended(course(place, "figures")) == (130, "\ncourse.py: stopped.\n")


def test_other_errors_are_shown_whole(place: Path) -> None:
    (place / "figures.py").write_text("1 / 0")
    code, output = ended(course(place, "figures"))
    assert code == 1 and "Traceback" in output and "ZeroDivisionError" in output


FAKE = """import sys
if sys.argv[1] == "-c":
    sys.exit(print(*((sys.version[:4], "pip") if "importlib" in sys.argv[2] else ["."])))
"""  # a Python whose pip never ends


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_set_up_takes_pip_with_it(place: Path, number: int) -> None:
    """Also what pip has started; and the set-up is not taken for a finished one."""
    environment = place / ".venv"
    (environment / "course-stamp").unlink()
    (environment / "fake.py").write_text(FAKE + BEFORE + REPORT + SLEEP)
    (environment / "bin" / "python").write_text(f'#!/bin/sh\nexec "{sys.executable}" "{environment}/fake.py" "$@"\n')
    process = course(place, "setup")
    children = [number_of(process) for _ in range(2)]
    process.send_signal(number)
    code, output = ended(process)
    assert not any(map(runs, children)) and not (environment / "course-stamp").exists()
    assert code == (1 if number == signal.SIGINT else 143) and "Traceback" not in output
    assert ("set-up interrupted. Run this again" in output) == (number == signal.SIGINT)


# ---- the programs themselves


def program(*arguments: str | Path, **options) -> subprocess.Popen[str]:
    """A program of the course as course.py starts it."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONUTF8": "1"}
    return started(ROOT / "tools" / "run.py", *arguments, env=env, **options)


def test_record_and_export_kill_the_kernel_and_write_nothing(tmp_path: Path) -> None:
    """Also where a cell catches the interrupt, as a training does: to interrupt the kernel would let it go on."""
    pipe, path = tmp_path / "pipe", tmp_path / "n.ipynb"
    os.mkfifo(pipe)
    code = f"import os, time\nwith open({str(pipe)!r}, 'w') as f: print(os.getpid(), file=f)\n"
    code += "try: time.sleep(600)\nexcept KeyboardInterrupt: print('kept on')"
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cell = {"cell_type": "code", "id": "c", "metadata": {}, "execution_count": None, "outputs": [], "source": code}
    path.write_text(json.dumps({"cells": [cell], "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))
    before = path.read_bytes()
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("yesterday's")
    for command in (["tools.record", path], ["toycore.programs.export", path, "--out", site]):
        process = program(*command)
        kernel = int(pipe.read_text())
        process.send_signal(signal.SIGINT)
        code, output = ended(process)
        assert code == 130 and output == "\ncourse.py: stopped.\n" and not runs(kernel)
        assert path.read_bytes() == before and sorted(tmp_path.iterdir()) == [path, pipe, site]
    assert [file.read_text() for file in site.iterdir()] == ["yesterday's"]


def test_the_tests_end_and_leave_no_worker(place: Path, tmp_path: Path) -> None:
    """pytest itself answers, with the code that it has for this."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    (place / "tests" / "support").mkdir(parents=True)
    shutil.copy(ROOT / "tests/support/lean.py", place / "tests/support/lean.py")
    code = f"import os, time\ndef test():\n    open({str(pipe)!r}, 'w').write(str(os.getpid()))\n    {SLEEP}"
    (place / "tests" / "test_slow.py").write_text(code)
    process = course(place, "test")
    worker = int(pipe.read_text())
    process.send_signal(signal.SIGINT)
    assert ended(process)[0] == pytest.ExitCode.INTERRUPTED and not runs(worker)


def test_the_demo_draws_nothing_half_learned(tmp_path: Path) -> None:
    (tmp_path / "spiral.png").write_bytes(b"yesterday's")
    process = program("toycore.programs.demo", tmp_path)
    bar = iter(lambda: process.stderr.read(1), "")
    output = ""
    while "step/s" not in output:
        output += next(bar)
    process.send_signal(signal.SIGINT)
    code, rest = ended(process)
    assert code == 130 and rest.endswith("\ncourse.py: stopped.\n") and "Traceback" not in rest
    assert [file.read_bytes() for file in tmp_path.iterdir()] == [b"yesterday's"]
