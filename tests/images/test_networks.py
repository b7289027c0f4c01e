"""Networks for pictures: every Denoiser's contract, samplers and guidance unchanged, each part against truth."""

import copy
from collections.abc import Callable

import pytest
import torch

from tests.support import contracts
from tests.support.contracts import Case
from toycore import checkpoints, exact, guidance, networks, precondition, samplers, sigmas, training
from toycore.data import Points
from toycore.images.nets import dit, text, unet
from toycore.types import Denoiser, seeded

CAPTIONS = "a red star", "a blue star", "a blue small circle"


def stirred(net: torch.nn.Module) -> torch.nn.Module:
    """Give the layers that start at zero some weight, or every answer would be 0."""
    rng = seeded(1)
    for parameter in net.parameters():
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, 0, 0.1, generator=rng)
    return net


NETS: dict[str, tuple[Callable[[], torch.nn.Module], tuple[int, ...]]] = {
    "MLP": (lambda: networks.MLP(64, 32, 3, classes=3, features=0, rng=seeded()), (1, 8, 8)),
    "U-Net": (lambda: unet.UNet(1, 16, (1, 2), classes=3, rng=seeded()), (1, 8, 8)),
    "U-Net, folded": (lambda: unet.UNet(3, 16, (1, 2), unshuffle=2, classes=3, rng=seeded()), (3, 12, 12)),
    "U-Net, captions": (lambda: unet.UNet(3, 16, (1, 2), captions=CAPTIONS, rng=seeded()), (3, 8, 8)),
    "U-Net, three rungs": (lambda: unet.UNet(2, 8, (1, 2, 3), classes=3, rng=seeded()), (2, 8, 8)),
    "DiT": (lambda: dit.DiT(2, 8, 4, 32, 2, classes=3, rng=seeded()), (2, 8, 8)),
}


def case(name: str, wrap: Callable[..., Denoiser] = precondition.from_velocity) -> Case:
    make, shape = NETS[name]
    return Case(wrap(stirred(make())).eval(), 3, shape=shape)


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("promise", contracts.DENOISER, ids=lambda f: f.__name__)
def test_denoiser(name: str, promise: Callable[[Case], None]) -> None:
    with torch.no_grad():
        promise(case(name))


@pytest.mark.parametrize("promise", contracts.DENOISER, ids=lambda f: f.__name__)
def test_guided_denoiser(promise: Callable[[Case], None]) -> None:
    made = case("U-Net", precondition.Preconditioned)
    with torch.no_grad():
        promise(made._replace(D=guidance.guided(made.D, guidance.unlabelled(made.D), 2.0)))


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("walk", [samplers.ddpm, samplers.ddim, samplers.heun])
def test_samplers_walk_pictures(name: str, walk: Callable[..., samplers.Walk]) -> None:
    """An untrained velocity network predicts v = 0, so D(x) = x / (1 + sigma): DDIM's end is known in closed form."""
    make, shape = NETS[name]
    grid = sigmas.karras(6, 0.1, 10.0)
    x = 10 * torch.randn(2, *shape, generator=seeded())
    out = samplers.final(walk(precondition.from_velocity(make()), x, grid, 1))
    assert out.shape == x.shape and out.dtype == torch.float32
    if walk is samplers.ddim:
        ratio = torch.stack([(1 + s * a) / (1 + a) for a, s in zip(grid[:-1], grid[1:] / grid[:-1])]).prod()
        torch.testing.assert_close(out, (ratio * x).float(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_training_runs_unchanged(name: str) -> None:
    """`training.train`, written for points, lowers the loss on two pictures."""
    make, shape = NETS[name]
    x = torch.rand(2, *shape, generator=seeded()).round() * 2 - 1
    D = precondition.from_velocity(make())
    steps = list(training.train(D, Points(x, torch.tensor([0, 1]), ("a", "b")), 60, 16, 3e-3, rng=seeded()))
    first, last = (sum(step.loss for step in part) / 10 for part in (steps[:10], steps[-10:]))
    assert last < 0.8 * first


@pytest.mark.parametrize("name", NETS)
def test_networks_start_at_zero(name: str) -> None:
    make, shape = NETS[name]
    u = torch.randn(2, *shape, generator=seeded())
    assert not make()(u, torch.tensor([0.5]), 1).any()


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize(
    "wrap", [precondition.from_velocity, precondition.Preconditioned, precondition.from_noise, None]
)
def test_checkpoints_keep_them(name: str, wrap: Callable[..., torch.nn.Module] | None, tmp_path) -> None:
    """Every weight comes back to the bit, whatever the header's length; answers agree up to float32's rounding."""
    make, shape = NETS[name]
    net = stirred(make())
    D = wrap(net) if wrap else net
    for n in range(3):  # another length of the header puts the weights at other addresses of the file
        checkpoints.save(D, tmp_path / "d.safetensors", {"title": "a" * n})
        again = checkpoints.load(tmp_path / "d.safetensors")
        assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), D.state_dict().values(), strict=True))
        agree(again, D, shape)


