// The Schroedinger bridge between two Gaussians of the plane, as in `lessons/bridge.py`; matrices are [a, b, c, d],
// row after row.

import { normals } from "./noise.js";

/** @import { Pair } from "../types.js" */
/** @typedef {[number, number, number, number]} Matrix */
/** @typedef {{ mean: Pair, cov: Matrix }} Gaussian */
/** @typedef {{ x0: Float32Array, x1: Float32Array }} Ends  of every path */

export const MOMENTS = 100; // of a path, besides its start

/** @type {(a: Matrix, b: Matrix) => Matrix} */
const times = ([a, b, c, d], [e, f, g, h]) => [a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h];

/** p A + q B + r I. @type {(p: number, a: Matrix, q: number, b: Matrix, r?: number) => Matrix} */
const sum = (p, a, q, b, r = 0) =>
  [p * a[0] + q * b[0] + r, p * a[1] + q * b[1], p * a[2] + q * b[2], p * a[3] + q * b[3] + r];

/** @type {(a: Matrix) => Matrix} */
const transposed = ([a, b, c, d]) => [a, c, b, d];

/** @type {(a: Matrix) => number} */
const trace = ([a, , , d]) => a + d;

/** @type {(a: Matrix) => number} */
const det = ([a, b, c, d]) => a * d - b * c;

/** @type {(a: Matrix) => Matrix} */
const inverse = (m) => /** @type {Matrix} */ ([m[3], -m[1], -m[2], m[0]].map((v) => v / det(m)));

/**
 * The symmetric square root of a covariance, (C + s I) / sqrt(tr C + 2 s) with s^2 = det C; of what rounding leaves of
 * zero, zero.
 *
 * @param {Matrix} c @returns {Matrix}
 */
export function root(c) {
  const s = Math.sqrt(Math.max(0, det(c))), whole = trace(c) + 2 * s;
  return whole < 1e-12 ? [0, 0, 0, 0] : sum(1 / Math.sqrt(whole), c, 0, c, s / Math.sqrt(whole));
}

/**
 * Cov(x0, x1) = R g(M) R^-1, R^2 = cov0, M = R cov1 R, 2 g(M) = (4 M + entropy^2)^(1/2) - entropy.
 *
 * @param {[Gaussian, Gaussian]} clouds @param {number} entropy
 */
export function crossOf([{ cov: cov0 }, { cov: cov1 }], entropy) {
  const r = root(cov0), m = times(times(r, cov1), r), whole = root(sum(4, m, 0, m, entropy ** 2));
  return times(times(r, sum(0.5, whole, 0, whole, -entropy / 2)), inverse(r));
}

/** (1-t)^2 cov0 + t^2 cov1 + t (1-t) (cross + cross^T + entropy I). @param {[Gaussian, Gaussian]} clouds */
export function covAt(clouds, /** @type {number} */ entropy, /** @type {number} */ t) {
  const [{ cov: cov0 }, { cov: cov1 }] = clouds, cross = crossOf(clouds, entropy), s = t * (1 - t);
  const own = sum((1 - t) ** 2, cov0, t ** 2, cov1);
  return sum(1, own, s, sum(1, cross, 1, transposed(cross)), s * entropy);
}

/** (1-t) mean0 + t mean1. @param {[Gaussian, Gaussian]} clouds @param {number} t @returns {Pair} */
export const meanAt = ([{ mean: m0 }, { mean: m1 }], t) => [(1 - t) * m0[0] + t * m1[0], (1 - t) * m0[1] + t * m1[1]];

/** E|x1 - x0|^2. @param {[Gaussian, Gaussian]} clouds @param {number} entropy */
export function cost(clouds, entropy) {
  const [{ mean: m0, cov: cov0 }, { mean: m1, cov: cov1 }] = clouds;
  const apart = (m1[0] - m0[0]) ** 2 + (m1[1] - m0[1]) ** 2;
  return apart + trace(cov0) + trace(cov1) - 2 * trace(crossOf(clouds, entropy));
}

/** The covariance of the heights at both ends. @param {[Gaussian, Gaussian]} clouds @returns {Matrix} */
export function heights(clouds, /** @type {number} */ entropy) {
  const cross = crossOf(clouds, entropy)[3];
  return [clouds[0].cov[3], cross, cross, clouds[1].cov[3]];
}

/** The correlation in a covariance. @param {Matrix} c */
export const correlation = ([a, b, , d]) => b / Math.sqrt(a * d);

/**
 * n pairs of the coupling, from noises that are the same for every entropy: x0 = mean0 + R z, and x1 given x0.
 *
 * @param {[Gaussian, Gaussian]} clouds @param {number} entropy @param {number} seed @param {number} n @returns {Ends}
 */
