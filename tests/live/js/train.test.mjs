// The training in the page against torch's: tests/live/test_train.py writes what torch says to the folder
// TOYCORE_GOLDEN; TOYCORE_KERNELS names the kernels that are looked at.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { setFlagsFromString } from "node:v8";
import { unpack } from "../../../toycore/live/page/maths/bytes.js";
import { kernelsOf } from "../../../toycore/live/page/train/kernel.js";
import * as nets from "../../../toycore/live/page/train/network.js";
import { C } from "../../../toycore/live/page/train/plain.js";
import * as recipes from "../../../toycore/live/page/train/recipe.js";

setFlagsFromString("--experimental-wasm-relaxed-simd"); // node 20 knows it by this flag alone
const folder = process.env.TOYCORE_GOLDEN, wanted = process.env.TOYCORE_KERNELS;
const golden = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
const arrays = unpack(golden.index, readFileSync(join(folder, "golden.bin")));
const numbers = (name) => arrays[name].data;

/** A network of torch's, with its frequencies and its weights of this name. */
function netOf({ name, shape }, weights = "start") {
  const net = nets.network(shape, 0, wanted);
  assert.equal(net.kernels.name, wanted);
  net.M.set(numbers(`${name}/frequencies`), net.f);
  nets.write(net, numbers(`${name}/${weights}`));
  return net;
}

/** The points, noise, levels and labels of draw t. */
function drawOf({ name, batch, labels }, t) {
  const part = (what, each) => numbers(`${name}/${what}`).subarray(t * each * batch, (t + 1) * each * batch);
  return [part("x0", 2), part("eps", 2), part("sigma", 1), ...(labels ? [part("label", 1)] : [])];
}

const norm = (x) => Math.sqrt(x.reduce((sum, v) => sum + v * v, 0));
const apart = (got, want) => norm(got.map((v, i) => v - want[i])) / norm(want);

for (const known of golden.cases) {
  test(`${known.name}: loss and gradient are torch's`, () => {
    const net = netOf(known, "late");
    const value = nets.loss(net, ...drawOf(known, 0)), gradient = nets.read(net, net.g);
    assert.ok(Math.abs(value / known.value - 1) < 1e-5, `loss ${value} instead of ${known.value}`);
    let from = 0;
    for (const n of known.sizes) { // of every parameter by itself
      const off = apart(gradient.subarray(from, from + n), numbers(`${known.name}/gradient`).subarray(from, from + n));
      assert.ok(off < 1e-5, `numbers ${from} to ${from + n} of the gradient are off by ${off}`);
      from += n;
    }
    assert.equal(from, gradient.length);
  });

  test(`${known.name}: ${known.losses.length} steps are torch's`, () => {
    const net = netOf(known), recipe = { ...recipes.recipeFor({ std: 0 }), steps: known.losses.length };
    known.losses.forEach((want, k) => {
      const value = nets.loss(net, ...drawOf(known, k));
      assert.ok(Math.abs(value / want - 1) < 1e-4, `loss ${value} instead of ${want} at step ${k + 1}`);
      nets.update(net, recipes.rate(recipe, k + 1), recipes.decay(recipe));
    });
    assert.ok(apart(nets.read(net, net.w), numbers(`${known.name}/end`)) < 1e-4, "weights");
    assert.ok(apart(nets.read(net, net.a), numbers(`${known.name}/average`)) < 1e-4, "average");
  });

  test(`${known.name}: x0_hat is torch's, with and without a label`, () => {
    const net = netOf(known, "late"), x = numbers(`${known.name}/x`), out = new Float32Array(x.length);
    known.asked.forEach(([sigma, label], k) => {
      nets.denoise(net, sigma, x, out, label);
      const off = apart(out, numbers(`${known.name}/hat${k}`));
      assert.ok(off < 1e-5, `off by ${off} at ${sigma}, label ${label}`);
    });
  });
}

test("the gradient is that of the loss: finite differences along it", () => {
  const [known] = golden.cases, net = netOf(known, "late"), draw = drawOf(known, 0);
  nets.loss(net, ...draw);
  const g = net.M.slice(net.g, net.g + net.size), start = net.M.slice(net.w, net.w + net.size), h = 3e-3 / norm(g);
  const at = (by) => {
    net.M.set(start.map((w, i) => w + by * g[i]), net.w);
    return nets.loss(net, ...draw);
  };
  const slope = (at(h) - at(-h)) / (2 * h), want = norm(g) ** 2;
  assert.ok(Math.abs(slope / want - 1) < 2e-3, `slope ${slope} instead of ${want}`);
});

const points = { x: numbers("points"), std: 0 };

test("the field error is measured at noised points, for Python to judge", () => {
  const { x, sigma, x0 } = recipes.examOf(points, 100, 1);
  writeFileSync(join(folder, "exam.json"), JSON.stringify({ x: [...x], sigma: [...sigma], x0: [...x0] }));
});

