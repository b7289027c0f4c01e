"""course.py without a network: its commands, its stamp, a set-up that was cut off, its advice."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.support import windows

ROOT = Path(__file__).resolve().parents[2]


def copy_in(place: Path) -> ModuleType:
    """course.py, copied into a folder whose name has a space and an accent."""
    (place / "tools").mkdir(parents=True)
    for name in ("course.py", "tools/run.py", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, place / name)
    spec = importlib.util.spec_from_file_location("a_course", place / "course.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def without_pip(course: ModuleType) -> list[tuple[str, ...]]:
    """Stand in for pip install: note the commands, install nothing."""
    attempt, commands = course.attempt, []

    def noted(*command):
        if "install" not in command:
            return attempt(*command)
        commands.append(tuple(map(str, command)))
        return 0, ""

    course.attempt = noted
    return commands


@pytest.fixture
def course(tmp_path: Path) -> ModuleType:
    return copy_in(tmp_path / "kurs é test")


@pytest.fixture
def offline(course: ModuleType) -> list[tuple[str, ...]]:
    return without_pip(course)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> tuple[ModuleType, list[tuple[str, ...]]]:
    """A course after its whole set-up but pip's downloads, and the commands that pip was given."""
    course = copy_in(tmp_path_factory.mktemp("finished") / "kurs é test")
    commands = without_pip(course)
    (course.ROOT / "toycore").mkdir()
    (course.ROOT / "toycore" / "__init__.py").write_text("")
    course.setup()
    return course, commands


@pytest.fixture
def quick(course: ModuleType, offline, finished) -> None:
    """Stand in for pip and for venv: one environment serves all."""
    noted = course.attempt

    def copied(*command):
        if "venv" not in command:
            return noted(*command)
        shutil.copytree(finished[0].VENV, course.VENV, symlinks=True)
        return 0, ""

    course.attempt = copied


def run(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    command = (sys.executable, str(ROOT / "course.py"), *arguments)
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


def test_help_lists_every_command(course: ModuleType) -> None:
    shown = run("--help")
    assert shown.returncode == 0
    listed = re.findall(r"^  (\w+) ", shown.stdout, re.MULTILINE)
    assert listed == list(course.COMMANDS)


def test_an_unknown_command_lists_the_commands(course: ModuleType) -> None:
    shown = run("tset")
    assert shown.returncode != 0
    assert "'tset'. Did you mean 'test'?" in shown.stderr
    assert all(f"  {name} " in shown.stderr for name in course.COMMANDS)


def test_the_readme_names_every_command(course: ModuleType) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"course\.py (\w+)", readme))
    assert named <= set(course.COMMANDS)
    assert set(course.COMMANDS) - {"open", "setup"} <= named


@pytest.mark.parametrize("version", [(3, 8), (3, 10), (3, 15)])
def test_another_python_gets_a_clear_message(course: ModuleType, version: tuple[int, int]) -> None:
    with pytest.raises(SystemExit, match=r"this is Python 3\.\d+; the course needs 3\.11 to 3\.14"):
        course.check_python(version)


@pytest.mark.parametrize("version", [(3, 11), (3, 14)])
def test_the_supported_pythons_pass(course: ModuleType, version: tuple[int, int]) -> None:
    course.check_python(version)


def modern(source: str) -> list[str]:
    """What in a source would be a syntax error for Python 2.7: these lines must keep to the common part."""
    found = []
    for node in ast.walk(ast.parse(source)):
        stars = [isinstance(a, ast.Starred) for a in node.args] if isinstance(node, ast.Call) else []
        news = [
            isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.Nonlocal | ast.YieldFrom | ast.Match),
            isinstance(node, ast.arguments) and (node.kwonlyargs or node.posonlyargs),
            isinstance(node, ast.arg) and node.annotation,
            isinstance(node, ast.List | ast.Tuple | ast.Set) and any(isinstance(e, ast.Starred) for e in node.elts),
            isinstance(node, ast.Dict) and None in node.keys,
            isinstance(node, ast.Raise) and node.cause,
            any(stars[:-1]),
        ]
        found += [f"line {getattr(node, 'lineno', '?')}: {type(node).__name__}"] if any(news) else []
    return found


