// What a training is computed with, in plain JavaScript: for a page that may not compile WebAssembly.
//
// All numbers lie in one Float32Array M; a matrix is given by its place in M. Activations are [rows, C]: a row per
// feature, a column per point. Rows come in fours. kernel.js has the same operations in WebAssembly.

/** @typedef {(...places: number[]) => void} Operation */
/**
 * What network.js computes with.
 *
 * @typedef {object} Kernels
 * @property {"fma" | "simd" | "js"} name
 * @property {Operation} matmul (y, A, x, O, I, so, si): y = A x, with A[o, i] at A + o so + i si
 * @property {Operation} outer (G, d, x, O, I): G += d x^T, [O, I]
 * @property {Operation} silu (z, h, n): h = silu(z), then z = silu'(z)
 * @property {Operation} times (y, x, n): y = y x, number by number
 * @property {Operation} waves (S, c, u, f, F): S, c = sin, cos of f^T u, with f [2, F]
 * @property {Operation} adam (w, g, m, v, a, n, rates): a step, the average a, and g = 0; rates: see plain.adam
 */

/** Points in a block: what they need stays in a core's own cache. */
export const C = 128;

/** Below this, silu and its slope count as 0: they are smaller than 5e-8, and their products slow a processor down. */
export const TAIL = -20;

/** @param {Float32Array} M @returns {Kernels} */
export function plain(M) {
  return {
    name: "js",
    matmul: (y, A, x, O, I, so, si) => matmul(M, y, A, x, O, I, so, si),
    outer: (G, d, x, O, I) => outer(M, G, d, x, O, I),
    silu: (z, h, n) => silu(M, z, h, n),
    times: (y, x, n) => {
      for (let k = 0; k < n; k++) M[y + k] *= M[x + k];
    },
    waves: (S, c, u, f, F) => waves(M, S, c, u, f, F),
    adam: (w, g, m, v, a, n, rates) => adam(M, w, g, m, v, a, n, rates),
  };
}

/**
 * y[o, k] = sum_i A[o, i] x[i, k], four rows by two points at a time, so that sums stay in registers.
 *
 * @param {Float32Array} M @param {number} y @param {number} A @param {number} x @param {number} O @param {number} I
 * @param {number} so @param {number} si
 */
function matmul(M, y, A, x, O, I, so, si) {
  for (let o = 0; o < O; o += 4) {
    for (let k = 0; k < C; k += 2) {
      let p0 = 0, p1 = 0, p2 = 0, p3 = 0, q0 = 0, q1 = 0, q2 = 0, q3 = 0;
      for (let i = 0, at = x + k, a = A + o * so; i < I; i++, at += C, a += si) {
        const p = M[at], q = M[at + 1], a0 = M[a], a1 = M[a + so], a2 = M[a + 2 * so], a3 = M[a + 3 * so];
        p0 += a0 * p; p1 += a1 * p; p2 += a2 * p; p3 += a3 * p;
        q0 += a0 * q; q1 += a1 * q; q2 += a2 * q; q3 += a3 * q;
      }
      const to = y + o * C + k;
      M[to] = p0; M[to + C] = p1; M[to + 2 * C] = p2; M[to + 3 * C] = p3;
      M[to + 1] = q0; M[to + C + 1] = q1; M[to + 2 * C + 1] = q2; M[to + 3 * C + 1] = q3;
    }
  }
}

/**
 * G[o, i] += sum_k d[o, k] x[i, k], two by four at a time.
 *
 * @param {Float32Array} M @param {number} G @param {number} d @param {number} x @param {number} O @param {number} I
 */
function outer(M, G, d, x, O, I) {
  for (let o = 0; o < O; o += 2) {
    for (let i = 0; i < I; i += 4) {
      let p0 = 0, p1 = 0, p2 = 0, p3 = 0, q0 = 0, q1 = 0, q2 = 0, q3 = 0;
      for (let k = 0, at = d + o * C, b = x + i * C; k < C; k++, at++, b++) {
        const p = M[at], q = M[at + C], x0 = M[b], x1 = M[b + C], x2 = M[b + 2 * C], x3 = M[b + 3 * C];
        p0 += p * x0; p1 += p * x1; p2 += p * x2; p3 += p * x3;
        q0 += q * x0; q1 += q * x1; q2 += q * x2; q3 += q * x3;
      }
      const to = G + o * I + i;
      M[to] += p0; M[to + 1] += p1; M[to + 2] += p2; M[to + 3] += p3;
      M[to + I] += q0; M[to + I + 1] += q1; M[to + I + 2] += q2; M[to + I + 3] += q3;
    }
  }
}

/**
 * h = z s and z = silu'(z) = s + h (1 - s), with s = 1 / (1 + exp(-z)).
 *
 * @param {Float32Array} M @param {number} z @param {number} h @param {number} n
 */
function silu(M, z, h, n) {
  for (let k = 0; k < n; k++) {
    const x = M[z + k], s = x < TAIL ? 0 : 1 / (1 + Math.exp(-x));
    M[h + k] = x * s;
    M[z + k] = s + x * s * (1 - s);
  }
}

/**
 * S[j, k], c[j, k] = sin, cos of f[0, j] u[0, k] + f[1, j] u[1, k].
 *
 * @param {Float32Array} M @param {number} S @param {number} c @param {number} u @param {number} f @param {number} F
 */
function waves(M, S, c, u, f, F) {
  for (let j = 0; j < F; j++) {
    for (let k = 0; k < C; k++) {
      const phase = M[f + j] * M[u + k] + M[f + F + j] * M[u + C + k];
      M[S + j * C + k] = Math.sin(phase);
      M[c + j * C + k] = Math.cos(phase);
    }
  }
}

/**
 * One step of Adam (Kingma & Ba 2014) with betas .9 and .99, and a = w + keep (a - w).
 *
 * rates: lr / (1 - .9^t), 1 / sqrt(1 - .99^t), keep. The averages m and v of a weight whose gradient has died would
 * shrink to numbers that are slow to compute with: 1e-30 is added to one, and the other never falls below it.
 *
 * @param {Float32Array} M @param {number} w @param {number} g @param {number} m @param {number} v @param {number} a
 * @param {number} n @param {number} rates
 */
function adam(M, w, g, m, v, a, n, rates) {
  const rate = M[rates], scale = M[rates + 1], keep = M[rates + 2];
  for (let k = 0; k < n; k++) {
    const slope = M[g + k], size = Math.max(Math.abs(slope), 1e-15);
    M[m + k] = 0.9 * M[m + k] + 0.1 * slope + 1e-30;
    M[v + k] = 0.99 * M[v + k] + 0.01 * size * size;
    M[w + k] -= (rate * M[m + k]) / (scale * Math.sqrt(M[v + k]) + 1e-8);
    M[a + k] = M[w + k] + keep * (M[a + k] - M[w + k]);
    M[g + k] = 0;
  }
}
