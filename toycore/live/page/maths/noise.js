// Noise: the same numbers in Python (`lattice.normals`) and here, from counters and without hidden state.

/** Murmur3's finaliser: 32 bits in, 32 well-mixed bits out. @param {number} h */
export function mix(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * n standard normal points for (seed, step), by Box and Muller; step 0 is a walk's start.
 *
 * @param {number} seed @param {number} step @param {number} n
 */
export function normals(seed, step, n, out = new Float32Array(2 * n)) {
  const key = start(seed, step);
  for (let i = 0; i < 2 * n; i += 2) {
    const r = Math.sqrt(-2 * Math.log(uniform(key + i)));
    const angle = 2 * Math.PI * uniform(key + i + 1);
    out[i] = r * Math.cos(angle);
    out[i + 1] = r * Math.sin(angle);
  }
  return out;
}

/** n uniform numbers in (0, 1) for (seed, step). @param {number} seed @param {number} step @param {number} n */
export function uniforms(seed, step, n) {
  const key = start(seed, step), out = new Float64Array(n);
  for (let i = 0; i < n; i++) out[i] = uniform(key + i);
  return out;
}

/** The counter of the first number of (seed, step). @param {number} seed @param {number} step */
const start = (seed, step) => mix(mix((seed + 0x9e3779b9) >>> 0) + step);

/** A number in (0, 1). @param {number} counter */
const uniform = (counter) => (mix(counter >>> 0) + 0.5) / 4294967296;