def test_older_pythons_can_read_the_file() -> None:
    """The message above is only printed by a Python that can parse the file, and before an import that it lacks."""
    source = (ROOT / "course.py").read_text(encoding="utf-8")
    assert modern(source) == []
    assert source.isascii() and "from __future__ import print_function" in source
    before = source[: source.index("\ncheck_python()")]
    assert re.findall(r"^(?:import|from) (\w+)", before, re.MULTILINE) == ["__future__", "sys"]


@pytest.mark.parametrize("line", ["f'{x}'", "f(*a, *b)", "def f(*a, b): pass", "[*a]", "{**a}", "x: int = 1"])
def test_what_is_modern_is_seen(line: str) -> None:
    assert modern(line) and not modern("f(a, *b, c=1, **d)")


def test_pins_lie_within_the_ranges() -> None:
    """requirements.txt pins one version of everything that pyproject.toml asks for."""
    import tomllib

    from packaging.requirements import Requirement

    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = dict(line.split("==") for line in lines if line and not line.startswith("#"))
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    ranges = [Requirement(line) for group in groups for line in group]
    needed = {need.name for need in ranges} - {"toycore"}
    assert needed == set(pins)
    assert all(need.specifier.contains(pins[need.name]) for need in ranges if need.name in pins)


def test_setup_makes_an_environment_that_finds_the_course(finished) -> None:
    """In a folder with a space and an accent; twice."""
    course, commands = finished
    assert course.is_ready()
    code = "import toycore, sys; print(toycore.__file__, sys.prefix, sep='|')"
    answer = course.attempt(course.PYTHON, "-P", "-X", "utf8", "-c", code)[1].strip().split("|")
    assert [Path(part).resolve() for part in answer] == [
        course.ROOT / "toycore" / "__init__.py",
        course.VENV,
    ]
    assert (course.VENV / "share/jupyter/lab/settings/overrides.json").exists()
    before = len(commands)
    course.setup()
    assert len(commands) == before > 0, "a finished set-up must not call pip again"


