"""Exercises of notebook 15, Latents and transformers."""

import torch
from torch import Tensor
from torch.nn.functional import layer_norm

from toycore.check import Exercise, Verdicts, close, normal

LATENTS = normal(500, 3) * torch.tensor([0.1, 1.0, 20.0]).double() + 5

def _centre_and_spread(standardise) -> Verdicts:
    y = standardise(LATENTS)
    centred = float(y.mean(0).abs().max()) < 1e-2
    yield centred, f"the first number is not centred, its mean is {float(y.mean(0)[0]):.2f}: what do you subtract?"
    spreads = [round(float(spread), 2) for spread in y.std(0)]
    yield close(y.std(0), torch.ones(3), 5e-3), f"the spreads should be 1; yours are {spreads}: which is off, and why?"

standardise = Exercise(
    "Write standardise(z): latents [n, d] become centred with spread 1, each of the d numbers on its own.",
    answer=lambda z: (z - z.mean(0)) / z.std(0),
    more="The pictures lie along axis 0: z.mean(0) and z.std(0) have one entry for each of the d numbers.",
    why="Each number gets its own centre and its own scale, so none drowns beside another.",
    asks=[(LATENTS,)],
    mistakes=lambda z: [
        ((z - z.mean(1, keepdim=True)) / z.std(1, keepdim=True),
         "you work row by row, and a row is one picture: over which axis do all pictures lie?"),
        ((z - z.mean()) / z.std(), "you use one scale for all d numbers; would the first not drown beside the third?"),
        ((z - z.mean(0)) / z.var(0), "the spreads are turned over: did you divide by the variance?")],
    properties=_centre_and_spread,
    caught=[
        (lambda z: z / z.std(0), "not centred"),
        (lambda z: z - z.mean(0), "spreads should be 1"),
        (lambda z: ((r := z.argsort(0).argsort(0).double()) - r.mean(0)) / r.std(0), "moved and scaled")],
    otherwise="centre and spread are right, but these are not the latents moved and scaled: what else?",
    tolerance=1e-2)

tokens = Exercise(
    "Write tokens(side, down, patch): how many tokens a transformer sees for a picture of side x side pixels, when the"
    " autoencoder shrinks the side by `down` and a token is a patch of patch x patch latents.",
    answer=lambda side, down, patch: (side // down // patch) ** 2,
    more="Along one side there are side / down latents, and a patch takes `patch` of them. There are rows and columns.",
    why="Both factors divide the side, and a square has as many rows as columns.",
    asks=[(8, 1, 1), (64, 8, 1), (64, 1, 8), (512, 8, 2), (256, 4, 4), (96, 2, 3)],
    mistakes=lambda side, down, patch: [
        (side // down // patch, "8 x 8 single pixels are 64 tokens, not 8: are there not rows and columns?"),
        ((side // patch) ** 2, "the autoencoder shrinks the side first: 64 pixels become how many latents?"),
        ((side // down) ** 2, "the patch joins latents: if 8 x 8 of them are one token, how many are left?"),
        (side**2 // down // patch,
         "a factor of 8 divides the side, so 64 x 64 pixels are 64 tokens; you say 512: why?")],
    caught=[
        (lambda side, down, patch: (side // down // patch) ** 2 + 1, "which others"),
        (lambda side, down, patch: (side // down // patch) ** 2 if side < 100 else 32, "along a side")],
    otherwise="8 x 8 single pixels are 64 tokens; you say {yours}: which others do you count?",
    elsewhere="right for 8 x 8 pixels; at {where} you say {yours}: how many tokens lie along a side?")

def _adaln(h: Tensor, f, scale: Tensor, shift: Tensor, gate: Tensor) -> Tensor:
    normed = (h - h.mean(-1, keepdim=True)) / (h.var(-1, keepdim=True, unbiased=False) + 1e-5).sqrt()
    return h + gate * f(normed * (1 + scale) + shift)

def _not_adaln(h: Tensor, f, scale: Tensor, shift: Tensor, gate: Tensor) -> list[tuple[Tensor, str]]:
    n = layer_norm(h, h.shape[-1:])
    inside = n * (1 + scale) + shift
    return [
        (h + (1 + gate) * f(inside), "with gate 0 the block must be the identity: what does the gate multiply?"),
        (gate * f(inside), "with gate 0 you return 0: that is the branch only; where does h pass?"),
        (h + gate * f(n * scale + shift), "with scale 0 nothing reaches f: is it scale, or 1 + scale?"),
        (h + gate * f((n + shift) * (1 + scale)), "the shift is scaled, too: which of the two comes first?"),
        (h + gate * (f(n) * (1 + scale) + shift), "scale and shift come after f; where should they act?"),
        (h, "f is never asked: where is the branch?"),
        (h + gate * f(layer_norm(h, h.shape[1:]) * (1 + scale) + shift),
         "with scale and shift 0, f must get norm(h): over which axis do you normalise, and how?"),
        (h + gate * f(h * (1 + scale) + shift), "f gets h itself, not normalised: over which axis should it be?"),
        (h + gate * f(n * (1 + scale)), "the shift is missing: where is it added?"),
        (h + f(gate * inside), "the gate stands inside f; what should it multiply?"),
        (h - gate * h + gate * f(inside), "the gate takes h away as well; what does it multiply?"),
        (h + gate * inside, "f is left out; what does the branch do?"),
        (h + gate * f(n * (1 + scale) - shift), "the shift is subtracted; which sign should it have?")]

H, ZERO = 3 + 2 * normal(2, 5, 8), torch.zeros(2, 1, 8).double()

adaln = Exercise(
    "Write adaln(h, f, scale, shift, gate): one branch of a DiT block. Normalise h `[b, n, d]` over its last axis,"
    " scale it by 1 + scale, shift it, send it through f, multiply by the gate, and add h.",
    answer=_adaln,
    more="torch.nn.functional.layer_norm(h, h.shape[-1:]) normalises. From inside: norm, scale, shift, f, gate, + h.",
    why="With scale = shift = gate = 0 the block is the identity, which is how a DiT starts to learn.",
    asks=[(H, lambda x: (2 * x).sin(), ZERO + 0.5, ZERO + 2, ZERO + 3), (H, torch.cos, ZERO, ZERO, ZERO)],
    mistakes=_not_adaln,
    otherwise="for scale 0.5, shift 2, gate 3 it is off: in which order do the three act?",
    elsewhere="with gate 0 the block must be the identity: is yours?",
    tolerance=1e-3)
