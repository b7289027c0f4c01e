// The network of notebook 9 that reads a caption by cross-attention (`lessons/conditioning.py`), run in the page.

/** @import { Arrays, Points } from "../types.js" */
/** x0_hat of every point, and how much each reads of each token in each layer, [layers][n * tokens]. */
/** @typedef {{ x0: Float32Array, reads: Float32Array[] }} Answer */

/** W h + b, rows of W of the length of h. */
function dense(/** @type {Float32Array} */ w, /** @type {Float32Array} */ b, /** @type {ArrayLike<number>} */ h) {
  const out = Float32Array.from(b), k = h.length;
  for (let i = 0; i < out.length; i++) for (let j = 0, at = i * k; j < k; j++) out[i] += w[at + j] * h[j];
  return out;
}

/** x sigmoid(x). @param {Float32Array} h */
const silu = (h) => h.map((v) => v / (1 + Math.exp(-v)));

/** sin and cos of 0.3 k ln sigma, k = 1..8. @param {number} sigma */
function waves(sigma) {
  const phase = Array.from({ length: 8 }, (_, k) => 0.3 * (k + 1) * Math.log(Math.max(sigma, 1e-4)));
  return [...phase.map(Math.sin), ...phase.map(Math.cos)];
}

/** sin and cos of the learned directions at u. @param {Float32Array} directions [2, features] @param {number[]} u */
function features(directions, [a, b]) {
  const n = directions.length / 2;
  const phase = Array.from({ length: n }, (_, i) => a * directions[i] + b * directions[n + i]);
  return [...phase.map(Math.sin), ...phase.map(Math.cos)];
}

/**
 * The weights of the network for one caption: keys and values of its tokens, per layer.
 *
 * @param {Arrays} arrays @param {number[]} tokens rows of the word vectors
 */
function reader(arrays, tokens) {
  const of = (/** @type {string} */ name) => /** @type {Float32Array} */ (arrays[`net/${name}`].data);
  const e = arrays["net/word"].shape[1], words = tokens.map((t) => of("word").subarray(t * e, (t + 1) * e));
  const layers = [];
  for (let l = 0; `net/${l}/Q/w` in arrays; l++) {
    const part = (/** @type {string} */ name) => of(`${l}/${name}`);
    const pairs = words.map((word) => dense(part("KV/w"), part("KV/b"), word));
    layers.push({ part, keys: pairs.map((p) => p.subarray(0, e)), values: pairs.map((p) => p.subarray(e)) });
  }
  return { of, layers, e };
}

/** softmax(q . keys / sqrt(e)). @param {Float32Array} q @param {Float32Array[]} keys */
function weights(q, keys) {
  const logits = keys.map((key) => key.reduce((sum, v, i) => sum + v * q[i], 0) / Math.sqrt(q.length));
  const top = Math.max(...logits), own = logits.map((v) => Math.exp(v - top)), all = own.reduce((a, b) => a + b);
  return own.map((v) => v / all);
}

/**
 * x0_hat and the attention of every layer at points x (flat), for one caption.
 *
 * @param {Arrays} arrays @param {{ s: number, mean: number[] }} scale of the data @param {number[]} tokens
 * @param {number} sigma @param {Points} x @returns {Answer}
 */
export function attend(arrays, { s, mean }, tokens, sigma, x) {
  const { of, layers, e } = reader(arrays, tokens), norm = Math.hypot(sigma, s), level = waves(sigma);
  const k = tokens.length, n = x.length / 2;
  const x0 = new Float32Array(2 * n), reads = layers.map(() => new Float32Array(k * n));
  for (let i = 0; i < n; i++) {
    const d = [x[2 * i] - mean[0], x[2 * i + 1] - mean[1]], u = d.map((v) => v / norm);
    let h = dense(of("first/w"), of("first/b"), [...u, ...features(of("frequencies"), u), ...level]);
    layers.forEach(({ part, keys, values }, l) => {
      const w = weights(dense(part("Q/w"), part("Q/b"), h), keys);
      reads[l].set(w, k * i);
      const read = Float32Array.from({ length: e }, (_, j) => w.reduce((sum, v, t) => sum + v * values[t][j], 0));
      const more = dense(part("O/w"), part("O/b"), read);
      h = dense(part("next/w"), part("next/b"), silu(h.map((v, j) => v + more[j])));
    });
    for (const c of [0, 1]) x0[2 * i + c] = mean[c] + (s / norm) ** 2 * d[c] + ((sigma * s) / norm) * h[c];
  }
  return { x0, reads };
}
