"""The shipped model of MNIST and its judge, held against the thousand real digits that ship."""

import pytest
import torch

import toycore
from toycore import guidance, metrics, samplers, sigmas
from toycore.images import ready, sets
from toycore.images.sets import mnist_test
from toycore.types import seeded


@pytest.fixture(scope="module")
def real() -> sets.Pictures:
    return sets.load("mnist-test")


@pytest.fixture(scope="module")
def made() -> torch.Tensor:
    """Three hundred digits, 0 to 9 in turn: twelve steps of DPM-Solver++(2M), guided by 1.25."""
    start, label = 80 * torch.randn(300, 1, 28, 28, generator=seeded(5)), torch.arange(300) % 10
    D = guidance.free(toycore.load("mnist"), 1.25)
    return samplers.final(samplers.dpmpp_2m(D, start, sigmas.karras(12, 0.02, 80.0), label)).clamp(-1, 1)


def test_the_judge_reads_real_digits(real: sets.Pictures) -> None:
    J = toycore.load("mnist-judge")
    right = (J.answers(sets.to_unit(real.images))[:, 0] == real.labels).double().mean()
    assert float(right) > 0.97


def test_made_digits_are_as_good_as_real_ones(real: sets.Pictures, made: torch.Tensor) -> None:
    """Read as asked; FD to 700 real digits no larger than that of 300 other real ones; recall near theirs."""
    ours, floor = ready.beside(real, toycore.load("mnist-judge"), made)
    assert ours.accuracy[0] > 0.96
    assert ours.frechet < 1.15 * floor.frechet
    assert ours.recall > 0.88


def test_made_digits_are_not_copies(real: sets.Pictures, made: torch.Tensor) -> None:
    """The nearest training digits lie as far from the samples as real digits from each other; a copy's is at 0."""
    apart = metrics.distance(made[:20], sets.to_unit(mnist_test.nearest()))
    among = metrics.distance(sets.to_unit(real.images[:200]), sets.to_unit(real.images[200:]))
    assert 0.5 * float(among.median()) < float(apart.median()) and float(apart.min()) > 2


def test_ready_needs_no_network() -> None:
    name, pictures, D, J = ready.load("mnist-test")
    assert name == "mnist-test" and len(pictures.images) == 1000
    assert D.card["data"] == J.card["data"] == "mnist"
