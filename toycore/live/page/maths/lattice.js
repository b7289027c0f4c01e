// A field as a raw output F on a lattice, as in Karras et al. 2022, eq. 7:
//
//   x0_hat = m + c_skip (x - m) + c_out F(u, sigma),   u = c_in (x - m),   s = sigma_data,
//   c_skip = s^2 / (sigma^2 + s^2)   c_out = sigma s / sqrt(sigma^2 + s^2)   c_in = 1 / sqrt(sigma^2 + s^2)
//
// F is of size 1 at every level, so it is what we interpolate: cubic in ln sigma, then cubic in u (Catmull and Rom;
// a B-spline was measured to be worse, F has kinks between the arms). A combination of fields is a list of terms
// [lattice, weight]: guidance, its negative forms and a network's error are of this kind, for x0_hat is linear in F.

/** @import { Geometry, Points, Term } from "../types.js" */

/**
 * All levels of a field on the places of the finest: level k comes as sizes[k]^2 places (few where F is smooth) and
 * leaves as size^2; Float32Array [levels, size, size, 2].
 *
 * @param {Pick<Geometry, "size" | "sizes">} geometry @param {Float32Array} pages
 */
export function refine({ size, sizes }, pages) {
  const out = new Float32Array(sizes.length * 2 * size * size);
  let from = 0;
  sizes.forEach((n, k) => {
    const wide = along(pages.subarray(from, (from += 2 * n * n)), n, n, size);
    out.set(along(wide, size, n, size), k * 2 * size * size);
  });
  return out;
}

/**
 * Interpolate [n, m, 2] to `size` places along its first axis, and swap the axes: [m, size, 2].
 *
 * @param {Float32Array} page @param {number} m @param {number} n @param {number} size
 */
function along(page, m, n, size) {
  if (n === size && m === size) return page;
  const out = new Float32Array(2 * m * size), w = new Float64Array(4);
  for (let i = 0; i < size; i++) {
    const first = cubic((i * (n - 1)) / (size - 1), n, w);
    const [p, q, r, s] = [0, 1, 2, 3].map((k) => 2 * m * clamped(first + k, n));
    for (let j = 0; j < m; j++) {
      const at = 2 * (j * size + i);
      for (let c = 2 * j; c < 2 * j + 2; c++) {
        out[at + c - 2 * j] = w[0] * page[p + c] + w[1] * page[q + c] + w[2] * page[r + c] + w[3] * page[s + c];
      }
    }
  }
  return out;
}

/**
 * The combined F of the terms at one level: Float32Array [size, size, 2] into out. A term's lattice is refined.
 *
 * @param {Geometry} geometry @param {Term[]} terms @param {number} sigma @param {Float32Array} out
 */
export function slice({ size, levels }, terms, sigma, out) {
  const page = 2 * size * size, [first, w] = through(levels, sigma);
  const [p, q, r, s] = w.map((_, i) => page * Math.max(0, Math.min(levels.length - 1, first + i)));
  out.fill(0);
  for (const [lattice, weight] of terms) {
    const [a, b, c, d] = w.map((v) => v * weight);
    for (let i = 0; i < page; i++) {
      out[i] += a * lattice[p + i] + b * lattice[q + i] + c * lattice[r + i] + d * lattice[s + i];
    }
  }
  return out;
}

/**
 * The knot below sigma and the share of the way to the next, in ln sigma; clamped to the knots.
 *
 * @param {number[]} levels @param {number} sigma @returns {[number, number]}
 */
export function between(levels, sigma) {
  const last = levels.length - 2;
  let k = 0;
  while (k < last && levels[k + 1] <= sigma) k++;
  const part = Math.log(Math.max(sigma, 1e-9) / levels[k]) / Math.log(levels[k + 1] / levels[k]);
  return [k, Math.min(1, Math.max(0, part))];
}

/**
 * The cubic in ln sigma through two knots, with the slopes there of the parabolas through three, a straight slope at
 * either end: [index of the first of four levels, their weights].
 *
 * @param {number[]} levels @param {number} sigma @returns {[number, number[]]}
 */
