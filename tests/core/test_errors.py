"""Every error that a person can provoke says what was given, what is needed, and what to do."""

import math

import pytest
import torch

import toycore
from toycore import (
    data,
    density,
    exact,
    fields,
    flow,
    gaussians,
    guidance,
    metrics,
    mixtures,
    networks,
    precondition,
    samplers,
    sigmas,
    training,
)
from toycore.lessons import chains, classifiers, conditioning, dimension, vae
from toycore.mixtures import GaussianMixture

POINTS = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
NAN = torch.tensor([[0.0, math.nan], [1.0, 0.0]])
X = torch.zeros(5, 2)
D = exact.posterior_mean(mixtures.spiral(components=9, classes=3))

# name: (what is done, the error, given, needed or to do)
ERRORS = {
    "shape unknown": (lambda: data.load("spirale"), ValueError, "'spirale'", "did you mean 'spiral'"),
    "shape far from all": (lambda: data.load("xyz"), ValueError, "'xyz'", "known: checkerboard"),
    "no points": (lambda: data.spiral(0), ValueError, "n is 0", "at least 1"),
    "half a point": (lambda: data.eight(2.5), ValueError, "n is 2.5", "whole number"),
    "no classes": (lambda: data.spiral(9, classes=0), ValueError, "classes is 0", "at least 1"),
    "more classes than points": (lambda: data.spiral(2, classes=3), ValueError, "2 points", "n >= classes"),
    "tree without depth": (lambda: data.tree(10, depth=0), ValueError, "depth is 0", "at least 1"),
    "true points": (lambda: data.rings(True), ValueError, "n is True", "whole number"),
    "NaN in means": (lambda: GaussianMixture(NAN, 0.1), ValueError, "NaN or infinity in 1 of 2 rows", "remove"),
    "NaN in points": (lambda: exact.posterior_mean(NAN), ValueError, "NaN or infinity in 1 of 2 rows", "remove"),
    "list of means": (lambda: GaussianMixture([[0.0, 0.0]], 0.1), TypeError, "list", "torch.as_tensor(means)"),
    "whole means": (lambda: GaussianMixture(POINTS.long(), 0.1), TypeError, "torch.int64", "means.float()"),
    "flat means": (lambda: GaussianMixture(POINTS[0], 0.1), ValueError, "(2,)", "[b, 2]"),
    "empty means": (lambda: GaussianMixture(POINTS[:0], 0.1), ValueError, "(0, 2)", "b >= 1"),
    "three stds": (lambda: GaussianMixture(POINTS, torch.ones(3)), ValueError, "std has shape (3,)", "2 means need"),
    "negative std": (lambda: GaussianMixture(POINTS, -0.1), ValueError, "-0.1", "std must be finite and >= 0"),
    "negative weight": (
        lambda: GaussianMixture(POINTS, 0.1, torch.tensor([1.0, -1.0])), ValueError, "-1.0", "weights must be",
    ),
    "weights of zero": (lambda: GaussianMixture(POINTS, 0.1, torch.zeros(2)), ValueError, "sum of 0.0", "positive sum"),
    "three labels": (
        lambda: GaussianMixture(POINTS, 0.1, label=torch.zeros(3)), ValueError, "shape (3,)", "2 means need",
    ),
    "a class below 0": (
        lambda: GaussianMixture(POINTS, 0.1, label=torch.tensor([-1, 0])), ValueError, "least value -1", "from 0 on",
    ),
    "an empty class": (
        lambda: GaussianMixture(POINTS, 0.1, label=torch.tensor([0, 2])), ValueError, "0 to 2", "needs a component",
    ),
    "density of bare points": (
        lambda: mixtures.of(POINTS).log_density(X), ValueError, "no density at sigma = 0", "sigma > 0",
    ),
    "density of a half-bare mixture": (
        lambda: GaussianMixture(POINTS, torch.tensor([0.0, 1.0])).log_density(X), ValueError, "sigma = 0", "sigma > 0",
    ),
    "label out of range": (lambda: D(X, 1.0, 3), ValueError, "label runs from 3 to 3", "0..2"),
    "label below": (lambda: D(X, 1.0, torch.tensor([0, 1, -2, 0, 0])), ValueError, "-2 to 1", "0..2"),
    "labels of another batch": (lambda: D(X, 1.0, torch.zeros(4).long()), ValueError, "(4,)", "integers [5]"),
    "float labels": (lambda: D(X, 1.0, torch.zeros(5)), ValueError, "torch.float32", "integers [5]"),
    "class unknown": (lambda: mixtures.spiral(classes=3).given(7), ValueError, "label is 7", "0..2"),
    "points in space": (lambda: D(torch.zeros(5, 3), 1.0), ValueError, "(5, 3)", "[b, 2]"),
    "one bare point": (lambda: D(X[0], 1.0), ValueError, "(2,)", "[b, 2]"),
    "a numpy array": (lambda: D(X.numpy(), 1.0), TypeError, "ndarray", "torch.as_tensor(x)"),
    "whole x": (lambda: D(X.long(), 1.0), TypeError, "torch.int64", "x.float()"),
    "half precision": (lambda: D(X.half(), 1.0), TypeError, "torch.float16", ".float()"),
    "half precision means": (lambda: GaussianMixture(POINTS.half(), 0.1), TypeError, "torch.float16", ".float()"),
    "means of pictures": (
        lambda: GaussianMixture(torch.zeros(3, 1, 4, 4), 0.1), ValueError, "(3, 1, 4, 4)", "means.flatten(1)",
    ),
    "labels between classes": (
        lambda: GaussianMixture(POINTS, 0.1, label=torch.tensor([0.0, 0.7])), ValueError, "float32", "whole class",
    ),
    "a name for a label": (lambda: D(X, 1.0, "inner"), ValueError, "'inner'", "names.index('inner')"),
    "sigmas of another batch": (lambda: D(X, torch.ones(3)), ValueError, "3 values for 5 rows", "one per row"),
    "negative sigma": (lambda: D(X, -1.0), ValueError, "-1", ">= 0"),
    "NaN sigma": (lambda: D(X, math.nan), ValueError, "nan", ">= 0"),
    "noise at sigma 0": (lambda: fields.noise(D, X, 0.0), ValueError, "0/0 at sigma = 0", "sigma > 0"),
    "score at sigma 0": (lambda: fields.score(D, X, torch.tensor([0.0])), ValueError, "0/0", "sigma > 0"),
    "velocity at sigma 0": (lambda: fields.velocity(D, X, 0.0), ValueError, "0/0", "sigma > 0"),
    "learned: sigmas of another batch": (
        lambda: training.model(POINTS, width=8)(X, torch.ones(3)), ValueError, "3 values for 5 rows", "one per row",
    ),
    "learned: label out of range": (
        lambda: training.model(data.spiral(9, 3), width=8)(X, 1.0, 3), ValueError, "3 to 3", "0..2",
    ),
    "learned: one bare point": (
        lambda: toycore.load("spiral")(X[0], 1.0), ValueError, "(2,)", "must be [b, 2]",
    ),
    "learned: points of a line": (lambda: toycore.load("spiral")(X[:, :1], 1.0), ValueError, "(5, 1)", "[b, 2]"),
    "learned: a numpy array": (lambda: toycore.load("spiral")(X.numpy(), 1.0), TypeError, "ndarray", "as_tensor(x)"),
    "learned: negative sigma": (lambda: toycore.load("spiral")(X, -1.0), ValueError, "sigma is -1.0", ">= 0"),
    "learned: NaN sigma": (
        lambda: precondition.from_velocity(networks.MLP())(X, math.nan), ValueError, "sigma is nan", ">= 0",
    ),
    "eps network: negative sigma": (
        lambda: precondition.from_noise(networks.NoiseMLP())(X, -0.5), ValueError, "sigma is -0.5", ">= 0",
    ),
    "data without spread": (
        lambda: precondition.Preconditioned(networks.MLP(), 0.0), ValueError, "sigma_data is 0.0", "above 0",
    ),
    "grid of a network upside down": (
        lambda: precondition.from_noise(networks.NoiseMLP(), sigmas.ddpm().flip(0)), ValueError, "followed", ".flip(0)",
    ),
    "grid of a network without its end": (
        lambda: precondition.from_noise(networks.NoiseMLP(), sigmas.ddpm()[:-1]), ValueError, "ends at 0.01", "then 0",
    ),
    "classifier: class unknown": (
        lambda: guidance.classifier(D, mixtures.spiral(9, classes=3).class_log_posterior, 7)(X, 1.0),
        ValueError, "label runs from 7 to 7", "0..2",
    ),
    "one call for two: truth for a label": (
        lambda: guidance.free(D, 2.0)(X, 1.0, torch.ones(5).bool()), ValueError, "torch.bool", "integers [5]",
    ),
    "grid without steps": (lambda: sigmas.karras(0), ValueError, "n is 0", "at least 1"),
    "grid upside down": (lambda: sigmas.log_linear(5, 10.0, 0.1), ValueError, "low = 10.0", "low < high"),
    "grid from zero": (lambda: sigmas.log_linear(5, 0.0, 1.0), ValueError, "low = 0.0", "0 < low"),
    "karras from zero": (lambda: sigmas.karras(5, 0.0, 1.0), ValueError, "low = 0.0", "0 < low"),
    "flow from zero": (lambda: sigmas.flow(5, 0.0), ValueError, "high is 0.0", "above 0"),
    "more steps than T": (lambda: sigmas.ddpm(2000), ValueError, "n is 2000", "n <= T"),
    "betas beyond 1": (lambda: sigmas.ddpm(beta_end=1.5), ValueError, "1.5", "between 0 and 1"),
    "levels that rise": (
        lambda: samplers.ddim(D, X, torch.tensor([0.1, 1.0])), ValueError, "[0] = 0.1 is followed by 1", ".flip(0)",
    ),
    "levels that stay": (lambda: samplers.ddpm(D, X, [1.0, 1.0, 0.0]), ValueError, "sigmas[0] = 1", "must decrease"),
    "levels below 0": (lambda: samplers.heun(D, X, [1.0, -1.0]), ValueError, "to -1", ">= 0"),
    "one level": (lambda: samplers.heun(D, X, [1.0]), ValueError, "(1,)", "two or more"),
    "eta beyond 1": (lambda: samplers.ddim(D, X, sigmas.karras(3), eta=1.5), ValueError, "is 1.5", "between 0 and 1"),
    "eta by place": (
        lambda: samplers.ddim(D, X, sigmas.karras(3), None, None, -1.0), ValueError, "eta is -1.0", "between 0 and 1",
    ),
    "no Denoiser": (lambda: samplers.ddpm(POINTS, X, sigmas.karras(3)), TypeError, "Tensor", "D(x, sigma, label)"),
    "NaN start": (lambda: samplers.ddpm(D, NAN, sigmas.karras(3)), ValueError, "1 of 2 rows", "remove"),
    "walk without steps": (lambda: samplers.final(iter(())), ValueError, "empty", "start a new one"),
    "no training steps": (lambda: training.fit(POINTS, steps=0), ValueError, "steps is 0", "at least 1"),
    "no batch": (lambda: training.fit(POINTS, batch=0), ValueError, "batch is 0", "at least 1"),
    "NaN in training data": (lambda: training.fit(NAN), ValueError, "1 of 2 rows", "remove"),
    "one single point": (lambda: training.fit(torch.zeros(5, 2)), ValueError, "one single point", "nothing to learn"),
    "metric of two worlds": (
        lambda: metrics.energy_distance(X, torch.zeros(5, 3)), ValueError, "2 dimensions and the data in 3", "agree",
    ),
    "metric of Points": (lambda: metrics.spread(X, data.spiral(9)), TypeError, "data is a Points", "give data.x"),
    "metric of NaN": (lambda: metrics.spread(NAN, X), ValueError, "1 of 2 rows", "remove"),
    "too many neighbours": (lambda: metrics.precision_recall(X, X, k=5), ValueError, "only 5 points", "k < 5"),
    "no directions": (lambda: metrics.sliced_wasserstein(X, X, 0), ValueError, "directions is 0", "at least 1"),
    "grid with rho 0": (lambda: sigmas.karras(5, rho=0), ValueError, "rho is 0", "above 0"),
    "no betas": (lambda: sigmas.from_betas(torch.zeros(0)), ValueError, "tensor([])", "between 0 and 1"),
    "list of betas": (lambda: sigmas.from_betas([0.1, 1.2]), ValueError, "1.2", "between 0 and 1"),
    "negative churn": (
        lambda: samplers.sde(D, X, sigmas.karras(3), churn=-1.0), ValueError, "churn is -1.0", "0 or more",
    ),
    "Langevin of a mixture": (
        lambda: samplers.langevin(mixtures.of(POINTS), X, torch.ones(3)), TypeError, "GaussianMixture", "D(x, sigma,",
    ),
    "inversion of a mixture": (
        lambda: samplers.invert(mixtures.of(POINTS), X, torch.tensor([2.0, 1.0])), TypeError, "GaussianMixture", "Deno",
    ),
    "half precision start": (
        lambda: samplers.ddim(D, X.half(), sigmas.karras(3)), TypeError, "torch.float16", "use x.float()",
    ),
    "network without width": (lambda: training.fit(POINTS, width=0), ValueError, "width is 0", "at least 1"),
    "network without depth": (lambda: networks.MLP(depth=0), ValueError, "depth is 0", "at least 1"),
    "eps network without depth": (lambda: networks.NoiseMLP(depth=0), ValueError, "depth is 0", "at least 1"),
    "eps network of odd embedding": (lambda: networks.NoiseMLP(embedding=63), ValueError, "embedding is 63", "even"),
    "conditional network without depth": (
        lambda: conditioning.ConditionalMLP(depth=0), ValueError, "depth is 0", "at least 1",
    ),
    "tokens of one row for two": (
        lambda: conditioning.ConditionalMLP(embedding=4)(X[:2], torch.ones(1), torch.zeros(1, 4, 4)),
        ValueError, "(1, 4, 4)", "[2, k, 4]",
    ),
    "dropout in percent": (
        lambda: training.fit(data.spiral(9, 3), label_dropout=10), ValueError, "label_dropout is 10", "between 0 and 1",
    ),
    "training on NaN": (
        lambda: training.train(training.model(POINTS), NAN), ValueError, "data holds NaN or infinity in 1", "remove",
    ),
    "training a frozen model": (
        lambda: next(training.train(toycore.load("spiral"), POINTS)), ValueError, "frozen", "D.requires_grad_()",
    ),
    "flow matching without a batch": (
        lambda: flow.fit(flow.independent(POINTS), batch=0), ValueError, "batch is 0", "at least 1",
    ),
    "flow matching of a denoiser": (
        lambda: flow.train(training.model(POINTS), flow.independent(POINTS)), TypeError, "Preconditioned", "from_velo",
    ),
    "flow at its start": (lambda: flow.velocity(D, X, 1.0), ValueError, "t is 1.0", "0 < t < 1"),
    "flow at its end": (lambda: flow.velocity(D, X, torch.zeros(5)), ValueError, "t is tensor([0.", "0 < t < 1"),
    "score at the end of the flow": (lambda: flow.score_of_velocity(X, X, 0.0), ValueError, "t is 0.0", "0 < t < 1"),
    "no pairs": (lambda: flow.coupled(D, 0, sigmas.karras(3)), ValueError, "n is 0", "at least 1"),
    "VAE without a batch": (lambda: vae.train(vae.VAE(), POINTS, batch=0), ValueError, "batch is 0", "at least 1"),
    "VAE without noise": (lambda: vae.VAE(noise=0.0), ValueError, "noise is 0.0", "above 0"),
    "VAE's no samples": (lambda: vae.VAE().sample(0), ValueError, "n is 0", "at least 1"),
    "classifier of no level": (lambda: classifiers.Classifier(2)(X, -1.0), ValueError, "sigma is -1.0", ">= 0"),
    "classifier without a batch": (
        lambda: classifiers.fit(data.spiral(9, 3), batch=0), ValueError, "batch is 0", "at least 1",
    ),
    "share of an unknown class": (
        lambda: metrics.own_share(X, mixtures.spiral(9, classes=3), 9), ValueError, "from 9 to 9", "0..2",
    ),
    "covariance of one point": (lambda: metrics.frechet(X[:1], X), ValueError, "1 and 5 points", "at least two"),
    "spread over none": (lambda: metrics.spread(POINTS, X), ValueError, "5 times the same point", "two places"),
    "origin of a single point": (lambda: dimension.turning_level(1, 2), ValueError, "n is 1", "two points or more"),
    "likelihood down to 0": (
        lambda: density.log_likelihood(D, X, sigmas.karras(3)), ValueError, "ends at sigma = 0", "sigmas[:-1]",
    ),
    "reverse step upwards": (
        lambda: chains.reverse_kernel(POINTS, X, 0.2, 0.5), ValueError, "below = 0.5", "0 <= below < sigma",
    ),
    "quadrature in the plane": (
        lambda: chains.gaussian_gap(GaussianMixture(POINTS, 0.1), 1.0, 0.5), ValueError, "2 dimensions", "[k, 1]",
    ),
    "two places of the line": (
        lambda: chains.reverse_densities(GaussianMixture(POINTS[:, :1], 0.1), X[:2, :1], 1.0, 0.5, X[:, 0]),
        ValueError, "(2, 1)", "[1, 1]",
    ),
    "histogram in space": (lambda: density.histogram(torch.zeros(5, 3)), ValueError, "(5, 3)", "[b, 2]"),
    "a lattice that is no square": (
        lambda: next(density.fokker_planck(torch.ones(4, 5), density.shrink, 1.0, torch.tensor([0.0, 1.0]))),
        ValueError, "(4, 5)", "[n, n]",
    ),
    "betas of weights beyond 1": (
        lambda: sigmas.step_weights(torch.tensor([0.1, 1.5])), ValueError, "1.5", "between 0 and 1",
    ),
    "betas of the bound below 0": (
        lambda: sigmas.elbo_weight(torch.tensor([-0.1, 0.5])), ValueError, "-0.1", "between 0 and 1",
    ),
    "density without variance": (
        lambda: gaussians.log_density(X, 0.0, 0.0), ValueError, "a variance is 0.0", "above 0",
    ),
    "divergence from a negative variance": (
        lambda: gaussians.kl(X, 1.0, 0.0, -1.0), ValueError, "a variance is -1.0", "above 0",
    ),
    "divergence of a constant": (
        lambda: fields.divergence(torch.ones_like, X), ValueError, "carries no gradient", "does not use x",
    ),
    "estimate of a constant": (
        lambda: fields.hutchinson(torch.ones_like, X), ValueError, "carries no gradient", "does not use x",
    ),
    "labels of other points": (
        lambda: training.sampler_of(data.Points(X, torch.zeros(3).long(), ("all",))), ValueError, "5 points with 3",
        "one label per point",
    ),
    "path of one place": (lambda: flow.straightness(torch.zeros(1, 5, 2)), ValueError, "(1, 5, 2)", "two or more"),
    "data by their name": (lambda: training.fit("moons"), TypeError, "points is 'moons'", "give data.load('moons').x"),
    "unknown module": (lambda: toycore.nothing, AttributeError, "toycore", "'nothing'"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_error_says_what_and_what_to_do(name):
    act, kind, given, needed = ERRORS[name]
    with pytest.raises(kind) as caught:
        act()
    assert type(caught.value) is kind
    assert given in str(caught.value) and needed in str(caught.value), caught.value


CSV = {
    "empty": ("", "holds 0 points", "at least two"),
    "header only": ("x,y\n", "holds 0 points", "at least two"),
    "one point": ("1,2\n", "holds 1 points", "at least two"),
    "one column": ("x\n1\n2\n", "line 2 reads '1'", "two numbers x,y"),
    "four columns": ("1,2\n1,2,3,4\n", "line 2 reads '1,2,3,4'", "two numbers x,y"),
    "words": ("1,2\n3,four\n", "line 2 reads '3,four'", "two numbers x,y"),
    "semicolons": ("1;2\n3;4\n", "reads '3;4'", "two numbers x,y"),
    "NaN": ("x,y\n1,2\nnan,4\n5,6\n", "line 3 reads 'nan,4'", "remove"),
    "half a first line": ("1,two\n3,4\n5,6\n", "line 1 reads '1,two'", "two numbers x,y"),
    "one point twice": ("1,2\n1,2\n", "2 times the same point", "two different points"),
}


@pytest.mark.parametrize("name", CSV)
def test_csv_errors(tmp_path, name):
    text, given, needed = CSV[name]
    path = tmp_path / "points.csv"
    path.write_text(text)
    with pytest.raises(ValueError) as caught:
        data.from_csv(path)
    assert all(part in str(caught.value) for part in ("points.csv", given, needed)), caught.value


def test_csv_that_is_no_text(tmp_path):
    path = tmp_path / "points.csv"
    path.write_bytes(b"\xff\xfe\x00\x81")
    with pytest.raises(ValueError, match=r"points\.csv is not a text file .*UTF-8"):
        data.from_csv(path)


@pytest.mark.parametrize("read", [data.from_csv, data.from_image])
def test_missing_file(tmp_path, read):
    with pytest.raises(FileNotFoundError, match=r"no file .*nowhere.*; give the path"):
        read(tmp_path / "nowhere.png")


def test_image_errors(tmp_path):
    from PIL import Image

    white, text = tmp_path / "white.png", tmp_path / "text.png"
    Image.new("RGB", (5, 5), (250, 250, 250)).save(white)
    text.write_text("no picture")
    with pytest.raises(ValueError, match=r"white\.png has no pixel darker than 0\.5 \(darkest: 0\.98\); raise dark="):
        data.from_image(white)
    with pytest.raises(ValueError, match=r"text\.png cannot be read as a picture .*save it as PNG"):
        data.from_image(text)
    with pytest.raises(ValueError, match="n is 0"):
        data.from_image(white, n=0, dark=1.0)


def test_a_network_in_another_dtype_and_a_class_that_is_not_there():
    D = toycore.load("spiral")
    with pytest.raises(TypeError, match=r"x is torch\.float64 and this network torch\.float32; pass x\.to"):
        D(torch.zeros(3, 2, dtype=torch.float64), 1.0)
    for label in (-1, 3):
        with pytest.raises(ValueError, match=rf"label is {label}; this mixture has the classes 0\.\.2"):
            mixtures.spiral(classes=3).given(label)
