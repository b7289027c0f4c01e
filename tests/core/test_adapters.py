"""diffusers and toycore, through the same doors both ways: equal steps, equal noise, no network."""

from types import SimpleNamespace

import pytest
import torch

from tests.support.external import library
from tests.support.problems import close, uneven
from toycore import exact, frames, guidance, mixtures, samplers, sigmas
from toycore.lessons import adapters
from toycore.types import seeded

diffusers = library("diffusers", "its schedulers and networks read as ours, and ours as its")
KINDS = list(adapters.READ)


def unet(**more) -> torch.nn.Module:
    """A small UNet with random weights of its own seed, in float64."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        blocks = dict(down_block_types=("DownBlock2D",), up_block_types=("UpBlock2D",), block_out_channels=(8,))
        size = dict(sample_size=8, in_channels=1, out_channels=1, layers_per_block=1, norm_num_groups=4)
        net = diffusers.UNet2DModel(**size, add_attention=False, **blocks, **more)
    return net.double().eval()


def scheduler(kind: type, **options):
    """A scheduler on 20 evenly strided steps, its float32 alpha_bar replaced by the float64 one."""
    made = kind(clip_sample=False, timestep_spacing="trailing", **options)
    made.set_timesteps(20)
    made.alphas_cumprod = frames.alpha_bar(sigmas.ddpm()[:-1].flip(0))
    return made


def theirs(model, schedule, x_t, rng=None, **options):
    """diffusers' loop; yields x_t."""
    for t in schedule.timesteps:
        out = model(schedule.scale_model_input(x_t, t), t)
        x_t = schedule.step(out, t, x_t, **({"generator": rng} if rng else {}), **options).prev_sample
        yield x_t


GRID = torch.cat([sigmas.ddpm()[:-1][::50], torch.zeros(1, dtype=torch.float64)])  # steps 999, 949, ..., 49


