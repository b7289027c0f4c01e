"""Small networks with something to save: their last layers are not zero, as they are at the start."""

import torch

from toycore import networks, precondition
from toycore.types import seeded


def preconditioned(**options):
    net = networks.MLP(width=16, rng=seeded(), **options)
    torch.nn.init.normal_(net.last.weight, generator=seeded())
    return precondition.Preconditioned(net, 0.3, torch.tensor([0.1, 0.2]))
