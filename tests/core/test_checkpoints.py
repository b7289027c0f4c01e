"""Checkpoints: what is saved comes back; what is broken, foreign or unknown is named; nothing is half-written."""

import hashlib
import json
import sys

import pytest
import torch
from safetensors.torch import save_file

import toycore
from tests.support.models import preconditioned
from tests.support.problems import close
from toycore import checkpoints, exact, fields, metrics, mixtures, networks, precondition, sigmas
from toycore.images.nets.unet import UNet
from toycore.programs import recipes
from toycore.types import seeded

MODELS = {
    "preconditioned": preconditioned,
    "three classes": lambda: preconditioned(classes=3),
    "mean left at 0": lambda: precondition.Preconditioned(networks.MLP(width=8, rng=seeded())),
    "noise net": lambda: precondition.from_noise(networks.NoiseMLP(width=16, classes=2, rng=seeded())),
    "noise net, 50 cosine steps": lambda: precondition.from_noise(networks.NoiseMLP(width=16), sigmas.cosine(T=50)),
    "velocity net": lambda: precondition.from_velocity(networks.MLP(width=16, rng=seeded())),
}


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(path, name):
    D, card = MODELS[name](), {"title": "a line", "seed": 3, "field_error": 0.01, "recipe": {"steps": 5}}
    assert checkpoints.save(D, path, card) == path
    again = checkpoints.load(path)
    x = torch.randn(5, 2, generator=seeded())
    for sigma in (0.02, 1.0, 10.0):
        close(again(x, sigma), D(x, sigma).detach(), rtol=1e-5, atol=1e-6)  # float32; kernels may differ once frozen
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), D.state_dict().values(), strict=True))
    assert {key: again.card[key] for key in card} == card
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    assert [f.name for f in path.parent.iterdir()] == ["model.safetensors"]


def test_a_card_cannot_say_how_to_build(path):
    """What is built is what was saved, whatever the caller's card holds under the same word."""
    checkpoints.save(preconditioned(), path, checkpoints.load("moons").card)
    assert checkpoints.load(path).sigma_data == 0.3


def test_saving_twice_replaces(path):
    checkpoints.save(MODELS["noise net"](), path)
    checkpoints.save(MODELS["preconditioned"](), path)
    assert isinstance(checkpoints.load(path), precondition.Preconditioned)


@pytest.mark.parametrize("name", recipes.RECIPES)
def test_shipped_models_are_as_good_as_their_cards(name):
    D = toycore.load(name)
    measured = metrics.field_error(D, recipes.RECIPES[name].source(), rng=seeded()).mean()
    assert float(measured) == pytest.approx(D.card["field_error"], rel=0.2)
    assert f"{D.card['field_error']:.4f}" in toycore.available()[name]
    assert (checkpoints.SHIPPED / f"{name}.safetensors").stat().st_size < 300_000


@pytest.mark.parametrize("sigma", [0.2, 0.5, 2.0, 10.0])
def test_learned_field_points_where_the_exact_one_does(sigma):
    """The mean cosine is above .97 from sigma = .2 on."""
    m = mixtures.spiral()
    x = m.sample(2000, seeded())[0] + sigma * torch.randn(2000, 2, generator=seeded())
    learned, truth = (fields.noise(D, x, sigma) for D in (toycore.load("spiral"), exact.posterior_mean(m)))
    assert metrics.alignment(learned, truth) > 0.97