def agree(one: torch.nn.Module, other: torch.nn.Module, shape: tuple[int, ...]) -> None:
    """The same weights give the same answers within 1e-5 of answers of size 1.

    Not to the bit: a kernel is chosen by requires_grad, by the weights' addresses, and by the processor.
    """
    x, sigma = torch.randn(2, *shape, generator=seeded()), torch.tensor([0.7])
    with torch.no_grad():
        torch.testing.assert_close(one(x, sigma, 1), other(x, sigma, 1), rtol=1e-5, atol=1e-5)


def at_odd_addresses(net: torch.nn.Module) -> torch.nn.Module:
    """Return the network with every weight moved into a larger buffer, one number past its start."""
    moved = copy.deepcopy(net)
    for parameter in moved.parameters():
        buffer = torch.empty(parameter.numel() + 1)
        parameter.data = buffer[1:].view(parameter.shape).copy_(parameter.data)
        assert parameter.data_ptr() % 64
    return moved


@pytest.mark.parametrize("name", NETS)
def test_weights_at_odd_addresses_give_the_same_answers(name: str) -> None:
    make, shape = NETS[name]
    net = stirred(make())
    agree(at_odd_addresses(net), net, shape)


def test_weight_makes_the_loss_that_of_the_raw_network() -> None:
    """Flow matching's loss |v - (eps - x0)|^2 and EDM's |F - target|^2, written out."""
    made, sigma = case("U-Net"), torch.tensor([0.1, 1.0, 5.0])
    x0, eps = torch.randn(2, 3, 1, 8, 8, generator=seeded()).unbind(0)
    t = (sigma / (1 + sigma)).reshape(-1, 1, 1, 1)
    with torch.no_grad():
        v = made.D.net((1 - t) * x0 + t * eps, t.flatten(), None)
        ours = training.weighted_error(made.D, x0, eps, sigma)
        torch.testing.assert_close(ours, ((v - (eps - x0)) ** 2).mean(), rtol=1e-4, atol=1e-6)
        D, s = precondition.Preconditioned(made.D.net, 0.7), sigma.reshape(-1, 1, 1, 1)
        norm = (s**2 + 0.49).sqrt()
        F = D.net((x0 + s * eps) / norm, sigma, None)
        target = (x0 - (0.49 / norm**2) * (x0 + s * eps)) * norm / (s * 0.7)
        ours = training.weighted_error(D, x0, eps, sigma)
        torch.testing.assert_close(ours, ((F - target) ** 2).mean(), rtol=1e-4, atol=1e-6)


def exact_pictures() -> Case:
    """The exact answer for 30 pictures is a Denoiser of pictures too: it gives the nearest one back."""
    x = torch.randn(30, 1, 4, 4, generator=seeded(), dtype=torch.float64)
    source = Points(x, torch.arange(30) % 3, ("a", "b", "c"))
    return Case(exact.posterior_mean(source), 3, torch.float64, False, shape=(1, 4, 4))


@pytest.mark.parametrize("promise", contracts.DENOISER, ids=lambda f: f.__name__)
def test_exact_denoiser_of_pictures(promise: Callable[[Case], None]) -> None:
    promise(exact_pictures())


def test_exact_denoiser_walks_to_a_training_picture() -> None:
    made = exact_pictures()
    x = 10 * torch.randn(8, 1, 4, 4, generator=seeded(1), dtype=torch.float64)
    end = samplers.final(samplers.ddim(made.D, x, sigmas.karras(20, 0.01, 10.0)))
    known = torch.randn(30, 16, generator=seeded(), dtype=torch.float64)
    assert float(torch.cdist(end.flatten(1), known).amin(1).max()) < 0.01


