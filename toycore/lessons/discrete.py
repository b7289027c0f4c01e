"""Discrete diffusion on a table of a few words, where every conditional is a sum (notebook 17).

Tokens are whole numbers `[b, places]`: a symbol 0..K-1, or HIDDEN. A model is a function D(tokens, time) -> p
`[b, places, K]`: which symbol each place had before the noise. Time runs from 0 (clean) to 1 (nothing is left).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from toycore.checks import function, listed, named, number, numbers, positive, stream, texts
from toycore.types import Rng

HIDDEN = -1
SAILOR = dict(sea=8, net=6, sat=5, see=5, set=4, ten=3, tan=3, ate=2, eat=1, tea=1, ant=1, tee=1)
COOK = dict(sea=1, net=1, sat=2, see=2, set=3, ten=3, tan=1, ate=5, eat=8, tea=9, ant=3, tee=2)
WORDS = {word: SAILOR[word] + COOK[word] for word in SAILOR}  # 12 of the 125 words that a, e, n, s, t can spell
HABITS: dict[str, dict[str, tuple[str, ...]]] = {  # which animal does what, and how
    "cat": {"purr": ("softly", "long"), "sleep": ("softly", "long")},
    "dog": {"bark": ("loudly", "long"), "sleep": ("softly", "long")},
    "bird": {"sing": ("softly", "loudly", "long"), "sleep": ("softly", "long")},
}

Model = Callable[[Tensor, float], Tensor]


# ---- the two noisings ------------------------------------------------------------------------------


class Noise(NamedTuple):
    """Each place keeps its symbol with probability 1 - time; otherwise it is hidden, or drawn anew from all K symbols.

    q(x_t | x_0) = (1 - t) [x_t = x_0] + t [x_t = HIDDEN]    or    (1 - t) [x_t = x_0] + t / K, place by place.
    Austin et al. 2021 (2107.03006), section 3.1 and eq. 3, with the linear schedule.
    """

    name: str
    hides: bool

    def __call__(self, tokens: Tensor, time: Tensor | float, symbols: int = 0, rng: Rng = None) -> Tensor:
        """Return x_t for clean tokens `[b, places]`; time is a number or `[b]` in [0, 1], symbols the number K."""
        keep = torch.rand(checked(tokens).shape, generator=stream(rng)) >= times_of(time, tokens)
        return torch.where(keep, tokens, self.noise(tokens.shape, symbols, rng))

    def noise(self, shape: tuple[int, ...], symbols: int = 0, rng: Rng = None) -> Tensor:
        """Return what is left at time 1, tokens of this shape: all hidden, or every symbol equally likely."""
        if self.hides:
            return torch.full(shape, HIDDEN)
        return torch.randint(positive(symbols, "symbols"), shape, generator=stream(rng))

    def kernel(self, start: float, end: float, symbols: int) -> Tensor:
        """Return q(x_end | x_start) for one place, `[K + 1, K + 1]`; the last row and column stand for HIDDEN.

        With a = (1 - end) / (1 - start): a I + (1 - a) 1 e_hidden', or a I + (1 - a) 1 1' / K on the K symbols.
        """
        kept = 1 - number(start, "start", 0, 1 - 1e-12)
        a, K = (1 - number(end, "end", start, 1)) / kept, positive(symbols, "symbols")
        to = torch.zeros(K + 1, dtype=torch.float64)
        to[K:] = 1.0
        fresh = to.expand(K, -1) if self.hides else (1 - to).expand(K, -1) / K
        return torch.cat([a * torch.eye(K + 1, dtype=torch.float64)[:K] + (1 - a) * fresh, to[None]])

    def likelihood(self, clean: Tensor, tokens: Tensor, time: Tensor | float, symbols: int) -> Tensor:
        """Return, up to factors that are the same for all clean words, q(tokens | clean) per place."""
        same = clean == tokens
        if self.hides:
            return (same | (tokens == HIDDEN)).double()  # time is in neither case: it cancels
        t = torch.as_tensor(time, dtype=torch.float64).reshape(-1, 1, 1)
        return (1 - t) * same + t / symbols


masked, uniform = Noise("masked", True), Noise("uniform", False)


# ---- the table and its exact denoiser ----------------------------------------------------------------


@dataclass(frozen=True)
class Joint:
    """A joint distribution p `[n]` over n words `[n, places]`, all others being impossible."""

    words: Tensor
    p: Tensor
    symbols: tuple[str, ...]

    @property
    def table(self) -> Tensor:
        """The probability of every word that can be spelt, `[K] * places`."""
        return table(self.words, len(self.symbols), self.p)

    @property
    def entropy(self) -> float:
        """H(X) = -sum_x p(x) ln p(x), in nats."""
        return entropy(self.p)

    def tokens(self, text: str | Iterable[str]) -> Tensor:
        """Return words as tokens `[b, places]`; "_" is a hidden place."""
        rows = [_parts(word) for word in texts(text, "text", "a word, or several")]
        wrong = next((part for row in rows for part in row if part not in (*self.symbols, "_")), None)
        if wrong is not None or any(len(row) != self.words.shape[1] for row in rows):
            known = f"{self.words.shape[1]} of {', '.join(self.symbols)} or _"
            raise ValueError(f"text is {text!r}; each word must be made of {known}")
        return torch.tensor([[self.symbols.index(part) if part != "_" else HIDDEN for part in row] for row in rows])

    def text(self, tokens: Tensor) -> list[str]:
        """Return tokens `[b, places]` as words; "_" is a hidden place."""
        gap = "" if all(len(symbol) == 1 for symbol in self.symbols) else " "
        rows = checked(tokens, len(self.symbols)).tolist()
        return [gap.join("_" if i == HIDDEN else self.symbols[i] for i in row) for row in rows]

    def sample(self, n: int, rng: Rng = None) -> Tensor:
        """Draw n words, `[n, places]`."""
        return self.words[torch.multinomial(self.p, positive(n), True, generator=stream(rng))]

    def weights(self, tokens: Tensor, time: Tensor | float = 1.0, noise: Noise = masked) -> Tensor:
        """Return p(x_0 | x_t) over the n words, `[b, n]`: p(x_0) times the product of q(x_t | x_0), normalised.

        Where no word fits, which only masked noise knows, it is p(x_0).
        """
        x_t = checked(tokens, len(self.symbols), self.words.shape[1])
        if not noise.hides and (x_t == HIDDEN).any():
            raise ValueError("tokens hold hidden places, which uniform noise never makes; use noise=discrete.masked")
        times_of(time, x_t)
        like = noise.likelihood(self.words, x_t[:, None], time, len(self.symbols)).prod(2)  # [b, n]
        w = self.p * like
        w = torch.where(w.sum(1, keepdim=True) > 0, w, self.p)
        return w / w.sum(1, keepdim=True)

    def posterior(self, tokens: Tensor, time: Tensor | float = 1.0, noise: Noise = masked) -> Tensor:
        """Return the exact denoiser p(x_0^i = k | x_t), `[b, places, K]`: the conditional table, place by place.

        For masked noise it does not depend on the time: Ou et al. 2024 (2406.03736), theorem 1.
        """
        each = torch.nn.functional.one_hot(self.words, len(self.symbols)).double()  # [n, places, K]
        return torch.einsum("bn,nik->bik", self.weights(tokens, time, noise), each)


def joint(weights: Mapping[str, float] | Iterable[str] = WORDS, symbols: Iterable[str] | None = None) -> Joint:
    """Return the joint distribution of words of one length with these weights (none: all the same).

    A text with spaces is a sentence, and its words are the symbols. Without weights or symbols: the course's 12 words.
    """
    rows = [_parts(word) for word in texts(weights, "weights", "words with their weights, {'sea': 9, 'tea': 10}")]
    if len({len(row) for row in rows}) > 1:
        raise ValueError(f"the words have lengths {sorted({len(row) for row in rows})}; they must all be of one length")
    values = weights.values() if isinstance(weights, Mapping) else [1.0] * len(rows)
    p = listed(list(values), "weights", "one number of at least 0 per word", 1, torch.float64)
    if (p < 0).any() or not p.sum():
        raise ValueError(f"weights run from {p.min():g} to {p.max():g}; they must be at least 0, and not all 0")
    known = tuple(symbols or sorted({part for row in rows for part in row}))
    missing = next((part for row in rows for part in row if part not in known), None)
    if missing:
        raise ValueError(f"the words use {missing!r}, which is none of the symbols {', '.join(known)}")
    return Joint(torch.tensor([[known.index(part) for part in row] for row in rows]), p / p.sum(), known)


def sentences() -> Joint:
    """Return 52 sentences of five words, all equally likely: number, animal, verb and manner must agree."""
    return joint(
        [
            f"{number} {size} {animal}{'s' * (number == 'two')} {verb}{'s' * (number == 'a')} {how}"
            for number in ("a", "two")
            for size in ("small", "big")
            for animal, verbs in HABITS.items()
            for verb, manners in verbs.items()
            for how in manners
        ]
    )


def posterior(tokens: Tensor, time: Tensor | float = 1.0, words: Joint | None = None, noise: Noise = masked) -> Tensor:
    """Return the exact denoiser of a joint (none: the course's words), `[b, places, K]`."""
    return (words or joint()).posterior(tokens, time, noise)


def table(tokens: Tensor, symbols: int, weights: Tensor | None = None) -> Tensor:
    """Return the share of every word among tokens `[b, places]`, `[K] * places`."""
    K = positive(symbols, "symbols")
    places = checked(tokens, K, least=0).shape[1]
    w = torch.full((len(tokens),), 1 / len(tokens), dtype=torch.float64) if weights is None else weights
    code = tokens @ K ** torch.arange(places - 1, -1, -1)
    return torch.bincount(code, w, K**places).reshape([K] * places)


def entropy(p: Tensor) -> float:
    """Return -sum p ln p in nats, over all entries of p."""
    return -float(torch.xlogy(p, p).sum())


# ---- from noise to words -----------------------------------------------------------------------------


def sample(D: Model, tokens: Tensor, steps: int | None = None, rng: Rng = None) -> Tensor:
    """Fill in the hidden places of tokens `[b, places]`, in random order and in `steps` equal portions.

    The places of a portion are drawn independently from D(tokens). Without `steps`: one at a time, which is exact.
    """
    x, portions = checked(tokens).clone(), positive(steps if steps is not None else tokens.shape[1], "steps")
    function(D, "D", "a function D(tokens, time) -> p [b, places, K]", 2)
    rank = torch.rand(x.shape, generator=stream(rng)).masked_fill(x != HIDDEN, -1.0).argsort().argsort()
    left = (x == HIDDEN).sum(1, keepdim=True)  # the hidden places have the last ranks
    turn = (rank - (x.shape[1] - left)) * portions // left.clamp(min=1)
    for step in range(portions):
        now = (turn == step) & (x == HIDDEN)
        if now.any():
            x = torch.where(now, draw(D(x, 1 - step / portions), rng), x)
    return x


def walk(D: Model, tokens: Tensor, times: Tensor, noise: Noise = masked, rng: Rng = None) -> Iterator[Tensor]:
    """Yield tokens `[b, places]` step by step down the times, each place drawn from `reverse`."""
    times = falling(times)
    x = checked(tokens)
    for t, s in pairwise(times.tolist()):
        p = reverse(D, x, t, s, noise)
        x = draw(p, rng)
        x = x.masked_fill(x == p.shape[2] - 1, HIDDEN)
        yield x


def reverse(D: Model, tokens: Tensor, time: float, to: float, noise: Noise = masked) -> Tensor:
    """Return p(x_s^i | x_t) = sum_k D_k q(x_s | x_t, x_0 = k) for s = to < t = time, `[b, places, K + 1]`, last HIDDEN.

    q(x_s | x_t, x_0) = q(x_s | x_0) q(x_t | x_s) / q(x_t | x_0). Austin et al. 2021 (2107.03006), eq. 3 and 4.
    """
    x_0 = D(tokens, time)
    K = x_0.shape[2]
    to_s, on, to_t = noise.kernel(0, to, K), noise.kernel(to, time, K), noise.kernel(0, time, K)
    bridge = to_s[:K, :, None] * on[None] / to_t[:K, None]  # [x_0, x_s, x_t]
    p = torch.einsum("bik,kjbi->bij", x_0.double(), bridge.nan_to_num(0, 0)[:, :, tokens])
    return p / p.sum(2, keepdim=True)


def draw(p: Tensor, rng: Rng = None) -> Tensor:
    """Draw a symbol for every place from p `[b, places, K]`, independently."""
    return torch.multinomial(p.flatten(0, 1), 1, generator=stream(rng)).reshape(p.shape[:2])


# ---- guidance ------------------------------------------------------------------------------------------


def tilted(strong: Joint, weak: Joint, s: float) -> Joint:
    """Return the joint whose p is proportional to weak^(1-s) strong^s: p(x) p(c | x)^s, where strong is p(x | c)."""
    _alike(strong, weak)
    p = _tilt(strong.p, weak.p, number(s, "s"))
    return Joint(weak.words, p / p.sum(), weak.symbols)


def guided(strong: Model, weak: Model, s: float) -> Model:
    """Return the model that tilts place by place: D proportional to weak^(1-s) strong^s, each place normalised.

    Schiff et al. 2024 (2412.10193), section 3: guidance without a classifier for discrete diffusion.
    """
    number(s, "s")

    def D(tokens: Tensor, time: float) -> Tensor:
        p = _tilt(strong(tokens, time), weak(tokens, time), s)
        return p / p.sum(2, keepdim=True)

    return D


def _tilt(strong: Tensor, weak: Tensor, s: float) -> Tensor:
    both = (strong > 0) & (weak > 0)
    return torch.where(both, weak ** (1 - s) * strong**s, 0.0).nan_to_num(0.0)


# ---- what is asked of the input -----------------------------------------------------------------------


def checked(tokens: Tensor, symbols: int | None = None, places: int | None = None, least: int = HIDDEN) -> Tensor:
    """Return tokens if they are whole numbers `[b, places]` from -1 (hidden) to K - 1; otherwise say what is wrong."""
    need = f"whole numbers [b, {places or 'places'}], {least} or more, as Joint.sample and Joint.tokens return them"
    if not isinstance(tokens, Tensor):
        raise TypeError(f"tokens are {named(tokens)}; they must be a tensor of {need}")
    if (
        tokens.dtype != torch.int64
        or tokens.ndim != 2
        or not tokens.numel()
        or tokens.shape[1] != (places or tokens.shape[1])
    ):
        raise ValueError(f"tokens have dtype {tokens.dtype} and shape {tuple(tokens.shape)}; they must be {need}")
    low, high = int(tokens.min()), int(tokens.max())
    if low < least or (symbols and high >= symbols):
        raise ValueError(f"tokens run from {low} to {high}; they must lie between {least} and {(symbols or 0) - 1}")
    return tokens


def times_of(time: Tensor | float, tokens: Tensor) -> Tensor:
    """Return times as a column `[1 or b, 1]`, each in [0, 1]."""
    t = numbers(time, "time", "a number in [0, 1], or one per row", torch.float32).reshape(-1, 1)
    if len(t) not in (1, len(tokens)) or not bool(((t >= 0) & (t <= 1)).all()):
        raise ValueError(f"time is {time}; it must be a number in [0, 1], or one for each of {len(tokens)} rows")
    return t


def falling(times: Tensor) -> Tensor:
    """Return times if they fall and lie in [0, 1]; otherwise say what is wrong."""
    times = listed(times, "times", "a list of falling times, from 1 to 0: torch.linspace(1, 0, steps + 1)")
    if times.max() > 1 or times.min() < 0 or bool((times.diff() >= 0).any()):
        raise ValueError(f"times are {times.tolist()}; they must fall, from at most 1 to at least 0")
    return times.double()


def _parts(word: str) -> list[str]:
    return word.split() if " " in word else list(word)


def _alike(strong: Joint, weak: Joint) -> None:
    if strong.symbols != weak.symbols or not torch.equal(strong.words, weak.words):
        raise ValueError("strong and weak are joints of different words; make both with the same words, in one order")