# ---- what can go wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_cut_short(path, share):
    checkpoints.save(preconditioned(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"model\.safetensors is not a whole safetensors file .*again"):
        checkpoints.load(path)


def test_foreign_file(path):
    save_file({"w": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="was not written by toycore"):
        checkpoints.load(path)


def write(path, plan, tensors=None, format=checkpoints.FORMAT):
    """Write a file whose checksum is right, whatever its card asks for."""
    tensors = tensors or {"w": torch.zeros(1)}
    return checkpoints.write_tensors(path, tensors, json.dumps({"build": plan}), format)


def test_of_another_model(path):
    D = preconditioned()
    plan = {"wrapper": "Preconditioned", "net": "mlp", "sigma_data": 0.3, "config": {**D.net.config, "width": 24}}
    write(path, plan, D.state_dict())
    with pytest.raises(ValueError, match=r"does not fit the model its card describes: .*\d"):
        checkpoints.load(path)


@pytest.mark.parametrize(
    "asked",
    [
        {"module": "os", "net": "system"},
        {
            "module": "toycore.programs.recipes",
            "net": "main",
        },  # a function: it would train and overwrite what is shipped
        {"module": "toycore.checkpoints", "net": "Path"},  # a class, but not of this package
        {"module": "toycore.programs.export.__main__", "net": "main"},  # importing it runs it
        {"module": "toycore.training", "net": "Preconditioned"},  # a network's name, but not its home
        {"module": "toycore.mixtures", "net": "GaussianMixture"},
        {"net": "os.system"},
        {"net": "toycore.networks.MLP"},
        {"net": "later-mlp"},
    ],
)
def test_builds_only_registered_networks(path, asked):
    write(path, {"wrapper": "", "config": {}, **asked})
    with pytest.raises(ValueError, match=rf"the card asks for {'.'.join(asked.values())}; only networks of toycore"):
        checkpoints.load(path)


OTHERS = {  # a card of a later version, or of none
    "a config of later": {"config": {"later": 3}},
    "a wrapper without its number": {"wrapper": "Preconditioned"},
    "a wrapper that is not there": {"wrapper": "FromLater"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_of_another_version(path, name):
    write(path, {"wrapper": "", "net": "mlp", "config": {}} | OTHERS[name])
    with pytest.raises(ValueError, match=r"model\.safetensors does not fit .*another version of toycore"):
        checkpoints.load(path)


# ---- names, not paths ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", checkpoints.NETWORKS)
def test_every_registered_name_is_a_network(name):
    """A class that moves takes its line of the table along."""
    module, kind = checkpoints.NETWORKS[name].rsplit(".", 1)
    __import__(module)
    assert issubclass(getattr(sys.modules[module], kind), torch.nn.Module)


def test_shipped_cards_hold_names_and_the_weights_of_the_release():
    """No module path on any card; the bytes of every tensor are those of the release (retrain, and this changes)."""
    made = hashlib.sha256()
    for path in sorted(checkpoints.SHIPPED.glob("*.safetensors")):
        tensors, card = checkpoints.read_tensors(path, checkpoints.FORMAT)
        assert json.loads(card)["build"]["net"] in checkpoints.NETWORKS and "toycore." not in card
        bits = [value.reshape(-1).view(torch.uint8).numpy().tobytes() for value in tensors.values()]
        for digest in sorted(hashlib.sha256(one).hexdigest() for one in bits):
            made.update(digest.encode())
    assert made.hexdigest() == "729b5c3f54d26d548061d212f8568429c427d87b5dc992dae83e61ba81be4ca0"


@pytest.mark.parametrize("home", checkpoints.OLD_HOMES)
def test_cards_of_the_last_release_still_load(path, home):
    """They hold a module's path and no checksum; every class that could be saved then is found today."""
    module, kind = home.rsplit(".", 1)
    configs = {
        "captioned-mlp": {"tokens": [[0, 1], [2, 0]]},
        "conditional-mlp": {"told": 4},
        "classifier": {"classes": 2},
        "clip": {"captions": ["a red star"], "side": 8},
    }
    name = checkpoints.OLD_HOMES[home]
    plan = {"wrapper": "", "module": module, "net": kind, "config": configs.get(name, {})}
    net = checkpoints.build(plan, {})
    card = {"title": "mine", "build": plan}
    save_file(dict(net.state_dict()), path, {"format": "toycore 1", "card": json.dumps(card)})
    again = checkpoints.load(path)
    assert type(again) is type(net) and again.card["title"] == "mine"
    assert all(torch.equal(a, b) for a, b in zip(again.state_dict().values(), net.state_dict().values(), strict=True))
    checkpoints.save(again, path, again.card)
    assert checkpoints.load(path).card["build"] == {
        "wrapper": "",
        "net": name,
        "config": json.loads(json.dumps(net.config)),
    }


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("net.down.0.words.ask.weight", "net.down.0.cross.query.weight"),
        ("up.1.words.answer.bias", "up.1.cross.key_value.bias"),
        ("net.down.1.words.norm.weight", "net.down.1.cross.norm.weight"),
        ("net.middle.1.ask.weight", "net.middle.1.qkv.weight"),
        ("net.text.ask.weight", "net.text.qkv.weight"),
        ("up.0.told.weight", "up.0.modulate.weight"),
        ("told.bias", "modulate.bias"),
        ("net.blocks.3.mlp.0.weight", "net.blocks.3.mlp.0.weight"),
        ("words.word.weight", "encoder.word.weight"),
        ("net.tell.0.A.weight", "net.conditions.0.A.weight"),
        ("none", "no_label"),
        ("enter.bias", "first.bias"),
        ("enter_z.bias", "from_latent.bias"),
    ],
)
def test_layers_that_have_new_names(old, new):
    """The weights of the last release's picture networks find their layers."""
    assert checkpoints.new_key(old) == new


def test_a_picture_network_of_the_last_release_still_loads(path):
    net = UNet(3, 8, (1, 2), captions=("a red star", "a star"))
    old = {"cross.query": "words.ask", "cross.key_value": "words.answer", "cross.": "words.", "qkv": "ask"}
    weights = {}
    for key, value in net.state_dict().items():
        for today, then in (*old.items(), ("modulate", "told"), ("skip", "pass_on")):
            key = key.replace(today, then)
        weights[key] = value.contiguous()
    plan = {"wrapper": "", "module": "toycore.images.unet", "net": "UNet", "config": net.config}
    save_file(weights, path, {"format": "toycore 1", "card": json.dumps({"build": plan})})
    again = checkpoints.load(path).state_dict()
    assert "down.0.words.ask.weight" in weights and "middle.1.ask.bias" in weights
    assert all(torch.equal(again[key], value) for key, value in net.state_dict().items())


@pytest.mark.parametrize("name", ["preconditioned", "noise net", "velocity net"])
def test_old_denoisers_still_load(path, name):
    D = MODELS[name]()
    plan = {"wrapper": type(D).__name__, "module": "toycore.networks", "net": type(D.net).__name__}
    plan |= {"config": D.net.config} | ({"sigma_data": D.sigma_data} if hasattr(D, "sigma_data") else {})
    card = json.dumps({"build": plan})
    save_file({k: v.contiguous() for k, v in D.state_dict().items()}, path, {"format": "toycore 1", "card": card})
    x = torch.randn(3, 2, generator=seeded())
    close(checkpoints.load(path)(x, 0.5), D(x, 0.5).detach(), rtol=1e-5, atol=1e-6)
