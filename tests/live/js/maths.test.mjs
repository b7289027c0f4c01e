// The browser's mathematics against Python's: `golden.json` and its bytes are written by tests/test_live.py
// from torch just before; TOYCORE_GOLDEN names their folder, which also holds maths.mjs, a copy of maths.js.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import test from "node:test";

const folder = process.env.TOYCORE_GOLDEN;
const m = await import(pathToFileURL(join(folder, "maths.mjs")));
const golden = JSON.parse(readFileSync(join(folder, "golden.json"), "utf8"));
const arrays = m.unpack(golden.index, readFileSync(join(folder, "golden.bin")));
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
    const got = m.half(h);
    assert.ok(Object.is(got, want[h]) || got === want[h] || (Number.isNaN(got) && Number.isNaN(want[h])), `pattern ${h}`);
  }
});

test("unpack copies: an unaligned DataView is read rightly", () => {
  const bytes = readFileSync(join(folder, "golden.bin")), shifted = new Uint8Array(bytes.length + 3);
  shifted.set(bytes, 3);
  const again = m.unpack(golden.index, new DataView(shifted.buffer, 3, bytes.length));
  assert.deepEqual(again.means.data, arrays.means.data);
});

test("clocks, frames and the DDPM step", () => {
  const { sigma, alpha_bar: alphaBar, flow, VP, FLOW, step } = golden.clocks, levels = m.ddpmLevels();
  close(sigma.map(m.clocks.alphaBar), alphaBar, 1e-12, "alpha_bar");
  close(sigma.map(m.clocks.flow), flow, 1e-12, "flow time");
  close(sigma.map(m.scales.VP), VP, 1e-12, "VP");
  close(sigma.map(m.scales.flow), FLOW, 1e-12, "flow frame");
  close(sigma.map((s) => m.stepOf(s, levels)), step, 1e-9, "DDPM step");
});

test("grids are Python's", () => {
  for (const [name, n, low, high, want] of golden.grids) {
    close(m.grid(name, n, low, high), want, 1e-9, `${name} ${n}`);
  }
});

test("noise is Python's, number for number", () => {
  for (const [seed, step, want] of golden.normals) {
    close(Array.from(m.normals(seed, step, want.length / 2)), want, 3e-7, `seed ${seed}, step ${step}`);
  }
});

test("density of the noised mixture, all and one class", () => {
  for (const { sigma, label, centre, half, n, want } of golden.density) {
    const out = new Float32Array(n * n), peak = m.density(mixture, sigma, label, centre, half, n, out);
    const top = Math.max(...want);
    assert.ok(Math.abs(peak / top - 1) < 0.01, `peak ${peak} instead of ${top}`);
    close(Array.from(out), want.map((p) => p / top), 0.01, `density at ${sigma}`);
  }
});

test("posterior weights and mean", () => {
  for (const { sigma, label, x, weights, mean } of golden.posterior) {
    const got = m.posterior(mixture, sigma, label, ...x);
    close(Array.from(got.weights), weights, 1e-5, "weights");
    close(got.mean, mean, 1e-5, "mean");
  }
});

test("classes and measures", () => {
  const { x, own, spread, coverage, distance, data } = golden.measures;
  assert.deepEqual(Array.from(m.classOf(mixture, 3, x)), own);
  const got = m.measures(Float32Array.from(x), Float32Array.from(data));
  close([got.spread, got.coverage, got.distance], [spread, coverage, distance], 1e-5, "measures");
});

const exact = (sigma, x, out) => {
  for (let i = 0; i < x.length; i += 2) [out[i], out[i + 1]] = m.posterior(mixture, sigma, -1, x[i], x[i + 1]).mean;
  return out;
};

