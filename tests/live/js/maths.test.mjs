// The page's mathematics against Python's: `golden.json` and its bytes are written by tests/live/test_live.py from
// torch just before; TOYCORE_GOLDEN names their folder.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";
import { half, unpack } from "../../../toycore/live/page/maths/bytes.js";
import { guided, negative } from "../../../toycore/live/page/maths/guidance.js";
import { denoise, refine, slice, through } from "../../../toycore/live/page/maths/lattice.js";
import { alphaBar, ddpmStep, flowTime, grid, pullOf, scaleOf } from "../../../toycore/live/page/maths/levels.js";
import { measures, moments } from "../../../toycore/live/page/maths/measures.js";
import { classOf, density, posterior } from "../../../toycore/live/page/maths/mixture.js";
import { normals } from "../../../toycore/live/page/maths/noise.js";
import { isRandom, noiseUp, startWalk, walkTo } from "../../../toycore/live/page/maths/walk.js";
import { step as takeStep } from "../../../toycore/live/page/maths/step.js";

const folder = process.env.TOYCORE_GOLDEN;
const golden = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
const arrays = unpack(golden.index, readFileSync(join(folder, "golden.bin")));
const mixture = {
  means: arrays.means.data, std: arrays.std.data, weight: arrays.weight.data, label: arrays.label.data,
};

const close = (got, want, tolerance, what) => {
  assert.equal(got.length, want.length, `${what}: length`);
  const worst = want.reduce((top, w, i) => Math.max(top, Math.abs(got[i] - w) / (1 + Math.abs(w))), 0);
  assert.ok(worst <= tolerance, `${what}: differs by ${worst}, allowed is ${tolerance}`);
};

test("half: all 65536 patterns mean what numpy says", () => {
  const bits = new Uint16Array(65536).map((_, i) => i), want = arrays.halves.data;
  for (const h of bits) {
    const got = half(h);
    assert.ok(got === want[h] || (Number.isNaN(got) && Number.isNaN(want[h])), `pattern ${h}`);
  }
});

test("unpack copies: an unaligned DataView is read rightly", () => {
  const bytes = readFileSync(join(folder, "golden.bin")), shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const again = unpack(golden.index, new DataView(shifted.buffer, 3, bytes.length));
  assert.deepEqual(again.means.data, arrays.means.data);
});

test("clocks, frames and the DDPM step", () => {
  const { sigma, alpha_bar: signal, flow, VP, FLOW, step } = golden.clocks;
  close(sigma.map(alphaBar), signal, 1e-12, "alpha_bar");
  close(sigma.map(flowTime), flow, 1e-12, "flow time");
  for (const [power, want] of [[2, VP], [1, FLOW], [0, sigma.map(() => 1)]]) {
    const scale = (s) => scaleOf({ power }, s), h = 1e-5;
    close(sigma.map(scale), want, 1e-12, `frame with power ${power}`);
    const slope = (s) => Math.log(scale(s * Math.exp(h)) / scale(s * Math.exp(-h))) / (2 * h);
    close(sigma.map((s) => pullOf({ power }, s)), sigma.map(slope), 1e-8, `pull with power ${power}`);
  }
  close(sigma.map(ddpmStep), step, 1e-9, "DDPM step");
});

test("grids are Python's", () => {
  for (const [name, n, low, high, want] of golden.grids) {
    close(grid(name, n, low, high), want, 1e-9, `${name} ${n}`);
  }
});

test("noise is Python's, number for number", () => {
  for (const [seed, step, want] of golden.normals) {
    close(Array.from(normals(seed, step, want.length / 2)), want, 3e-7, `seed ${seed}, step ${step}`);
  }
});

test("density of the noised mixture, all and one class", () => {
  for (const { sigma, label, centre, half: reach, n, want } of golden.density) {
    const out = new Float32Array(n * n), peak = density(mixture, sigma, label, centre, reach, n, out);
    const top = Math.max(...want);
    assert.ok(Math.abs(peak / top - 1) < 0.01, `peak ${peak} instead of ${top}`);
    close(Array.from(out), want.map((p) => p / top), 0.01, `density at ${sigma}`);
  }
});

test("posterior weights and mean", () => {
  for (const { sigma, label, x, weights, mean } of golden.posterior) {
    const got = posterior(mixture, sigma, label, ...x);
    close(Array.from(got.weights), weights, 1e-5, "weights");
    close(got.mean, mean, 1e-5, "mean");
  }
});

test("classes and measures", () => {
  const { x, own, spread, coverage, distance, data } = golden.measures;
  assert.deepEqual(Array.from(classOf(mixture, 3, x)), own);
  const got = measures(Float32Array.from(x), Float32Array.from(data));
  close([got.spread, got.coverage, got.distance], [spread, coverage, distance], 1e-5, "measures");
});

const exact = (sigma, x, out) => {
  for (let i = 0; i < x.length; i += 2) [out[i], out[i + 1]] = posterior(mixture, sigma, -1, x[i], x[i + 1]).mean;
  return out;
};

