"""The damage view: six metrics under a slider that spoils the samples."""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toycore import metrics
from toycore.checks import at_least
from toycore.live import payload, stills
from toycore.live.controls import BUTTONS, choice, slider
from toycore.live.engine import View
from toycore.mixtures import GaussianMixture, Source
from toycore.types import seeded

DAMAGES = {  # on its button, and in the picture
    "blur": ("blur", "blurred"),
    "dropped": ("dropped", "outer part dropped"),
    "gaussian": ("Gaussian", "on the way to a Gaussian"),
    "collapse": ("collapse", "on the way to a point per class"),
    "copies": ("copies", "copies of training points"),
    "few": ("few", "fewer and fewer points"),
}
METRICS = [  # name, what is right, the values at the ends of its bar (None: found from the data)
    ("Fr\u00e9chet distance", "small", 0.0, None),
    ("sliced distance", "small", 0.0, None),
    ("Inception score", "large", 1.0, None),
    ("precision", "large", 0.0, 1.0),
    ("recall", "large", 0.0, 1.0),
    ("memorised", "one half", 0.0, 1.0),
]
LEVELS = 21  # amounts of damage at which the metrics are measured
KNOWN, FEWEST, BLUR, KEPT = 100, 20, 0.3, 0.1  # training points; points, noise and share of the data at full damage
AMOUNT = slider("amount", "damage", 0.0, 1.0, 0.01, 0.4)
PLAY = {"role": "amount", "from": 0.0, "to": 1.0, "by": 0.05, "seconds": 8}


def damage(data: Source | None = None, n: int = 300, **start: Any) -> View:
    """Show n samples of the data spoiled by so much, and six metrics of them, each with its noise floor.

    data: a distribution or points, at the start the spiral with three classes. The noise floor of a metric is the mean
    of 20 fresh samples of the truth, of as many points, and three standard deviations to either side (and one point).
    Values: amount (0 none .. 1 full), damage ("blur", "dropped", "gaussian", "collapse", "copies", "few"). The metrics
    are those of `toycore.metrics`, measured at 21 amounts; between these the page interpolates.
    """
    at_least(FEWEST + 1, n, "n")
    shown = payload.of(data=data, classes=3, checkpoint="")
    parts, judge = samples(shown.mixture, n), Judge(shown.mixture, n)
    values = torch.tensor([[judge(spoiled(parts, kind, s)) for s in amounts()] for kind in DAMAGES])
    shown.arrays |= parts | {"values": values.float(), "floor": floors(judge, shown.mixture, n).float()}
    shown.arrays["known"] = judge.train.float()
    tops = values.flatten(0, 1).amax(0).tolist()
    bars = [
        {"name": name, "right": right, "low": low, "high": high or max(top, low + 0.01)}
        for (name, right, low, high), top in zip(METRICS, tops, strict=True)
    ]
    meta = {
        "metrics": bars,
        "damages": [[kind, long] for kind, (_, long) in DAMAGES.items()],
        "fewest": FEWEST,
        "blur": BLUR,
        "kept": KEPT,
    }
    meta |= {"play": PLAY, "layout": "below", "aspect": 1.7, "front": 2}
    meta["buttons"] = [button for button in BUTTONS if button != "renew"]  # the samples were measured beforehand
    controls = [AMOUNT, choice("damage", "kind", {kind: short for kind, (short, _) in DAMAGES.items()})]
    return View("damage", "What the metrics notice", shown, controls, still, start, **meta)


def amounts() -> list[float]:
    """Return the amounts of damage that are measured, from 0 to 1."""
    return torch.linspace(0, 1, LEVELS).tolist()


# ---- the samples, whole and spoiled ---------------------------------------------------------------


def samples(mixture: GaussianMixture, n: int) -> dict[str, Tensor]:
    """Return n samples x `[n, 2]` and what the damages need: noise z, Gaussian twins, the clearest point of each
    sample's class, its nearest training point, its rank, and a pool of data sorted by distance from the mean.
    """
    x, label = mixture.sample(n, seeded(11))
    z = torch.randn(n, 2, generator=seeded(3))
    real, train = mixture.sample(4000, seeded(1))[0], known(mixture)
    sure = mixture.class_log_posterior(mixture.means, 0.1).argmax(0)  # where the classifier is surest, per class
    sort = (real - real.mean(0)).norm(dim=1).argsort()
    parts = {"x": x, "z": z, "twin": real.mean(0) + z @ torch.linalg.cholesky(torch.cov(real.T)).T}
    parts |= {"spot": mixture.means[sure][label], "near": train[torch.cdist(x, train).argmin(1)]}
    parts |= {"rank": torch.rand(n, generator=seeded(10)), "pool": real[sort], "mean": real.mean(0)}
    return {name: part.float() for name, part in parts.items()}


def known(mixture: GaussianMixture, seed: int = 5) -> Tensor:
    """Return the training points that "copies" has memorised, or as many held-out ones (another seed)."""
    return mixture.sample(KNOWN, seeded(seed))[0]


