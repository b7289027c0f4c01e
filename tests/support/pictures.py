"""A small training on pictures, and when two of them end alike."""

import torch

from toycore import networks, precondition
from toycore.images import loop, sets
from toycore.images.plan import Plan
from toycore.types import seeded

PLAN = Plan(steps=12, batch=16, precision="float32")


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