# ---- parts ---------------------------------------------------------------------------------------


def test_blocks_start_as_the_identity() -> None:
    """adaLN-zero: every gate of the transformer is closed; the U-Net's last convolutions are zero: h + 0 is h."""
    h, condition = torch.randn(2, 16, 32, generator=seeded()), torch.randn(2, 1, 32, generator=seeded(1))
    assert all(torch.equal(block(h, condition), h) for block in dit.DiT(1, 8, 2, 32, 2, rng=seeded()).blocks)
    net, picture = unet.UNet(1, 16, (1, 1), classes=3, rng=seeded()), torch.randn(2, 16, 8, 8, generator=seeded())
    assert torch.equal(net.down[0](picture, torch.randn(2, 64, generator=seeded(1))), picture)
    assert torch.equal(net.middle[1](picture), picture)


def test_patches_are_cut_and_joined() -> None:
    x = torch.arange(2 * 3 * 8 * 12.0).reshape(2, 3, 8, 12)
    tokens = dit.to_patches(x, 4)
    assert tokens.shape == (2, 6, 48) and torch.equal(dit.from_patches(tokens, 4, x), x)
    assert torch.equal(tokens[1, 4].sort().values, x[1, :, 4:8, 4:8].flatten().sort().values)  # row 1, column 1


def test_places_differ_and_know_rows_from_columns() -> None:
    table = dit.places(4, 32)
    assert torch.cdist(table, table).add(torch.eye(16)).min() > 0.1
    assert torch.equal(table.reshape(4, 4, 32)[1, :, :16].unique(dim=0), table[4:5, :16])


def test_a_picture_of_one_patch_more_is_refused() -> None:
    with pytest.raises(ValueError, match="a multiple of"):
        dit.DiT(side=8, patch=3)


def test_attention_maps_are_shares() -> None:
    net = stirred(dit.DiT(1, 8, 2, 32, 2, rng=seeded()))
    seen = dit.attention_map(net, torch.randn(3, 1, 8, 8, generator=seeded()), torch.tensor([0.5]))
    assert seen.shape == (3, 4, 16, 16)
    torch.testing.assert_close(seen.sum(-1), torch.ones(3, 4, 16))


def test_attention_is_softmax_of_products() -> None:
    """The U-Net's attention, written with explicit loops over heads."""
    layer, h = stirred(unet.Attention(16, 2)), torch.randn(2, 16, 3, 5, generator=seeded())
    with torch.no_grad():
        flat = layer.norm(h).flatten(2)
        q, k, v = (layer.qkv.weight[i * 16 : i * 16 + 16, :, 0, 0] @ flat for i in range(3))
        q, k, v = (part + layer.qkv.bias[i * 16 : i * 16 + 16, None] for i, part in enumerate((q, k, v)))
        heads = [
            (q[:, i : i + 8].mT @ k[:, i : i + 8] / 8**0.5).softmax(-1) @ v[:, i : i + 8].mT for i in (0, 8)
        ]  # each [b, places, 8]
        read = torch.cat(heads, 2).mT.reshape(2, 16, 3, 5)
        torch.testing.assert_close(layer(h), h + layer.out(read))


def test_captions_become_numbers_and_back() -> None:
    words, tokens = text.vocabulary(CAPTIONS), text.tokenize(CAPTIONS)
    read = [" ".join(words[i] for i in row if i) for row in tokens.tolist()]
    assert tuple(read) == CAPTIONS and tokens.shape == (3, 4)


def test_no_label_is_a_caption_without_words() -> None:
    encoder = text.TextEncoder(CAPTIONS, 16)
    free = encoder(None, 2)
    torch.testing.assert_close(free, encoder(-1, 2))
    assert not torch.allclose(free, encoder(0, 2))
    assert encoder.tokens[-1].tolist() == [0] * 4


def test_cross_attention_is_a_mean_of_values_weighted_by_a_softmax() -> None:
    layer = stirred(text.CrossAttention(8, 4, heads=2))
    h, words = torch.randn(1, 8, 2, 2, generator=seeded()), torch.randn(1, 3, 4, generator=seeded(1))
    with torch.no_grad():
        q, k, v = layer.parts(h, words)
        read = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
        torch.testing.assert_close(layer(h, words), h + layer.out(read.mT.reshape(1, 8, 2, 2)))