test("a training from torch's first weights with draws of its own, for Python to judge", () => {
  const training = recipes.begin(points, 0, { steps: golden.steps }, wanted), { net } = training;
  net.M.set(numbers("points/frequencies"), net.f);
  nets.write(net, numbers("points/start"));
  while (net.t < golden.steps) recipes.step(training);
  const error = recipes.fieldError(net, recipes.examOf(points, 100, 1));
  writeFileSync(join(folder, "trained.json"), JSON.stringify({ error, average: [...nets.read(net, net.a)] }));
});

test("labels are dropped by their share, levels are log-uniform, rows are all there", () => {
  const data = { x: new Float32Array([0, 0, 1, 0, 0, 1]), std: 0, label: [0, 1, 2], classes: 3 };
  const training = recipes.begin(data, 3, { batch: 3000, width: 4, depth: 1 }, wanted);
  const { x0, eps, sigma, label } = recipes.draws(training, 1), n = 3000, band = (v) => 4 * Math.sqrt(v / n);
  const share = (which) => label.filter((_, i) => which(i)).length / n;
  assert.ok(Math.abs(share((i) => label[i] === -1) - 0.1) < band(0.09));
  for (const c of [0, 1, 2]) assert.ok(Math.abs(share((i) => label[i] === c) - 0.3) < band(0.21));
  for (const c of [0, 1, 2]) assert.ok(share((i) => label[i] === c && (x0[2 * i] !== data.x[2 * c])) === 0);
  for (const q of [0.1, 1]) assert.ok(Math.abs(share((i) => sigma[i] < q) - (Math.log10(q) + 2) / 3) < band(0.25));
  assert.ok(Math.min(...sigma) >= 0.01 && Math.max(...sigma) <= 10);
  assert.ok(Math.abs(norm(eps) ** 2 / (2 * n) - 1) < 4 / Math.sqrt(n));
  assert.notDeepEqual(recipes.draws(training, 2).eps, eps);
});

test("a rate that is too high is said", () => {
  const training = recipes.begin(points, 0, { lr: 1e30 }, wanted);
  const run = () => {
    while (training.net.t < 50) recipes.step(training);
  };
  assert.throws(run, /training diverged; use a smaller rate than 1e\+30/);
});

test("numbers that are slow to compute with do not arise", () => {
  const training = recipes.begin(points, 0, { batch: 128 }, wanted), { net } = training;
  for (let t = 0; t < 5; t++) recipes.step(training);
  net.M.fill(-1e3, net.w, net.w + net.size); // all units are dead: no gradient reaches the layers below
  for (let t = 0; t < 5; t++) recipes.step(training);
  const tiny = (x) => x !== 0 && Math.abs(x) < 1.2e-38;
  net.M.fill(1e-37, net.m, net.m + 2 * net.size); // where averages would have shrunk to
  for (let t = 0; t < 40; t++) recipes.step(training);
  assert.equal(net.M.findIndex(tiny), -1);
});

test("silu and its slope, waves, and the tails that count as 0", () => {
  const { M, kernels } = kernelsOf(8 * C, wanted), z = [-1e9, -1000, -20.5, -19, -3, -0.1, 0, 0.1, 3, 30, 1000, 1e9];
  M.set(z), kernels.silu(0, C, 12);
  const sigmoid = z.map((x) => (x < -20 ? 0 : 1 / (1 + Math.exp(-x)))), near = (got, want) => Math.abs(got - want);
  sigmoid.forEach((p, k) => {
    assert.ok(near(M[C + k], z[k] * p) <= 2e-6 * Math.abs(z[k] * p), `silu(${z[k]}) is ${M[C + k]}`);
    assert.ok(near(M[k], p + z[k] * p * (1 - p)) <= 2e-6, `silu'(${z[k]}) is ${M[k]}`);
  });
  const u = Float32Array.from({ length: 2 * C }, (_, k) => (k < C ? k - 60 : 0)); // phases to 200
  M.set(u), M.set([3, 0], 4 * C), kernels.waves(2 * C, 3 * C, 0, 4 * C, 1);
  for (let k = 0; k < C; k++) {
    assert.ok(near(M[2 * C + k], Math.sin(3 * u[k])) < 1e-6, `sin ${3 * u[k]} is ${M[2 * C + k]}`);
    assert.ok(near(M[3 * C + k], Math.cos(3 * u[k])) < 1e-6, `cos ${3 * u[k]} is ${M[3 * C + k]}`);
  }
});

test("the average begins with the weights after the first step", () => {
  const { net } = recipes.begin(points, 0, { batch: 128, warmup: 1 }, wanted);
  recipes.step({ net, data: points, recipe: recipes.recipeFor(points), seed: 0 });
  assert.deepEqual(nets.read(net, net.a), nets.read(net, net.w));
});

test("kernels that do not exist are refused", () => {
  assert.throws(() => kernelsOf(100, "gpu"), /kernels are "gpu"; there are "fma", "simd" and "js"/);
});

test("one point alone is refused", () => {
  const twice = { x: new Float32Array([1, 2, 1, 2]), std: 0 };
  assert.throws(() => recipes.begin(twice, 0), /all data are one point \(of 2\); draw two different ones/);
});
