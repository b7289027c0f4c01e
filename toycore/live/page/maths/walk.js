// Sampling: walks down a grid of noise levels, step for step those of toycore's `samplers`.

import { normals } from "./noise.js";

/** @import { Denoiser, Points, Rule, Walk } from "../types.js" */

/**
 * [keep, fresh] of every sampler for a step from sigma to next: x0_hat + keep (x - x0_hat) + fresh z.
 *
 * @type {Record<Rule["sampler"], (rule: Rule, sigma: number, next: number) => [number, number]>}
 */
const STEPS = {
  ddpm({ noise }, sigma, next) {
    const keep = (next / sigma) ** 2;
    return [keep, noise * next * Math.sqrt(1 - keep)];
  },
  ddim({ eta }, sigma, next) {
    const fresh = eta * next * Math.sqrt(1 - (next / sigma) ** 2);
    return [Math.sqrt(next * next - fresh * fresh) / sigma, fresh];
  },
  heun: (_, sigma, next) => [next / sigma, 0],
  // Euler and Maruyama on the reverse SDE
  sde: ({ noise }, sigma, next) => [(next / sigma) ** 2, noise * Math.sqrt(2 * next * (sigma - next))],
};

/**
 * One step from sigma to next: writes the predicted part to mean and where the step ends to out. z() gives fresh
 * normals and is called only where they are used: they cost as much as D.
 *
 * @param {Rule} rule @param {Denoiser} D @param {number} sigma @param {number} next @param {Points} x
 * @param {() => Float32Array} z @param {Float32Array} mean @param {Float32Array} out
 */
export function step(rule, D, sigma, next, x, z, mean, out) {
  const x0 = D(sigma, x, mean), [keep, fresh] = STEPS[rule.sampler](rule, sigma, next);
  for (let i = 0; i < x.length; i++) mean[i] = x0[i] + keep * (x[i] - x0[i]);
  if (rule.sampler === "heun" && next > 0) correct(D, sigma, next, x, mean, out);
  out.set(mean);
  if (!fresh) return;
  const noise = z();
  for (let i = 0; i < x.length; i++) out[i] += fresh * noise[i];
}

/**
 * Heun's second half: the slope at the step's end is averaged in. mean holds the Euler step.
 *
 * @param {Denoiser} D @param {number} sigma @param {number} next @param {Points} x @param {Float32Array} mean
 * @param {Float32Array} scratch
 */
function correct(D, sigma, next, x, mean, scratch) {
  const x0 = D(next, mean, scratch);
  for (let i = 0; i < x.length; i++) {
    const d = (mean[i] - x[i]) / (next - sigma), dNext = (mean[i] - x0[i]) / next;
    mean[i] = x[i] + ((next - sigma) * (d + dNext)) / 2;
  }
}

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
  const k = walk.xs.length, x = walk.xs[k - 1];
  const mean = new Float32Array(x.length), out = new Float32Array(x.length);
  step(rule, D, walk.sigmas[k - 1], walk.sigmas[k], x, () => normals(walk.seed, k, walk.n), mean, out);
  walk.xs.push(out);
  walk.means.push(mean);
}

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
