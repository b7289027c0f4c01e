// A small assembler of WebAssembly: what kernel.js is written in. An expression is a nested list of bytes, its
// arguments before its operation, for WebAssembly is a stack machine. A vector is four floats, or four integers.
// The numbers are the opcodes of the WebAssembly specification, chapter 5.4.

/** @typedef {(number | Code)[]} Code */
/** @typedef {{ name: string, parameters: number, code: Code }} Definition */

/** A whole number >= 0 in groups of seven bits. @param {number} n @returns {number[]} */
const unsigned = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)]);

/** @param {number} n @returns {number[]} */
const signed = (n) => (n >= -64 && n < 64 ? [n & 127] : [(n & 127) | 128, ...signed(n >> 7)]);

/** @param {Code} code @returns {number[]} */
const flat = (code) => code.flatMap((part) => (typeof part === "number" ? part : flat(part)));

/** A list with its length before it. @param {Code} items */
const counted = (items) => [unsigned(items.length), items];

/** An operation on vectors. @param {number} opcode */
const vector = (opcode) => (/** @type {Code[]} */ ...of) => /** @type {Code} */ ([of, 0xfd, unsigned(opcode)]);

export const add = vector(0xe4);
export const sub = vector(0xe5);
export const mul = vector(0xe6);
export const div = vector(0xe7);
export const sqrt = vector(0xe3);
export const abs = vector(0xe0);
export const neg = vector(0xe1);
export const min = vector(0xe8);
export const max = vector(0xe9);
export const more = vector(0x44);
export const round = vector(0x6a);
export const toInt = vector(0xf8);
export const addInt = vector(0xae);
export const notEqual = vector(0x38);
export const and = vector(0x4e);
export const xor = vector(0x51);
export const choose = vector(0x52); // (a, b, mask): the bits of a where the mask has ones, else those of b
export const fused = vector(0x105); // (a, b, c): a b + c with one rounding, of relaxed SIMD
/** a b + c with two roundings. @param {Code} a @param {Code} b @param {Code} c */
export const twoStep = (a, b, c) => add(mul(a, b), c);

/** @param {number} n @returns {Code} */
export const int = (n) => [0x41, signed(n)];
/** @param {Code} a @param {Code} b @returns {Code} */
export const plus = (a, b) => [a, b, 0x6a];
/** @param {Code} a @param {number} n @returns {Code} */
export const timesInt = (a, n) => [a, int(n), 0x6c];

/** Four floats from memory. @param {Code} at @returns {Code} */
export const load = (at, offset = 0) => [at, 0xfd, 0, 2, unsigned(offset)];
/** One float from memory, four times. @param {Code} at @returns {Code} */
export const spread = (at, offset = 0) => [at, 0xfd, 9, 2, unsigned(offset)];
/** @param {Code} at @param {Code} value @returns {Code} */
export const store = (at, value, offset = 0) => [at, value, 0xfd, 11, 2, unsigned(offset)];

/** @param {ArrayBuffer} bits @returns {Code} */
function four(bits) {
  const once = [...new Uint8Array(bits)];
  return [0xfd, 12, once, once, once, once];
}
/** Four times a float. @param {number} x */
export const num = (x) => four(Float32Array.of(x).buffer);
/** Four times an integer. @param {number} n */
export const ints = (n) => four(Int32Array.of(n).buffer);
/** Shift integers to the left. @param {Code} v @param {number} bits @returns {Code} */
export const shift = (v, bits) => [v, int(bits), 0xfd, unsigned(0xab)];
/** Four of the eight lanes of a and b. @param {Code} a @param {Code} b @param {number[]} of @returns {Code} */
export const lanes = (a, b, ...of) => [a, b, 0xfd, 13, of.map((lane) => [0, 1, 2, 3].map((byte) => 4 * lane + byte))];

/** @param {Code} variable @param {Code} value @returns {Code} */
export const set = (variable, value) => [value, 0x21, variable[1]];
/** @param {Code} variable @param {Code} by @returns {Code} */
export const step = (variable, by) => set(variable, plus(variable, by));
/**
 * Do the body, step the variable, and again while it is below the end: at least once.
 *
 * @param {Code} variable @param {Code} end @param {number} by @param {Code} body @returns {Code}
 */
export const loop = (variable, end, by, ...body) =>
  [3, 0x40, body, step(variable, int(by)), variable, end, 0x49, 0x0d, 0, 0x0b];

const INT = 0x7f, VECTOR = 0x7b;

/**
 * A function of integers without a result. body is given its parameters, and makes variables: n integers, n vectors.
 *
 * @param {string} name @param {number} parameters
 * @param {(of: Code[], integers: (n: number) => Code[], vectors: (n: number) => Code[]) => Code} body
 * @returns {Definition}
 */
export function define(name, parameters, body) {
  const locals = /** @type {number[]} */ ([]);
  const variable = (/** @type {number} */ type) => [0x20, parameters + locals.push(type) - 1];
  const many = (/** @type {number} */ n, /** @type {number} */ type) => Array.from({ length: n }, () => variable(type));
  const given = Array.from({ length: parameters }, (_, k) => [0x20, k]);
  const code = body(given, (n) => many(n, INT), (n) => many(n, VECTOR));
  return { name, parameters, code: [counted(locals.map((type) => [1, type])), code, 0x0b] };
}

/** A module of these functions on an imported memory. @param {Definition[]} functions */
export function moduleOf(functions) {
  const text = (/** @type {string} */ s) => counted([...s].map((c) => c.charCodeAt(0)));
  const section = (/** @type {number} */ id, /** @type {Code} */ items) => [id, counted(flat(counted(items)))];
  return new Uint8Array(flat([
    [0, 97, 115, 109, 1, 0, 0, 0],
    section(1, functions.map(({ parameters }) => [0x60, counted(Array(parameters).fill(INT)), 0])),
    section(2, [[text("page"), text("memory"), 2, 0, 1]]),
    section(3, functions.map((_, k) => k)),
    section(7, functions.map(({ name }, k) => [text(name), 0, k])),
    section(10, functions.map(({ code }) => counted(flat(code)))),
  ]));
}
