"""The trainer: exact resume, also after a kill; one process or two; what it writes; autoencoders and judges."""

import functools
import json
import math
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

import toycore
from toycore import checkpoints, networks, precondition, samplers, sigmas, training
from toycore.images import judge, loop, pages, recipes, runs, sets, train
from toycore.images.nets import autoencoder
from toycore.images.nets.unet import Block, UNet
from toycore.images.plan import Plan, rate
from toycore.images.sets import shapes, strokes
from toycore.programs import recipes as registry
from toycore.types import seeded

ROOT = Path(__file__).resolve().parents[2]
PLAN = Plan(steps=12, batch=16, precision="float32")


@pytest.fixture(scope="module")
def digits() -> sets.Pictures:
    return sets.take(sets.load("digits"), torch.arange(200))


def small() -> torch.nn.Module:
    return precondition.from_velocity(networks.MLP(64, 32, 2, 10, features=0, rng=seeded()))


def trained(digits: sets.Pictures, plan: Plan = PLAN) -> tuple[torch.nn.Module, list[float]]:
    steps = list(loop.train(small(), digits.images, digits.labels, plan))
    return steps[-1].D, [step.loss for step in steps]


def same(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def agree(a: torch.nn.Module | dict, b: torch.nn.Module | dict) -> None:
    """Two trainings end in the same weights: within 1e-6, where one step moves them by 1e-3."""
    one, other = (m.state_dict() if isinstance(m, torch.nn.Module) else m for m in (a, b))
    assert one.keys() == other.keys()
    for key in one:
        torch.testing.assert_close(one[key], other[key], rtol=0, atol=1e-6)


# ---- the loop ------------------------------------------------------------------------------------


def test_a_batch_is_a_function_of_the_step(digits: sets.Pictures) -> None:
    def batch(step: int, seed: int = 0) -> loop.Batch:
        return loop.batch_of(step, digits.images, digits.labels, PLAN._replace(seed=seed))

    assert all(torch.equal(a, b) for a, b in zip(batch(3), batch(3)))
    assert not torch.equal(batch(3).eps, batch(4).eps) and not torch.equal(batch(3).eps, batch(3, 1).eps)


def test_levels_are_log_normal_and_labels_dropped(digits: sets.Pictures) -> None:
    batch = loop.batch_of(0, digits.images, digits.labels, PLAN._replace(batch=20_000, label_dropout=0.2))
    log = batch.sigma.double().log()
    assert abs(log.mean()) < 4 / 20_000**0.5 and abs(log.std() - 1) < 4 / 40_000**0.5
    share = (batch.label == -1).double().mean()
    assert abs(share - 0.2) < 4 * (0.16 / 20_000) ** 0.5
    assert float(batch.x0.min()) == -1 and batch.label.max() == 9


def test_the_rate_rises_stays_and_falls() -> None:
    plan = Plan(steps=1000, lr=1.0)
    rates = [rate(step, plan) for step in (0, 49, 99, 400, 500, 750, 1000)]
    assert rates == pytest.approx([0.01, 0.5, 1, 1, 1, 0.5, 0])


def test_the_average_follows() -> None:
    a, b = torch.nn.Linear(1, 1), torch.nn.Linear(1, 1)
    want = 0.9 * a.weight.detach() + 0.1 * b.weight.detach()
    loop.move_average(a, b, 0.9)
    torch.testing.assert_close(a.weight.detach(), want)


def test_training_learns_the_flow_of_one_picture() -> None:
    """With one picture only, the best answer is that picture at every level."""
    x = torch.rand(1, 1, 8, 8, generator=seeded()) * 2 - 1
    plan = Plan(steps=300, batch=64, lr=3e-3, precision="float32")
    D = precondition.from_velocity(networks.MLP(64, 128, 2, features=0, rng=seeded()))
    *_, last = loop.train(D, x, torch.tensor([0]), plan)
    answer = last.D(x + torch.randn(64, 1, 8, 8, generator=seeded()), 1.0).detach()
    assert float((answer - x).pow(2).mean().sqrt()) < 0.4  # sigma is 1, the picture's own size 0.57


def test_followed_like_any_training(digits: sets.Pictures) -> None:
    D = training.run(loop.train(small(), digits.images, digits.labels, PLAN), 12, small(), progress=False)
    agree(D, trained(digits)[0])


# ---- resume --------------------------------------------------------------------------------------


def goes_on_as_if_never_stopped(run: runs.Run, digits: sets.Pictures, path: Path) -> None:
    """Save the run, resume it in a new one, train to the end: the same weights and losses as in one go."""
    whole, losses = trained(digits)
    runs.save(run, PLAN, path)
    again = runs.begin(small(), PLAN)
    runs.resume(again, PLAN, path)
    list(loop.train(again.D, digits.images, digits.labels, PLAN, again))
    agree(again.average, whole)
    assert again.losses == pytest.approx(losses, abs=1e-6)


@pytest.mark.parametrize("stop", [0, 1, 7, 12])
def test_resume_is_exact(digits: sets.Pictures, stop: int, tmp_path) -> None:
    first = runs.begin(small(), PLAN)
    for step, _, _ in loop.train(first.D, digits.images, digits.labels, PLAN, first) if stop else ():
        if step == stop:
            break
    goes_on_as_if_never_stopped(first, digits, tmp_path / "c.safetensors")


@pytest.mark.parametrize("where", ["advance", "move_average"])
def test_ctrl_c_within_a_step_waits_for_its_end(digits: sets.Pictures, where: str, tmp_path, monkeypatch) -> None:
    """Pressed between the optimizer's step and the count of it, then saved and resumed: as if never pressed."""
    first, act, left = runs.begin(small(), PLAN), getattr(loop, where), [5]

    def pressed(*args: object) -> None:
        act(*args)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGINT)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(loop, where, pressed)
        list(loop.train(first.D, digits.images, digits.labels, PLAN, first))
    assert len(first.losses) == 5
    goes_on_as_if_never_stopped(first, digits, tmp_path / "c.safetensors")


