"""The raw networks: their features as written, their sizes, their labels, their beginnings."""

import math

import pytest
import torch

from tests.support.problems import alike, close
from toycore import networks
from toycore.lessons import conditioning
from toycore.types import seeded

MAKE = {"MLP": networks.MLP, "NoiseMLP": networks.NoiseMLP}


def _net(name, **options):
    net = MAKE[name](rng=seeded(), **options)
    if name == "MLP":
        torch.nn.init.normal_(net.last.weight, generator=seeded(1))
    return net


def _mlp_by_hand(net, u, sigma, label=None):
    """The docstring of MLP, word by word."""
    phase = u @ net.frequencies
    k = 0.3 * torch.arange(1, 9)
    time = (sigma.log()[:, None] * k).expand(len(u), -1)
    h = net.first(torch.cat([u, phase.sin(), phase.cos(), time.sin(), time.cos()], 1))
    h = h + (net.label.weight[label] if net.label else 0)
    for layer in net.hidden:
        h = layer(h * torch.sigmoid(h))
    return net.last(h * torch.sigmoid(h))


@pytest.mark.parametrize("classes", [0, 3])
def test_mlp_is_its_docstring(rng, classes):
    net, u = _net("MLP", classes=classes), torch.randn(6, 2, generator=rng)
    label = torch.tensor([0, 1, 2, -1, 0, 1]) if classes else None
    for sigma in (torch.full((6,), 0.3), torch.logspace(-2, 1, 6)):
        close(net(u, sigma, label), _mlp_by_hand(net, u, sigma, label), rtol=1e-5, atol=1e-5)
    close(net(u, torch.tensor([0.3]), label), net(u, torch.full((6,), 0.3), label), rtol=1e-5, atol=1e-5)


def test_noise_mlp_embeds_the_step_as_the_transformer(rng):
    """PE(i) = sin, cos of i / 10000^(j / 32), then an ordinary perceptron."""
    net, x, i = _net("NoiseMLP"), torch.randn(4, 2, generator=rng), torch.tensor([0.0, 1.0, 500.5, 1000.0])
    phase = i[:, None] / 10000 ** (torch.arange(32) / 32)
    h = net.first(torch.cat([x, phase.sin(), phase.cos()], 1))
    for layer in net.hidden:
        h = layer(torch.nn.functional.silu(h))
    close(net(x, i), net.last(torch.nn.functional.silu(h)), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name, inputs", [("MLP", 2 + 2 * 16 + 16), ("NoiseMLP", 2 + 64)])
def test_sizes(name, inputs):
    """The size depends on the widths alone, not on the number of noise levels."""
    w = 48
    count = (inputs + 1) * w + 2 * (w + 1) * w + (w + 1) * 2
    assert networks.count_params(_net(name, width=w)) == count
    assert networks.count_params(_net(name, width=w, classes=3)) == count + 4 * w
    assert networks.count_params(_net(name).requires_grad_(False)) == 0


@pytest.mark.parametrize("name", MAKE)
def test_labels(rng, name):
    net, x, level = _net(name, classes=3), torch.randn(4, 2, generator=rng), torch.tensor([0.5])
    alike(net(x, level), net(x, level, -1))
    mixed = net(x, level, torch.tensor([0, 1, 2, -1]))
    for row, label in enumerate([0, 1, 2, None]):
        close(mixed[row], net(x, level, label)[row], rtol=1e-5, atol=1e-6)
    free = _net(name)
    alike(free(x, level), free(x, level, 0))  # without classes: one class, named 0
    with pytest.raises(ValueError, match=r"label is 1.*0\.\.0"):
        free(x, level, 1)


@pytest.mark.parametrize("name", MAKE)
def test_same_rng_same_weights(name):
    a, b = _net(name, classes=2).state_dict(), _net(name, classes=2).state_dict()
    for key in a:
        alike(a[key], b[key])
    other = MAKE[name](classes=2, rng=seeded(5)).state_dict()
    assert not torch.equal(a["first.weight"], other["first.weight"])
    assert not torch.equal(a["label.weight"], other["label.weight"])


@pytest.mark.parametrize("name", MAKE)
def test_weights_are_uniform_within_fan_in(name):
    net = _net(name, width=256)
    for layer in (net.first, *net.hidden):
        bound = layer.in_features**-0.5
        assert 0.99 * bound < layer.weight.abs().max() <= bound and (layer.bias == 0).all()
        close(layer.weight.std(), bound / math.sqrt(3), rtol=0.02)


@pytest.mark.parametrize("name", MAKE)
def test_config_builds_the_same_net(name):
    net = MAKE[name](width=32, depth=2, classes=2)
    again = MAKE[name](**net.config)
    again.load_state_dict(net.state_dict())
    x = torch.randn(3, 2)
    alike(net(x, torch.tensor([1.0]), 1), again(x, torch.tensor([1.0]), 1))


def test_mlp_starts_at_zero(rng):
    for net in (networks.MLP(rng=rng), conditioning.ConditionalMLP(rng=rng)):
        assert (net(torch.randn(5, 2), torch.tensor([0.1])) == 0).all()


def test_waves_are_finite_at_zero():
    assert torch.isfinite(networks.waves(torch.zeros(1))).all()
    close(networks.waves(torch.ones(1)), torch.tensor([[0.0] * 8 + [1.0] * 8]))
    phase = 0.3 * math.log(2e-4) * torch.arange(1, 9)
    close(networks.waves(torch.tensor([2e-4])), torch.cat([phase.sin(), phase.cos()])[None], atol=1e-5)
