"""Denoisers in, Denoiser out. One convention everywhere: s = 0 is the weak model, 1 the strong one, above 1 beyond.

Every rule here is an affine combination of predictions (or adds a gradient), so it reads the same on x0_hat, eps_hat,
the score or the velocity.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from toycore.checks import batched, denoiser, function, label_rows, named, number, one_of
from toycore.types import Denoiser, Label, column

LogPosterior = Callable[[Tensor, Tensor | float], Tensor]
FORMS = "two-term", "replace"  # of negative guidance
LOG_POSTERIOR = "a function (x, sigma) -> [b, classes], as mixture.class_log_posterior"

CONVENTIONS = {  # name: what to add to its number to get our s
    "toycore": 0,  # s: 0 unconditional, 1 conditional
    "ho-salimans": 1,  # w of (1 + w) eps(x, c) - w eps(x), 2207.12598
    "smalldiffusion": 1,  # cfg_scale
    "teapearce": 1,  # guide_w of Conditional_Diffusion_MNIST
    "mit-6.s184": 0,  # w of the labs
    "imagen": 0,  # w, 2205.11487, eq. 2
    "edm2": 0,  # guidance
    "diffusers": 0,  # guidance_scale of most pipelines; at 1 and below guidance is off, which means s = 1
}


def guided(strong: Denoiser, weak: Denoiser, s: float) -> Denoiser:
    """Return weak + s (strong - weak); with strong = D and weak = unlabelled(D) this is classifier-free guidance.

    Ho & Salimans 2022 (2207.12598), eq. 6, with their w = s - 1. With weak a worse model of the same thing it is
    autoguidance (Karras et al. 2024, 2406.02507, eq. 3).
    """
    strong, weak, s = denoiser(strong, "strong"), denoiser(weak, "weak"), number(s, "s")

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        low = weak(x, sigma, label)
        return low + s * (strong(x, sigma, label) - low)

    return D


def free(D: Denoiser, s: float) -> Denoiser:
    """Return classifier-free guidance of one model, both predictions in one call on a batch of twice the size.

    The same values as guided(D, unlabelled(D), s) and as much arithmetic, in half as many calls; s = 1 is D itself.
    """
    D, s = denoiser(D), number(s, "s")
    if s == 1:
        return D

    def both(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        rows = label_rows(label, len(batched(x))).to(x.device)
        twice = torch.as_tensor(sigma).repeat(2) if torch.as_tensor(sigma).numel() > 1 else sigma
        strong, weak = D(torch.cat([x, x]), twice, torch.cat([rows, -torch.ones_like(rows)])).chunk(2)
        return weak + s * (strong - weak)

    return both


def unlabelled(D: Denoiser) -> Denoiser:
    """Return D without its condition: no label is passed on."""
    D = denoiser(D)
    return lambda x, sigma, label=None: D(x, sigma, None)


def labelled(D: Denoiser, label: Label) -> Denoiser:
    """Return D with its condition fixed: this label is passed on, whatever the call says."""
    D, fixed = denoiser(D), _label(label)
    return lambda x, sigma, label=None: D(x, sigma, fixed)


def classifier(D: Denoiser, log_posterior: LogPosterior, label: Label, s: float = 1.0) -> Denoiser:
    """Return D + s sigma^2 grad_x log p(label | x): the score plus s times the classifier's gradient.

    log_posterior(x, sigma) -> `[b, classes]`, differentiable. Rows labelled -1 (or None) are not guided. The label of a
    call goes to D itself: None guides the unconditional field. As noise: eps_hat - s sigma grad, with a minus.
    Dhariwal & Nichol 2021 (2105.05233), eq. 11-14 and algorithm 2.
    """
    D, s, target = denoiser(D), number(s, "s"), _label(label)
    function(log_posterior, "log_posterior", LOG_POSTERIOR)

    def guided_by_gradient(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        slope = class_gradient(log_posterior, x, sigma, target)
        return D(x, sigma, label) + s * column(sigma, x) ** 2 * slope

    return guided_by_gradient


def class_gradient(log_posterior: LogPosterior, x: Tensor, sigma: Tensor | float, label: Label) -> Tensor:
    """Return grad_x log p(label | x) at level sigma by one backward pass, shaped like x; 0 in rows labelled -1."""
    function(log_posterior, "log_posterior", LOG_POSTERIOR)
    with torch.enable_grad():
        x = batched(x).detach().requires_grad_()
        log_p = log_posterior(x, sigma)
        if not isinstance(log_p, Tensor) or log_p.ndim != 2 or len(log_p) != len(x):
            given = f"of shape {tuple(log_p.shape)}" if isinstance(log_p, Tensor) else named(log_p)
            raise ValueError(f"log_posterior(x, sigma) is {given}; it must be [{len(x)}, classes], log p(class | x)")
        if not log_p.requires_grad:
            raise ValueError("log_posterior(x, sigma) carries no gradient; it must use x, and not under no_grad")
        rows = label_rows(label, len(x), log_p.shape[1]).to(x.device)
        mine = log_p.gather(1, rows.clamp(min=0)[:, None])[:, 0]
        return torch.autograd.grad(torch.where(rows < 0, 0 * mine, mine).sum(), x)[0]


def negative(
    D: Denoiser, positive: Label, negative: Label, s_pos: float, s_neg: float = 0.0, form: str = "two-term"
) -> Denoiser:
    """Return D guided towards one label and away from another, by one of the two formulas in use.

        two-term   u + s_pos (p - u) - s_neg (n - u)         (after Liu et al. 2022, 2206.01714, eq. 11, 13)
        replace    n + s_pos (p - n), without s_neg          (the negative in the place of "no label", as in diffusers)

    p, n, u: D with the positive, the negative, no label. They are equal if and only if s_neg = s_pos - 1.
    """
    number(s_pos, "s_pos"), number(s_neg, "s_neg")
    p, n, u = labelled(D, positive), labelled(D, negative), unlabelled(D)
    if one_of(form, FORMS, "form of negative guidance") == "replace":
        return guided(p, n, s_pos)

    def two_term(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        base = u(x, sigma)
        return base + s_pos * (p(x, sigma) - base) - s_neg * (n(x, sigma) - base)

    return two_term


def within(low: float, high: float, inside: Denoiser, outside: Denoiser) -> Denoiser:
    """Return `inside` at levels low <= sigma <= high and `outside` elsewhere; a batch on one side calls only that one.

    A limited interval of guidance: within(0.2, 1, guided(...), D). Kynkaanniemi et al. 2024 (2404.07724), eq. 6.
    """
    inside, outside = denoiser(inside, "inside"), denoiser(outside, "outside")
    if not 0 <= number(low, "low") < (high if high == math.inf else number(high, "high")):
        raise ValueError(f"low = {low} and high = {high}; an interval of noise levels needs 0 <= low < high")

    def D(x: Tensor, sigma: Tensor | float, label: Label = None) -> Tensor:
        level = column(sigma, batched(x))
        chosen = (low <= level) & (level <= high)
        if chosen.all() or not chosen.any():
            return (inside if chosen.all() else outside)(x, sigma, label)
        return torch.where(chosen, inside(x, sigma, label), outside(x, sigma, label))

    return D


def _label(label: Label) -> Label:
    label_rows(label, len(label) if isinstance(label, Tensor) and label.ndim == 1 else 1)
    return label


def convert(value: float, source: str, target: str = "toycore") -> float:
    """Return a guidance scale of one convention (a name of CONVENTIONS) in another: s = value + CONVENTIONS[source].

    diffusers has no s < 1: it switches guidance off at 1 and below, so 0 and 1 both mean the conditional prediction.
    """
    s = number(value, "value") + CONVENTIONS[one_of(source, CONVENTIONS, "guidance convention")]
    s = max(s, 1.0) if source == "diffusers" else s
    if one_of(target, CONVENTIONS, "guidance convention") == "diffusers" and s < 1:
        raise ValueError(
            f"s = {s:g} does not exist in diffusers, where guidance never goes below the conditional prediction, s = 1"
        )
    return s - CONVENTIONS[target]
