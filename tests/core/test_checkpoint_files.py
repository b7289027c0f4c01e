"""Checkpoints on their way: bits that flip, disks that are full, links, rights, and old files."""

import os
import signal
import stat
import struct
import subprocess
import sys

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

import toycore
from tests.support.models import preconditioned
from toycore import checkpoints, precondition
from toycore.types import seeded

# ---- what may be spoilt on the way ----------------------------------------------------------------


def test_every_flipped_bit_is_refused(path):
    """One bit of 300 places in the numbers and of 300 in the header: no change loads, and none ends in a bare error."""
    checkpoints.save(preconditioned(), path, {"title": "a line"})
    whole = path.read_bytes()
    start = 8 + struct.unpack("<Q", whole[:8])[0]
    places = torch.randint(start, len(whole), (300,), generator=seeded()).tolist()
    for i, place in enumerate([*places, *torch.randint(8, start, (300,), generator=seeded()).tolist()]):
        spoilt = bytearray(whole)
        spoilt[place] ^= 1 << i % 8
        path.write_bytes(spoilt)
        with pytest.raises(ValueError, match=r"again|not written by|not fit"):
            checkpoints.load(path)


def test_card_that_cannot_be_read(path):
    checkpoints.write_tensors(path, {"w": torch.zeros(2)}, "{", checkpoints.FORMAT)
    with pytest.raises(ValueError, match=r"model\.safetensors has no card that can be read; .*again"):
        checkpoints.load(path)


@pytest.mark.parametrize("header", [{}, {"card": "{"}, {"card": "{}"}])
def test_header_without_checksum(path, header):
    save_file({"w": torch.zeros(2)}, path, {"format": checkpoints.FORMAT, **header})
    with pytest.raises(ValueError, match=r"model\.safetensors has changed since it was saved .*again"):
        checkpoints.load(path)


def test_card_that_cannot_be_written(path):
    with pytest.raises(TypeError, match=r"the card cannot be written: .*Tensor.*; use numbers, strings"):
        checkpoints.save(preconditioned(), path, {"field_error": torch.tensor(0.1)})
    assert not path.exists()


def test_no_pickle(path):
    torch.save({"w": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        checkpoints.load(path)


def test_unknown_name_lists_the_near_ones():
    with pytest.raises(ValueError, match=r"no checkpoint named 'spirall'; did you mean 'spiral.*known: .*moons"):
        toycore.load("spirall")


def test_missing_file(path):
    with pytest.raises(FileNotFoundError, match=r"no file .*model\.safetensors.*shipped.*spiral"):
        checkpoints.load(path)


def test_name_without_the_ending(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.safetensors; got .*model, try model\.safetensors"):
        checkpoints.save(preconditioned(), tmp_path / "model")


def test_what_cannot_be_saved(path):
    with pytest.raises(TypeError, match=r"cannot save a Preconditioned of a Linear; save"):
        checkpoints.save(precondition.Preconditioned(torch.nn.Linear(2, 2)), path)
    assert not path.exists()


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "notes").write_text("text")
    with pytest.raises(OSError, match=r"cannot write .*choose a folder where you may write"):
        checkpoints.save(preconditioned(), tmp_path / "notes" / "model.safetensors")


def test_folder_without_permission(path, monkeypatch):
    """As the owner of the machine one may write anywhere, so the system's refusal is played."""
    monkeypatch.setattr(checkpoints.Path, "touch", _refuse(PermissionError(13, "Permission denied")))
    with pytest.raises(OSError, match=r"cannot write .*Permission denied; choose a folder .*; nothing was left"):
        checkpoints.save(preconditioned(), path)


def _refuse(error):
    def refuse(*args, **options):
        raise error

    return refuse


def test_a_folder_in_place_of_the_file(path):
    path.mkdir()
    with pytest.raises(OSError, match=r"cannot write .*model\.safetensors: it is a folder; choose another name"):
        checkpoints.save(preconditioned(), path)
    assert path.is_dir() and list(path.parent.iterdir()) == [path]


FULL = OSError(28, "No space left on device"), SafetensorError("I/O error: No space left on device (os error 28)")


@pytest.mark.parametrize("failure", [*FULL, KeyboardInterrupt()], ids=["OSError", "SafetensorError", "Ctrl-C"])
@pytest.mark.parametrize("before", ["a file", "nothing"])
def test_nothing_is_half_written(path, failure, before):
    """The writer fails half-way: the old file stays whole, nothing else is left, and a full disk is named."""
    if before == "a file":
        checkpoints.save(preconditioned(), path)
    was = {file.name: file.read_bytes() for file in path.parent.iterdir()}

    def write(beside):
        with open(beside, "wb") as file:
            file.write(b"half")
        raise failure

    says = r"cannot write .*No space left.*; make room .*; (the file that was there is unchanged|nothing was left)"
    with pytest.raises((OSError, KeyboardInterrupt), match=None if isinstance(failure, KeyboardInterrupt) else says):
        checkpoints.write_whole(path, write)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == was


@pytest.mark.skipif(os.name != "posix", reason="Windows has no umask")
@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_a_new_file_has_the_rights_the_umask_leaves(path, umask):
    before = os.umask(umask)
    try:
        checkpoints.save(preconditioned(), path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~umask


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such rights")
def test_a_replaced_file_keeps_its_rights(path):
    checkpoints.save(preconditioned(), path)
    path.chmod(0o640)
    checkpoints.save(preconditioned(classes=2), path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640 and checkpoints.load(path).net.classes == 2


@pytest.mark.skipif(os.name != "posix", reason="a symlink needs rights on Windows")
@pytest.mark.parametrize("exists", [True, False])
def test_a_symlink_stays_and_its_target_is_written(path, exists):
    elsewhere = path.parent / "elsewhere"
    elsewhere.mkdir()
    target = elsewhere / "kept.safetensors"
    if exists:
        checkpoints.save(preconditioned(), target)
    path.symlink_to(target)
    checkpoints.save(preconditioned(classes=2), path)
    assert path.is_symlink() and checkpoints.load(target).net.classes == 2
    assert [file.name for file in elsewhere.iterdir()] == ["kept.safetensors"]


KILLED = """
import os, signal
from pathlib import Path
from toycore import checkpoints
def write(beside):
    Path(beside).write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
checkpoints.write_whole(Path("model.safetensors"), write)
"""


@pytest.mark.skipif(os.name != "posix", reason="Windows has no SIGKILL")
def test_what_a_kill_leaves_goes_with_the_next_save(path):
    root = checkpoints.SHIPPED.parents[1]
    command, here = [sys.executable, "-c", KILLED], {**os.environ, "PYTHONPATH": str(root)}
    assert subprocess.run(command, cwd=path.parent, env=here, check=False).returncode == -signal.SIGKILL
    assert len(list(path.parent.glob("model.safetensors.*.part"))) == 1
    mine = path.parent / f"model.safetensors.{os.getppid()}.part"  # of a process that runs
    mine.touch()
    checkpoints.save(preconditioned(), path)
    assert sorted(file.name for file in path.parent.iterdir()) == sorted([path.name, mine.name])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: checkpoints.load(None), "name is None; give the name"),
        (lambda: checkpoints.load(3), "name is 3; give the name"),
        (lambda: checkpoints.save(preconditioned(), None), r"must end in \.safetensors; got None"),
        (lambda: checkpoints.save(preconditioned(), "m.safetensors", "a title"), "the card is a str; give a dict"),
        (lambda: checkpoints.load(""), "no checkpoint named ''"),
    ],
)
def test_what_is_no_name_or_card(call, says):
    with pytest.raises((TypeError, ValueError), match=says):
        call()
