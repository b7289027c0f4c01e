// A measurement y = x1 + tau n of a mixture: its exact posterior, and walks that look for it, as in `lessons.inverse`.

import { normals } from "./noise.js";
import { advance, startWalk } from "./walk.js";

/** @import { Denoiser, Mixture, Pair, Points, Rule, Walk } from "../types.js" */

/** Gaussians with variances vx and vy of their own. */
/** @typedef {{ mx: Float64Array, my: Float64Array, vx: Float64Array, vy: Float64Array, log: Float64Array }} Bells */

/** y, tau, and the spread of the data that PiGDM takes for granted. */
/** @typedef {{ y: number, tau: number, spread: number }} Measured */

/** The mixture as it is, with the logarithms of its weights. @param {Mixture} mixture @returns {Bells} */
export function bells({ means, std, weight }) {
  const part = (/** @type {(k: number) => number} */ of) => Float64Array.from(weight, (_, k) => of(k));
  const v = part((k) => std[k] ** 2);
  return { mx: part((k) => means[2 * k]), my: part((k) => means[2 * k + 1]), vx: v, vy: v,
    log: part((k) => Math.log(weight[k])) };
}

/**
 * p(x0 | y): with S = v + tau^2 and the gain v / S, the weights w N(y; m1, S) and the first coordinates' means
 * m1 + gain (y - m1) and variances gain tau^2.
 *
 * @param {Bells} prior @param {Pick<Measured, "y" | "tau">} measured @returns {Bells}
 */
export function condition({ mx, my, vx, vy, log }, { y, tau }) {
  const S = vx.map((v) => v + tau * tau);
  return {
    mx: mx.map((m, k) => m + (vx[k] / S[k]) * (y - m)), my, vx: vx.map((v, k) => (v / S[k]) * tau * tau), vy,
    log: log.map((l, k) => l - (y - mx[k]) ** 2 / (2 * S[k]) - Math.log(S[k]) / 2),
  };
}

/** The weights, which sum to 1. @param {Float64Array} log */
function shares(log) {
  const top = Math.max(...log), w = log.map((l) => Math.exp(l - top)), sum = w.reduce((a, b) => a + b, 0);
  return w.map((v) => v / sum);
}

/**
 * Of one point, written to `out`: D(x, sigma) = E[x0 | x], and the gradient of its first coordinate,
 *
 *   dD1/dx = sum r v1 / (v1 + sigma^2) e1 + Cov_r(mu1, s),   mu1 = E[x01 | x, k],   s = grad log N(x; m_k, v + sigma^2)
 *
 * @param {Bells} mixture @param {number} sigma @param {Float64Array} out
 * @returns {(x: number, y: number) => void}
 */
export function looker({ mx, my, vx, vy, log }, sigma, out) {
  const n = log.length, ax = vx.map((v) => 1 / (v + sigma * sigma)), ay = vy.map((v) => 1 / (v + sigma * sigma));
  const base = log.map((l, k) => l + Math.log(ax[k] * ay[k]) / 2), r = new Float64Array(n);
  return (x, y) => {
    let top = -Infinity, sum = 0, d1 = 0, d2 = 0, own = 0, s1 = 0, s2 = 0, c1 = 0, c2 = 0;
    for (let k = 0; k < n; k++) {
      const dx = x - mx[k], dy = y - my[k], l = base[k] - 0.5 * (dx * dx * ax[k] + dy * dy * ay[k]);
      r[k] = l;
      if (l > top) top = l;
    }
    for (let k = 0; k < n; k++) {
      if (r[k] < top - 20) continue; // less than 10^-8 of the strongest
      const w = Math.exp(r[k] - top), e1 = (mx[k] - x) * ax[k], e2 = (my[k] - y) * ay[k];
      const g = vx[k] * ax[k], m1 = mx[k] + g * (x - mx[k]);
      sum += w;
      d1 += w * m1;
      d2 += w * (my[k] - vy[k] * e2);
      own += w * g;
      s1 += w * e1;
      s2 += w * e2;
      c1 += w * m1 * e1;
      c2 += w * m1 * e2;
    }
    out[0] = d1 / sum;
    out[1] = d2 / sum;
    out[2] = (own + c1 - out[0] * s1) / sum;
    out[3] = (c2 - out[0] * s2) / sum;
  };
}

/** D of a mixture. @param {Bells} mixture @returns {Denoiser} */
export const denoiser = (mixture) => pulled(mixture, () => 0);

/**
 * D + sigma^2 dD1/dx (y - D1) / (r^2 + tau^2): DPS with r = 0, PiGDM with r^2 = sigma^2 s^2 / (sigma^2 + s^2).
 *
 * @param {Bells} prior @param {Measured} measured @param {string} how @returns {Denoiser}
 */
export function guided(prior, { y, tau, spread }, how) {
  const doubt = (/** @type {number} */ sigma) => (sigma * spread) ** 2 / (sigma ** 2 + spread ** 2);
  return pulled(prior, (sigma, d1) => (sigma ** 2 * (y - d1)) / ((how === "DPS" ? 0 : doubt(sigma)) + tau ** 2));
}