test("every sampler walks as in Python, from the same noise", () => {
  for (const { name, rule, sigmas, seed, xs, means } of golden.walks) {
    const walk = startWalk(sigmas, xs[0].length / 2, seed);
    walkTo(walk, sigmas.length - 1, rule, exact);
    xs.forEach((want, k) => close(Array.from(walk.xs[k + 1]), want, 2e-4, `${name} step ${k + 1}`));
    means.forEach((want, k) => close(Array.from(walk.means[k + 1]), want, 2e-4, `${name} mean of step ${k + 1}`));
    const quiet = xs.every((x, k) => x.every((v, i) => v === means[k][i]));
    assert.equal(isRandom(walk), !quiet, `${name}: fresh noise is drawn where it is used`);
  }
});

test("a step that is not linear is refused", () => {
  const x = Float32Array.of(1, 2), go = (give) => takeStep({ step: [{ give }], values: {} }, exact, 1, 0, x, () => x);
  assert.throws(() => go([0, ["*", "x", "x"], 0]), /linear/);
  assert.throws(() => go([0, ["+", "x", 1], 0]), /adds a number/);
  assert.deepEqual(Array.from(go([0, ["math.log", 1], 0]).mean), [0, 0]);
});

test("forward noising has the variance it should have", () => {
  const x0 = new Float32Array(8000), xs = noiseUp(x0, [0, 0.5, 2], 3);
  assert.ok(Math.abs(moments(xs[1]).std - 0.5) < 0.02 && Math.abs(moments(xs[2]).std - 2) < 0.08);
});

test("guidance: weights are the formulas", () => {
  const of = (terms, name) => terms.filter(([l]) => l === name).reduce((total, [, w]) => total + w, 0);
  const sum = (terms) => ["u", "c", "n"].map((name) => of(terms, name));
  assert.deepEqual(sum(guided("u", "c", 3)), [-2, 3, 0]);
  assert.deepEqual(sum(negative("u", "c", "n", 3, 2, "two-term")), [0, 3, -2]);
  assert.deepEqual(sum(negative("u", "c", "n", 3, 2, "replace")), [0, 3, -2]); // equal iff s_neg = s_pos - 1
  assert.deepEqual(sum(negative("u", "c", "n", 3, 1, "two-term")), [-1, 3, -1]);
});

test("between knots: a parabola in ln sigma comes back, and the knots themselves", () => {
  const levels = [0.01, 0.02, 0.1, 0.3, 2, 80], f = (s) => 3 + Math.log(s) - 0.5 * Math.log(s) ** 2;
  const got = (sigma) => {
    const [first, w] = through(levels, sigma);
    return w.reduce((sum, v, i) => sum + (v ? v * f(levels[first + i]) : 0), 0);
  };
  for (const sigma of [0.02, 0.05, 0.1, 0.25, 0.31, 1.7, ...levels]) {
    assert.ok(Math.abs(got(sigma) - f(sigma)) < 1e-12, `at ${sigma}`);
  }
  assert.ok(Math.abs(got(200) - f(80)) < 1e-12 && Math.abs(got(1e-4) - f(0.01)) < 1e-12, "constant beyond");
});

const pages = {};
const whole = (geometry, name) => (pages[name] ??= refine(geometry, arrays[`F/${name}`].data));

test("refine: a level of the finest size is itself, a coarser one keeps its places and every quadratic", () => {
  const quadratic = (n) => Float32Array.from({ length: 2 * n * n }, (_, i) => {
    const [x, y] = [((i >> 1) % n) / (n - 1), Math.floor((i >> 1) / n) / (n - 1)];
    return i % 2 ? x * y - x : y * y + 2 * x;
  });
  const out = refine({ size: 11, sizes: [6, 11] }, Float32Array.of(...quadratic(6), ...quadratic(11)));
  const want = quadratic(11);
  assert.deepEqual(out.subarray(242), want);
  for (let r = 2; r < 9; r++) for (let c = 2; c < 9; c++) for (const i of [22 * r + 2 * c, 22 * r + 2 * c + 1]) {
    assert.ok(Math.abs(out[i] - want[i]) < 1e-6, `row ${r}, column ${c}: ${out[i]} instead of ${want[i]}`);
  }
});

const ended = {};
for (const [name, { field, low, high, s, label, seeds, n }] of Object.entries(golden.ends)) {
  test(`DDIM end points: ${name}`, () => {
    const geometry = golden.geometry[field], page = new Float32Array(2 * geometry.size ** 2);
    const free = whole(geometry, `${field}/-1`);
    const terms = s === null ? [[free, 1]] : guided(free, whole(geometry, `${field}/${label}`), s);
    const D = (sigma, x, out) => denoise(geometry, terms, slice(geometry, terms, sigma, page), sigma, x, out);
    const ends = seeds.flatMap((seed) => {
      const walk = startWalk(grid("log-linear", 50, low, high), n, seed);
      return Array.from(walkTo(walk, 50, golden.ddim, D));
    });
    assert.ok(ends.every(Number.isFinite));
    ended[name] = ends;
  });
}

test("what Python judges is written down", () => writeFileSync(join(folder, "ended.json"), JSON.stringify(ended)));
