// The arrays that Python packed, read from their bytes (the other half is `lattice.pack`).

/** @import { Arrays, Entry, Numbers } from "../types.js" */

const TYPES = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array, int32: Int32Array };

/**
 * Read the packed arrays by their index; float16 becomes Float32Array.
 *
 * @param {Entry[]} index @param {ArrayBufferView} bytes @returns {Arrays}
 */
export function unpack(index, bytes) {
  const whole = copy(bytes);
  return Object.fromEntries(index.map((entry) => [entry.name, { data: read(whole, entry), shape: entry.shape }]));
}

/** @param {ArrayBuffer} whole @param {Entry} entry @returns {Numbers} */
function read(whole, { dtype, shape, offset }) {
  const size = shape.reduce((a, b) => a * b, 1), raw = new TYPES[dtype](whole, offset, size);
  return raw instanceof Uint16Array ? floats(raw) : raw;
}

/**
 * Copy a DataView (its start need not be aligned) or a typed array to an ArrayBuffer of its own.
 *
 * @param {ArrayBufferView} bytes @returns {ArrayBuffer}
 */
function copy({ buffer, byteOffset, byteLength }) {
  return new Uint8Array(buffer, byteOffset, byteLength).slice().buffer;
}

/** The number that 16 bits mean (IEEE 754 binary16). @param {number} h */
export function half(h) {
  const sign = h & 0x8000 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** @type {Float32Array | null} every 16-bit pattern's number, made when first needed */
let halves = null;

/** @param {Uint16Array} raw */
function floats(raw) {
  const table = (halves ??= Float32Array.from({ length: 65536 }, (_, h) => half(h)));
  const out = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = table[raw[i]]; // five times as fast as Float32Array.from
  return out;
}
