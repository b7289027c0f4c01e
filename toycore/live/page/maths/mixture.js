// The exact mixture of Gaussians, noised: its density, the posterior over its components, and its classes.

/** @import { Mixture, Pair, Points } from "../types.js" */

/**
 * p_sigma (given the label, if it is >= 0) over its peak, on an n x n raster of the box |x - centre| < half, rows from
 * the top; returns the peak. Each Gaussian is a product g(x) g(y), and is cut off at 3.5 of its widths.
 *
 * @param {Mixture} mixture @param {number} sigma @param {number} label @param {number[]} centre @param {number} half
 * @param {number} n @param {Float32Array} out
 */
export function density(mixture, sigma, label, centre, half, n, out) {
  const cell = (2 * half) / n, gx = new Float64Array(n);
  let total = 0;
  out.fill(0);
  for (let k = 0; k < mixture.weight.length; k++) {
    if (label >= 0 && mixture.label[k] !== label) continue;
    const x = mixture.means[2 * k] - centre[0] + half, y = half - (mixture.means[2 * k + 1] - centre[1]);
    addGaussian(x / cell, y / cell, (mixture.std[k] ** 2 + sigma * sigma) / cell ** 2, mixture.weight[k], n, gx, out);
    total += mixture.weight[k];
  }
  let peak = 1e-30;
  for (let i = 0; i < n * n; i++) if (out[i] > peak) peak = out[i];
  for (let i = 0; i < n * n; i++) out[i] /= peak;
  return peak / (total * cell ** 2);
}

/**
 * Add weight N(mean, v) to a raster, all in units of its cells.
 *
 * @param {number} mx @param {number} my @param {number} v @param {number} weight @param {number} n
 * @param {Float64Array} gx scratch @param {Float32Array} out
 */
function addGaussian(mx, my, v, weight, n, gx, out) {
  const reach = 3.5 * Math.sqrt(v), [left, right] = span(mx, reach, n), [top, bottom] = span(my, reach, n);
  for (let c = left; c < right; c++) gx[c] = Math.exp(-((c + 0.5 - mx) ** 2) / (2 * v));
  for (let r = top; r < bottom; r++) {
    const w = (weight / (2 * Math.PI * v)) * Math.exp(-((r + 0.5 - my) ** 2) / (2 * v));
    for (let c = left, j = r * n + left; c < right; c++, j++) out[j] += w * gx[c];
  }
}

/**
 * The density of the first coordinate in units of its spread, u = (x - mean) / sqrt(sigma^2 + s^2): each column is a
 * level and each row a place, |u| < reach from the top, n x n; a column is taken over its peak.
 *
 * @param {Mixture} mixture @param {number[]} levels n of them @param {number} mean @param {number} s the data's spread
 * @param {number} reach
 */
export function ribbon(mixture, levels, mean, s, reach) {
  const n = levels.length, cell = (2 * reach) / n, out = new Float32Array(n * n), column = new Float64Array(n);
  levels.forEach((sigma, c) => {
    const norm = Math.hypot(sigma, s);
    column.fill(0);
    for (let k = 0; k < mixture.weight.length; k++) {
      const width = Math.max(0.6, Math.hypot(mixture.std[k], sigma) / (norm * cell)); // no narrower than a cell
      addBell(column, (reach - (mixture.means[2 * k] - mean) / norm) / cell, width, mixture.weight[k]);
    }
    const peak = Math.max(...column);
    for (let r = 0; r < n; r++) out[r * n + c] = column[r] / peak;
  });
  return out;
}

/**
 * Add weight N(mean, width^2) to a line, all in units of its cells.
 *
 * @param {Float64Array} line @param {number} mean @param {number} width @param {number} weight
 */
function addBell(line, mean, width, weight) {
  const [low, high] = span(mean, 3.5 * width, line.length);
  for (let r = low; r < high; r++) line[r] += (weight / width) * Math.exp(-(((r + 0.5 - mean) / width) ** 2) / 2);
}

/** @param {number} m @param {number} reach @param {number} n */
const span = (m, reach, n) => [Math.max(0, Math.floor(m - reach)), Math.min(n, Math.ceil(m + reach))];

/**
 * The posterior weights p(component k | x) at level sigma, the mean E[x0 | x] they make, and how many count.
 *
 * @param {Mixture} mixture @param {number} sigma @param {number} label @param {number} x @param {number} y
 */
export function posterior(mixture, sigma, label, x, y) {
  const n = mixture.weight.length, r = new Float64Array(n), mean = /** @type {Pair} */ ([0, 0]);
  for (let k = 0; k < n; k++) {
    const v = mixture.std[k] ** 2 + sigma * sigma;
    const d2 = (x - mixture.means[2 * k]) ** 2 + (y - mixture.means[2 * k + 1]) ** 2;
    const mine = label < 0 || mixture.label[k] === label;
    r[k] = mine ? Math.log(mixture.weight[k]) - Math.log(v) - d2 / (2 * v) : -Infinity;
  }
  softmax(r);
  for (let k = 0; k < n; k++) {
    const g = sigma ** 2 / (mixture.std[k] ** 2 + sigma * sigma);
    mean[0] += r[k] * (g * mixture.means[2 * k] + (1 - g) * x);
    mean[1] += r[k] * (g * mixture.means[2 * k + 1] + (1 - g) * y);
  }
  return { weights: r, mean, effective: 1 / r.reduce((s, w) => s + w * w, 0) };
}

/** exp(r) over its sum, in place. @param {Float64Array} r */
function softmax(r) {
  let top = -Infinity, sum = 0;
  for (const v of r) if (v > top) top = v;
  for (let k = 0; k < r.length; k++) sum += r[k] = Math.exp(r[k] - top);
  for (let k = 0; k < r.length; k++) r[k] /= sum;
}

/**
 * The most probable class of each point at level 0 (with at least `blur` of width).
 *
 * @param {Mixture} mixture @param {number} classes @param {Points} x
 */
export function classOf(mixture, classes, x, blur = 0.02) {
  const two = Float64Array.from(mixture.std, (std) => 2 * Math.max(std, blur) ** 2); // twice the variance
  const height = Float64Array.from(mixture.weight, (w, k) => Math.log((2 * w) / two[k]));
  const logs = new Float64Array(two.length);
  return Int32Array.from({ length: x.length / 2 }, (_, i) => {
    for (let k = 0; k < two.length; k++) {
      const dx = x[2 * i] - mixture.means[2 * k], dy = x[2 * i + 1] - mixture.means[2 * k + 1];
      logs[k] = height[k] - (dx * dx + dy * dy) / two[k];
    }
    const score = sumsOfExp(logs, mixture.label, classes);
    return score.indexOf(Math.max(...score));
  });
}

/**
 * ln sum exp(logs) of each class.
 *
 * @param {Float64Array} logs @param {ArrayLike<number>} label @param {number} classes
 */
function sumsOfExp(logs, label, classes) {
  const top = new Float64Array(classes).fill(-Infinity), sum = new Float64Array(classes);
  for (let k = 0; k < logs.length; k++) if (logs[k] > top[label[k]]) top[label[k]] = logs[k];
  for (let k = 0; k < logs.length; k++) {
    const below = logs[k] - top[label[k]];
    if (below > -30) sum[label[k]] += Math.exp(below); // the others change nothing
  }
  return Array.from(sum, (s, c) => Math.log(s) + top[c]);
}
