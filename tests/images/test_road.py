"""`course.py train`: a folder of one's own, CIFAR-10 in its real layout, flips and dropout that resume exactly."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.images.test_sets import archive, record
from tests.support.pictures import PLAN, agree
from toycore import checkpoints, precondition
from toycore.images import download, loop, recipes, runs, sets, train
from toycore.images.nets.unet import UNet
from toycore.images.plan import Plan, rate
from toycore.images.sets import cifar10
from toycore.types import seeded

SHORT = ["--steps", "2", "--batch", "4", "--precision", "float32"]


def colours(folder: Path) -> Path:
    for i, kind in enumerate(("day", "night")):
        (folder / kind).mkdir(parents=True)
        for j in range(3):
            Image.new("RGB", (40, 50), (200 * i, 10 * j, 100)).save(folder / kind / f"{j}.png")
    return folder


def test_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    """Its subfolders are the classes; the run is named after it; one line says what to expect."""
    folder = colours(tmp_path / "sky")
    monkeypatch.chdir(tmp_path)
    train.main([str(folder), *SHORT])
    D, card = checkpoints.load(Path("runs/sky/model.safetensors")), json.loads(Path("runs/sky/card.json").read_text())
    assert D(torch.randn(2, 3, 32, 32), 1.0, 1).shape == (2, 3, 32, 32) and D.net.classes == 2
    assert card["data"] == str(folder) and card["pictures"] == 6 and card["peak memory, GB"] > 0.1
    said = capsys.readouterr().out
    assert "6 pictures 3x32x32, 2 steps of 4, about " in said and "Ctrl-C keeps what is learned" in said


def test_folder_alone_is_no_recipe() -> None:
    with pytest.raises(ValueError, match="give their folder's path"):
        train.main(["folder", *SHORT])


def test_cifar_from_its_archive_to_samples(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The binary layout with five batches, a network of 2.6M, a sheet of fifty samples in colour."""
    content = archive(**{f"data_batch_{i}": record(i, i) + record(9, i + 50) for i in range(1, 6)})
    (tmp_path / "small.tar.gz").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    monkeypatch.setattr(cifar10, "ARCHIVE", download.Remote("small.tar.gz", digest))
    monkeypatch.setenv("TOYCORE_DATA", str(tmp_path))
    train.main(["cifar10", "--steps", "1", "--batch", "4", "--out", str(tmp_path / "run")])
    sheet = np.asarray(Image.open(tmp_path / "run/samples-000001.png"))
    assert sheet.shape[2] == 3 and len(np.unique(sheet)) > 50
    card = json.loads((tmp_path / "run/card.json").read_text())
    assert card["pictures"] == 10 and card["plan"]["flip"] and 2.5e6 < card["parameters"] < 2.7e6


def test_a_gpu_has_the_large_recipes() -> None:
    assert train.chosen("mnist", None, torch.device("cpu")) == ("mnist", None)
    assert train.chosen("cifar10", None, torch.device("cuda")) == ("cifar10-35M", None)
    assert train.chosen("strokes", None, torch.device("cuda")) == ("strokes", None)


def test_flips_mirror_half_of_the_pictures() -> None:
    """Each picture is as drawn or mirrored, noise and labels untouched; both occur."""
    x = torch.arange(4 * 3 * 8 * 8, dtype=torch.float32).reshape(4, 3, 8, 8)
    plain, plan = (Plan(10, 64, flip=flip) for flip in (False, True))
    a, b = (loop.batch_of(3, x, torch.arange(4), p) for p in (plain, plan))
    same = (a.x0 == b.x0).flatten(1).all(1)
    mirrored = (a.x0.flip(-1) == b.x0).flatten(1).all(1)
    assert bool((same ^ mirrored).all()) and 16 < int(mirrored.sum()) < 48
    for part in ("eps", "sigma", "label"):
        assert torch.equal(getattr(a, part), getattr(b, part))


@pytest.mark.parametrize(("step", "want"), [(0, 0.01), (49, 0.5), (99, 1), (750, 1), (800, 0.8), (999, 0.004)])
def test_the_rate_rises_stays_and_falls(step: int, want: float) -> None:
    assert rate(step, Plan(1000, lr=2.0, decay=0.25)) == pytest.approx(2 * want)


def dropping() -> torch.nn.Module:
    net = UNet(1, 8, (1, 1), classes=10, dropout=0.5, rng=seeded())
    for p in net.parameters():  # also those that start at 0, so that what is dropped is seen
        torch.nn.init.normal_(p, std=0.1, generator=seeded(p.numel()))
    return precondition.from_velocity(net)


def test_dropout_resumes_exactly(digits: sets.Pictures, tmp_path: Path) -> None:
    """Its zeros, too, are a function of the step; torch's own stream is untouched; the average does not drop."""
    x, labels, _ = digits
    whole, before = dropping(), torch.random.get_rng_state()
    *_, last = loop.train(whole, x, labels, PLAN)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert not last.D.training and torch.equal(last.D(x[:2].float(), 1.0), last.D(x[:2].float(), 1.0))
    half = dropping()
    first = runs.begin(half, PLAN)
    walk = loop.train(half, x, labels, PLAN, first)
    for _ in range(5):
        next(walk)
    runs.save(first, PLAN, tmp_path / "run.safetensors")
    again = runs.begin(dropping(), PLAN)
    runs.resume(again, PLAN, tmp_path / "run.safetensors")
    torch.rand(3)  # somebody else draws
    list(loop.train(again.D, x, labels, PLAN, again))
    agree(again.D, whole)


def test_dropout_drops_while_training_only() -> None:
    D, x = dropping(), torch.randn(3, 1, 8, 8, generator=seeded())
    assert not torch.equal(D.train()(x, 1.0), D(x, 1.0)) and torch.equal(D.eval()(x, 1.0), D(x, 1.0))
    assert D.net.config["dropout"] == 0.5
    with pytest.raises(ValueError, match="dropout is 2"):
        UNet(1, 8, dropout=2)


def test_course_py_knows_train() -> None:
    """The command is listed, and goes to the module that trains."""
    root = Path(train.__file__).parents[2]
    listed = subprocess.run([sys.executable, root / "course.py", "--help"], capture_output=True, text=True, check=True)
    assert "train on pictures: mnist, cifar10" in listed.stdout
    code = f"import sys; sys.path.insert(0, {str(root)!r}); import course; print(course.COMMANDS['train'][0])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == train.__name__


def test_what_a_gpu_is_for_are_recipes() -> None:
    assert set(recipes.LARGE) | set(recipes.LARGE.values()) <= set(recipes.RECIPES)