export function pairs(clouds, entropy, seed, n) {
  const [{ mean: m0, cov: cov0 }, { mean: m1, cov: cov1 }] = clouds, cross = crossOf(clouds, entropy), r = root(cov0);
  const gain = times(transposed(cross), inverse(cov0)), rest = root(sum(1, cov1, -1, times(gain, cross)));
  const [z, w] = [centred(seed, 0, n), centred(seed, 1, n)], x0 = new Float32Array(2 * n), x1 = new Float32Array(2 * n);
  for (let i = 0; i < 2 * n; i += 2) {
    const [a, b] = applied(r, z[i], z[i + 1]), [c, d] = applied(gain, a, b), [e, f] = applied(rest, w[i], w[i + 1]);
    x0.set([m0[0] + a, m0[1] + b], i);
    x1.set([m1[0] + c + e, m1[1] + d + f], i);
  }
  return { x0, x1 };
}

/** Noises less their mean: then few particles measure the cost well. @param {number} seed @param {number} step */
function centred(seed, step, /** @type {number} */ n) {
  const z = Float64Array.from(normals(seed, step, n)), mean = [0, 0];
  z.forEach((v, i) => (mean[i % 2] += v / n));
  return z.map((v, i) => v - mean[i % 2]);
}

/** A matrix times a vector. @param {Matrix} a @returns {Pair} */
const applied = ([a, b, c, d], /** @type {number} */ x, /** @type {number} */ y) => [a * x + b * y, c * x + d * y];

/** n standard Brownian bridges at t = 0, 1/100, ..., 1. @param {number} seed @param {number} n */
export function bridges(seed, n) {
  const walk = [new Float64Array(2 * n)];
  for (let k = 0; k < MOMENTS; k++) {
    const z = normals(seed, k + 2, n);
    walk.push(walk[k].map((w, i) => w + z[i] / Math.sqrt(MOMENTS)));
  }
  const last = walk[MOMENTS];
  return walk.map((moment, k) => moment.map((w, i) => w - (k / MOMENTS) * last[i]));
}

/** Coordinate i of a path at moment k. @param {Ends} ends @param {Float64Array[]} wiggles @param {number} entropy */
const at = ({ x0, x1 }, wiggles, entropy, /** @type {number} */ i, /** @type {number} */ k) =>
  x0[i] + (k / MOMENTS) * (x1[i] - x0[i]) + Math.sqrt(entropy) * wiggles[k][i];

/**
 * All points at time t, (1-t) x0 + t x1 + sqrt(entropy) bridge; between two moments on the line that joins them.
 *
 * @param {Ends} ends @param {Float64Array[]} wiggles @param {number} entropy @param {number} t
 */
export function pointsAt(ends, wiggles, entropy, t) {
  const k = Math.min(MOMENTS - 1, Math.floor(t * MOMENTS)), part = t * MOMENTS - k;
  return ends.x0.map((_, i) =>
    (1 - part) * at(ends, wiggles, entropy, i, k) + part * at(ends, wiggles, entropy, i, k + 1));
}

/** The path of point j. @param {Ends} ends @param {Float64Array[]} wiggles @returns {Pair[]} */
export const pathOf = (ends, wiggles, /** @type {number} */ entropy, /** @type {number} */ j) =>
  wiggles.map((_, k) => [at(ends, wiggles, entropy, 2 * j, k), at(ends, wiggles, entropy, 2 * j + 1, k)]);

/** What the pairs measure: the mean of |x1 - x0|^2, and the correlation of their heights. @param {Ends} ends */
export function measured({ x0, x1 }) {
  const n = x0.length / 2, mean = (/** @type {(i: number) => number} */ f) =>
    x0.reduce((total, _, i) => total + (i % 2 ? f(i) / n : 0), 0);
  const [m0, m1] = [mean((i) => x0[i]), mean((i) => x1[i])];
  const c = mean((i) => (x0[i] - m0) * (x1[i] - m1)), v0 = mean((i) => (x0[i] - m0) ** 2);
  return {
    cost: mean((i) => (x1[i] - x0[i]) ** 2 + (x1[i - 1] - x0[i - 1]) ** 2),
    correlation: correlation([v0, c, c, mean((i) => (x1[i] - m1) ** 2)]),
  };
}

/**
 * The curve |C^(-1/2) (x - mean)| = reach around a Gaussian.
 *
 * @param {Pair} mean @param {Matrix} cov @returns {Pair[]}
 */
export function ellipse([x, y], cov, reach = 2) {
  const r = root(cov);
  return Array.from({ length: 65 }, (_, i) => {
    const angle = (i / 32) * Math.PI, [dx, dy] = applied(r, reach * Math.cos(angle), reach * Math.sin(angle));
    return [x + dx, y + dy];
  });
}
