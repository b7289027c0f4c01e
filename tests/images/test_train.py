"""The trainer: exact resume, also after a kill; one process or two; what it writes; autoencoders and judges."""

import os
import signal
from pathlib import Path

import pytest
import torch

from tests.support.pictures import PLAN, agree, same, small, trained
from toycore import networks, precondition, training
from toycore.images import loop, runs, sets
from toycore.images.nets.unet import UNet
from toycore.images.plan import Plan, rate
from toycore.types import seeded

ROOT = Path(__file__).resolve().parents[2]


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