def test_the_grid_is_the_schedulers() -> None:
    grid = adapters.levels(scheduler(diffusers.DDPMScheduler))
    close(grid, sigmas.ddpm(), rtol=1e-9)
    assert len(adapters.levels(diffusers.DDPMScheduler(num_train_timesteps=30))) == 31


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("walk", ["ddpm", "ddim eta 0", "ddim eta .5"])
def test_a_unet_walks_our_samplers_as_it_walks_theirs(kind: str, walk: str) -> None:
    net, eta = unet(), float(walk.split()[-1]) if "eta" in walk else None
    options = {"prediction_type": kind, **({"variance_type": "fixed_small"} if eta is None else {})}
    schedule = scheduler(diffusers.DDPMScheduler if eta is None else diffusers.DDIMScheduler, **options)
    x = GRID[0] * torch.randn(2, 1, 8, 8, generator=seeded(), dtype=torch.float64)
    D, knobs = adapters.from_unet(net, schedule), {} if eta is None else {"eta": eta}
    ours = (samplers.ddpm if eta is None else samplers.ddim)(D, x, GRID, rng=seeded(1), **knobs)
    with torch.no_grad():
        for state, x_t in zip(
            ours,
            theirs(lambda x, t: net(x, t).sample, schedule, frames.VP.scale(GRID[0]) * x, seeded(1), **knobs),
            strict=True,
        ):
            close(frames.VP.scale(state.sigma) * state.x, x_t, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("eta", [0.0, 0.5])
def test_our_denoiser_walks_their_ddim(kind: str, eta: float) -> None:
    D, schedule = exact.posterior_mean(uneven()), scheduler(diffusers.DDIMScheduler, prediction_type=kind)
    x = GRID[0] * torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    ours = samplers.ddim(D, x, GRID, rng=seeded(1), eta=eta)
    x_ts = theirs(adapters.as_model(D, schedule), schedule, frames.VP.scale(GRID[0]) * x, seeded(1), eta=eta)
    for state, x_t in zip(ours, x_ts, strict=True):
        close(frames.VP.scale(state.sigma) * state.x, x_t, rtol=1e-7, atol=1e-7)


def test_our_denoiser_walks_their_ddpm() -> None:
    D, schedule = exact.posterior_mean(uneven()), scheduler(diffusers.DDPMScheduler, variance_type="fixed_small")
    x = GRID[0] * torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    x_ts = list(theirs(adapters.as_model(D, schedule), schedule, frames.VP.scale(GRID[0]) * x, seeded(1)))
    close(samplers.final(samplers.ddpm(D, x, GRID, rng=seeded(1))), x_ts[-1], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(
    ("kind", "walk"),
    [
        (diffusers.EulerDiscreteScheduler, samplers.ddim),
        (diffusers.HeunDiscreteScheduler, samplers.heun),
        (lambda **w: diffusers.DPMSolverMultistepScheduler(final_sigmas_type="zero", **w), samplers.dpmpp_2m),
    ],
    ids=["Euler", "Heun", "DPM-Solver++(2M)"],
)
def test_their_solvers_are_ours_on_their_levels(kind, walk) -> None:
    """These keep their levels in float32, and Heun and Euler walk in the VE frame."""
    D, schedule = exact.posterior_mean(uneven()), kind(timestep_spacing="trailing")
    schedule.set_timesteps(20)
    grid = torch.cat([adapters.levels(schedule)[:-1][::50], torch.zeros(1, dtype=torch.float64)])
    x = grid[0] * torch.randn(50, 2, generator=seeded(), dtype=torch.float64)
    zoom = frames.VP.scale(grid[0]) if "DPM" in type(schedule).__name__ else 1
    *_, end = theirs(adapters.as_model(D, schedule), schedule, zoom * x)
    close(samplers.final(walk(D, x, grid)), end.double(), rtol=2e-3, atol=2e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_there_and_back(kind: str) -> None:
    """A Denoiser, handed to diffusers and read back, is the same at every sigma on and between the levels."""
    D, schedule = (
        exact.posterior_mean(mixtures.spiral(40, classes=2)),
        scheduler(diffusers.DDPMScheduler, prediction_type=kind),
    )
    model = adapters.as_model(D, schedule)

    def net(x, t, class_labels):
        return SimpleNamespace(sample=model(x, t, class_labels))

    net.config = {"num_class_embeds": 2}
    again = adapters.from_unet(net, schedule, nothing=-1)
    x = torch.randn(30, 2, generator=seeded(), dtype=torch.float64)
    for sigma in (0.0123, float(GRID[7]), 2.0, torch.linspace(0.02, 5, 30, dtype=torch.float64)):
        for label in (None, 1, torch.arange(30) % 3 - 1):
            close(again(x, sigma, label), D(x, sigma, label), rtol=1e-6, atol=1e-6)


def test_classes_reach_the_unet_and_can_be_guided() -> None:
    net, schedule = unet(num_class_embeds=3), scheduler(diffusers.DDPMScheduler)
    D = adapters.from_unet(net, schedule, nothing=2)
    x = torch.randn(2, 1, 8, 8, generator=seeded(), dtype=torch.float64)
    with torch.no_grad():
        close(D(x, 0.5), D(x, 0.5, 2), rtol=1e-6, atol=1e-6)  # the net computes in float32
        assert (D(x, 0.5, 0) - D(x, 0.5, 1)).abs().max() > 1e-6
        close(guidance.free(D, 3.0)(x, 0.5, 1), D(x, 0.5) + 3 * (D(x, 0.5, 1) - D(x, 0.5)))
        with pytest.raises(ValueError, match="needs a class"):
            adapters.from_unet(net, schedule)(x, 0.5)


def test_levels_outside_the_trained_ones_are_read_as_the_nearest_step() -> None:
    heard = []

    def net(x, t):
        heard.append(float(t[0]))
        return SimpleNamespace(sample=x)

    net.config = {}
    D = adapters.from_unet(net, scheduler(diffusers.DDPMScheduler))
    for sigma in (1e-6, float(sigmas.ddpm()[-2]), float(sigmas.ddpm()[0]), 1e6):
        D(torch.zeros(1, 1, 4, 4, dtype=torch.float64), sigma)
    assert heard == pytest.approx([0, 0, 999, 999], abs=1e-6)


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(ValueError, match="no alphas_cumprod"):
        adapters.levels(diffusers.FlowMatchEulerDiscreteScheduler())
    with pytest.raises(ValueError, match="prediction_type"):
        schedule = diffusers.DDPMScheduler()
        schedule.register_to_config(prediction_type="flow")
        adapters.as_model(exact.posterior_mean(uneven()), schedule)
