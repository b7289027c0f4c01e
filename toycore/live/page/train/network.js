// The network of toycore's `training.model` with its loss and its optimiser, number for number, the gradient by hand.
//
//   D(x) = m + c_skip (x - m) + c_out F(u, sigma, label),  u = (x - m) / norm,  norm = sqrt(sigma^2 + s^2)
//   h_0 = [u, sin(f u), cos(f u), sin(.3 k ln sigma), cos(.3 k ln sigma), e_label, 1],  k = 1..8
//   z_l = W_l h_(l-1),  h_l = [silu(z_l), 1],  F = W_L h_(L-1)
//
// The last column of W is the bias; the columns that meet the unit vector e_label are the learned vectors of the
// classes and, last, of "no label". With x = x0 + sigma eps, a weight of 1 / c_out^2 makes D's squared error F's own:
//
//   loss = mean (F - y)^2,  y = (sigma (x0 - m) / s - s eps) / norm          Karras et al. 2022, eq. 7 and 8
//   d_L = 2 (F - y) / numbers,  dloss/dW_l = d_l h_(l-1)^T,  d_(l-1) = W_l^T d_l * silu'(z_(l-1))

import { normals, uniforms } from "../maths/noise.js";
import { kernelsOf } from "./kernel.js";
import { C } from "./plain.js";

/** @import { Points } from "../types.js" */
/** @import { Kernels } from "./plain.js" */

/**
 * What a network is: the arguments of `networks.MLP`, and the data's mean and standard deviation.
 *
 * @typedef {object} Shape
 * @property {number} width @property {number} depth @property {number} classes 0: without labels
 * @property {number} features @property {number} scale
 * @property {number[]} mean @property {number} s
 */

/**
 * A matrix of weights, [O, I] at `at`; its bias is the column `bias`. The network itself uses `rows` x `columns` of it,
 * the rest is 0.
 *
 * @typedef {{ O: number, I: number, at: number, rows: number, columns: number, bias: number }} Layer
 */

/**
 * A network in its memory M. Everything named by a number is a place in M.
 *
 * @typedef {object} Net
 * @property {Shape} shape @property {Layer[]} layers @property {Float32Array} M @property {Kernels} kernels
 * @property {number} size numbers in all weights @property {number} t steps taken
 * @property {number} w weights @property {number} g their gradient @property {number} m its average
 * @property {number} v the average of its square @property {number} a the average of the weights
 * @property {number} f frequencies @property {number} rates of Adam
 * @property {number[]} h activations, [I, C] each @property {number[]} z before and after silu: z, then silu'
 * @property {number} F output @property {number} dF its gradient @property {number} dh of activations
 */

const FOUR = (/** @type {number} */ n) => 4 * Math.ceil(n / 4);

/**
 * Make an untrained network. `wanted` names the kernels ("fma", "simd", "js"); without it, the fastest there are.
 *
 * @param {Shape} shape @param {number} seed @param {string} [wanted] @returns {Net}
 */
export function network(shape, seed, wanted) {
  const layers = layersOf(shape), size = layers.reduce((sum, { O, I }) => sum + O * I, 0);
  let top = 0;
  const room = (/** @type {number} */ n) => (top += FOUR(n)) - FOUR(n);
  const [w, g, m, v, a] = Array.from({ length: 5 }, () => room(size));
  const where = {
    w, g, m, v, a, f: room(2 * shape.features), rates: room(4),
    h: layers.map(({ I }) => room(I * C)), z: layers.slice(1).map(() => room(FOUR(shape.width) * C)),
    F: room(4 * C), dF: room(4 * C), dh: room(FOUR(shape.width) * C),
  };
  const { M, kernels } = kernelsOf(top, wanted), net = { shape, layers, M, kernels, size, t: 0, ...where };
  layers.forEach(({ bias }, l) => M.fill(1, net.h[l] + bias * C, net.h[l] + (bias + 1) * C));
  initialise(net, seed);
  return net;
}

