"""Exercises of notebook 17, Discrete diffusion."""

import math

import torch
from torch import Tensor

from toycore.check import Exercise, Verdicts, close
from toycore.lessons import discrete
from toycore.lessons.discrete_laws import spellings, total_correlation

WORDS = discrete.joint()

def _posterior(words: Tensor, p: Tensor, tokens: Tensor) -> Tensor:
    fits = ((words == tokens) | (tokens == -1)).all(1)  # [n]
    w = p * fits / (p * fits).sum()
    return torch.einsum("n,nik->ik", w, torch.nn.functional.one_hot(words, 5).to(w.dtype))

def _not_posterior(words: Tensor, p: Tensor, tokens: Tensor) -> list[tuple[object, str]]:
    each, same = torch.nn.functional.one_hot(words, 5).double(), (words == tokens) | (tokens == -1)
    share, count = p * same.all(1), same.all(1).double()
    return [
        (torch.einsum("n,nik->ik", p, each),
         "that is the answer with every place hidden: where do the visible letters come in?"),
        (torch.einsum("n,nik->ik", share, each),
         "your rows do not sum to 1: by what do you divide?"),
        (torch.einsum("n,nik->ik", count / count.sum(), each),
         "you count every word that fits as one; are all of them as likely?"),
        (torch.einsum("n,nik->ik", p * same.double().mean(1) / (p * same.double().mean(1)).sum(), each),
         "a word with one wrong letter still counts in yours: what is its probability, given the visible letters?"),
        (share / share.sum(),
         "that is the probability of each of the 12 words; which letter follows from it, place by place?")]

ASKS = [WORDS.tokens(text)[0] for text in ("te_", "_a_", "__t", "___")]

posterior = Exercise(
    "Write posterior(words, p, tokens): the exact denoiser for masked noise. words are [n, 3], p [n], tokens [3] with"
    " -1 for a hidden place; return the probability of each of the 5 letters at each place, [3, 5].",
    answer=_posterior,
    more="A word fits if every visible letter agrees: ((words == tokens) | (tokens == -1)).all(1). Give each that fits"
         " its p, divide by their sum, and add up the words by their letters (one_hot).",
    why="q(x_t | x_0) is the same for all words that fit and 0 for the others, so Bayes' rule keeps p among those.",
    asks=[(WORDS.words, WORDS.p, tokens) for tokens in ASKS],
    mistakes=_not_posterior,
    caught=[(lambda words, p, tokens: _posterior(words, p, tokens)[[2, 1, 0]], "which place")],
    otherwise="for te_ your answer is another: which place has which row, and which letter which column?",
    elsewhere="right for te_, wrong for other gaps: does yours depend on where the hidden places are?")

def _worst() -> Tensor:
    return torch.eye(5) / 5

def _bad_table(worst) -> Verdicts:
    p = worst().double()
    yield p.shape == (5, 5), f"the table needs the shape [5, 5]; yours is {list(p.shape)}: one axis per place"
    yield bool((p >= 0).all()), "some of your probabilities are negative: which?"
    yield close(p.sum(), 1, 1e-4), f"your probabilities sum to {float(p.sum()):.3g}: by what must you divide?"
    even = close(p.sum(0), 0.2 * torch.ones(5), 1e-3) and close(p.sum(1), 0.2 * torch.ones(5), 1e-3)
    yield even, "a letter is more likely than another: what must every row and every column sum to?"
    C = total_correlation(discrete.Joint(spellings(2, 5), p.flatten(), tuple("aenst")))
    yield C > 1e-3, "drawn place by place, your words are exactly right: what must one letter say about the other?"
    most = 2 * math.log(5) - math.log(5)
    yield most - C < 0.01, f"you lose {C:.2f} nats and could lose {most:.2f}: how many words does each letter need?"

worst = Exercise(
    "Write worst(): a joint table [5, 5] of two letters on which drawing both places at once does as badly as it can,"
    " though every letter is equally likely at either place. Many answers are right.",
    answer=_worst,
    more="The loss is H(X_1) + H(X_2) - H(X_1, X_2). The marginals fix the first two; how small can the third be?",
    why="If one letter fixes the other, H(X_1, X_2) = ln 5: the total correlation is 2 ln 5 - ln 5 = ln 5.",
    asks=[()],
    properties=_bad_table,
    caught=[
        (lambda: torch.ones(5, 5) / 25, "exactly right"),
        (lambda: torch.eye(5), "sum to 5"),
        (lambda: torch.eye(5)[:1].expand(5, 5) / 5, "more likely"),
        (lambda: (torch.eye(5) + 0.2) / 10, "nats"),
        (lambda: torch.ones(5) / 5, "needs the shape")])