export function through(levels, sigma) {
  const [k, t] = between(levels, sigma), gap = (/** @type {number} */ i) => Math.log(levels[i + 1] / levels[i]);
  const h = gap(k), up = h * t * (1 - t) ** 2, down = -h * t * t * (1 - t);
  const w = [0, (1 - t) ** 2 * (1 + 2 * t), t * t * (3 - 2 * t), 0];
  if (k > 0) parabola(w, 1, gap(k - 1), h, up);
  else straight(w, h, up);
  if (k < levels.length - 2) parabola(w, 2, h, gap(k + 1), down);
  else straight(w, h, down);
  return [k - 1, w];
}

/**
 * Add c times the slope, at the knot w[at], of the parabola with these gaps before and after it.
 *
 * @param {number[]} w @param {number} at @param {number} before @param {number} after @param {number} c
 */
function parabola(w, at, before, after, c) {
  w[at - 1] -= (c * after) / (before * (before + after));
  w[at] += c * (1 / before - 1 / after);
  w[at + 1] += (c * before) / (after * (before + after));
}

/** Add c times the slope between the two middle knots. @param {number[]} w @param {number} h @param {number} c */
function straight(w, h, c) {
  w[1] -= c / h;
  w[2] += c / h;
}

/**
 * sum_i weight_i x0_hat_i at the points x, with F the slice of the terms at sigma. Outside the lattice x0_hat is that
 * of the edge, straight towards the mean.
 *
 * @param {Geometry} geometry @param {Term[]} terms @param {Float32Array} F @param {number} sigma
 * @param {Points} x @param {Points} out
 */
export function denoise({ size, reach, warp, mean, s }, terms, F, sigma, x, out) {
  const total = weightOf(terms), norm = Math.sqrt(sigma * sigma + s * s);
  const cSkip = (s / norm) ** 2, cOut = (sigma * s) / norm, half = (size - 1) / 2;
  const perCell = half / Math.asinh(warp * reach), wx = new Float64Array(4), wy = new Float64Array(4);
  for (let i = 0; i < x.length; i += 2) { // one loop without a call in its middle: it is what a walk costs
    let u = (x[i] - mean[0]) / norm, v = (x[i + 1] - mean[1]) / norm, fx = 0, fy = 0;
    const inside = Math.min(1, reach / Math.max(Math.abs(u), Math.abs(v)));
    u *= inside;
    v *= inside;
    const left = cubic(half + perCell * Math.asinh(warp * u), size, wx);
    const low = cubic(half + perCell * Math.asinh(warp * v), size, wy);
    for (let r = 0; r < 4; r++) {
      const line = 2 * (clamped(low + r, size) * size);
      for (let c = 0; c < 4; c++) {
        const w = wy[r] * wx[c], j = line + 2 * clamped(left + c, size);
        fx += w * F[j];
        fy += w * F[j + 1];
      }
    }
    out[i] = total * (mean[0] + cSkip * u * norm) + cOut * fx;
    out[i + 1] = total * (mean[1] + cSkip * v * norm) + cOut * fy;
  }
  return out;
}

/** The sum of the weights. @param {Term[]} terms */
const weightOf = (terms) => terms.reduce((sum, [, weight]) => sum + weight, 0);

/** @param {number} i @param {number} size */
const clamped = (i, size) => (i < 0 ? 0 : i >= size ? size - 1 : i);

/**
 * The four Catmull-Rom weights at a place along the lattice; returns the index of the first.
 *
 * @param {number} place @param {number} size @param {Float64Array} w
 */
function cubic(place, size, w) {
  const i = Math.max(0, Math.min(Math.floor(place), size - 2)), t = place - i;
  w[0] = -0.5 * t * (1 - t) * (1 - t);
  w[1] = 1 + t * t * (1.5 * t - 2.5);
  w[2] = t * (0.5 + t * (2 - 1.5 * t));
  w[3] = 0.5 * t * t * (t - 1);
  return i - 1;
}

/**
 * eps_hat = (x - x0_hat) / sigma; for a difference of fields (weights that sum to 0) x drops out.
 *
 * @param {Term[]} terms @param {number} sigma @param {Points} x @param {Points} x0 @param {Points} out
 */
export function noiseOf(terms, sigma, x, x0, out) {
  const total = weightOf(terms);
  for (let i = 0; i < x.length; i++) out[i] = (total * x[i] - x0[i]) / sigma;
  return out;
}
