"""What a student or a teacher can get wrong is refused in words: by toycore itself, at once, and with what to do.

Every place where something of a kind goes in, times everything of that kind that is wrong. A new public function joins
the lists of the kinds that it takes; a wrong call with a message of its own joins `test_bad_calls_single.py` or
`test_bad_calls_learned.py`. A row is a call and parts of its message; calls are text, so that a failure shows what was
typed.
"""

import pytest

from tests.support.bad_calls import refused_in_words

POINTS = {  # what is no tensor of points in the plane: a part of the message
    "X.tolist()": "torch.as_tensor",
    "X.numpy()": "torch.as_tensor",
    "'spiral'": "data.load('spiral').x",
    "None": "is None",
    "X * math.nan": "NaN or infinity in",
    "X / 0": "NaN or infinity",
    "X.long()": "torch.int64",
    "X.half()": "torch.float16",
    "X[0]": "(2,)",
    "X[:0]": "(0, 2)",
    "X[:, :0]": "(5, 0)",
    "X[None]": "(1, 5, 2)",
}
SPACE = {"torch.randn(5, 3)": "3", "X[:, :1]": "1"}  # points, but not of the plane
TAKES_POINTS = [
    "metrics.spread({}, X)", "metrics.spread(X, {})", "metrics.distance({}, X)", "metrics.coverage({}, X)",
    "metrics.coverage(X, {})", "metrics.energy_distance({}, X)", "metrics.sliced_wasserstein({}, X)",
    "metrics.precision_recall({}, X, 2)", "metrics.frechet(X, {})", "metrics.memorised({}, X, X)",
    "metrics.memorised(X, {}, X)", "metrics.alignment(X, {})", "density.histogram({})",
    "density.log_likelihood(D, {}, UP)", "D({}, 1.0)", "NET({}, 1.0)",
    "M.log_density({}, 1.0)", "M.class_log_posterior({}, 1.0)", "fields.noise(D, {}, 1.0)",
    "fields.score(NET, {}, 1.0)",
    "flow.velocity(D, {}, 0.5)", "guidance.free(D, 2.0)({}, 1.0)", "vae.VAE().elbo({})",
    "classifiers.Classifier(2)({}, 1.0)", "POST.log_density({}, 1.0)", "inverse.dps(D, A1, Y1, 0.1)({}, 1.0)",
    "inverse.pigdm(D, A1, Y1, 0.1)({}, 1.0)",
    "maps.exact(D, {}, 1.0, 0.0)", "maps.mean_velocity(D, {}, 0.5, 0.0)",
    "maps.FlowMap()({}, 1.0)",
    "steering.tilted(M, 0, 2.0).log_density({})",
    "steering.tilted(M, 0, 2.0).value({}, 1.0)",
]
ANY_DIMENSION = [  # walks learn of a wrong dimension from D, at their first step
    "samplers.ddpm(D, {}, GRID)", "samplers.heun(D, {}, GRID)", "samplers.langevin(D, {}, [1.0])",
    "samplers.invert(D, {}, UP)",
    "GaussianMixture({}, 0.1)", "exact.posterior_mean({})", "training.fit({})", "training.model({})",
    "flow.independent({})",
    "metrics.field_error(D, {})", "dimension.shell({})", "dimension.contrast({})", "dimension.certainty({}, [1.0])",
    "data.into_box({})", "vae.fit({})", "classifiers.fit({})", "chains.reverse_kernel({}, X, 1.0, 0.5)",
    "inverse.replacement(D, A1, Y1, 0.1, {}, GRID)", "inverse.sdedit(D, {}, GRID)",
    "maps.consistency_fit({})", "maps.meanflow_fit({})", "bridge.optimal({}, X)", "bridge.interpolant({}, M)",
    "steering.smc(D, {}, GRID, M.log_density)", "steering.tilted({}, 0, 2.0)", "steering.rewarded({}, X[0], 1.0)",
]

