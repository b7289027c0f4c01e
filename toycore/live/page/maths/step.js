// One step of a sampler by its formula in `samplers`, which Python sent as a tree (live/formula.py).
//
// x, x0_hat and noise are arrays of points. A step is linear in them, so a value is a number or a sum c_1 a_1 + c_2 a_2
// + ... of arrays, and the arrays are gone through once at the end, or where D needs its x.

/** @import { Denoiser, Rule, Statement, Tree } from "../types.js" */

/** The weights of arrays in a sum. @typedef {Map<Float32Array, number>} Sum */
/** The number 0 also stands for an array of zeros. @typedef {number | Sum} Value */
/** What the letters of a formula stand for. @typedef {Record<string, Value>} Letters */
/** What a step calls. @typedef {{ D: Denoiser, z: () => Float32Array }} Calls */

/** @type {Record<string, (a: Value, b: Value) => Value>} */
const SIGNS = {
  "+": (a, b) => plus(a, 1, b),
  "-": (a, b) => plus(a, -1, b),
  "*": (a, b) => typeof a === "number" ? times(a, b) : times(number(b), a),
  "/": (a, b) => times(1 / number(b), a),
  "**": (a, b) => number(a) ** number(b),
  "==": (a, b) => Number(a === b),
  "<": (a, b) => Number(a < b),
  ">": (a, b) => Number(a > b),
};

/** @param {Value} a */
function number(a) {
  if (typeof a !== "number") throw new TypeError("a step is linear in x, x0_hat and the noise");
  return a;
}

/** c a. @param {number} c @param {Value} a @returns {Value} */
function times(c, a) {
  return typeof a === "number" ? c * a : c === 0 ? 0 : new Map([...a].map(([points, weight]) => [points, c * weight]));
}

/** a + c b. @param {Value} a @param {number} c @param {Value} b @returns {Value} */
function plus(a, c, b) {
  if (typeof a === "number" && typeof b === "number") return a + c * b;
  const sum = new Map(terms(a));
  for (const [points, weight] of terms(b)) sum.set(points, (sum.get(points) ?? 0) + c * weight);
  return sum;
}

/** @param {Value} a @returns {Sum} */
function terms(a) {
  if (typeof a !== "number") return a;
  if (a !== 0) throw new TypeError("a step adds a number to an array");
  return new Map();
}

/**
 * The array that a sum is; x itself for the sum 1 x.
 *
 * @param {Value} value @param {number} length @returns {Float32Array}
 */
function gather(value, length) {
  const [[first, c] = [new Float32Array(length), 0], ...rest] = terms(value);
  if (c === 1 && !rest.length) return first;
  const out = new Float32Array(length);
  for (let i = 0; i < length; i++) out[i] = c * first[i];
  for (const [points, w] of rest) for (let i = 0; i < length; i++) out[i] += w * points[i];
  return out;
}

/** @param {Tree} tree @param {Letters} letters @param {Calls} calls @returns {Value} */
function evaluate(tree, letters, calls) {
  if (typeof tree === "number") return tree;
  if (typeof tree === "string") return letters[tree];
  const [sign, ...parts] = tree, part = (/** @type {number} */ i) => evaluate(parts[i], letters, calls);
  switch (sign) {
    case "if": return part(0) ? part(1) : part(2);
    case "D": return answer(calls.D, part(0), number(part(1)));
    case "randn_like": return new Map([[calls.z(), 1]]);
    case "torch.zeros_like": return 0;
    case "math.log": return Math.log(number(part(0)));
  }
  const first = part(0);
  return sign === "*" && first === 0 ? 0 : SIGNS[sign](first, part(1)); // noise is drawn where it is used
}

/** @param {Denoiser} D @param {Value} x @param {number} sigma @returns {Sum} */
function answer(D, x, sigma) {
  const [[points]] = /** @type {Sum} */ (x), at = gather(x, points.length);
  return new Map([[D(sigma, at, new Float32Array(at.length)), 1]]);
}

/**
 * What the statements of a step give.
 *
 * @param {Statement[]} lines @param {Letters} letters @param {Calls} calls @returns {Value[]}
 */
function run(lines, letters, calls) {
  for (const line of lines) {
    if ("give" in line) return line.give.map((tree) => evaluate(tree, letters, calls));
    if ("set" in line) letters[line.set] = evaluate(line.to, letters, calls);
    else if (evaluate(line.when, letters, calls)) return run(line.then, letters, calls);
  }
  return [0, 0, 0];
}

/**
 * Step from sigma to next: the predicted part, and where the step ends, the same array where nothing is random. z()
 * gives fresh normals and is called only where they are used: they cost as much as D.
 *
 * @param {Rule} rule @param {Denoiser} D @param {number} sigma @param {number} next @param {Float32Array} x
 * @param {() => Float32Array} z
 */
export function step(rule, D, sigma, next, x, z) {
  const letters = { ...rule.values, x: new Map([[x, 1]]), sigma, sigma_next: next };
  const [, sum, fresh] = run(rule.step, letters, { D, z }), mean = gather(sum, x.length);
  return { mean, x: fresh ? gather(plus(new Map([[mean, 1]]), 1, fresh), x.length) : mean };
}
