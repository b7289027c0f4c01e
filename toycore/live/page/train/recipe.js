// The recipe of toycore's `training.fit`: what is drawn in each step, how fast it goes, what is averaged.

import { posteriorMeans } from "../maths/exact.js";
import { moments } from "../maths/measures.js";
import { normals, uniforms } from "../maths/noise.js";
import { denoise, loss, network, update } from "./network.js";

/** @import { Points } from "../types.js" */
/** @import { Net } from "./network.js" */

/**
 * What is learned: points, flat, each the middle of a Gaussian of width std (0: bare points).
 *
 * @typedef {{ x: Points, std: number, label?: ArrayLike<number>, classes?: number }} Data
 */

/**
 * The arguments of `training.fit`, `training.train` and `networks.MLP`.
 *
 * @typedef {object} Recipe
 * @property {number} steps @property {number} batch @property {number} lr @property {number} warmup in steps
 * @property {number} labelDropout @property {number} low @property {number} high the noise levels of training
 * @property {number} width @property {number} depth @property {number} features @property {number} scale
 */

/** @typedef {{ net: Net, data: Data, recipe: Recipe, seed: number }} Training  net.t of recipe.steps steps are done */

/** A network for a first look, by the same recipe: an error below .1 in a fraction of a second. */
export const SMALL = { width: 32, depth: 2, features: 48, scale: 6, lr: 0.02, steps: 600 };

/**
 * The recipe of `training.fit`: bare points need more and finer Fourier features than a smooth density.
 *
 * @param {Data} data @returns {Recipe}
 */
export const recipeFor = ({ std }) => ({
  steps: 1000, batch: 512, lr: 2e-2, warmup: 50, labelDropout: 0.1, low: 0.01, high: 10, width: 64, depth: 3,
  ...(std > 0 ? { features: 24, scale: 2.5 } : { features: 48, scale: 6 }),
});

/**
 * Begin a training; `changes` are to the recipe, `wanted` names the kernels.
 *
 * @param {Data} data @param {number} seed @param {Partial<Recipe>} [changes] @param {string} [wanted]
 * @returns {Training}
 */
export function begin(data, seed, changes = {}, wanted = undefined) {
  const recipe = { ...recipeFor(data), ...changes }, { mean, std } = moments(data.x), s = Math.hypot(std, data.std);
  if (!(s > 0)) throw new Error(`all data are one point (of ${data.x.length / 2}); draw two different ones`);
  const { width, depth, features, scale } = recipe, classes = (data.classes ?? 1) > 1 ? Number(data.classes) : 0;
  return { net: network({ width, depth, features, scale, classes, mean, s }, seed, wanted), data, recipe, seed };
}

/** Take the next step and return its loss; a loss that is no number is an error. @param {Training} training */
export function step(training) {
  const { net, recipe: { lr } } = training, t = net.t + 1, { x0, eps, sigma, label } = draws(training, t);
  const value = loss(net, x0, eps, sigma, label);
  if (!Number.isFinite(value)) {
    throw new Error(`the loss is ${value} at step ${t}: training diverged; use a smaller rate than ${lr}`);
  }
  update(net, rate(training.recipe, t), decay(training.recipe));
  return value;
}

/** The rate of step t = 1, 2, ...: a warm-up, and half a cosine to 0. @param {Recipe} recipe @param {number} t */
export const rate = ({ lr, warmup, steps }, t) =>
  lr * Math.min(1, t / warmup) * 0.5 * (1 + Math.cos((Math.PI * (t - 1)) / steps));

/** The share of itself that the average of the weights keeps. @param {Pick<Recipe, "steps">} recipe */
export const decay = ({ steps }) => Math.min(0.99, 1 - 10 / (10 + steps));

/**
 * Clean points (rows of the data with replacement), noise, levels that are log-uniform, and labels, of which a share
 * is dropped; from (seed, step).
 *
 * @param {Training} training @param {number} t
 */
export function draws({ data, recipe: { batch, low, high, labelDropout }, net, seed }, t) {
  const { x, label } = clean(data, batch, seed, t), sigma = uniforms(seed, 16 * t, batch);
  for (let i = 0; i < batch; i++) sigma[i] = low * Math.exp(Math.log(high / low) * sigma[i]);
  const kept = uniforms(seed, 16 * t + 1, net.shape.classes ? batch : 0);
  const labels = label && kept.length ? label.map((c, i) => (kept[i] < labelDropout ? -1 : c)) : undefined;
  return { x0: x, eps: normals(seed, 16 * t + 2, batch), sigma, label: labels };
}

