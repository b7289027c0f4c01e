// Samples spoiled step by step, as in `views/damage.py`.

/** @import { Arrays } from "../types.js" */

/** fewest: points at full damage; blur: the noise there; kept: the share of the data that is not dropped there. */
/** @typedef {{ fewest: number, blur: number, kept: number }} Most */

/**
 * The samples with so much damage, 0 none .. 1 full, flat.
 *
 * @param {Arrays} parts @param {Most} most @param {string} kind @param {number} s
 */
export function spoiled({ x, z, twin, spot, near, rank, pool, mean }, { fewest, blur, kept }, kind, s) {
  const all = x.data, n = rank.data.length, cos = Math.cos((s * Math.PI) / 2), sin = Math.sin((s * Math.PI) / 2);
  const last = pool.shape[0] * (1 - (1 - kept) * s);
  const m = (/** @type {number} */ i) => mean.data[i % 2];
  /** @type {Record<string, (v: number, i: number) => number>} */
  const ways = {
    blur: (v, i) => v + blur * s * z.data[i],
    gaussian: (v, i) => m(i) + cos * (v - m(i)) + sin * (twin.data[i] - m(i)),
    collapse: (v, i) => (1 - s) * v + s * spot.data[i],
    copies: (v, i) => (rank.data[i >> 1] < s ? near.data[i] : v),
    dropped: (_, i) => pool.data[2 * Math.floor(rank.data[i >> 1] * last) + (i % 2)],
    few: (v) => v,
  };
  const count = kind === "few" ? 2 * Math.ceil(n * (fewest / n) ** s) : 2 * n;
  return Float32Array.from({ length: count }, (_, i) => ways[kind](all[i], i));
}

/**
 * Measured at even amounts, `width` numbers each from `start` on: their values at the amount s.
 *
 * @param {ArrayLike<number>} table @param {number} start @param {number} levels @param {number} width
 * @param {number} s
 */
export function between(table, start, levels, width, s) {
  const place = s * (levels - 1), k = Math.min(levels - 2, Math.floor(place)), t = place - k;
  return Array.from({ length: width }, (_, j) => {
    const at = start + k * width + j;
    return table[at] + t * (table[at + width] - table[at]);
  });
}
