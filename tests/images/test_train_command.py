"""The command that trains on pictures: what a run leaves, resumes, refuses, and keeps when it is stopped."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from tests.support import windows
from tests.support.pictures import agree, small
from toycore import checkpoints, networks
from toycore.images import loop, recipes, runs, sets, train
from toycore.images.plan import Plan
from toycore.images.sets import shapes

# ---- the command ---------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["digits-mlp", "--steps", "8", "--batch", "16", "--precision", "float32", "--every", "1"]


def command(out: Path, *more: str, program: tuple[str, ...] = ("-m", "toycore.images.train")) -> subprocess.Popen[str]:
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    here = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(
        [sys.executable, *program, *ARGUMENTS, "--out", str(out), *more], cwd=ROOT, env=here, **pipes
    )


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("run") / "whole"
    process = command(out)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    assert "images/s" in output and "loss=" in output  # progress with speed
    return out


def test_what_a_run_leaves(run: Path) -> None:
    names = {path.name for path in run.iterdir()}
    assert {"checkpoint.safetensors", "model.safetensors", "loss.png", "card.json", "samples-000008.png"} <= names
    assert not [name for name in names if name.endswith(".part")]
    D = checkpoints.load(run / "model.safetensors")
    assert D(torch.randn(2, 1, 8, 8), 1.0, 3).shape == (2, 1, 8, 8) and D.card["steps"] == 8
    card = json.loads((run / "card.json").read_text())
    assert card["pictures"] == 1297 and card["processes"] == 1 and card["plan"]["batch"] == 16


def test_a_killed_run_resumes_exactly(run: Path, tmp_path) -> None:
    """Killed as soon as a second checkpoint may be half written, then resumed: the same weights as never killed."""
    out = tmp_path / "killed"
    process = command(out)
    while not (out / "checkpoint.safetensors").exists() and process.poll() is None:
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()  # type: ignore[union-attr]
    assert not (out / "card.json").exists(), "the run ended before it was killed"
    again = command(out, "--resume")
    assert again.wait(300) == 0, again.communicate()[0]
    again.stdout.close()  # type: ignore[union-attr]
    for name in ("checkpoint.safetensors", "model.safetensors"):
        agree(load_file(out / name), load_file(run / name))


ONE_OF_SEVERAL = """
import sys
from pathlib import Path
from toycore.images import train

