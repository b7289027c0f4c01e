// The operations of plain.js in WebAssembly with SIMD, written byte by byte when a training begins: no binary to keep,
// no compiler to have. Where a browser knows relaxed SIMD, a product and a sum take one instruction ("fma").
//
// In here all numbers count bytes: places, sizes and strides come times 4.

import { C, plain, TAIL } from "./plain.js";
import {
  abs, add, addInt, and, choose, define, div, fused, int, ints, lanes, load, loop, max, min, moduleOf, more, mul, neg,
  notEqual, num, plus, round, set, shift, spread, sqrt, step, store, sub, timesInt, toInt, twoStep, xor,
} from "./wasm.js";

/** @import { Kernels, Operation } from "./plain.js" */
/** @import { Code } from "./wasm.js" */
/** @typedef {(a: Code, b: Code, c: Code) => Code} Mad  a b + c */

const ROW = 4 * C, J = [0, 1, 2, 3];

/** y = A x: 4 rows by 8 points stay in registers. @param {Mad} mad */
const matmul = (mad) => define("matmul", 7, ([y, A, x, O, I, so, si], integers, vectors) => {
  const [o, k, i, at, a, row] = integers(6), sums = vectors(8), [left, right, weight] = vectors(3);
  const multiply = J.map((j) => [
    set(weight, spread(row)), step(row, so),
    set(sums[2 * j], mad(weight, left, sums[2 * j])), set(sums[2 * j + 1], mad(weight, right, sums[2 * j + 1])),
  ]);
  return loop(o, O, 16,
    set(k, int(0)),
    loop(k, int(ROW), 32,
      sums.map((sum) => set(sum, num(0))), set(at, plus(x, k)), set(a, A), set(i, int(0)),
      loop(i, I, 4,
        set(left, load(at)), set(right, load(at, 16)), set(row, a), multiply, step(at, int(ROW)), step(a, si)),
      set(at, plus(y, k)),
      J.map((j) => [store(at, sums[2 * j], j * ROW), store(at, sums[2 * j + 1], j * ROW + 16)])),
    step(y, int(4 * ROW)), step(A, timesInt(so, 4)));
});

/** [sum a, sum b, sum c, sum d] of the lanes, in ab. @param {Code[]} of @param {Code} ab @param {Code} cd */
const totals = ([a, b, c, d], ab, cd) => [
  set(ab, add(lanes(a, b, 0, 4, 1, 5), lanes(a, b, 2, 6, 3, 7))),
  set(cd, add(lanes(c, d, 0, 4, 1, 5), lanes(c, d, 2, 6, 3, 7))),
  set(ab, add(lanes(ab, cd, 0, 1, 4, 5), lanes(ab, cd, 2, 3, 6, 7))),
];

/** G += d x^T: 2 by 4 sums over the points stay in registers. @param {Mad} mad */
const outer = (mad) => define("outer", 5, ([G, d, x, O, I], integers, vectors) => {
  const [o, i, k, at, to] = integers(5), sums = vectors(8), [p, q, r] = vectors(3);
  return loop(o, O, 8,
    set(i, int(0)), set(at, x),
    loop(i, I, 16,
      sums.map((sum) => set(sum, num(0))), set(k, int(0)),
      loop(k, int(ROW), 16,
        set(p, load(plus(d, k))), set(q, load(plus(d, k), ROW)),
        J.map((j) => [
          set(r, load(plus(at, k), j * ROW)),
          set(sums[j], mad(p, r, sums[j])), set(sums[j + 4], mad(q, r, sums[j + 4])),
        ])),
      set(to, plus(G, i)), totals(sums.slice(0, 4), p, q), store(to, add(load(to), p)),
      set(to, plus(to, I)), totals(sums.slice(4), p, q), store(to, add(load(to), p)),
      step(at, int(4 * ROW))),
    step(G, plus(I, I)), step(d, int(2 * ROW)));
});

/** A polynomial in x by Horner's rule. @param {Mad} mad @param {Code} x @param {number[]} c */
const polynomial = (mad, x, ...[first, ...rest]) =>
  rest.reduce((p, c) => mad(p, x, num(c)), num(first));

/** exp(x), |x| < 88, to p: 2^n times a polynomial of the rest r (Cephes, expf). @param {Mad} mad @param {Code[]} v */
const exp = (mad, [x, n, r, p]) => [
  set(n, round(mul(x, num(Math.LOG2E)))),
  set(r, sub(sub(x, mul(n, num(0.693359375))), mul(n, num(-2.12194440e-4)))),
  set(p, polynomial(mad, r, 1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 0.16666665459, 0.5)),
  set(p, addInt(add(mad(p, mul(r, r), r), num(1)), shift(toInt(n), 23))),
];

/** h = z s and z = s + h (1 - s), s = 1 / (1 + exp(-z)), 0 below the tail. @param {Mad} mad */
const silu = (mad) => define("silu", 3, ([z, h, n], integers, vectors) => {
  const [k, at] = integers(2), [value, x, m, r, s] = vectors(5);
  return loop(k, n, 16,
    set(at, plus(z, k)), set(value, load(at)),
    set(x, max(min(neg(value), num(80)), num(-80))), exp(mad, [x, m, r, s]),
    set(s, and(div(num(1), add(num(1), s)), more(value, num(TAIL)))),
    set(x, mul(value, s)), store(plus(h, k), x), store(at, mad(x, sub(num(1), s), s)));
});

