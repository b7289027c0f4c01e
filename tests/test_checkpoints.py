"""Checkpoints: what is saved comes back; what is broken, foreign or unknown is named; nothing is half-written."""

import json

import pytest
import torch
from safetensors.torch import save_file

import toycore
from tests.problems import close
from toycore import checkpoints, exact, fields, metrics, mixtures, networks, precondition, recipes, sigmas
from toycore.types import seeded


def _preconditioned(**words):
    net = networks.MLP(width=16, rng=seeded(), **words)
    torch.nn.init.normal_(net.last.weight, generator=seeded())
    return precondition.Preconditioned(net, 0.3, torch.tensor([0.1, 0.2]))


MODELS = {
    "preconditioned": _preconditioned,
    "three classes": lambda: _preconditioned(classes=3),
    "mean left at 0": lambda: precondition.Preconditioned(networks.MLP(width=8, rng=seeded())),
    "noise net": lambda: precondition.from_noise(networks.NoiseMLP(width=16, classes=2, rng=seeded())),
    "noise net, 50 cosine steps": lambda: precondition.from_noise(networks.NoiseMLP(width=16), sigmas.cosine(T=50)),
    "velocity net": lambda: precondition.from_velocity(networks.MLP(width=16, rng=seeded())),
}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("name", MODELS)
def test_round_trip(path, name):
    D, card = MODELS[name](), {"title": "a line", "seed": 3, "field_error": 0.01, "recipe": {"steps": 5}}
    assert checkpoints.save(D, path, card) == path
    again = checkpoints.load(path)
    x = torch.randn(5, 2, generator=seeded())
    for sigma in (0.02, 1.0, 10.0):
        close(again(x, sigma), D(x, sigma).detach(), rtol=0, atol=0)
    assert {key: again.card[key] for key in card} == card
    assert not again.training and not any(p.requires_grad for p in again.parameters())
    assert [f.name for f in path.parent.iterdir()] == ["model.safetensors"]


def test_a_card_cannot_say_how_to_build(path):
    """What is built is what was saved, whatever the caller's card holds under the same word."""
    checkpoints.save(_preconditioned(), path, checkpoints.load("moons").card)
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
    """A19: the mean cosine is above .97 from sigma = .2 on."""
    m = mixtures.spiral()
    x = m.sample(2000, seeded())[0] + sigma * torch.randn(2000, 2, generator=seeded())
    learned, truth = (fields.noise(D, x, sigma) for D in (toycore.load("spiral"), exact.posterior_mean(m)))
    assert metrics.alignment(learned, truth) > 0.97