def test_what_is_saved_is_what_is_resumed(digits: sets.Pictures, tmp_path) -> None:
    """Every weight and every number of the optimizer comes back to the bit; a flipped bit does not."""
    first, again, path = runs.begin(small(), PLAN), runs.begin(small(), PLAN), tmp_path / "c.safetensors"
    list(loop.train(first.D, digits.images, digits.labels, PLAN, first))
    runs.save(first, PLAN, path)
    runs.resume(again, PLAN, path)
    assert same(again.D, first.D) and same(again.average, first.average) and again.losses == first.losses
    for one, other in zip(again.optimizer.state.values(), first.optimizer.state.values(), strict=True):
        assert all(torch.equal(one[key], other[key]) for key in other)
    content = bytearray(path.read_bytes())
    content[-100] ^= 4
    path.write_bytes(content)
    with pytest.raises(ValueError, match="has changed since it was saved"):
        runs.resume(again, PLAN, path)


def test_resume_keeps_the_memory_layout(digits: sets.Pictures, tmp_path) -> None:
    """On a GPU networks are channels_last; so must be what the optimizer remembers of them."""

    def fresh() -> runs.Run:
        net = UNet(1, 8, (1, 2), classes=10, rng=seeded()).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        return runs.begin(precondition.from_velocity(net), PLAN._replace(steps=4))

    plan, both = PLAN._replace(steps=4), [fresh(), fresh()]
    walk = loop.train(both[0].D, digits.images, digits.labels, plan, both[0])
    next(walk), next(walk)
    runs.save(both[0], plan, tmp_path / "c.safetensors")
    runs.resume(both[1], plan, tmp_path / "c.safetensors")
    for run in both:
        assert all(v.stride() == p.stride() for p, e in run.optimizer.state.items() for v in e.values() if v.ndim)
    list(walk), list(loop.train(both[1].D, digits.images, digits.labels, plan, both[1]))
    agree(both[0].average, both[1].average)