RNG = {
    "0": "rng=toycore.seeded(0)",
    "42": "toycore.seeded(42)",
    "'seed'": "rng is 'seed'",
    "np.random.default_rng(0)": "rng is a generator of numpy; it must be a torch.Generator",
}
TAKES_RNG = [
    "samplers.ddpm(D, X, GRID, rng={})", "samplers.ddim(D, X, GRID, rng={})", "samplers.sde(D, X, GRID, rng={})",
    "samplers.langevin(D, X, [1.0], rng={})", "M.sample(5, {})", "exact.posterior_sample(M, X, 1.0, {})",
    "sigmas.log_uniform(5, 0.1, 1.0, {})", "training.fit(P, rng={})", "training.train(NET, P, rng={})",
    "training.model(P, rng={})", "training.loss(NET, X, torch.ones(5), rng={})", "training.sampler_of(P)(5, {})",
    "training.drop(RIGHT, 0.5, {})", "metrics.field_error(D, M, rng={})", "metrics.sliced_wasserstein(X, X, rng={})",
    "metrics.frechet_extrapolated(X, X, (2, 4), {})", "fields.hutchinson(lambda x: 2 * x, X, {})",
    "flow.independent(P)(5, {})", "flow.coupled(D, 5, GRID, {})", "flow.uniform(5, {})", "flow.log_uniform(5, {})",
    "flow.fit(flow.independent(P), rng={})", "networks.MLP(rng={})", "networks.NoiseMLP(rng={})",
    "conditioning.ConditionalMLP(rng={})", "embeddings.draw(RIGHT, rng={})", "embeddings.Clip(rng={})",
    "vae.VAE(rng={})",
    "vae.VAE().elbo(X, {})", "vae.VAE().sample(5, {})", "vae.fit(P, rng={})", "classifiers.fit(P, rng={})",
    "classifiers.Classifier(2, rng={})", "dimension.certainty(X, [1.0], {})",
    "WORDS.sample(5, {})", "discrete.masked(TOKENS, 0.5, 5, {})", "discrete.sample(WORDS.posterior, TOKENS, rng={})",
    "classifiers.loss(M.class_log_posterior, X, 1.0, RIGHT, {})", "POST.sample(5, {})",
    "inverse.replacement(D, A1, Y1, 0.1, X, GRID, rng={})", "inverse.sdedit(D, X, GRID, rng={})",
    "maps.consistency_fit(P, rng={})",
    "maps.meanflow_fit(P, rng={})", "maps.progressive_fit(P, D, sigmas.karras(4), rng={})", "maps.FlowMap(rng={})",
    "bridge.gaussian([0.0], [[1.0]], [1.0], [[1.0]], 1.0).pairs(5, {})",
    "steering.resample(torch.zeros(5), {})",
    "steering.smc(D, X, GRID, M.log_density, {})", "steering.tilted(M, 0, 2.0).sample(5, {})",
]

COUNT = {
    "0": "is 0; it must be a whole number", "-1": "is -1", "2.5": "is 2.5", "True": "is True", "None": "is None",
    "'3'": "is '3'",
}
TAKES_COUNT = [
    "data.spiral({})", "data.moons({})", "data.rings({})", "data.eight({})", "data.tree({})", "data.checkerboard({})",
    "data.tree(9, depth={})", "data.spiral(9, classes={})", "M.sample({})", "sigmas.karras({})",
    "sigmas.log_linear({})",
    "sigmas.flow({})", "sigmas.ddpm(T={})", "sigmas.log_uniform({}, 0.1, 1.0)", "density.cells({})",
    "density.histogram(X, {})", "metrics.field_error(D, M, n={})", "metrics.sliced_wasserstein(X, X, {})",
    "metrics.precision_recall(X, X, {})", "training.fit(P, steps={})", "training.fit(P, batch={})",
    "training.fit(P, width={})", "training.fit(P, depth={})", "training.train(NET, P, steps={})", "networks.MLP({})",
    "networks.MLP(width={})", "networks.MLP(depth={})", "networks.NoiseMLP({})", "networks.NoiseMLP(embedding={})",
    "conditioning.ConditionalMLP(embedding={})", "flow.coupled(D, {}, GRID)", "flow.coupled(D, 5, GRID, dim={})",
    "flow.fit(flow.independent(P), steps={})", "flow.uniform({})", "fields.hutchinson(lambda x: 2 * x, X, probes={})",
    "embeddings.draw(RIGHT, {})", "embeddings.Clip(dim={})", "vae.VAE(latent={})", "vae.VAE(width={})",
    "vae.VAE().sample({})", "vae.fit(P, steps={})", "classifiers.fit(P, batch={})", "dimension.turning_level({}, 2)",
    "dimension.certainty(X, [1.0], n={})", "chains.gaussian_gap(LINE, 1.0, 0.5, {})",
    "WORDS.sample({})", "discrete.uniform(TOKENS, 0.5, {})", "discrete.masked.kernel(0.1, 0.2, {})",
    "discrete.table(TOKENS, {})",
    "inverse.replacement(D, A1, Y1, 0.1, X, GRID, times={})", "POST.sample({})",
    "maps.consistency_fit(P, steps={})", "maps.meanflow_fit(P, batch={})", "maps.FlowMap(width={})",
    "maps.progressive_fit(P, D, sigmas.karras(4), steps={})", "bridge.minibatch(flow.independent(P), {})",
    "steering.tilted(M, 0, 2.0).sample({})",
]