/** n clean points and their labels. @param {Data} data @param {number} n @param {number} seed @param {number} t */
function clean(data, n, seed, t) {
  const rows = uniforms(seed, 16 * t + 3, n), { label } = data;
  for (let i = 0; i < n; i++) rows[i] = Math.floor((rows[i] * data.x.length) / 2);
  const x = data.std > 0 ? normals(seed, 16 * t + 4, n).map((z) => data.std * z) : new Float32Array(2 * n);
  for (let i = 0; i < 2 * n; i++) x[i] += data.x[2 * rows[i >> 1] + (i & 1)];
  return { x, label: label && Int32Array.from(rows, (row) => label[row]) };
}

/** The levels of `metrics.LEVELS`, over which the field error is a mean. */
const LEVELS = Array.from({ length: 20 }, (_, l) => 10 ** (-2 + (3 * l) / 19));

/**
 * Noised data with the exact answer, and the training's loss with it: no network has less, but by chance.
 *
 * @typedef {{ x: Float32Array, sigma: Float64Array, x0: Float32Array, floor: number }} Exam
 */

/**
 * n points of the noised data at each level, E[x0 | x] there, and the loss of that answer; a share of the labels is
 * dropped, and to the others belongs E[x0 | x, label].
 *
 * @param {Data} data @param {number} n @param {number} seed @returns {Exam}
 */
export function examOf(data, n, seed, labelDropout = 1) {
  const all = n * LEVELS.length, { x, label } = clean(data, all, seed, 0), eps = normals(seed, 2, all);
  const own = x.slice(), sigma = Float64Array.from({ length: all }, (_, i) => LEVELS[Math.floor(i / n)]);
  for (let i = 0; i < 2 * all; i++) x[i] += sigma[i >> 1] * eps[i];
  const mixture = { means: data.x, std: [data.std], label: data.label ?? Array(data.x.length / 2).fill(0) };
  const x0 = new Float32Array(2 * all), s2 = moments(data.x).std ** 2 + data.std ** 2;
  const at = (/** @type {Float32Array} */ of, /** @type {number} */ i, m = 1) => of.subarray(2 * i, 2 * (i + m));
  LEVELS.forEach((level, l) => posteriorMeans(mixture, level, at(x, l * n, n), at(x0, l * n, n)));
  let floor = lossOf(x0, own, sigma, s2);
  if (label && labelDropout < 1) {
    const given = new Float32Array(2 * all);
    sigma.forEach((level, i) => posteriorMeans(mixture, level, at(x, i), at(given, i), label[i]));
    floor = labelDropout * floor + (1 - labelDropout) * lossOf(given, own, sigma, s2);
  }
  return { x, sigma, x0, floor };
}

/**
 * The training's loss of an answer: the mean of |x0 - x0_hat|^2 / (2 c_out^2), 1 / c_out^2 = 1 / sigma^2 + 1 / s^2.
 *
 * @param {Points} hat @param {Points} x0 @param {Float64Array} sigma @param {number} s2
 */
function lossOf(hat, x0, sigma, s2) {
  let sum = 0;
  for (let j = 0; j < hat.length; j++) sum += (x0[j] - hat[j]) ** 2 * (sigma[j >> 1] ** -2 + 1 / s2);
  return sum / hat.length;
}

/**
 * `metrics.field_error`, unconditional: the mean over levels of sum |eps_hat - eps*|^2 / sum |eps*|^2. sigma drops out
 * of the ratio.
 *
 * @param {Net} net @param {Exam} exam
 */
export function fieldError(net, { x, sigma, x0 }) {
  const hat = denoise(net, sigma, x, new Float32Array(x.length)), n = x.length / LEVELS.length;
  return LEVELS.reduce((mean, _, l) => {
    let off = 0, size = 0;
    for (let j = l * n; j < (l + 1) * n; j++) {
      off += (hat[j] - x0[j]) ** 2;
      size += (x[j] - x0[j]) ** 2;
    }
    return mean + off / size / LEVELS.length;
  }, 0);
}