train.main(sys.argv[1:])
print("left at the end:", sorted(path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")))
"""


def test_two_processes_agree_with_one(run: Path, tmp_path) -> None:
    """And at the end no thread of the process group is left, which could abort while Python shuts down."""
    (tmp_path / "one.py").write_text(ONE_OF_SEVERAL)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    torchrun = ("-m", "torch.distributed.run", "--nproc_per_node=2", f"--master_port={port}", str(tmp_path / "one.py"))
    process = command(tmp_path / "two", program=torchrun)
    output = process.communicate(timeout=300)[0]
    assert process.returncode == 0, output
    assert output.count("left at the end:") == 2 and "gloo" not in output, output
    a, b = load_file(tmp_path / "two/checkpoint.safetensors"), load_file(run / "checkpoint.safetensors")
    assert a.keys() == b.keys()
    torch.testing.assert_close(a["losses"], b["losses"], rtol=0, atol=1e-6)
    for key in a:
        if key.startswith(("model.", "average.")):
            torch.testing.assert_close(a[key], b[key], rtol=0, atol=1e-6)
    assert json.loads((tmp_path / "two/card.json").read_text())["processes"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["digits-mlq"], "did you mean 'digits-mlp'"),
        (["digits-mlp", "--steps", "0"], "steps is 0"),
        (["digits-mlp", "--data", "nowhere"], "no set or folder of pictures named 'nowhere'"),
    ],
)
def test_bad_arguments_are_refused(arguments: list[str], message: str, tmp_path) -> None:
    with pytest.raises(ValueError, match=message):
        train.main([*arguments, "--out", str(tmp_path / "run")])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--every", "0"], "every is 0; it must be a whole number"),
        (["--batch", "0"], "batch is 0"),
        (["--lr", "0"], "lr is 0.0; it must be a finite number above 0"),
        (["--lr", "nan"], "lr is nan"),
        (["--lr", "1e30"], r"with lr 1e\+30 the training diverges; try a smaller lr"),
    ],
)
def test_numbers_that_cannot_work_are_refused(options: list[str], message: str, tmp_path) -> None:
    with pytest.raises(ValueError, match=message):
        train.main([*ARGUMENTS, *options, "--out", str(tmp_path / "run")])


@pytest.mark.parametrize("name", ["half", "bf16", "float16"])
def test_a_precision_that_is_unknown_is_refused(name: str, tmp_path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        train.main(["digits-mlp", "--precision", name, "--out", str(tmp_path / "run")])
    assert stopped.value.code == 2 and f"invalid choice: '{name}'" in capsys.readouterr().err
    with pytest.raises(ValueError, match=f"no precision named '{name}'.*bfloat16"):
        next(loop.train(small(), torch.zeros(2, 1, 8, 8), torch.zeros(2).long(), Plan(precision=name)))


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_the_card_says_what_ran(precision: str, tmp_path, monkeypatch) -> None:
    """The precision on the card is that of the forward passes."""
    seen = set()
    count = torch.nn.Linear.forward

    def forward(self: torch.nn.Linear, x: torch.Tensor) -> torch.Tensor:
        y = count(self, x)
        if torch.is_grad_enabled():
            seen.add(str(y.dtype).removeprefix("torch."))
        return y

    monkeypatch.setattr(torch.nn.Linear, "forward", forward)
    train.main(["digits-mlp", "--steps", "2", "--batch", "4", "--precision", precision, "--out", str(tmp_path)])
    assert seen == {precision} == {json.loads((tmp_path / "card.json").read_text())["precision"]}


def test_two_trainings_do_not_share_a_folder(run: Path, tmp_path) -> None:
    """The second is refused while the first holds the folder; afterwards it may have it."""
    with runs.held(tmp_path), pytest.raises(BlockingIOError, match=r"another training writes to .*; wait .*--out"):
        train.main([*ARGUMENTS, "--out", str(tmp_path)])
    assert not (tmp_path / "checkpoint.safetensors").exists()
    train.main([*ARGUMENTS, "--out", str(tmp_path)])
    assert (tmp_path / "card.json").exists()


def test_two_trainings_do_not_share_a_folder_on_windows(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "msvcrt", windows.msvcrt())
    monkeypatch.setattr(runs.sys, "platform", "win32")
    with runs.held(tmp_path), pytest.raises(BlockingIOError, match="another training writes to"), runs.held(tmp_path):
        pass
    with runs.held(tmp_path / "another"):
        pass


def test_a_disk_without_locks_is_named(tmp_path, monkeypatch) -> None:
    def no_locks(file) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(runs, "_lock", no_locks)
    with pytest.raises(OSError, match=r"cannot be held .*lock.*; name an --out"), runs.held(tmp_path):
        pass


def test_ctrl_c_keeps_the_run_and_says_so(run: Path, tmp_path) -> None:
    """One line, exit code 130, a run that resumes to what the whole one is."""
    out = tmp_path / "stopped"
    process = command(out, "--steps", "5000", "--every", "5000")
    for line in iter(process.stdout.readline, ""):  # type: ignore[union-attr]
        if "images/s" in line or "step=" in line:
            break
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=120)[0]
    assert process.returncode == 130 and "--resume goes on from here" in rest and "Traceback" not in rest, rest
    done = json.loads((out / "card.json").read_text())["steps"]
    assert 0 < done < 5000 and len(load_file(out / "checkpoint.safetensors")["losses"]) == done
    assert not list(out.glob("*.part"))


def test_a_full_disk_is_named_and_the_last_checkpoint_kept(tmp_path, monkeypatch) -> None:
    """The disk fills up at the second report: the first one's files are whole and nothing else is left."""
    write, calls = checkpoints.save_file, []

    def full(tensors: dict, path: str, header: dict) -> None:
        calls.append(path)
        if len(calls) > 2:
            Path(path).write_bytes(b"half")
            raise SafetensorError("I/O error: No space left on device (os error 28)")
        write(tensors, path, header)

    monkeypatch.setattr(checkpoints, "save_file", full)
    with pytest.raises(OSError, match=r"checkpoint\.safetensors: .*No space left.*make room.*there is unchanged"):
        train.main([*ARGUMENTS, "--out", str(tmp_path)])
    assert len(load_file(tmp_path / "checkpoint.safetensors")["losses"]) == 1 and not list(tmp_path.glob("*.part"))


def test_a_run_is_not_written_over(run: Path) -> None:
    before = (run / "checkpoint.safetensors").read_bytes()
    with pytest.raises(FileExistsError, match="add --resume"):
        train.main([*ARGUMENTS, "--out", str(run)])
    assert (run / "checkpoint.safetensors").read_bytes() == before


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_every_recipe_builds(name: str) -> None:
    """Each network takes what its recipe trains on; parameters as its title promises."""
    recipe = recipes.find(name)
    shape = {"digits": (1, 8, 8), "strokes": (1, 28, 28), "shapes": (3, 32, 32), "mnist": (1, 28, 28)}
    names = shapes.CAPTIONS if recipe.data == "shapes" else sets.DIGITS
    latent = {"strokes-autoencoder": (16,), "shapes-autoencoder": (8, 8, 8)}
    row = latent.get(recipe.latent, shape.get(recipe.data, (3, 32, 32)))
    with torch.device("meta"):
        net = recipe.net(row, names, None)  # type: ignore[arg-type]
    size = networks.count_params(net) / 1e6
    for promised in ("10M", "35M"):
        if promised in recipe.title:
            assert size == pytest.approx(float(promised[:-1]), rel=0.1)
    assert size < 2 or "M" in recipe.title
