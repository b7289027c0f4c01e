"""How to train: the numbers that, with data and network, fix the outcome."""

from typing import NamedTuple

from toycore.checks import above, at_least, one_of, positive, share

PRECISIONS = "auto", "float32", "bfloat16"


class Plan(NamedTuple):
    """Steps, rows per batch, learning rate, and what else fixes the outcome of a training."""

    steps: int = 1000
    batch: int = 128
    lr: float = 2e-3
    label_dropout: float = 0.1
    average: float = 0.99  # decay of the averaged weights
    seed: int = 0
    precision: str = "auto"  # float32, bfloat16, or what is faster here
    decay: float = 0.5  # share of the steps, at the end, over which the rate falls to 0
    flip: bool = False  # mirror half of the pictures, left to right


def checked(plan: Plan) -> Plan:
    """Return a plan that can be carried out; otherwise say which number is wrong, and what is needed."""
    if not isinstance(plan, Plan):
        raise TypeError(f"plan is {plan!r}; it must be a Plan, such as Plan(steps=1000, batch=128)")
    positive(plan.steps, "steps"), positive(plan.batch, "batch")
    share(plan.label_dropout, "label_dropout"), share(plan.average, "average"), share(plan.decay, "decay")
    above(plan.lr, "lr"), above(plan.decay, "decay"), at_least(0, plan.seed, "seed")
    one_of(plan.precision, PRECISIONS, "precision")
    return plan


def rate(step: int, plan: Plan) -> float:
    """Return the learning rate of a step: up during 100 steps, level, linearly down to 0 over the last share."""
    return plan.lr * min(1, (step + 1) / 100, (1 - step / plan.steps) / plan.decay)
