"""What the samplers of discrete diffusion draw from, exactly, and what their steps cost in nats (notebook 17)."""

import math
from itertools import pairwise

import torch
from torch import Tensor

from toycore.checks import positive
from toycore.lessons.discrete import HIDDEN, Joint, Model, Noise, entropy, falling, masked, reverse, table


def total_variation(p: Tensor, q: Tensor) -> float:
    """Return the total variation sum |p - q| / 2 of two tables: 0 equal, 1 without a common word."""
    if p.shape != q.shape:
        raise ValueError(f"p has shape {tuple(p.shape)} and q {tuple(q.shape)}; they must be tables of the same words")
    return float((p - q).abs().sum() / 2)


def total_correlation(words: Joint) -> float:
    """Return C = sum_i H(X_i) - H(X) in nats: the KL divergence from p to the product of its marginals.

    It is what is lost when all places are drawn at once (Watanabe 1960).
    """
    return entropy(words.posterior(masked.noise(words.words[:1].shape))) - words.entropy


def law(D: Model, times: Tensor, places: int, symbols: int, noise: Noise = masked) -> Tensor:
    """Return the exact law of where `walk` ends, `[K] * places`: a product of transition matrices of whole words."""
    times = falling(times)
    states = spellings(places, symbols, hidden=noise.hides)
    mass = (states == HIDDEN).all(1).double() if noise.hides else torch.full((len(states),), 1.0).double() / len(states)
    for t, s in pairwise(times.tolist()):
        mass = mass @ _to_words(reverse(D, states, t, s, noise), states)
    return _clean(states, mass, symbols)


def law_in_turn(D: Model, places: int, symbols: int) -> Tensor:
    """Return the exact law of `sample` with one place at a time, `[K] * places`."""
    states = spellings(places, symbols, hidden=True)
    hidden = (states == HIDDEN).double()
    p = torch.cat([D(states, 1.0).double(), torch.zeros(*states.shape, 1).double()], 2)
    stay = torch.nn.functional.one_hot(states % (symbols + 1), symbols + 1).double()
    step = torch.zeros(len(states), len(states)).double()
    for i in range(places):  # each of the hidden places is as likely to be the next
        one = torch.where(torch.arange(places)[:, None] == i, p, stay)
        step += hidden[:, i, None] / hidden.sum(1, keepdim=True).clamp(min=1) * _to_words(one, states)
    mass = hidden.prod(1)
    for _ in range(places):
        mass = mass @ step
    return _clean(states, mass, symbols)


def bound(D: Model, words: Joint, steps: int | None = None) -> float:
    """Return the negative ELBO of masked diffusion in nats, exactly: at least the cross-entropy of p and D's own law.

    In `steps` equal steps sum_t (dt / t) E sum over hidden i of -ln D_i(x_t); without, the integral of dt / t. The
    integral is the mean over orders of sum_j -ln p(x_j | those before), so the exact D reaches the entropy.
    Sahoo et al. 2024 (2406.07524), eq. 10 and 11; Shi et al. 2024 (2406.04329), section 3.
    """
    places, cost = words.words.shape[1], 0.0
    for hide in spellings(places, 2).bool()[1:]:  # every set of hidden places
        tokens = words.words.masked_fill(hide, HIDDEN)
        right = D(tokens, 1.0).double().gather(2, words.words[:, :, None])[:, :, 0]
        error = torch.xlogy(words.p[:, None], right)[:, hide].sum()
        cost -= weight(int(hide.sum()), places, steps) * float(error)
    return cost


def weight(hidden: int, places: int, steps: int | None = None) -> float:
    """Return the weight of one set of m hidden places: the integral of t^(m-1) (1-t)^(L-m) dt = 1 / (m binomial(L, m)).

    In `steps` equal steps, its sum over t = 1/steps, 2/steps, .., 1.
    """
    if steps is None:
        return 1 / (hidden * math.comb(places, hidden))
    t = torch.arange(1, positive(steps, "steps") + 1, dtype=torch.float64) / steps
    return float((t ** (hidden - 1) * (1 - t) ** (places - hidden)).mean())


def spellings(places: int, symbols: int, hidden: bool = False) -> Tensor:
    """Return every word of so many places, `[K^places or (K + 1)^places, places]`."""
    every = torch.arange(HIDDEN if hidden else 0, positive(symbols, "symbols"))
    return torch.cartesian_prod(*[every] * positive(places, "places")).reshape(-1, places)


def _to_words(p: Tensor, states: Tensor) -> Tensor:
    """Return the probability of every state from every state, `[n, n]`: the product over the places of p."""
    each = [p[:, i, states[:, i]] for i in range(states.shape[1])]
    return torch.stack(each).nan_to_num(0.0).prod(0)


def _clean(states: Tensor, mass: Tensor, symbols: int) -> Tensor:
    whole = (states != HIDDEN).all(1)
    return table(states[whole], symbols, mass[whole])