def test_a_cut_off_setup_goes_on(course: ModuleType, quick, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the packages: no stamp. The next run keeps .venv and drops half a package's record."""

    def killed():
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(course, "turn_off_news", killed)
        with pytest.raises(KeyboardInterrupt):
            course.setup()
    assert course.PYTHON.exists() and not course.is_ready()
    site = next(course.VENV.rglob("site-packages"))
    (site / "half-1.0.dist-info").mkdir()
    (site / "half-1.0.dist-info" / "METADATA").write_text("Name: half\nVersion: 1.0\n")
    (course.VENV / "kept").touch()
    course.setup()
    assert course.is_ready() and (course.VENV / "kept").exists()
    assert not (site / "half-1.0.dist-info").exists()
    assert list(site.glob("pip-*.dist-info"))


def test_half_an_environment_is_built_again(course: ModuleType, quick) -> None:
    """Killed while venv was at work: a Python without a whole pip."""
    course.PYTHON.parent.mkdir(parents=True)
    (course.VENV / "rest").touch()
    assert not course.works()
    course.setup()
    assert course.works() and not (course.VENV / "rest").exists()
    for record in course.VENV.rglob("pip-*.dist-info/INSTALLER"):
        record.unlink()
    assert not course.works()


@pytest.mark.parametrize("name", ["requirements.txt", "pyproject.toml"])
def test_the_stamp_knows_what_changed(course: ModuleType, name: str) -> None:
    before = course.fingerprint()
    assert before == course.fingerprint()
    with (course.ROOT / name).open("a") as file:
        file.write("# one more line\n")
    assert course.fingerprint() != before


def test_the_stamp_knows_the_python(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    before = course.fingerprint()
    monkeypatch.setattr(course.sys, "version_info", (3, 99, 0))
    assert course.fingerprint() != before


@pytest.mark.parametrize(
    ("printed", "advice"),
    [
        ("ERROR: Could not install packages: [Errno 28] No space left on device", "disk is full"),
        ("Error: [Errno 13] Permission denied: '/srv/course/.venv'", "cannot be written"),
        ("created successfully because ensurepip is not available. On Debian", "apt install python3-venv"),
        ("not created successfully because ensurepip is not\navailable.  On Debian", "apt install python3-venv"),
        ("/usr/bin/python3: No module named venv", "lacks the venv module"),
        (
            "WARNING: Retrying after NewConnectionError: no such host\nERROR: No matching distribution",
            "cannot be reached",
        ),
        ("ProxyError('Cannot connect to proxy.')", "HTTPS_PROXY"),
        ("HINT: This error might have occurred since this system does not have Windows Long Path support", "too long"),
        ("ERROR: No matching distribution found for torch==2.13.0", "no build for this Python"),
        ("ERROR: pip's dependency resolver does not currently take into account", "lines above"),
    ],
)
def test_every_failure_has_its_advice(course: ModuleType, printed: str, advice: str) -> None:
    assert advice in course.advice(printed)


def test_a_failing_step_stops_with_advice(course: ModuleType, capfd: pytest.CaptureFixture) -> None:
    code = "import sys; print('[Errno 28] No space left on device'); sys.exit(1)"
    with pytest.raises(SystemExit, match="disk is full"):
        course.step(sys.executable, "-c", code)
    assert "No space left" in capfd.readouterr().out


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="needs a folder one may not write to")
def test_a_folder_that_cannot_be_written(course: ModuleType, offline) -> None:
    course.ROOT.chmod(0o500)
    try:
        with pytest.raises(SystemExit, match="cannot be written"):
            course.setup()
    finally:
        course.ROOT.chmod(0o700)


@pytest.mark.parametrize(("number", "advice"), [(13, "cannot be written"), (28, "disk is full")])
def test_a_file_that_cannot_be_written(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, number: int, advice: str
) -> None:
    def refuse():
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(course, "make_venv", refuse)
    with pytest.raises(SystemExit, match=advice):
        course.setup()


def test_a_full_disk_is_seen_where_venv_does_not_say_so(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    message = "Error: Command '['python3', '-m', 'ensurepip', '--upgrade']' returned non-zero exit status 1."
    assert "lines above" in course.advice(message)
    monkeypatch.setattr(course.shutil, "disk_usage", lambda place: SimpleNamespace(free=1000))
    assert "disk is full" in course.advice(message)


def test_little_room_is_announced_before_the_work(course: ModuleType, offline, monkeypatch, capsys) -> None:
    monkeypatch.setattr(course.shutil, "disk_usage", lambda place: SimpleNamespace(free=1.2e9))
    monkeypatch.setattr(course, "make_venv", lambda: course.stop("enough"))
    with pytest.raises(SystemExit):
        course.setup()
    assert "Only 1.2 GB are free here; the set-up needs 2.5." in capsys.readouterr().out


def test_course_py_alone_says_so(course: ModuleType) -> None:
    (course.ROOT / "requirements.txt").unlink()
    with pytest.raises(SystemExit, match="get the whole folder"):
        course.main(["test"])
    assert not course.VENV.exists()


def test_a_second_start_waits_for_the_first(course: ModuleType, monkeypatch, capsys) -> None:
    """The first one is another process; it reports when it holds the lock, and lets go when it ends."""
    hold = "import course, sys; f = open(course.__file__); print(course.lock(f), flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold]
    with subprocess.Popen(command, cwd=course.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout.readline() == "True\n"
        monkeypatch.setattr(course.time, "sleep", lambda seconds: first.communicate())
        with course.one_at_a_time():
            assert first.returncode == 0
    assert "Another set-up is at work" in capsys.readouterr().out
    with course.one_at_a_time():
        pass
    assert not capsys.readouterr().out


def test_the_lock_on_windows(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second file is refused, and the locked byte lies behind the text: on Windows nobody could read it."""
    fake, path = windows.msvcrt(), Path(course.__file__)
    monkeypatch.setitem(sys.modules, "msvcrt", fake)
    with path.open("rb") as first, path.open("rb") as second:
        with monkeypatch.context() as changed:
            changed.setattr(course.os, "name", "nt")
            assert course.lock(first) and not course.lock(second)
        [(_, byte)] = fake.held
        assert byte > path.stat().st_size


@pytest.mark.parametrize(("driver", "cpu"), [(None, True), ("/usr/bin/nvidia-smi", False)])
def test_torch_comes_without_cuda_where_no_driver_is(
    course: ModuleType, offline, monkeypatch: pytest.MonkeyPatch, driver: str | None, cpu: bool
) -> None:
    monkeypatch.setattr(course.sys, "platform", "linux")
    monkeypatch.setattr(course.shutil, "which", lambda name: driver)
    place = str(course.ROOT)
    monkeypatch.setattr(course, "step", lambda *step: ("install" in step and course.attempt(*step)) or place)
    monkeypatch.setattr(course, "remove_half_installed", lambda site: None)
    course.install()
    torch = next(line for line in (ROOT / "requirements.txt").read_text().split() if "torch==" in line)
    assert any(course.CPU_WHEELS in command and torch in command for command in offline) == cpu
    assert offline[-1][-2] == "-r"


def test_what_is_started_runs_on_one_thread(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    given = course.environment()
    assert given["OMP_NUM_THREADS"] == "1" and "PYTHONPATH" not in given


@pytest.mark.parametrize(("cores", "spread"), [(1, []), (2, ["-n", "3"]), (64, ["-n", "4"]), (None, [])])
def test_the_tests_run_on_some_cores_and_their_exit_code_passes_through(
    course: ModuleType, monkeypatch: pytest.MonkeyPatch, cores: int | None, spread: list[str]
) -> None:
    monkeypatch.setattr(course, "setup", lambda: None)
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    monkeypatch.setattr(course.os, "cpu_count", lambda: cores)
    fake = "import sys; open('given', 'w').write(' '.join(sys.argv[1:])); sys.exit(3)"
    (course.ROOT / "pytest.py").write_text(fake)
    (course.ROOT / "torch.py").touch()  # tools/run.py loads it before pytest
    assert course.main(["test", "-k", "nothing"]) == 3
    given = (course.ROOT / "given").read_text().split()
    assert given[-2:] == ["-k", "nothing"] and given[:2] == (spread or given[-2:])
    assert ("loadfile" in given) == bool(spread), "the cells of a notebook stay together and in order"
    assert ("--no-loadscope-reorder" in given) == bool(spread), "the longest files first"


def test_a_module_gets_its_arguments(course: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    (course.ROOT / "noted.py").write_text("import sys; open('given', 'w').write(repr((__name__, sys.argv[1:])))")
    assert course.start("noted", "--out", "a b", cwd=course.ROOT) == 0
    assert (course.ROOT / "given").read_text() == "('__main__', ['--out', 'a b'])"


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows has no root")
@pytest.mark.parametrize(("user", "option", "hint"), [(0, [], True), (0, ["--allow-root"], False), (7, [], False)])
def test_root_reads_how_jupyterlab_runs(course: ModuleType, monkeypatch, capsys, user, option, hint) -> None:
    monkeypatch.setattr(course, "start", lambda *command: 1)
    monkeypatch.setattr(course.os, "geteuid", lambda: user)
    assert course.open_lab(option) == 1
    assert ("open --allow-root" in capsys.readouterr().out) == hint


def test_an_ascii_locale_changes_nothing(course: ModuleType, monkeypatch: pytest.MonkeyPatch, capfdbinary) -> None:
    """The folder has an accent in its name; so has what is printed and written."""
    monkeypatch.setattr(course, "PYTHON", Path(sys.executable))
    for name, value in dict(LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0", PYTHONIOENCODING="ascii").items():
        monkeypatch.setenv(name, value)
    code = "import os; print(os.getcwd()); open('σ', 'w').write('é')"
    (course.ROOT / "accents.py").write_text(code, encoding="utf-8")
    assert course.start("accents", cwd=course.ROOT) == 0
    assert capfdbinary.readouterr().out.decode().rstrip() == str(course.ROOT)
    assert (course.ROOT / "σ").read_text(encoding="utf-8") == "é"