/** @param {Shape} shape @returns {Layer[]} */
function layersOf({ width, depth, classes, features }) {
  const inputs = 2 + 2 * features + 16, labels = classes ? classes + 1 : 0;
  let at = 0;
  return Array.from({ length: depth + 1 }, (_, l) => {
    const columns = l ? width : inputs, bias = l ? FOUR(width) : inputs + labels, rows = l < depth ? width : 2;
    const layer = { O: FOUR(rows), I: FOUR(bias + 1), at, rows, columns, bias };
    at += layer.O * layer.I;
    return layer;
  });
}

/**
 * Draw frequencies from N(0, scale^2), weights within 1 / sqrt(fan-in), vectors of classes from N(0, 1); the last
 * layer starts at 0. By laws `networks.initialise`, by numbers those of the seed.
 *
 * @param {Net} net @param {number} seed
 */
function initialise({ shape, layers, M, w, a, f, size }, seed) {
  const { features, scale, classes, width, depth } = shape, [first] = layers;
  M.set(normals(seed, 0, features).map((z) => scale * z), f);
  layers.slice(0, depth).forEach(({ at, I, rows, columns }, l) => {
    const bound = 1 / Math.sqrt(columns), draws = uniforms(seed, l + 1, rows * columns);
    draws.forEach((p, k) => (M[w + at + Math.floor(k / columns) * I + (k % columns)] = bound * (2 * p - 1)));
  });
  const z = normals(seed, depth + 1, (classes + 1) * width);
  for (let c = 0; classes && c <= classes; c++) {
    for (let o = 0; o < width; o++) M[w + o * first.I + first.columns + c] = z[c * width + o];
  }
  M.copyWithin(a, w, w + size);
}

/**
 * The places of all weights, counted from w, in torch's order: of each layer the matrix and the bias, then the vectors
 * of the classes.
 *
 * @param {Net} net
 */
export function places({ layers, shape: { classes, width } }) {
  const out = /** @type {number[]} */ ([]), [first] = layers;
  for (const { at, I, rows, columns, bias } of layers) {
    for (let o = 0; o < rows; o++) for (let i = 0; i < columns; i++) out.push(at + o * I + i);
    for (let o = 0; o < rows; o++) out.push(at + o * I + bias);
  }
  for (let c = 0; classes && c <= classes; c++) {
    for (let o = 0; o < width; o++) out.push(o * first.I + first.columns + c);
  }
  return out;
}

/** The weights in torch's order; which: where they lie, w, a or g. @param {Net} net @param {number} which */
export const read = (net, which) => Float32Array.from(places(net), (place) => net.M[which + place]);

/** Start again from these weights, in torch's order. @param {Net} net @param {ArrayLike<number>} weights */
export function write(net, weights) {
  net.M.fill(0, net.w, net.a);
  places(net).forEach((place, k) => (net.M[net.w + place] = weights[k]));
  net.M.copyWithin(net.a, net.w, net.w + net.size);
  net.t = 0;
}

/**
 * Write a point at a level to column i of h_0; label -1: none.
 *
 * @param {Net} net @param {number} i @param {number} u @param {number} v @param {number} sigma @param {number} label
 */
function enter({ M, h, shape: { features, classes } }, i, u, v, sigma, label) {
  const phase = 0.3 * Math.log(Math.max(sigma, 1e-4)), levels = h[0] + (2 + 2 * features) * C + i;
  const sin = Math.sin(phase), cos = Math.cos(phase), labels = levels + 16 * C;
  M[h[0] + i] = u;
  M[h[0] + C + i] = v;
  for (let k = 0, s = sin, c = cos; k < 8; k++) { // sin and cos of k phases, by adding angles
    M[levels + k * C] = s;
    M[levels + (k + 8) * C] = c;
    [s, c] = [s * cos + c * sin, c * cos - s * sin];
  }
  for (let k = 0; classes && k <= classes; k++) M[labels + k * C] = Number(k === (label < 0 ? classes : label));
}

/** F of the block in h_0, by the weights at `weights`. @param {Net} net @param {number} weights */
function forward({ layers, kernels, h, z, F, f, shape: { features, depth } }, weights) {
  if (features) kernels.waves(h[0] + 2 * C, h[0] + (2 + features) * C, h[0], f, features);
  layers.forEach(({ O, I, at }, l) => {
    kernels.matmul(l < depth ? z[l] : F, weights + at, h[l], O, I, I, 1); // z = W h
    if (l < depth) kernels.silu(z[l], h[l + 1], O * C);
  });
}

