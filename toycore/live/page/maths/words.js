// Masked diffusion on a table of words: the exact denoiser and the sampler, as in `views/sentence.py`.

import { uniforms } from "./noise.js";

/** n words of so many places, flat, the probability of each, and the number of symbols. */
/** @typedef {{ words: ArrayLike<number>, p: ArrayLike<number>, places: number, symbols: number }} Table */

export const HIDDEN = -1;

/** Whether word i agrees with every place of x that is not hidden. @param {Table} table @param {ArrayLike<number>} x */
export function fits({ words, places }, x, /** @type {number} */ i) {
  for (let j = 0; j < places; j++) if (x[j] !== HIDDEN && x[j] !== words[i * places + j]) return false;
  return true;
}

/** The numbers of the words that fit. @param {Table} table @param {ArrayLike<number>} x @returns {number[]} */
export const fitting = (table, x) => Array.from(table.p, (_, i) => i).filter((i) => fits(table, x, i));

/**
 * p(x_0 at a place | x) for every place; where no word fits, as if all were hidden.
 *
 * @param {Table} table @param {ArrayLike<number>} x @returns {Float64Array[]}
 */
export function posterior(table, x) {
  const { words, p, places, symbols } = table, known = fitting(table, x);
  const own = known.length ? known : Array.from(p, (_, i) => i);
  const total = own.reduce((sum, i) => sum + p[i], 0);
  return Array.from({ length: places }, (_, j) => {
    const row = new Float64Array(symbols);
    for (const i of own) row[words[i * places + j]] += p[i] / total;
    return row;
  });
}

/** The places in the order in which they are filled. @param {number} seed @param {number} places */
export function order(seed, places) {
  const u = uniforms(seed, 0, places);
  return Array.from(u, (_, i) => i).sort((a, b) => u[a] - u[b]);
}

/**
 * The sentence before the first step and after every step, `together` places in each.
 *
 * @param {Table} table @param {number} seed @param {number} together @returns {Int32Array[]}
 */
export function states(table, seed, together) {
  const turns = order(seed, table.places), made = [new Int32Array(table.places).fill(HIDDEN)];
  for (let step = 0; step * together < table.places; step++) {
    const x = made[step], rows = posterior(table, x), u = uniforms(seed, step + 1, table.places), next = x.slice();
    for (const i of turns.slice(step * together, (step + 1) * together)) next[i] = drawn(rows[i], u[i]);
    made.push(next);
  }
  return made;
}

/** The symbol where the probabilities, added up, pass u. @param {ArrayLike<number>} row @param {number} u */
function drawn(row, u) {
  let sum = 0;
  for (let k = 0; k < row.length; k++) {
    sum += row[k];
    if (u < sum) return k;
  }
  return row.length - 1;
}

/** The share of words of the table among n that are made. @param {Table} table @param {number} together */
export function right(table, together, /** @type {number} */ n) {
  let count = 0;
  for (let seed = 0; seed < n; seed++) {
    const x = states(table, 100_000 + seed, together).at(-1);
    count += Number(x !== undefined && fitting(table, x).length > 0);
  }
  return count / n;
}