NUMBER = {"math.nan": "is nan", "'1'": "is '1'", "None": "is None", "True": "is True", "[1.0]": "a list"}
TAKES_NUMBER = [
    "samplers.ddpm(D, X, GRID, noise={})", "samplers.ddim(D, X, GRID, eta={})", "samplers.sde(D, X, GRID, churn={})",
    "samplers.sde(D, X, GRID, noise={})",
    "samplers.langevin(D, X, [1.0], rate={})", "guidance.guided(D, D, {})", "guidance.free(D, {})",
    "guidance.negative(D, 0, 1, {})", "guidance.negative(D, 0, 1, 2.0, {})", "guidance.within({}, 1.0, D, D)",
    "guidance.within(0.1, {}, D, D)", "guidance.classifier(D, M.class_log_posterior, 0, {})",
    "guidance.convert({}, 'imagen')", "sigmas.karras(4, {}, 80)", "sigmas.karras(4, 0.1, {})",
    "sigmas.karras(4, rho={})",
    "sigmas.log_linear(4, {})", "sigmas.flow(4, {})", "sigmas.ddpm(beta_end={})", "data.moons(9, noise={})",
    "data.rings(9, noise={})", "training.fit(P, lr={})", "training.fit(P, label_dropout={})",
    "training.train(NET, P, low={})",
    "networks.MLP(scale={})", "precondition.Preconditioned(networks.MLP(), {})", "density.histogram(X, extent={})",
    "chains.reverse_kernel(P, X, {}, 0.1)", "chains.reverse_kernel(P, X, 1.0, {})",
    "chains.small_variance({}, 0.5)",
    "chains.large_variance(1.0, {})", "chains.true_variance({})", "metrics.coverage(X, X, {})",
    "embeddings.draw(RIGHT, vary={})", "vae.VAE(noise={})", "vae.VAE().sample(5, noise={})",
    "discrete.masked.kernel({}, 0.5, 5)", "discrete.masked.kernel(0.5, {}, 5)", "discrete.tilted(WORDS, WORDS, {})",
    "discrete.guided(WORDS.posterior, WORDS.posterior, {})",
    "inverse.posterior(M, A1, Y1, {})", "inverse.dps(D, A1, Y1, {})", "inverse.dps(D, A1, Y1, 0.1, {})",
    "inverse.pigdm(D, A1, Y1, {})", "inverse.pigdm(D, A1, Y1, 0.1, {})",
    "inverse.replacement(D, A1, Y1, {}, X, GRID)",
    "maps.exact(D, X, {}, 0.0)", "maps.exact(D, X, 1.0, {})", "maps.mean_velocity(D, X, {}, 0.0)",
    "bridge.gaussian([0.0], [[1.0]], [1.0], [[1.0]], {})",
    "steering.tilted(M, 0, {})", "steering.reward(X[0], {})", "steering.rewarded(M, X[0], {})",
]

LABEL = {
    "3": "0..2", "-2": "but", "torch.zeros(5)": "torch.float32", "RIGHT[:4]": "(4,)", "RIGHT[:, None]": "(5, 1)",
    "RIGHT.bool()": "torch.bool", "'inner'": "names.index('inner')", "1.5": "torch.float32", "{}": "is a dict",
}
TAKES_LABEL = [
    "D(X, 1.0, {})", "NET(X, 1.0, {})", "M.log_density(X, 1.0, {})", "fields.noise(D, X, 1.0, {})",
    "flow.velocity(D, X, 0.5, label={})", "samplers.final(samplers.ddim(D, X, GRID, {}))",
    "samplers.final(samplers.heun(NET, X, GRID, {}))", "guidance.free(D, 2.0)(X, 1.0, {})",
    "guidance.labelled(D, {})(X, 1.0)", "guidance.classifier(D, M.class_log_posterior, {})(X, 1.0)",
    "guidance.negative(D, {}, 0, 2.0)(X, 1.0)", "metrics.own_share(X, M, {})",
    "classifiers.loss(M.class_log_posterior, X, 1.0, {})", "POST.log_density(X, 1.0, {})",
    "inverse.dps(D, A1, Y1, 0.1)(X, 1.0, {})",
]

LEVEL = {
    "-1.0": "-1", "math.nan": "nan", "math.inf": "inf", "'1'": "'1'", "None": "None", "torch.ones(3)": "one per row",
}
TAKES_LEVEL = [
    "D(X, {})", "NET(X, {})", "M.log_density(X, {})", "M.class_log_posterior(X, {})", "fields.noise(D, X, {})",
    "fields.score(D, X, {})", "fields.velocity(NET, X, {})", "exact.responsibilities(M, X, {})",
    "precondition.from_noise(networks.NoiseMLP())(X, {})", "precondition.from_velocity(networks.MLP())(X, {})",
    "classifiers.Classifier(2)(X, {})", "POST.log_density(X, {})", "exact.posterior_mean(POST)(X, {})",
    "inverse.dps(D, A1, Y1, 0.1)(X, {})", "inverse.pigdm(D, A1, Y1, 0.1)(X, {})",
]

