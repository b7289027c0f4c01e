// The decoder of `images/nets/autoencoder.py` for one channel and a latent vector, run in the page.

/** @import { Arrays } from "../types.js" */
/** @typedef {ArrayLike<number>} Row */

const GROUPS = 8, TINY = 1e-5;

/**
 * The picture of a standardised latent z, side x side values in [-1, 1] or a little beyond.
 *
 * @param {Arrays} arrays the weights: "from", "up0", "up1" and "last", mean, spread and condition folded in
 * @param {Row} z @param {number} side
 */
export function decode(arrays, z, side) {
  const of = (/** @type {string} */ name) => /** @type {Float32Array} */ (arrays[name].data);
  const small = side / 4;
  /** @type {Float32Array} */
  let h = dense(of("from/w"), of("from/b"), z);
  h = upsampled(block(of, "up0", h, small), small);
  h = silu(normed(block(of, "up1", h, 2 * small), of("norm/w"), of("norm/b")));
  return unfolded(convolved(h, of("last/w"), of("last/b"), 2 * small), 2 * small);
}

/** W z + b. @param {Float32Array} w @param {Float32Array} b @param {Row} z */
function dense(w, b, z) {
  const out = Float32Array.from(b), k = z.length;
  for (let i = 0; i < out.length; i++) for (let j = 0; j < k; j++) out[i] += w[i * k + j] * z[j];
  return out;
}

/**
 * h (or its skip) + conv(norm(conv(norm(h)))), on n x n places.
 *
 * @param {(name: string) => Float32Array} of @param {string} name @param {Float32Array} h @param {number} n
 */
function block(of, name, h, n) {
  const part = (/** @type {string} */ key) => of(`${name}/${key}`);
  const first = convolved(silu(normed(h, part("n1/w"), part("n1/b"))), part("c1/w"), part("c1/b"), n);
  const out = convolved(silu(normed(first, part("n2/w"), part("n2/b"))), part("c2/w"), part("c2/b"), n);
  const skip = h.length === out.length ? h : mixed(h, part("s/w"), part("s/b"), n * n);
  for (let i = 0; i < out.length; i++) out[i] += skip[i];
  return out;
}

/** Every channel a sum of the channels of h: a convolution of one place. */
function mixed(/** @type {Float32Array} */ h, /** @type {Float32Array} */ w, /** @type {Row} */ b, size = 1) {
  const inside = h.length / size, out = new Float32Array(b.length * size);
  for (let o = 0; o < b.length; o++) {
    const plane = out.subarray(o * size, (o + 1) * size).fill(b[o]);
    for (let c = 0; c < inside; c++) {
      const v = w[o * inside + c];
      for (let i = 0; i < size; i++) plane[i] += v * h[c * size + i];
    }
  }
  return out;
}

/** x sigmoid(x), in place. @param {Float32Array} h */
function silu(h) {
  for (let i = 0; i < h.length; i++) h[i] /= 1 + Math.exp(-h[i]);
  return h;
}

/** Group normalisation with a gain and an offset per channel. @param {Float32Array} h @param {Row} w @param {Row} b */
function normed(h, w, b) {
  const out = new Float32Array(h.length), size = h.length / w.length, span = h.length / GROUPS;
  for (let start = 0; start < h.length; start += span) {
    let sum = 0, square = 0;
    for (let i = start; i < start + span; i++) sum += h[i];
    const mean = sum / span;
    for (let i = start; i < start + span; i++) square += (h[i] - mean) ** 2;
    const scale = 1 / Math.sqrt(square / span + TINY);
    for (let i = start; i < start + span; i++) {
      const c = (i / size) | 0;
      out[i] = (h[i] - mean) * scale * w[c] + b[c];
    }
  }
  return out;
}

/**
 * A 3 x 3 convolution on n x n places, 0 outside.
 *
 * @param {Float32Array} h @param {Float32Array} w @param {Row} b @param {number} n
 */
function convolved(h, w, b, n) {
  const inside = h.length / (n * n), wide = n + 2, out = new Float32Array(b.length * n * n);
  const padded = new Float32Array(inside * wide * wide);
  for (let c = 0; c < inside; c++) {
    for (let y = 0; y < n; y++) {
      padded.set(h.subarray((c * n + y) * n, (c * n + y + 1) * n), (c * wide + y + 1) * wide + 1);
    }
  }
  for (let o = 0; o < b.length; o++) {
    const plane = out.subarray(o * n * n, (o + 1) * n * n).fill(b[o]);
    for (let c = 0; c < inside; c++) addPlane(padded, c * wide * wide, w, 9 * (o * inside + c), n, plane);
  }
  return out;
}

/**
 * Add one padded channel, convolved with the nine weights at w[k], to a plane.
 *
 * @param {Float32Array} h @param {number} from @param {Float32Array} w @param {number} k @param {number} n
 * @param {Float32Array} plane
 */
function addPlane(h, from, w, k, n, plane) {
  const wide = n + 2, [a, b, c, d, e, f, g, p, q] = w.subarray(k, k + 9);
  for (let y = 0, i = 0; y < n; y++) {
    for (let x = 0; x < n; x++, i++) {
      const t = from + y * wide + x, m = t + wide, l = m + wide;
      plane[i] += a * h[t] + b * h[t + 1] + c * h[t + 2] + d * h[m] + e * h[m + 1] + f * h[m + 2]
        + g * h[l] + p * h[l + 1] + q * h[l + 2];
    }
  }
}

/** Every place of n x n four times. @param {Float32Array} h @param {number} n */
function upsampled(h, n) {
  const out = new Float32Array(4 * h.length), wide = 2 * n;
  for (let i = 0; i < out.length; i++) {
    const c = Math.floor(i / (wide * wide)), y = Math.floor(i / wide) % wide, x = i % wide;
    out[i] = h[(c * n + (y >> 1)) * n + (x >> 1)];
  }
  return out;
}

/** Four channels of n x n as one of 2 n x 2 n. @param {Float32Array} h @param {number} n */
function unfolded(h, n) {
  const out = new Float32Array(4 * n * n), wide = 2 * n;
  for (let i = 0; i < out.length; i++) {
    const y = Math.floor(i / wide), x = i % wide;
    out[i] = h[((2 * (y % 2) + (x % 2)) * n + (y >> 1)) * n + (x >> 1)];
  }
  return out;
}