/** Add the gradient of the block to g, from dF, after `forward`. @param {Net} net */
function backward({ layers, kernels, w, g, h, z, dF, dh, shape: { depth } }) {
  for (let l = depth, d = dF; l >= 0; l--) {
    const { O, I, at } = layers[l];
    kernels.outer(g + at, d, h[l], O, I); // dW = d h^T
    if (l === 0) return;
    kernels.matmul(dh, w + at, d, layers[l - 1].O, O, 1, I); // dh = W^T d
    kernels.times((d = z[l - 1]), dh, layers[l - 1].O * C); // d = dh * silu'(z)
  }
}

/**
 * The loss on clean points x0 with noise eps, levels sigma and labels (-1: none); its gradient is added to g.
 *
 * @param {Net} net @param {Points} x0 @param {Points} eps @param {ArrayLike<number>} sigma
 * @param {ArrayLike<number>} [label]
 */
export function loss(net, x0, eps, sigma, label) {
  const B = sigma.length, { M, F, dF, shape: { mean, s } } = net, y = new Float64Array(2 * C);
  let total = 0;
  for (let from = 0; from < B; from += C) {
    for (let i = 0; i < C; i++) {
      const j = Math.min(from + i, B - 1), level = sigma[j], norm = Math.sqrt(level ** 2 + s ** 2);
      const dx = x0[2 * j] - mean[0], dy = x0[2 * j + 1] - mean[1], p = eps[2 * j], q = eps[2 * j + 1];
      enter(net, i, (dx + level * p) / norm, (dy + level * q) / norm, level, label ? label[j] : -1);
      y[i] = ((level * dx) / s - s * p) / norm;
      y[C + i] = ((level * dy) / s - s * q) / norm;
    }
    forward(net, net.w);
    for (let k = 0; k < 2 * C; k++) { // the last block may be shorter
      const off = from + (k % C) < B ? M[F + k] - y[k] : 0;
      total += off * off;
      M[dF + k] = off / B; // 2 (F - y) / (2 B)
    }
    backward(net);
  }
  return total / (2 * B);
}

/**
 * One step of Adam down the gradient in g, which starts again at 0; the average keeps a share of itself.
 *
 * @param {Net} net @param {number} lr @param {number} keep
 */
export function update(net, lr, keep) {
  const { M, kernels, w, g, m, v, a, size, rates } = net, t = ++net.t;
  M.set([lr / (1 - 0.9 ** t), 1 / Math.sqrt(1 - 0.99 ** t), t > 1 ? keep : 0], rates);
  kernels.adam(w, g, m, v, a, size, rates);
}

/**
 * x0_hat by the averaged weights, at one level or at one each, for a label (-1: unconditional).
 *
 * @param {Net} net @param {number | ArrayLike<number>} sigma @param {Points} x @param {Float32Array} out
 */
export function denoise(net, sigma, x, out, label = -1) {
  const n = x.length / 2, { M, F, shape: { mean, s } } = net;
  const level = (/** @type {number} */ j) => (typeof sigma === "number" ? sigma : sigma[j]);
  for (let from = 0; from < n; from += C) {
    for (let i = 0; i < C; i++) {
      const j = Math.min(from + i, n - 1), norm = Math.sqrt(level(j) ** 2 + s ** 2);
      enter(net, i, (x[2 * j] - mean[0]) / norm, (x[2 * j + 1] - mean[1]) / norm, level(j), label);
    }
    forward(net, net.a);
    for (let i = 0; i < C && from + i < n; i++) {
      const j = from + i, norm = Math.sqrt(level(j) ** 2 + s ** 2);
      const skip = (s / norm) ** 2, gain = (level(j) * s) / norm;
      out[2 * j] = mean[0] + skip * (x[2 * j] - mean[0]) + gain * M[F + i];
      out[2 * j + 1] = mean[1] + skip * (x[2 * j + 1] - mean[1]) + gain * M[F + C + i];
    }
  }
  return out;
}