LEVELS = {
    "GRID.flip(0)": ".flip(0)", "GRID * math.nan": "decrease", "[math.inf, 1.0, 0.0]": "finite", "[1.0, -1.0]": ">= 0",
    "[1.0]": "two or more", "1.0": "two or more", "10": "two or more", "None": "is None", "'karras'": "is 'karras'",
    "[1.0, 1.0, 0.0]": "decrease",
}
TAKES_LEVELS = [
    "samplers.ddpm(D, X, {})", "samplers.ddim(D, X, {})", "samplers.heun(D, X, {})", "samplers.sde(D, X, {})",
    "inverse.replacement(D, A1, Y1, 0.1, X, {})", "inverse.sdedit(D, X, {})",
    "samplers.dpmpp_2m(D, X, {})", "samplers.invert(D, X, {})", "density.log_likelihood(D, X, {})",
    "chains.chain_gap(LINE, {})", "chains.chain_elbo(X, 1.0, {}, chains.small_variance)",
    "flow.coupled(D, 5, {})", "frames.ddpm_step(1.0, {})", "steering.smc(D, X, {}, M.log_density)",
]

ANSWER = {  # what is no Denoiser, or answers in another shape
    "lambda x: x": "D(x, sigma, label)",
    "lambda x, sigma: x": "D(x, sigma, label)",
    "lambda x, sigma, label=None: x[:, :1]": "(5, 1) for x of shape (5, 2)",
    "lambda x, sigma, label=None: x[0]": "(2,)",
    "lambda x, sigma, label=None: x.sum()": "()",
    "lambda x, sigma, label=None: 1.0": "is 1.0 for x",
    "lambda x, sigma, label=None: None": "is None for x",
    "lambda x, sigma, label=None: (x, x)": "is a tuple for x",
    "lambda x, sigma, label=None: x.long()": "torch.int64",
    "lambda x, sigma, label=None: x.numpy()": "an array of NumPy",
    "P": "Denoiser",
    "M": "Denoiser",
    "X": "Denoiser",
    "None": "Denoiser",
    "'spiral'": "Denoiser",
}
TAKES_D = [
    "samplers.final(samplers.ddpm({}, X, GRID))", "samplers.final(samplers.ddim({}, X, GRID))",
    "samplers.final(samplers.heun({}, X, GRID))", "samplers.final(samplers.sde({}, X, GRID))",
    "samplers.final(samplers.dpmpp_2m({}, X, GRID))", "samplers.final(samplers.langevin({}, X, [1.0]))",
    "samplers.final(samplers.invert({}, X, UP))", "fields.noise({}, X, 1.0)", "fields.score({}, X, 1.0)",
    "fields.velocity({}, X, 1.0)", "flow.velocity({}, X, 0.5)", "metrics.field_error({}, X, n=5)",
    "guidance.guided({}, D, 2.0)(X, 1.0)", "guidance.guided(D, {}, 2.0)(X, 1.0)", "guidance.unlabelled({})(X, 1.0)",
    "guidance.labelled({}, 1)(X, 1.0)", "guidance.negative({}, 0, 1, 2.0)(X, 1.0)",
    "guidance.within(0.1, 2.0, {}, D)(X, 1.0)", "guidance.classifier({}, M.class_log_posterior, 0)(X, 1.0)",
    "density.log_likelihood({}, X, UP)", "flow.coupled({}, 5, GRID)", "maps.exact({}, X, 1.0, 0.0)",
    "maps.mean_velocity({}, X, 0.5, 0.0)",
    "samplers.final(steering.smc({}, X, GRID, M.log_density))", "steering.steered({}, M.log_density)(X, 1.0)",
]

FREE = {key: part for key, part in ANSWER.items() if "sigma" not in key or "sigma: x" in key}
TAKES_D_TWICE = ["guidance.free({}, 2.0)(X, 1.0)"]  # asks D for both halves at once


KINDS = [
    (TAKES_POINTS, POINTS | SPACE), (ANY_DIMENSION, POINTS), (TAKES_RNG, RNG), (TAKES_COUNT, COUNT),
    (TAKES_NUMBER, NUMBER), (TAKES_LABEL, LABEL), (TAKES_LEVEL, LEVEL), (TAKES_LEVELS, LEVELS), (TAKES_D, ANSWER),
    (TAKES_D_TWICE, FREE),
]
ROWS = [(call.replace("{}", wrong), part) for calls, bad in KINDS for call in calls for wrong, part in bad.items()]


@pytest.mark.parametrize(("call", "part"), ROWS, ids=lambda text: str(text)[:100])
def test_a_bad_call_is_refused_in_words(call: str, part: str) -> None:
    refused_in_words(call, part)