def spoiled(parts: dict[str, Tensor], kind: str, s: float) -> Tensor:
    """Return the samples with so much damage, 0 none .. 1 full, `[n or fewer, 2]`."""
    x, mean, rank, turn = parts["x"], parts["mean"], parts["rank"], s * math.pi / 2
    if kind == "blur":
        return x + BLUR * s * parts["z"]
    if kind == "gaussian":  # mean and covariance stay as they are
        return mean + math.cos(turn) * (x - mean) + math.sin(turn) * (parts["twin"] - mean)
    if kind == "collapse":
        return (1 - s) * x + s * parts["spot"]
    if kind == "copies":
        return torch.where(rank[:, None] < s, parts["near"], x)
    if kind == "few":
        return x[: math.ceil(len(x) * (FEWEST / len(x)) ** s)]
    return parts["pool"][(rank * (1 - (1 - KEPT) * s) * len(parts["pool"])).long()]


# ---- the metrics ----------------------------------------------------------------------------------


class Judge:
    """The six metrics of samples against the same real, training and held-out points."""

    def __init__(self, mixture: GaussianMixture, n: int) -> None:
        self.mixture, self.real = mixture, mixture.sample(n, seeded(6))[0].float()
        self.train, self.held = known(mixture).float(), known(mixture, 7).float()

    def __call__(self, x: Tensor) -> list[float]:
        """Return the metrics of samples `[n, 2]` in the order of METRICS."""
        p = self.mixture.class_log_posterior(x, 0.1).exp()
        return [
            metrics.frechet(x, self.real),
            metrics.sliced_wasserstein(x, self.real, rng=seeded()),
            metrics.inception_score(p),
            *metrics.precision_recall(x, self.real),
            metrics.memorised(x, self.train, self.held),
        ]


def floors(judge: Judge, mixture: GaussianMixture, n: int, draws: int = 20) -> Tensor:
    """Return the ends of every metric's noise floor, of n points and at every level of "few", `[1 + LEVELS, 6, 2]`.

    Six of these levels are measured; between them the ends are interpolated.
    """
    knots = np.linspace(0, 1, 6)
    counts = [math.ceil(n * (FEWEST / n) ** s) for s in knots]
    ends = np.stack([_floor(judge, mixture, count, draws) for count in counts])  # [6, 6, 2]
    levels = [[np.interp(amounts(), knots, ends[:, i, j]) for j in range(2)] for i in range(6)]
    return torch.from_numpy(np.concatenate([ends[:1], np.array(levels).transpose(2, 0, 1)]))


def _floor(judge: Judge, mixture: GaussianMixture, count: int, draws: int) -> np.ndarray:
    """Return the ends mean - d and mean + d, d = 3 std + 1 / count, of the metrics of fresh samples, `[6, 2]`.

    Shares of few points come in steps of 1 / count, and those near 1 would else have a floor of no width.
    """
    truth = np.array([judge(mixture.sample(count, seeded(100 + i))[0].float()) for i in range(draws)])
    width = 3 * truth.std(0) + 1 / count
    return np.stack([truth.mean(0) - width, truth.mean(0) + width], 1)


def reading(view: View) -> tuple[np.ndarray, np.ndarray]:
    """Return the six metrics and the ends of their noise floors at the view's amount, as the page shows them."""
    kind = list(DAMAGES).index(view.damage)
    floor = view.payload.arrays["floor"].numpy()
    ends = np.broadcast_to(floor[0], (LEVELS, 6, 2)) if view.damage != "few" else floor[1:]

    def at(levels: np.ndarray) -> np.ndarray:  # [LEVELS, ...]
        place = view.amount * (LEVELS - 1)
        k = min(LEVELS - 2, int(place))
        return levels[k] + (place - k) * (levels[k + 1] - levels[k])

    return at(view.payload.arrays["values"].numpy()[kind]), at(ends)


def still(view: View) -> Any:
    """Draw the spoiled samples, and the metrics as bars with their noise floors."""
    from toycore import plots
    from toycore.style import LIGHT

    fig, (left, right) = plots.figure(1, 2, size=(4.2, 3.6))
    plots.plane(left, 1.4, f"{DAMAGES[view.damage][1]}, damage {view.amount:.2f}", view.payload.arrays["data"])
    stills.cloud(left, spoiled(view.payload.arrays, view.damage, view.amount))
    values, ends = reading(view)
    low, high = (np.array([bar[end] for bar in view.meta["metrics"]]) for end in ("low", "high"))
    share, floor = (values - low) / (high - low), (ends - low[:, None]) / (high - low)[:, None]
    noticed = (values < ends[:, 0]) | (values > ends[:, 1])
    names = [bar["name"] for bar in view.meta["metrics"]]
    right.barh(names, share.clip(0, 1), color=[LIGHT.sample if seen else LIGHT.faint for seen in noticed], height=0.6)
    right.barh(names, floor[:, 1] - floor[:, 0], left=floor[:, 0], color=LIGHT.exact, alpha=0.5, height=0.8)
    right.set(xlim=(0, 1), xticks=[], title=f"noticed by {noticed.sum()} of 6 (blue: noise floor)")
    right.invert_yaxis()
    return fig
