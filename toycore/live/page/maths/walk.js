// Sampling: walks down a grid of noise levels, step for step by the formulas of toycore's `samplers`.

import { normals } from "./noise.js";
import { step } from "./step.js";

/** @import { Denoiser, Rule, Walk } from "../types.js" */

/**
 * A walk that has not begun: its start is sigmas[0] times the seed's normals.
 *
 * @param {number[]} sigmas @param {number} n @param {number} seed @returns {Walk}
 */
export function startWalk(sigmas, n, seed) {
  const x = normals(seed, 0, n).map((z) => sigmas[0] * z);
  return { sigmas, n, seed, xs: [x], means: [x] };
}

/**
 * Take the next step of a walk; the fresh noise of step k is that of (seed, k).
 *
 * @param {Walk} walk @param {Rule} rule @param {Denoiser} D
 */
export function advance(walk, rule, D) {
  const k = walk.xs.length, z = () => normals(walk.seed, k, walk.n);
  const { mean, x } = step(rule, D, walk.sigmas[k - 1], walk.sigmas[k], walk.xs[k - 1], z);
  walk.xs.push(x);
  walk.means.push(mean);
}

/** Whether any step so far has a random part. @param {Walk} walk */
export const isRandom = ({ xs, means }) => xs.some((x, k) => x !== means[k]);

/**
 * Walk on until step k is known; return x there.
 *
 * @param {Walk} walk @param {number} k @param {Rule} rule @param {Denoiser} D
 */
export function walkTo(walk, k, rule, D) {
  while (walk.xs.length <= k) advance(walk, rule, D);
  return walk.xs[k];
}

/**
 * Forward noising in one pass: x(sigma_k) = x(sigma_{k-1}) + sqrt(sigma_k^2 - sigma_{k-1}^2) z.
 *
 * @param {ArrayLike<number>} x0 @param {number[]} levels increasing @param {number} seed
 */
export function noiseUp(x0, levels, seed) {
  const xs = [Float32Array.from(x0)];
  for (let k = 1; k < levels.length; k++) {
    const z = normals(seed, 1000 + k, x0.length / 2), size = Math.sqrt(levels[k] ** 2 - levels[k - 1] ** 2);
    xs.push(xs[k - 1].map((x, i) => x + size * z[i]));
  }
  return xs;
}
