// Noise levels: clocks, frames (x_frame = scale(sigma) x) and grids, as in toycore's `frames` and `sigmas`.

/** @import { Frame, Schedule } from "../types.js" */

/** alpha_bar = 1 / (1 + sigma^2), the share of the signal in DDPM's variance. @param {number} sigma */
export const alphaBar = (sigma) => 1 / (1 + sigma * sigma);

/** The flow's time t = sigma / (1 + sigma). @param {number} sigma */
export const flowTime = (sigma) => sigma / (1 + sigma);

/**
 * scale(sigma) = (1 + sigma^p)^(-1/p) of a frame with the power p, and 1 for p = 0.
 *
 * @param {Pick<Frame, "power">} frame @param {number} sigma
 */
export const scaleOf = ({ power }, sigma) => (power ? (1 + sigma ** power) ** (-1 / power) : 1);

/**
 * d ln(scale) / d ln(sigma) = -sigma^p / (1 + sigma^p): a frame's pull to the origin.
 *
 * @param {Pick<Frame, "power">} frame @param {number} sigma
 */
export const pullOf = ({ power }, sigma) => (power ? -(sigma ** power) / (1 + sigma ** power) : 0);

/** DDPM's linear betas as levels, sigma_i = sqrt((1 - alpha_bar_i) / alpha_bar_i), i = 1..T. */
export function ddpmLevels(T = 1000, first = 1e-4, last = 0.02) {
  let signal = 1;
  return Float64Array.from({ length: T }, (_, i) => {
    signal *= 1 - (first + ((last - first) * i) / (T - 1));
    return Math.sqrt((1 - signal) / signal);
  });
}

/**
 * The place of sigma among increasing levels (level i + 1 is step i + 1), linear in ln sigma.
 *
 * @param {number} sigma @param {ArrayLike<number>} levels
 */
export function stepOf(sigma, levels) {
  const T = levels.length;
  if (sigma <= levels[0]) return sigma / levels[0];
  if (sigma >= levels[T - 1]) return T;
  let i = 1;
  while (levels[i] < sigma) i++;
  return i + Math.log(sigma / levels[i - 1]) / Math.log(levels[i] / levels[i - 1]);
}

/**
 * n + 1 decreasing levels that end in 0; low and high are not asked for by "ddpm".
 *
 * @param {Schedule} name @param {number} n @param {number} low @param {number} high @returns {number[]}
 */
export function grid(name, n, low, high) {
  const even = (/** @type {number} */ i) => (n === 1 ? 0 : i / (n - 1));
  return [...Array.from({ length: n }, (_, i) => LEVEL[name](even(i), low, high, i / n)), 0];
}

/**
 * The level at the share i / (n - 1) of the way from high to low, or at i / n for the flow, which ends in 0 itself.
 *
 * @type {Record<Schedule, (even: number, low: number, high: number, share: number) => number>}
 */
const LEVEL = {
  "log-linear": (even, low, high) => high * (low / high) ** even,
  karras: (even, low, high) => (high ** (1 / 7) + even * (low ** (1 / 7) - high ** (1 / 7))) ** 7,
  ddpm: (even) => DDPM[DDPM.length - 1 - halfEven(even * (DDPM.length - 1))],
  flow: (_even, _low, high, share) => {
    const t = flowTime(high) * (1 - share);
    return t / (1 - t);
  },
};

const DDPM = ddpmLevels();

/** Round, a tie to the even neighbour: torch's rule. @param {number} x */
function halfEven(x) {
  const r = Math.round(x);
  return r - x === 0.5 && r % 2 ? r - 1 : r;
}

/** DDPM's step (of 1000) at this level. @param {number} sigma */
export const ddpmStep = (sigma) => stepOf(sigma, DDPM);

/**
 * The real step of a walk on decreasing levels that end in 0, at level sigma.
 *
 * @param {ArrayLike<number>} sigmas @param {number} sigma
 */
export function placeOn(sigmas, sigma) {
  const n = sigmas.length - 1;
  if (sigma <= sigmas[n - 1] * 1.0001) return n;
  let k = 0;
  while (k < n - 1 && sigmas[k + 1] > sigma) k++;
  return Math.max(0, k + Math.log(sigmas[k] / sigma) / Math.log(sigmas[k] / sigmas[k + 1]));
}
