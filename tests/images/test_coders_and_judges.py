"""Sheets of pictures, autoencoders, judges, and the recipes of what is shipped."""

import functools
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

import toycore
from tests.support.pictures import same
from toycore import checkpoints, samplers, sigmas
from toycore.images import judge, pages, recipes, sets
from toycore.images.nets import autoencoder
from toycore.images.nets.unet import Block, UNet
from toycore.images.sets import mnist, mnist_test, shapes, strokes
from toycore.programs import recipes as registry
from toycore.types import seeded

ROOT = Path(__file__).resolve().parents[2]

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
    assert sorted(registry.NAMES) == sorted(checkpoints.available()) and len(registry.NAMES) == 19
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
    """A few steps of each recipe on a few pictures; the shipped file holds the same network."""
    for few, load in ((strokes, strokes.load), (shapes, shapes.load), (mnist, strokes.load)):
        monkeypatch.setattr(few, "load", functools.partial(load, 60))
    D, card = recipes.make(name, steps=2)
    shipped = checkpoints.load(name)
    assert card["title"] == shipped.card["title"] and card["cpu_seconds"] < shipped.card["cpu_seconds"]
    assert [p.shape for p in D.state_dict().values()] == [p.shape for p in shipped.state_dict().values()]


def test_weights_and_data_take_less_than_14_mb() -> None:
    files = [*checkpoints.SHIPPED.glob("*.safetensors"), *mnist_test.FILES, mnist_test.NEAREST]
    assert sum(file.stat().st_size for file in files) < 14e6
    assert (checkpoints.SHIPPED / "mnist.safetensors").stat().st_size < 2.5e6


def test_without_a_network_a_recipe_is_skipped_with_a_line(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise ConnectionError("train-images-idx3-ubyte.gz could not be downloaded\n  and why")

    monkeypatch.setattr(registry, "make", refuse)
    registry.main(["mnist"])
    assert capsys.readouterr().out == "mnist: skipped, train-images-idx3-ubyte.gz could not be downloaded\n"


def test_bare_networks_are_kept_too(tmp_path) -> None:
    nets = [autoencoder.Autoencoder(rng=seeded()), judge.Judge(3, 32, (2, 8), rng=seeded()), UNet(1, 8)]
    for i, net in enumerate(nets):
        checkpoints.save(net, tmp_path / f"{i}.safetensors")
        assert same(checkpoints.load(tmp_path / f"{i}.safetensors"), net)
    assert toycore.load is checkpoints.load
