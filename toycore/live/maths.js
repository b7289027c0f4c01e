// The mathematics of the live views: no page, no canvas, no state. Letters as in the course:
// x a noisy point in the VE frame, sigma its noise level, D the Denoiser, x0_hat = D(x, sigma).
// A batch of points is one flat array x0 y0 x1 y1 ...

// ---- bytes -------------------------------------------------------------------------------------

const TYPES = { float32: Float32Array, float16: Uint16Array, uint8: Uint8Array, int32: Int32Array };

/** Read the arrays that Python packed: {name: {data, shape}}; float16 becomes Float32Array. */
export function unpack(index, bytes) {
  const whole = copy(bytes);
  const arrays = {};
  for (const { name, dtype, shape, offset } of index) {
    const size = shape.reduce((a, b) => a * b, 1);
    const raw = new TYPES[dtype](whole, offset, size);
    arrays[name] = { data: dtype === "float16" ? floats(raw) : raw, shape };
  }
  return arrays;
}

/** Copy a DataView (its start need not be aligned) or a typed array to an ArrayBuffer of its own. */
function copy(bytes) {
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

/** The number that 16 bits mean (IEEE 754 binary16). */
export function half(h) {
  const sign = h & 0x8000 ? -1 : 1, exponent = (h >> 10) & 31, fraction = h & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let halves = null;
function floats(raw) {
  halves ??= Float32Array.from({ length: 65536 }, (_, h) => half(h));
  const out = new Float32Array(raw.length);
  for (let i = 0; i < raw.length; i++) out[i] = halves[raw[i]];
  return out;
}

// ---- clocks, frames, grids of noise levels -----------------------------------------------------

export const clocks = {
  alphaBar: (sigma) => 1 / (1 + sigma * sigma),
  flow: (sigma) => sigma / (1 + sigma),
};

/** x_frame = scale(sigma) x. */
export const scales = {
  VE: () => 1,
  VP: (sigma) => 1 / Math.sqrt(1 + sigma * sigma),
  flow: (sigma) => 1 / (1 + sigma),
};

/** DDPM's linear betas as levels, sigma_i = sqrt((1 - alpha_bar_i) / alpha_bar_i), i = 1..T. */
export function ddpmLevels(T = 1000, first = 1e-4, last = 0.02) {
  let alphaBar = 1;
  return Float64Array.from({ length: T }, (_, i) => {
    alphaBar *= 1 - (first + ((last - first) * i) / (T - 1));
    return Math.sqrt((1 - alphaBar) / alphaBar);
  });
}

/** The place of sigma among increasing levels (level i + 1 is step i + 1), linear in ln sigma. */
export function stepOf(sigma, levels) {
  const T = levels.length;
  if (sigma <= levels[0]) return sigma / levels[0];
  if (sigma >= levels[T - 1]) return T;
  let i = 1;
  while (levels[i] < sigma) i++;
  return i + Math.log(sigma / levels[i - 1]) / Math.log(levels[i] / levels[i - 1]);
}

/** n + 1 decreasing levels that end in 0: "log-linear", "karras" (rho = 7), "ddpm", "flow". */
export function grid(name, n, low, high) {
  const even = (i) => (n === 1 ? 0 : i / (n - 1));
  const all = name === "ddpm" ? ddpmLevels().reverse() : null;
  const level = {
    "log-linear": (i) => high * (low / high) ** even(i),
    karras: (i) => (high ** (1 / 7) + even(i) * (low ** (1 / 7) - high ** (1 / 7))) ** 7,
    ddpm: (i) => all[halfEven(even(i) * (all.length - 1))],
    flow: (i) => { const t = (high / (1 + high)) * (1 - i / n); return t / (1 - t); },
  }[name];
  return [...Array.from({ length: n }, (_, i) => level(i)), 0];
}

/** Round, a tie to the even neighbour: torch's rule. */
function halfEven(x) {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 ? r - 1 : r;
}

// ---- noise: the same numbers in Python (lattice.normals) and here ------------------------------

/** Murmur3's finaliser: 32 bits in, 32 well-mixed bits out. */
export function mix(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** n standard normal points for (seed, step), by Box and Muller from a counter: no hidden state. */
export function normals(seed, step, n, out = new Float32Array(2 * n)) {
  const key = mix(mix((seed + 0x9e3779b9) >>> 0) + step);
  for (let i = 0; i < 2 * n; i += 2) {
    const r = Math.sqrt(-2 * Math.log(uniform(key + i)));
    const angle = 2 * Math.PI * uniform(key + i + 1);
    out[i] = r * Math.cos(angle);
    out[i + 1] = r * Math.sin(angle);
  }
  return out;
}

const uniform = (counter) => (mix(counter >>> 0) + 0.5) / 4294967296;

// ---- the field: a raw output F on a lattice, as in Karras et al. 2022, eq. 7 -------------------
//
//   x0_hat = m + c_skip (x - m) + c_out F(u, sigma),   u = c_in (x - m),   s = sigma_data,
//   c_skip = s^2 / (sigma^2 + s^2)   c_out = sigma s / sqrt(sigma^2 + s^2)   c_in = 1 / sqrt(sigma^2 + s^2)
//
// F is of size 1 at every level, so it is what we interpolate: cubic in ln sigma, then cubic (Catmull
// and Rom; a B-spline was measured to be worse, F has kinks between the arms) in u. A mixture of fields is a list of [lattice, weight]; guidance, its
// negative forms and the error of a network are all of this kind, since x0_hat is linear in F.

/** All levels of a field on the places of the finest: level k comes as sizes[k]^2 places (few where F is
 * smooth) and leaves as size^2; Float32Array [levels, size, size, 2]. */
export function refine({ size, sizes }, pages) {
  const out = new Float32Array(sizes.length * 2 * size * size);
  let from = 0;
  sizes.forEach((n, k) => {
    const wide = along(pages.subarray(from, (from += 2 * n * n)), n, n, size);
    out.set(along(wide, size, n, size), k * 2 * size * size);
  });
  return out;
}

/** Interpolate [n, m, 2] to `size` places along its first axis, and swap the axes: [m, size, 2]. */
function along(page, m, n, size) {
  if (n === size && m === size) return page;
  const out = new Float32Array(2 * m * size), w = new Float64Array(4);
  for (let i = 0; i < size; i++) {
    const first = cubic((i * (n - 1)) / (size - 1), n, w), rows = [0, 1, 2, 3].map((r) => 2 * m * at0(first + r, n));
    for (let j = 0; j < m; j++) {
      for (let c = 0; c < 2; c++) {
        const at = 2 * j + c;
        out[2 * (j * size + i) + c] = w[0] * page[rows[0] + at] + w[1] * page[rows[1] + at] + w[2] * page[rows[2] + at] + w[3] * page[rows[3] + at];
      }
    }
  }
  return out;
}

/** geometry: {size, reach, warp, mean: [x, y], s, levels: increasing}; lattice: Float32Array [levels, size, size, 2]. */
export function slice(geometry, terms, sigma, out) {
  const { size, levels } = geometry, page = 2 * size * size, [first, w] = through(levels, sigma);
  const [p, q, r, s] = w.map((_, i) => page * Math.max(0, Math.min(levels.length - 1, first + i)));
  out.fill(0);
  for (const [lattice, weight] of terms) {
    const [a, b, c, d] = w.map((v) => v * weight);
    for (let i = 0; i < page; i++) out[i] += a * lattice[p + i] + b * lattice[q + i] + c * lattice[r + i] + d * lattice[s + i];
  }
  return out;
}

/** The knot below sigma and the share of the way to the next, in ln sigma; clamped to the knots. */
export function between(levels, sigma) {
  const last = levels.length - 2;
  let k = 0;
  while (k < last && levels[k + 1] <= sigma) k++;
  const part = Math.log(Math.max(sigma, 1e-9) / levels[k]) / Math.log(levels[k + 1] / levels[k]);
  return [k, Math.min(1, Math.max(0, part))];
}

/** The cubic in ln sigma through two knots, with the slopes there of the parabolas through three:
 * [index of the first of four levels, their weights]; a straight slope at either end. */
export function through(levels, sigma) {
  const [k, t] = between(levels, sigma), gap = (i) => Math.log(levels[i + 1] / levels[i]), h = gap(k);
  const w = [0, (1 - t) ** 2 * (1 + 2 * t), t * t * (3 - 2 * t), 0];
  const slope = (at, before, after, c) => { // of a parabola with these gaps beside the knot w[at], times c
    w[at - 1] -= (c * after) / (before * (before + after));
    w[at] += c * (1 / before - 1 / after);
    w[at + 1] += (c * before) / (after * (before + after));
  };
  const straight = (c) => { w[1] -= c / h; w[2] += c / h; };
  const up = h * t * (1 - t) ** 2, down = -h * t * t * (1 - t);
  k > 0 ? slope(1, gap(k - 1), h, up) : straight(up);
  k < levels.length - 2 ? slope(2, h, gap(k + 1), down) : straight(down);
  return [k - 1, w];
}

/** sum_i weight_i x0_hat_i at the points x; F: a slice. Outside the lattice x0_hat is that of
 * the edge, straight towards the mean. */
export function denoise(geometry, terms, F, sigma, x, out) {
  const { size, reach, warp, mean, s } = geometry;
  const total = terms.reduce((sum, [, weight]) => sum + weight, 0);
  const norm = Math.sqrt(sigma * sigma + s * s), cSkip = (s / norm) ** 2, cOut = (sigma * s) / norm;
  const half = (size - 1) / 2, perCell = half / Math.asinh(warp * reach), wx = new Float64Array(4), wy = new Float64Array(4);
  for (let i = 0; i < x.length; i += 2) {
    let u = (x[i] - mean[0]) / norm, v = (x[i + 1] - mean[1]) / norm;
    const inside = Math.min(1, reach / Math.max(Math.abs(u), Math.abs(v)));
    u *= inside;
    v *= inside;
    const column = cubic(half + perCell * Math.asinh(warp * u), size, wx);
    const row = cubic(half + perCell * Math.asinh(warp * v), size, wy);
    let fx = 0, fy = 0;
    for (let r = 0; r < 4; r++) {
      const at = 2 * (at0(row + r, size) * size);
      for (let c = 0; c < 4; c++) {
        const w = wy[r] * wx[c], j = at + 2 * at0(column + c, size);
        fx += w * F[j];
        fy += w * F[j + 1];
      }
    }
    out[i] = total * (mean[0] + cSkip * u * norm) + cOut * fx;
    out[i + 1] = total * (mean[1] + cSkip * v * norm) + cOut * fy;
  }
  return out;
}

const at0 = (i, size) => (i < 0 ? 0 : i >= size ? size - 1 : i);

/** The four Catmull-Rom weights at a place along the lattice; returns the index of the first. */
function cubic(place, size, w) {
  const i = Math.max(0, Math.min(Math.floor(place), size - 2)), t = place - i;
  w[0] = -0.5 * t * (1 - t) * (1 - t);
  w[1] = 1 + t * t * (1.5 * t - 2.5);
  w[2] = t * (0.5 + t * (2 - 1.5 * t));
  w[3] = 0.5 * t * t * (t - 1);
  return i - 1;
}

/** eps_hat = (x - x0_hat) / sigma; for a difference of fields (weights that sum to 0) x drops out. */
export function noiseOf(terms, sigma, x, x0, out) {
  const total = terms.reduce((sum, [, weight]) => sum + weight, 0);
  for (let i = 0; i < x.length; i++) out[i] = (total * x[i] - x0[i]) / sigma;
  return out;
}

// ---- guidance: weights of the lattices ---------------------------------------------------------

/** s = 0: unconditional, 1: conditional, more: extrapolated. */
export const guided = (weak, strong, s) => [[weak, 1 - s], [strong, s]];

/** "two-term": eps + sPos (eps_p - eps) - sNeg (eps_n - eps);  "replace": eps_n + sPos (eps_p - eps_n). */
export function negative(free, positive, avoided, sPos, sNeg, form) {
  if (form === "replace") return guided(avoided, positive, sPos);
  return [[free, 1 - sPos + sNeg], [positive, sPos], [avoided, -sNeg]];
}

// ---- walks -------------------------------------------------------------------------------------

/**
 * One step from sigma to next: writes the deterministic part to mean and where the step ends to out.
 * rule: {sampler, noise, eta}; D(sigma, x, out) writes x0_hat; z() gives fresh normals; keep = (next/sigma)^2.
 */
export function step(rule, D, sigma, next, x, z, mean, out) {
  const keep = (next / sigma) ** 2, x0 = D(sigma, x, mean);
  const b = rule.eta * next * Math.sqrt(1 - keep);
  const [share, fresh] = {
    ddpm: [keep, rule.noise * next * Math.sqrt(1 - keep)],
    ddim: [Math.sqrt(next * next - b * b) / sigma, b],
    heun: [next / sigma, 0],
    sde: [keep, rule.noise * Math.sqrt(2 * next * (sigma - next))], // Euler-Maruyama
  }[rule.sampler];
  for (let i = 0; i < x.length; i++) mean[i] = x0[i] + share * (x[i] - x0[i]);
  if (rule.sampler === "heun" && next > 0) correct(D, sigma, next, x, mean, out);
  out.set(mean);
  if (!fresh) return;
  const noise = z(); // made only where it is used: it costs as much as D
  for (let i = 0; i < x.length; i++) out[i] += fresh * noise[i];
}

/** Heun's second half: the slope at the step's end is averaged in. mean holds the Euler step. */
function correct(D, sigma, next, x, mean, scratch) {
  const x0 = D(next, mean, scratch);
  for (let i = 0; i < x.length; i++) {
    const d = (mean[i] - x[i]) / (next - sigma), dNext = (mean[i] - x0[i]) / next;
    mean[i] = x[i] + ((next - sigma) * (d + dNext)) / 2;
  }
}

/** A walk that has not begun: its start is sigmas[0] times the seed's normals. */
export function startWalk(sigmas, n, seed) {
  const x = normals(seed, 0, n).map((z) => sigmas[0] * z);
  return { sigmas, n, seed, xs: [x], means: [x] };
}

/** Take the next step of a walk; the fresh noise of step k is that of (seed, k). */
export function advance(walk, rule, D) {
  const k = walk.xs.length, x = walk.xs[k - 1];
  const mean = new Float32Array(x.length), out = new Float32Array(x.length);
  step(rule, D, walk.sigmas[k - 1], walk.sigmas[k], x, () => normals(walk.seed, k, walk.n), mean, out);
  walk.xs.push(out);
  walk.means.push(mean);
}

/** Walk on until step k is known; return x there. */
export function walkTo(walk, k, rule, D) {
  while (walk.xs.length <= k) advance(walk, rule, D);
  return walk.xs[k];
}

/** Forward noising in one pass: x(sigma_k) = x(sigma_{k-1}) + sqrt(sigma_k^2 - sigma_{k-1}^2) z. */
export function noiseUp(x0, levels, seed) {
  const xs = [Float32Array.from(x0)];
  for (let k = 1; k < levels.length; k++) {
    const z = normals(seed, 1000 + k, x0.length / 2), size = Math.sqrt(levels[k] ** 2 - levels[k - 1] ** 2);
    xs.push(xs[k - 1].map((x, i) => x + size * z[i]));
  }
  return xs;
}

// ---- the exact mixture: {means, std, weight, label} --------------------------------------------

/**
 * p_sigma (given the label, if it is >= 0) on an n x n raster of the box |x - centre| < half, rows from the top, over its peak;
 * returns the peak. Each Gaussian is a product g(x) g(y), and is cut off at 3.5 of its widths.
 */
export function density(mixture, sigma, label, centre, half, n, out) {
  out.fill(0);
  const cell = (2 * half) / n, gx = new Float64Array(n);
  for (let k = 0; k < mixture.weight.length; k++) {
    if (label >= 0 && mixture.label[k] !== label) continue;
    const v = mixture.std[k] ** 2 + sigma * sigma, reach = 3.5 * Math.sqrt(v);
    const mx = mixture.means[2 * k] - centre[0] + half, my = half - (mixture.means[2 * k + 1] - centre[1]);
    const [left, right] = span(mx, reach, cell, n), [top, bottom] = span(my, reach, cell, n);
    for (let c = left; c < right; c++) gx[c] = Math.exp(-(((c + 0.5) * cell - mx) ** 2) / (2 * v));
    for (let r = top; r < bottom; r++) {
      const w = (mixture.weight[k] / (2 * Math.PI * v)) * Math.exp(-(((r + 0.5) * cell - my) ** 2) / (2 * v));
      for (let c = left, j = r * n + left; c < right; c++, j++) out[j] += w * gx[c];
    }
  }
  let peak = 1e-30, total = 0;
  for (let k = 0; k < mixture.weight.length; k++) if (label < 0 || mixture.label[k] === label) total += mixture.weight[k];
  for (let i = 0; i < n * n; i++) if (out[i] > peak) peak = out[i];
  for (let i = 0; i < n * n; i++) out[i] /= peak;
  return peak / total;
}

const span = (m, reach, cell, n) => [
  Math.max(0, Math.floor((m - reach) / cell)),
  Math.min(n, Math.ceil((m + reach) / cell)),
];

/** The posterior weights p(component k | x) at level sigma, and the mean E[x0 | x] they make. */
export function posterior(mixture, sigma, label, x, y) {
  const n = mixture.weight.length, r = new Float64Array(n);
  let top = -Infinity, sum = 0, mx = 0, my = 0;
  for (let k = 0; k < n; k++) {
    const v = mixture.std[k] ** 2 + sigma * sigma;
    const d2 = (x - mixture.means[2 * k]) ** 2 + (y - mixture.means[2 * k + 1]) ** 2;
    const mine = label < 0 || mixture.label[k] === label;
    r[k] = mine ? Math.log(mixture.weight[k]) - Math.log(v) - d2 / (2 * v) : -Infinity;
    top = Math.max(top, r[k]);
  }
  for (let k = 0; k < n; k++) sum += r[k] = Math.exp(r[k] - top);
  for (let k = 0; k < n; k++) {
    r[k] /= sum;
    const g = sigma ** 2 / (mixture.std[k] ** 2 + sigma * sigma);
    mx += r[k] * (g * mixture.means[2 * k] + (1 - g) * x);
    my += r[k] * (g * mixture.means[2 * k + 1] + (1 - g) * y);
  }
  return { weights: r, mean: [mx, my], effective: 1 / r.reduce((s, w) => s + w * w, 0) };
}

/** The most probable class of each point at level 0 (with at least `blur` of width). */
export function classOf(mixture, classes, x, blur = 0.02) {
  const { means, label } = mixture, n = mixture.weight.length, logs = new Float64Array(n);
  const two = Float64Array.from(mixture.std, (std) => 2 * Math.max(std, blur) ** 2); // twice the variance
  const height = Float64Array.from(mixture.weight, (w, k) => Math.log((2 * w) / two[k]));
  return Int32Array.from({ length: x.length / 2 }, (_, i) => {
    const top = new Float64Array(classes).fill(-Infinity), sum = new Float64Array(classes);
    for (let k = 0; k < n; k++) {
      logs[k] = height[k] - ((x[2 * i] - means[2 * k]) ** 2 + (x[2 * i + 1] - means[2 * k + 1]) ** 2) / two[k];
      if (logs[k] > top[label[k]]) top[label[k]] = logs[k];
    }
    for (let k = 0; k < n; k++) {
      const below = logs[k] - top[label[k]];
      if (below > -30) sum[label[k]] += Math.exp(below); // the others change nothing
    }
    const score = Array.from(sum, (s, c) => Math.log(s) + top[c]);
    return score.indexOf(Math.max(...score));
  });
}

// ---- measures ----------------------------------------------------------------------------------

/** Mean, and standard deviation about it, pooled over both axes. */
export function moments(x) {
  const n = x.length / 2;
  let mx = 0, my = 0, v = 0;
  for (let i = 0; i < x.length; i += 2) { mx += x[i] / n; my += x[i + 1] / n; }
  for (let i = 0; i < x.length; i += 2) v += ((x[i] - mx) ** 2 + (x[i + 1] - my) ** 2) / (2 * n);
  return { mean: [mx, my], std: Math.sqrt(v) };
}

/** The distance from each point of x to the nearest of data. */
export function distances(x, data) {
  const out = new Float64Array(x.length / 2);
  for (let i = 0; i < out.length; i++) {
    let best = Infinity;
    for (let j = 0; j < data.length; j += 2) {
      const d2 = (x[2 * i] - data[j]) ** 2 + (x[2 * i + 1] - data[j + 1]) ** 2;
      if (d2 < best) best = d2;
    }
    out[i] = Math.sqrt(best);
  }
  return out;
}

/** spread: std over the data's; coverage: share of data with a sample within the radius; distance: mean. */
export function measures(x, data, radius = 0.05) {
  const near = distances(data, x), far = distances(x, data);
  return {
    spread: moments(x).std / moments(data).std,
    coverage: near.reduce((c, d) => c + (d <= radius), 0) / near.length,
    distance: far.reduce((a, d) => a + d, 0) / far.length,
  };
}