def _weight(m: int, L: int) -> float:
    return 1 / (m * math.comb(L, m))

def _not_weight(m: int, L: int) -> list[tuple[object, str]]:
    return [
        (1 / m, "that is the mean over the m hidden places; how often is just this set of places the hidden one?"),
        (1 / math.comb(L, m), "that is how often this set is hidden among sets of m; what is the cost of each, the sum"
                              " over m places or their mean?"),
        (1 / 2**L, "that takes every set equally often; an order of the places passes each size m once: how many sets"
                   " have that size?"),
        (1 / (L * math.comb(L, m)), "you take the mean over the sizes 1..L; a chain of L places adds them up: over"
                                    " which of the two do you divide?"),
        (m / L, "that is the share of hidden places; the weight is the integral of t^(m-1) (1-t)^(L-m) dt")]

weight = Exercise(
    "The bound adds -ln D_i over the hidden places i of every set, times a weight. A colleague trains with the weight"
    " 1 / 2^L for each of the sets, and the bound misses the entropy. Repair it: write weight(m, L) for a set of m of L"
    " places.",
    answer=_weight,
    more="In a random order each size m = 1..L occurs once, each of the binomial(L, m) sets equally often, and each of"
         " its m places is the next one with probability 1 / m.",
    why="So the weighted sum is the mean over all orders of sum_j -ln p(x_j | those before): the chain rule, H(X).",
    asks=[(2, 3), (1, 3), (3, 3), (5, 8)],
    mistakes=_not_weight,
    caught=[(lambda m, L: 1 / 6 if L == 3 else 0.3, "other sizes")],
    otherwise="for {where} the weight is {right}, and yours is {yours}: which integral is it?",
    elsewhere="right for m = 2 of L = 3, wrong for other sizes: what is fixed in yours?")

def _chance(D, word: Tensor) -> Tensor:
    tokens, chance = torch.full((1, len(word)), -1), torch.tensor(1.0).double()
    for i, k in enumerate(word.tolist()):
        chance = chance * D(tokens)[0, i, k]
        tokens[0, i] = k
    return chance

def _not_chance(D, word: Tensor) -> list[tuple[object, str]]:
    i, blank = torch.arange(len(word)), torch.full((1, len(word)), -1)
    once, own = D(blank)[0, i, word], D(word[None])[0, i, word]
    last = torch.cat([word[:-1], torch.tensor([-1])])
    return [
        (once.prod(), "you ask D once, with everything hidden, as the broken sampler does: what does it know by then?"),
        (own.prod(), "you give the letter to D before you ask for it: which places are hidden when it is drawn?"),
        (once.sum(), "you add the chances of the three letters; all three must come: what do you do with the chances?"),
        (D(last[None])[0, -1, word[-1]], "that is the chance of the last letter, given the others; and the others?")]

chance = Exercise(
    "A sampler is broken: it fills the places from left to right, but asks D only once, before the first. Repair it"
    " and prove it: write chance(D, word), the probability that the repaired sampler makes word [3] from -1, -1, -1."
    " D(tokens [1, 3]) returns probabilities [1, 3, 5].",
    answer=_chance,
    more="Start with tokens of -1. For each place i multiply by D(tokens)[0, i, word[i]], then set tokens[0, i].",
    why="The chain rule: p(x_1) p(x_2 | x_1) p(x_3 | x_1, x_2) = p(x), in this order as in every other.",
    asks=[(WORDS.posterior, WORDS.tokens(text)[0]) for text in ("ten", "sea", "tea", "ant")],
    mistakes=_not_chance,
    caught=[
        (lambda D, word: D(torch.full((1, 3), -1))[0, 0, word[0]], "how many letters"),
        (lambda D, word: 0.5 * _chance(D, word), "how many letters")],
    otherwise="the chance of the word ten must be {right}, and yours is {yours}: how many letters does it count, each"
              " given which?",
    elsewhere="right for the word ten, wrong for others: what in yours is fixed?")