# ---- what can go wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_cut_short(path, share):
    checkpoints.save(_preconditioned(), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(ValueError, match=r"model\.safetensors is not a whole safetensors file .*again"):
        checkpoints.load(path)


def test_foreign_file(path):
    save_file({"w": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="was not written by toycore"):
        checkpoints.load(path)


def test_of_another_model(path):
    D = _preconditioned()
    plan = {"wrapper": "Preconditioned", "module": "toycore.networks", "net": "MLP", "sigma_data": 0.3}
    card = {"build": {**plan, "config": {**D.net.config, "width": 24}}}
    save_file(dict(D.state_dict()), path, {"format": checkpoints.FORMAT, "card": json.dumps(card)})
    with pytest.raises(ValueError, match=r"does not fit the model its card describes: .*\d"):
        checkpoints.load(path)


def test_builds_only_what_is_of_this_package(path):
    card = {"build": {"wrapper": "Preconditioned", "module": "os", "net": "system", "config": {}, "sigma_data": 1}}
    save_file({"mean": torch.zeros(1)}, path, {"format": checkpoints.FORMAT, "card": json.dumps(card)})
    with pytest.raises(ValueError, match="only classes of toycore"):
        checkpoints.load(path)


@pytest.mark.parametrize(
    ("module", "net"),
    [
        ("toycore.recipes", "main"),  # a function: it would train and overwrite what is shipped
        ("toycore.checkpoints", "Path"),  # a class, but not of this package
        ("toycore.export.__main__", "main"),  # importing it runs it
        ("toycore.networks", "nn"),
        ("toycore.training", "Preconditioned"),  # a network's name, but not its home
        ("toycore.mixtures", "GaussianMixture"),
    ],
)
def test_builds_only_networks(path, module, net):
    card = {"build": {"wrapper": "", "module": module, "net": net, "config": {}}}
    save_file({"mean": torch.zeros(1)}, path, {"format": checkpoints.FORMAT, "card": json.dumps(card)})
    with pytest.raises(
        ValueError, match=f"the card asks for {module}.{net}; only classes of toycore that are networks"
    ):
        checkpoints.load(path)


OTHERS = {  # a card of a later version, or of none
    "a class that is not there": {"net": "LaterMLP"},
    "a module that is not there": {"module": "toycore.later"},
    "a word that is not there": {"config": {"later": 3}},
    "a wrapper without its number": {"wrapper": "Preconditioned"},
    "a wrapper that is not there": {"wrapper": "FromLater"},
}


@pytest.mark.parametrize("name", OTHERS)
def test_of_another_version(path, name):
    plan = {"wrapper": "", "module": "toycore.networks", "net": "MLP", "config": {}} | OTHERS[name]
    save_file({"w": torch.zeros(1)}, path, {"format": checkpoints.FORMAT, "card": json.dumps({"build": plan})})
    with pytest.raises(ValueError, match=r"model\.safetensors does not fit .*another version of toycore|only classes"):
        checkpoints.load(path)


@pytest.mark.parametrize("header", [{}, {"card": "{"}])
def test_card_that_cannot_be_read(path, header):
    save_file({"w": torch.zeros(2)}, path, {"format": checkpoints.FORMAT, **header})
    with pytest.raises(ValueError, match=r"model\.safetensors has no card that can be read; .*again"):
        checkpoints.load(path)


def test_card_that_cannot_be_written(path):
    with pytest.raises(TypeError, match=r"the card cannot be written: .*Tensor.*; use numbers, strings"):
        checkpoints.save(_preconditioned(), path, {"field_error": torch.tensor(0.1)})
    assert not path.exists()


def test_no_pickle(path):
    torch.save({"w": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        checkpoints.load(path)


def test_unknown_name_lists_the_near_ones():
    with pytest.raises(ValueError, match=r"no checkpoint named 'spirall'; did you mean 'spiral.*known: .*moons"):
        toycore.load("spirall")


def test_missing_file(path):
    with pytest.raises(FileNotFoundError, match=r"no file .*model\.safetensors.*shipped.*spiral"):
        checkpoints.load(path)


def test_name_without_the_ending(tmp_path):
    with pytest.raises(ValueError, match=r"must end in \.safetensors; got .*model, try model\.safetensors"):
        checkpoints.save(_preconditioned(), tmp_path / "model")


def test_what_cannot_be_saved(path):
    with pytest.raises(TypeError, match=r"cannot save a Preconditioned of a Linear; save"):
        checkpoints.save(precondition.Preconditioned(torch.nn.Linear(2, 2)), path)
    assert not path.exists()


def test_folder_that_is_a_file(tmp_path):
    (tmp_path / "notes").write_text("text")
    with pytest.raises(OSError, match=r"cannot write .*choose a folder where you may write"):
        checkpoints.save(_preconditioned(), tmp_path / "notes" / "model.safetensors")


def test_folder_without_permission(path, monkeypatch):
    """As the owner of the machine one may write anywhere, so the system's refusal is played."""

    def refuse(*words, **named):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(checkpoints.tempfile, "mkstemp", refuse)
    with pytest.raises(OSError, match=r"cannot write .*Permission denied; choose a folder"):
        checkpoints.save(_preconditioned(), path)


@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_nothing_is_half_written(path, failure):
    """The writer fails half-way: the old file stays whole, nothing else is left."""
    checkpoints.save(_preconditioned(), path)
    before = path.read_bytes()

    def write(beside):
        with open(beside, "wb") as file:
            file.write(b"half")
        raise failure

    with pytest.raises(type(failure)):
        checkpoints.write_whole(path, write)
    assert path.read_bytes() == before and [f.name for f in path.parent.iterdir()] == [path.name]


def test_written_files_can_be_read_by_others(path):
    checkpoints.save(_preconditioned(), path)
    assert path.stat().st_mode & 0o444 == 0o444