/**
 * D + force dD1/dx.
 *
 * @param {Bells} mixture @param {(sigma: number, d1: number) => number} force @returns {Denoiser}
 */
function pulled(mixture, force) {
  const seen = new Float64Array(4);
  return (sigma, x, out) => {
    const look = looker(mixture, sigma, seen);
    for (let i = 0; i < x.length; i += 2) {
      look(x[i], x[i + 1]);
      const f = force(sigma, seen[0]);
      out[i] = seen[0] + f * seen[2];
      out[i + 1] = seen[1] + f * seen[3];
    }
    return out;
  };
}

/**
 * The whole walk of a method down the levels, by the formula of `samplers.ddpm`.
 *
 * @param {Bells} prior @param {Measured} measured @param {string} how "exact", "DPS", "PiGDM" or "replacement"
 * @param {{ sigmas: number[], n: number, seed: number, rule: Rule }} grid @returns {{ walk: Walk, D: Denoiser }}
 */
export function walked(prior, measured, how, { sigmas, n, seed, rule }) {
  const walk = startWalk(sigmas, n, seed);
  const D = how === "DPS" || how === "PiGDM" ? guided(prior, measured, how)
    : denoiser(how === "exact" ? condition(prior, measured) : prior);
  while (walk.xs.length < sigmas.length) {
    advance(walk, rule, D);
    if (how === "replacement") replace(walk, measured);
  }
  return { walk, D };
}

/** Put y, noised to the level, into the place of x1. @param {Walk} walk @param {Measured} measured */
function replace({ xs, sigmas, seed, n }, { y, tau }) {
  const k = xs.length - 1, size = sigmas[k] ** 2 - tau * tau, z = size > 0 ? normals(seed, 1000 + k, n) : [];
  if (size >= 0) xs[k] = xs[k].map((v, i) => (i % 2 ? v : y + Math.sqrt(Math.max(0, size)) * z[i]));
}

/**
 * n points of a mixture, flat: those of even shares of its weight, in the order of its Gaussians.
 *
 * @param {Bells} mixture @param {number} n @param {number} seed
 */
export function drawn({ mx, my, vx, vy, log }, n, seed) {
  const w = shares(log), z = normals(seed, 2000, n), x = new Float32Array(2 * n);
  let k = 0, sum = w[0];
  for (let i = 0; i < n; i++) {
    while (k < w.length - 1 && sum < (i + 0.5) / n) sum += w[++k];
    x[2 * i] = mx[k] + Math.sqrt(vx[k]) * z[2 * i];
    x[2 * i + 1] = my[k] + Math.sqrt(vy[k]) * z[2 * i + 1];
  }
  return x;
}

/**
 * The sliced Wasserstein distance of two clouds of n points, as in `metrics`, over directions at even angles.
 *
 * @param {Points} a @param {Points} b
 */
export function sliced(a, b, directions = 32) {
  let total = 0;
  for (let j = 0; j < directions; j++) {
    const angle = (Math.PI * j) / directions, [p, q] = [a, b].map((x) => along(x, Math.cos(angle), Math.sin(angle)));
    for (let i = 0; i < p.length; i++) total += (p[i] - q[i]) ** 2;
  }
  return Math.sqrt((total * 2) / (a.length * directions));
}

/** @param {Points} x @param {number} c @param {number} s */
const along = (x, c, s) =>
  Float64Array.from({ length: x.length / 2 }, (_, i) => c * x[2 * i] + s * x[2 * i + 1]).sort();

/**
 * The density at level sigma over its peak, on an n x n raster of |x - centre| < half, rows from the top.
 *
 * @param {Bells} mixture @param {number} sigma @param {Pair} centre @param {number} half @param {number} n
 */
export function densityOf({ mx, my, vx, vy, log }, sigma, centre, half, n) {
  const out = new Float32Array(n * n), cell = (2 * half) / n, at = (/** @type {number} */ i) => (i + 0.5) * cell - half;
  shares(log).forEach((w, k) => {
    if (w < 1e-6) return;
    const sx = Math.max(0.6 * cell, Math.hypot(Math.sqrt(vx[k]), sigma));
    const sy = Math.max(0.6 * cell, Math.hypot(Math.sqrt(vy[k]), sigma));
    const bell = (/** @type {number} */ m, /** @type {number} */ s) =>
      Float64Array.from({ length: n }, (_, i) => Math.exp(-(((at(i) - m) / s) ** 2) / 2) / s);
    const gx = bell(mx[k] - centre[0], sx), gy = bell(centre[1] - my[k], sy);
    for (let r = 0; r < n; r++) if (gy[r] > 1e-4) for (let c = 0; c < n; c++) out[r * n + c] += w * gx[c] * gy[r];
  });
  const peak = out.reduce((a, b) => Math.max(a, b), 1e-30);
  return out.map((v) => v / peak);
}