test("every sampler walks as in Python, from the same noise", () => {
  for (const { rule, sigmas, seed, xs } of golden.walks) {
    const walk = m.startWalk(sigmas, xs[0].length / 2, seed);
    m.walkTo(walk, sigmas.length - 1, rule, exact);
    xs.forEach((want, k) => close(Array.from(walk.xs[k + 1]), want, 2e-4, `${JSON.stringify(rule)} step ${k + 1}`));
    const last = walk.xs.length - 1;
    assert.ok(rule.sampler === "heun" || walk.means[last].every((v, i) => Math.abs(v - walk.xs[last][i]) < 1e-6), "no noise at 0");
  }
});

test("forward noising has the variance it should have", () => {
  const x0 = new Float32Array(8000), xs = m.noiseUp(x0, [0, 0.5, 2], 3);
  assert.ok(Math.abs(m.moments(xs[1]).std - 0.5) < 0.02 && Math.abs(m.moments(xs[2]).std - 2) < 0.08);
});

test("guidance: weights are the formulas", () => {
  const sum = (terms) => ["u", "c", "n"].map((name) => terms.filter(([l]) => l === name).reduce((s, [, w]) => s + w, 0));
  assert.deepEqual(sum(m.guided("u", "c", 3)), [-2, 3, 0]);
  assert.deepEqual(sum(m.negative("u", "c", "n", 3, 2, "two-term")), [0, 3, -2]);
  assert.deepEqual(sum(m.negative("u", "c", "n", 3, 2, "replace")), [0, 3, -2]); // equal iff s_neg = s_pos - 1
  assert.deepEqual(sum(m.negative("u", "c", "n", 3, 1, "two-term")), [-1, 3, -1]);
});

test("between knots: a parabola in ln sigma comes back, and the knots themselves", () => {
  const levels = [0.01, 0.02, 0.1, 0.3, 2, 80], f = (s) => 3 + Math.log(s) - 0.5 * Math.log(s) ** 2;
  const said = (sigma) => { const [first, w] = m.through(levels, sigma); return w.reduce((sum, v, i) => sum + (v ? v * f(levels[first + i]) : 0), 0); };
  for (const sigma of [0.02, 0.05, 0.1, 0.25, 0.31, 1.7]) assert.ok(Math.abs(said(sigma) - f(sigma)) < 1e-12, `at ${sigma}`);
  for (const sigma of levels) assert.ok(Math.abs(said(sigma) - f(sigma)) < 1e-12, `knot ${sigma}`);
  assert.ok(Math.abs(said(200) - f(80)) < 1e-12 && Math.abs(said(1e-4) - f(0.01)) < 1e-12, "constant beyond");
});

const pages = {};
const whole = (geometry, name) => (pages[name] ??= m.refine(geometry, arrays[`F/${name}`].data));

test("refine: a level of the finest size is itself, a coarser one keeps its places and every quadratic", () => {
  const quadratic = (n) => Float32Array.from({ length: 2 * n * n }, (_, i) => {
    const [x, y] = [((i >> 1) % n) / (n - 1), Math.floor((i >> 1) / n) / (n - 1)];
    return i % 2 ? x * y - x : y * y + 2 * x;
  });
  const out = m.refine({ size: 11, sizes: [6, 11] }, Float32Array.of(...quadratic(6), ...quadratic(11))), want = quadratic(11);
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
    const terms = s === null ? [[free, 1]] : m.guided(free, whole(geometry, `${field}/${label}`), s);
    const D = (sigma, x, out) => m.denoise(geometry, terms, m.slice(geometry, terms, sigma, page), sigma, x, out);
    const ends = seeds.flatMap((seed) => {
      const walk = m.startWalk(m.grid("log-linear", 50, low, high), n, seed);
      return Array.from(m.walkTo(walk, 50, { sampler: "ddim", eta: 0, noise: 1 }, D));
    });
    assert.ok(ends.every(Number.isFinite));
    ended[name] = ends;
  });
}

test("what Python judges is written down", () => writeFileSync(join(folder, "ended.json"), JSON.stringify(ended)));