def test_a_spoilt_or_foreign_checkpoint_is_refused(tmp_path) -> None:
    path = tmp_path / "c.safetensors"
    runs.save(runs.begin(small(), PLAN), PLAN, path)
    with pytest.raises(ValueError, match="another plan"):
        runs.resume(runs.begin(small(), PLAN), PLAN._replace(lr=1.0), path)
    other = precondition.from_velocity(networks.MLP(64, 16, 2, 10, features=0))
    with pytest.raises(ValueError, match="another network"):
        runs.resume(runs.begin(other, PLAN), PLAN, path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        runs.resume(runs.begin(small(), PLAN), PLAN, path)


# ---- the command ---------------------------------------------------------------------------------

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


# ---- pages ---------------------------------------------------------------------------------------


def test_pictures_are_tiled_row_by_row() -> None:
    images = torch.arange(1, 6, dtype=torch.uint8).reshape(5, 1, 1, 1).expand(5, 1, 2, 2)
    page = pages.tile(images, 3)
    assert page.shape == (1, 5, 8)
    assert page[0, 0].tolist() == [1, 1, 0, 2, 2, 0, 3, 3] and page[0, 3].tolist() == [4, 4, 0, 5, 5, 0, 0, 0]
    assert pages.sheet(images, 3, side=80).size == (80, 50)


def test_a_film_shows_the_guesses_of_every_walk() -> None:
    """Two walks of three steps; the second walk's denoiser predicts white."""
    x, grid = torch.zeros(4, 1, 2, 2), sigmas.karras(3)
    walks = [samplers.ddim(lambda x, sigma, label=None, c=c: 0 * x + c, x, grid) for c in (-1.0, 1.0)]
    made = pages.film(walks, 2)
    assert made.shape == (3, 2, 5, 5) and made.dtype == torch.uint8
    assert made[:, 0].max() == 0 and (made[:, 1, :2, :2] == 255).all()


def test_a_falling_loss_is_drawn_falling() -> None:
    page = torch.frombuffer(bytearray(pages.loss_plot([1.0] * 300 + [0.1] * 300).tobytes()), dtype=torch.uint8)
    dark = page.reshape(320, 640)[:, 60:610] < 50
    heights = torch.arange(300.0)
    left, right = (float((half * heights[:, None]).sum() / half.sum()) for half in dark[:300].split(275, 1))
    assert right > left + 100  # rows count downwards


# ---- autoencoders and judges ---------------------------------------------------------------------


@pytest.mark.parametrize("latent", [(4,), (2, 2, 2)])
def test_an_autoencoder_gives_back_what_it_was_taught(latent: tuple[int, ...]) -> None:
    """Pictures that are one number each come back; latents are centred and of unit spread afterwards."""
    grey = torch.rand(400, 1, 1, 1, generator=seeded())
    pictures = sets.Pictures((255 * grey).expand(-1, 1, 8, 8).to(torch.uint8), torch.zeros(400).long(), ("grey",))
    A = autoencoder.Autoencoder(1, 8, latent, 16, rng=seeded())
    losses = list(autoencoder.train(A, pictures, 100, 32, rng=seeded(1)))
    x = sets.to_unit(pictures.images)
    with torch.no_grad():
        assert losses[-1] < 0.01 and float((A(x) - x).abs().mean()) < 0.1
        z = A.encode(x)
        assert z.shape == (400, *latent)
        torch.testing.assert_close(A.decode(z), A(x), rtol=1e-3, atol=1e-3)
        flat = z.transpose(0, 1).flatten(1)
        torch.testing.assert_close(flat.mean(1), torch.zeros(latent[0]), rtol=0, atol=1e-3)
        torch.testing.assert_close(flat.std(1), torch.ones(latent[0]), rtol=1e-3, atol=1e-3)


def test_encoder_and_decoder_hear_the_label() -> None:
    A, x = autoencoder.Autoencoder(1, 8, (4,), 16, classes=2, rng=seeded()), torch.randn(3, 1, 8, 8, generator=seeded())
    for module in A.modules():
        if isinstance(module, Block):  # whose last layers start at zero
            torch.nn.init.normal_(module.conv2.weight, generator=seeded(1))
    with torch.no_grad():
        codes = [A.encode(x, label) for label in (0, 1, None)]
        made = [A.decode(codes[0], label) for label in (0, 1, None)]
        for one, other, none in (codes, made):
            assert not torch.allclose(one, other, atol=0.1) and not torch.allclose(one, none, atol=0.1)
        torch.testing.assert_close(A(x, torch.tensor([1, 1, 1])), A.decode(codes[1], 1))


def test_the_vae_loss_holds_the_exact_kl() -> None:
    """The KL term equals torch's own for Gaussians."""
    A, x = autoencoder.Autoencoder(1, 8, (4,), 16, rng=seeded()), torch.randn(3, 1, 8, 8, generator=seeded())
    with torch.no_grad():
        mean, log_var = A.posterior(x)
        q = torch.distributions.Normal(mean, (0.5 * log_var).exp())
        kl = torch.distributions.kl_divergence(q, torch.distributions.Normal(0.0, 1.0)).sum()
        one, two = (float(autoencoder.loss(A, x, beta, rng=seeded(2))) for beta in (1.0, 3.0))
        assert two - one == pytest.approx(2 * float(kl) / x.numel(), rel=1e-4)


def test_a_judge_learns_and_scores(digits: sets.Pictures) -> None:
    whole = sets.load("digits")
    real, held = sets.split(whole, 500)
    J = judge.Judge(1, 8, (10,), rng=seeded())
    list(judge.train(J, real, real.labels[:, None], 150, rng=seeded(1)))
    x, y = sets.to_unit(real.images), sets.to_unit(held.images)
    good = judge.score(J, y, held.labels[:, None], x)
    wrong = judge.score(J, y, (held.labels[:, None] + 1) % 10, x)
    flat = judge.score(J, x.mean(0, keepdim=True).expand(500, -1, -1, -1), held.labels[:, None], x)
    assert good.accuracy[0] > 0.9 and wrong.accuracy[0] < 0.1
    assert good.frechet < 2 and flat.frechet > 20 and good.recall > 0.8 and flat.recall < 0.1
    assert good.inception > 7 and flat.inception == pytest.approx(1, abs=1e-3)
    assert float(J.features(x[:2000]).detach().var(0).mean()) == pytest.approx(1, rel=0.01)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (torch.zeros(20).long(), r"shape \(20,\).*use labels\[:, None\]"),  # would compare all with all
        (torch.zeros(5, 1).long(), "shape .5, 1.; for 20 pictures"),  # would learn from five pictures
        (torch.zeros(20, 2).long(), "and 1 questions"),
        (torch.zeros(20, 1), "integers"),
        (torch.full((20, 1), 10), "answers run from 10 to 10; the kinds are"),
        (torch.full((20, 1), -1), "answers run from -1"),
    ],
)
def test_a_judge_refuses_other_answers(digits: sets.Pictures, answers: torch.Tensor, message: str) -> None:
    J, few = judge.Judge(1, 8, (10,), rng=seeded()), sets.take(digits, torch.arange(20))
    x = sets.to_unit(few.images)
    for ask in (lambda: judge.score(J, x, answers, x), lambda: next(judge.train(J, few, answers, 3))):
        with pytest.raises(ValueError, match=message):
            ask()


