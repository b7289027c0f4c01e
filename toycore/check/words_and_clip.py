"""Exercises of notebook 14b, Words and CLIP."""

import torch
from torch import Tensor
from torch.nn.functional import normalize

from toycore.check import Exercise, Verdicts, close, normal
from toycore.types import seeded

Q, K, V = normal(5, 4), normal(3, 4, seed=1), normal(3, 2, seed=2)

def _read(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return (q @ k.T / q.shape[1] ** 0.5).softmax(1) @ v

def _not_read(q: Tensor, k: Tensor, v: Tensor) -> list[tuple[Tensor, str]]:
    scores = q @ k.T / q.shape[1] ** 0.5
    return [
        ((q @ k.T).softmax(0) @ v, "the weights of one word sum to 1 over the places; over what should they, and what"
                                   " became of the root of d?"),
        (scores.softmax(0) @ v, "the weights of one word sum to 1 over the places; over what should they sum to 1?"),
        ((q @ k.T).softmax(1) @ v, "the scores are not divided: by what, so that they stay near 1 for any width?"),
        ((q @ k.T / q.shape[1]).softmax(1) @ v, "the scores are divided by d; a sum of d products grows like what?"),
        (scores @ v, "the scores are no weights yet; what makes them positive, with sum 1?"),
        (scores.softmax(1), "these are the weights; what does a place read with them?"),
        (scores.softmax(1) @ v / len(k), "the weights sum to 1 already; why divide again?")]

read = Exercise(
    "Write read(q, k, v): what each place reads by cross-attention. q [places, d] are queries, k [words, d] keys,"
    " v [words, m] values; one head.",
    answer=_read,
    more="Scores q @ k.T over the root of d, one row per place; a softmax along the row; then times v.",
    why="Each row of weights sums to 1, so a place reads a mean of the values; the root of d keeps the scores near 1.",
    asks=[(Q, K, V), (Q[:2], 3 * K, V)],
    mistakes=_not_read,
    properties=lambda f: [
        (close(f(Q, K, torch.ones_like(V)), torch.ones(5, 2)), "if all words have the value 1, every place reads 1:"
                                                               " do the weights of a place sum to 1?")],
    otherwise="every place reads a mean, but not this one: which words weigh how much?",
    elsewhere="right for 5 places, wrong for 2: is a number fixed in yours?")

CAPTIONS = ["a large red star in the centre", "a small blue circle at the lower left",
            "a large blue circle in the centre", "a small red cross at the upper left"]

def _fits(query: str, captions: list[str]) -> list[bool]:
    return [set(query.split()) <= set(caption.split()) for caption in captions]

fits = Exercise(
    "Write fits(query, captions): for each caption, True if it holds every word of the query, in any order.",
    answer=_fits,
    more="As sets of words: set(query.split()) <= set(caption.split()).",
    why="A caption fits if the words of the query are a part of its words; order and what stands between do not count.",
    asks=[("blue circle", CAPTIONS), ("red centre", CAPTIONS), ("a circle", CAPTIONS), ("cent", CAPTIONS)],
    mistakes=lambda query, captions: [
        ([query in caption for caption in captions], "two words fit only where they stand side by side; and “red"
                                                     " centre”?"),
        ([all(word in caption for word in query.split()) for caption in captions],
         "a part of a word is found, too: does “cent” fit a caption that has “centre”?"),
        ([bool(set(query.split()) & set(caption.split())) for caption in captions],
         "one word of the query is enough for you; how many must be there?"),
        ([set(caption.split()) <= set(query.split()) for caption in captions],
         "yours asks whether the query has every word of the caption; which of the two is the larger set?")],
    otherwise="for “blue circle” the second and the third caption fit; which do in yours?",
    elsewhere="right for “blue circle”, wrong elsewhere: what of words that stand apart, or of parts of words?")

IMAGES, QUERIES = normal(6, 4, seed=3) * torch.tensor([[1, 9, 1, 1, 5, 1]]).T, normal(2, 4, seed=4)

def _found(query: Tensor, image: Tensor) -> Tensor:
    return (normalize(query, dim=1) @ normalize(image, dim=1).T).argmax(1)

def _searched(found) -> Verdicts:
    own = normalize(normal(5, 4, seed=5), dim=1)
    yield close(found(own, own), torch.arange(5)), "asked for itself, a vector must be found; is yours the farthest?"
    order = torch.randperm(5, generator=seeded(1))
    yield (close(found(own, own[order]), order.argsort()),
           "numbers of pictures are asked for, one for each query: along which axis do you choose?")

found = Exercise(
    "Repair the search. Write found(query, image): for each query [m, d] the number of the picture [n, d] whose vector"
    " has the largest cosine with it. The vectors have any length.",
    answer=_found,
    more="torch.nn.functional.normalize(v, dim=1) gives rows of length 1; then a product is a cosine.",
    why="A product grows with the length of a vector; the cosine does not, so a loud picture is not found by loudness.",
    asks=[(QUERIES, IMAGES), (normal(3, 4, seed=6), IMAGES)],
    mistakes=lambda query, image: [
        ((query @ image.T).argmax(1), "the longest vectors win: what makes a product a cosine?"),
        ((normalize(query, dim=1) @ normalize(image, dim=1).T).argmin(1), "that is the farthest; which end is near?"),
        ((normalize(query, dim=1) @ normalize(image, dim=1).T).amax(1), "that is the cosine; which picture has it?")],
    properties=_searched,
    caught=[(lambda query, image: torch.cdist(query, image).argmin(1), "cosine")],
    otherwise="the nearest by cosine is another one: is a distance of points what you compare?",
    elsewhere="right for two queries, wrong for three: is a number fixed in yours?")
