// What samples say about a training: where they end, and how many are copies of what was drawn.

import { distances } from "../maths/measures.js";
import { grid } from "../maths/levels.js";
import { startWalk, walkTo } from "../maths/walk.js";

/** @import { Denoiser, Rule, Run } from "../types.js" */

export const PARTICLES = 300;
const STEPS = 30, LOW = 0.01, HIGH = 10;

/** Particles that have not begun to walk. @param {number} seed @param {Denoiser} D @param {Rule} rule @returns {Run} */
export const crowd = (seed, D, rule) =>
  ({ walk: startWalk(grid("log-linear", STEPS, LOW, HIGH), PARTICLES, seed), D, rule });

/** Where they end. @param {Run} run */
export const ends = ({ walk, rule, D }) => walkTo(walk, walk.sigmas.length - 1, rule, D);

/**
 * The share of samples nearer to a drawn point than to any held-out one; of as many points held out as drawn, half of
 * the samples would be by chance.
 *
 * @param {Float32Array} samples @param {Float32Array} drawn @param {Float32Array} held
 */
export function copies(samples, drawn, held) {
  const own = distances(samples, drawn), other = distances(samples, held);
  return own.reduce((n, d, i) => n + Number(d < other[i]), 0) / own.length;
}

/**
 * What that share would be by chance: points drawn over all points.
 *
 * @param {Float32Array} drawn @param {Float32Array} held
 */
export const chance = (drawn, held) => drawn.length / (drawn.length + held.length);

/**
 * The middle of the distances from samples to the nearest drawn point.
 *
 * @param {Float32Array} samples @param {Float32Array} drawn
 */
export const middle = (samples, drawn) => distances(samples, drawn).sort()[samples.length >> 2];