STOPPED = """
import sys
from pathlib import Path
from toycore import checkpoints
from toycore.programs import recipes
checkpoints.SHIPPED = Path(sys.argv[1])
recipes.main(["spiral"])
"""


def test_ctrl_c_never_ships_a_model_half_trained(tmp_path) -> None:
    """Pressed during `course.py weights spiral`: one line, exit code 1, the shipped file as before."""
    shipped = checkpoints.SHIPPED / "spiral.safetensors"
    (tmp_path / shipped.name).write_bytes(shipped.read_bytes())
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    here = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen([sys.executable, "-u", "-c", STOPPED, str(tmp_path)], env=here, **pipes)
    output = ""
    while "step/s" not in output and process.poll() is None:
        output += process.stdout.read(40)  # type: ignore[union-attr]
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=60)[0]
    assert process.returncode == 1 and "spiral: stopped before its training ended; the shipped" in rest, output + rest
    assert "Traceback" not in rest
    assert [path.name for path in tmp_path.iterdir()] == [shipped.name]
    assert (tmp_path / shipped.name).read_bytes() == shipped.read_bytes()


def test_every_shipped_model_has_a_recipe_and_a_time(capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(registry.NAMES) == sorted(checkpoints.available()) and len(registry.NAMES) == 16
    registry.main(["--list"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == registry.NAMES
    assert all(int(line.split()[1]) > 0 and line.split()[2] == "s" for line in lines)


def test_sharpness_is_the_square_of_the_laplacian() -> None:
    """A wave cos(k x) has the Laplacian -2 (1 - cos k) cos(k x); a slope has none."""
    line = torch.arange(42.0, dtype=torch.float64)
    wave = (0.3 * line).cos().expand(1, 1, 42, 42)
    want = (2 * (1 - math.cos(0.3))) ** 2 * float((wave[..., 1:-1] ** 2).mean())
    assert float(judge.sharpness(wave)) == pytest.approx(want)
    assert float(judge.sharpness(line.expand(1, 1, 42, 42))) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("name", recipes.MAKERS)
def test_every_shipped_model_can_be_made_again(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A few steps of each recipe on a few pictures; the shipped file holds the same network, under 12 MB in all."""
    for few in (strokes, shapes):
        monkeypatch.setattr(few, "load", functools.partial(few.load, 60))
    D, card = recipes.make(name, steps=2)
    shipped = checkpoints.load(name)
    assert card["title"] == shipped.card["title"] and card["cpu_seconds"] < shipped.card["cpu_seconds"]
    assert [p.shape for p in D.state_dict().values()] == [p.shape for p in shipped.state_dict().values()]
    sizes = [(checkpoints.SHIPPED / f"{key}.safetensors").stat().st_size for key in recipes.MAKERS]
    assert sum(sizes) < 12e6


def test_bare_networks_are_kept_too(tmp_path) -> None:
    nets = [autoencoder.Autoencoder(rng=seeded()), judge.Judge(3, 32, (2, 8), rng=seeded()), UNet(1, 8)]
    for i, net in enumerate(nets):
        checkpoints.save(net, tmp_path / f"{i}.safetensors")
        assert same(checkpoints.load(tmp_path / f"{i}.safetensors"), net)
    assert toycore.load is checkpoints.load