const times = () => define("times", 3, ([y, x, n], integers) => {
  const [k] = integers(1);
  return loop(k, n, 16, store(plus(y, k), mul(load(plus(y, k)), load(plus(x, k)))));
});

/**
 * sin and cos of x: of the rest r after q quarters of a turn, then exchanged and turned (Cephes, sinf and cosf).
 *
 * @param {Mad} mad @param {Code[]} v x first; the results are in the last two
 */
const sinCos = (mad, [x, n, q, r, r2, sin, cos]) => {
  const turned = (/** @type {Code} */ v, /** @type {Code} */ quarters) => xor(v, shift(and(quarters, ints(2)), 30));
  return [
    set(n, round(mul(x, num(2 / Math.PI)))), set(q, toInt(n)),
    set(r, sub(sub(sub(x, mul(n, num(1.5703125))), mul(n, num(4.8375129699707e-4))), mul(n, num(7.54978995489e-8)))),
    set(r2, mul(r, r)),
    set(sin, mad(polynomial(mad, r2, -1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1), mul(r2, r), r)),
    set(cos, polynomial(mad, r2, 2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2)),
    set(cos, mad(cos, mul(r2, r2), mad(num(-0.5), r2, num(1)))),
    set(x, notEqual(and(q, ints(1)), ints(0))), set(n, choose(cos, sin, x)), set(r, choose(sin, cos, x)),
    set(sin, turned(n, q)), set(cos, turned(r, addInt(q, ints(1)))),
  ];
};

/** S, c = sin, cos of f[0] u[0] + f[1] u[1]. @param {Mad} mad */
const waves = (mad) => define("waves", 5, ([S, c, u, f, F], integers, vectors) => {
  const [j, k] = integers(2), [f0, f1, ...v] = vectors(9), [x] = v, [sin, cos] = v.slice(-2);
  return loop(j, F, 4,
    set(f0, spread(f)), set(f1, spread(plus(f, F))), step(f, int(4)), set(k, int(0)),
    loop(k, int(ROW), 16,
      set(x, mad(f0, load(plus(u, k)), mul(f1, load(plus(u, k), ROW)))), sinCos(mad, v),
      store(plus(S, k), sin), store(plus(c, k), cos)),
    step(S, int(ROW)), step(c, int(ROW)));
});

/** See `adam` in plain.js. @param {Mad} mad */
const adam = (mad) => define("adam", 7, ([w, g, m, v, a, n, rates], integers, vectors) => {
  const [k] = integers(1), [slope, mean, square, weight] = vectors(4);
  const at = (/** @type {Code} */ array) => plus(array, k);
  const size = max(abs(slope), num(1e-15)), root = add(mul(spread(rates, 4), sqrt(square)), num(1e-8));
  return loop(k, n, 16,
    set(slope, load(at(g))), store(at(g), num(0)),
    set(mean, mad(num(0.9), load(at(m)), mad(num(0.1), slope, num(1e-30)))), store(at(m), mean),
    set(square, mad(num(0.99), load(at(v)), mul(num(0.01), mul(size, size)))), store(at(v), square),
    set(weight, sub(load(at(w)), div(mul(spread(rates), mean), root))), store(at(w), weight),
    store(at(a), mad(spread(rates, 8), sub(load(at(a)), weight), weight)));
});

/** The module's bytes. @param {Mad} mad */
export const assemble = (mad) =>
  moduleOf([matmul(mad), outer(mad), silu(mad), times(), waves(mad), adam(mad)]);

const MADS = { fma: fused, simd: twoStep };

/**
 * The kernels on a memory of so many floats: those of this name ("fma", "simd" or "js"), or an error; without a name
 * the fastest that this browser knows and this page's policy allows.
 *
 * @param {number} floats @param {string} [wanted] @returns {{ M: Float32Array, kernels: Kernels }}
 */
export function kernelsOf(floats, wanted) {
  for (const name of /** @type {const} */ (["fma", "simd"])) {
    if ((wanted ?? name) !== name) continue;
    try {
      return compiled(name, floats);
    } catch (error) {
      if (wanted) throw error;
    }
  }
  if ((wanted ?? "js") !== "js") throw new Error(`kernels are "${wanted}"; there are "fma", "simd" and "js"`);
  const M = new Float32Array(floats);
  return { M, kernels: plain(M) };
}

/** @param {"fma" | "simd"} name @param {number} floats */
function compiled(name, floats) {
  const memory = new WebAssembly.Memory({ initial: Math.ceil((4 * floats) / 65536) });
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(assemble(MADS[name])), { page: { memory } });
  const run = /** @type {Record<keyof Kernels, Operation>} */ (/** @type {unknown} */ (exports));
  const inBytes = (/** @type {keyof Kernels} */ key) => (/** @type {number[]} */ ...places) =>
    run[key](...places.map((place) => 4 * place));
  const kernels = {
    name, matmul: inBytes("matmul"), outer: inBytes("outer"), silu: inBytes("silu"), times: inBytes("times"),
    waves: inBytes("waves"), adam: inBytes("adam"),
  };
  return { M: new Float32Array(memory.buffer), kernels };
}
