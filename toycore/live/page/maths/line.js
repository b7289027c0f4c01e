// Flow matching in one dimension, x_t = (1 - t) x0 + t eps: the flow of a mixture of Gaussians, in closed form.

/** @typedef {{ means: ArrayLike<number>, std: ArrayLike<number>, weight: ArrayLike<number> }} Line  a mixture */

/** @param {Line} m @param {(mean: number, std: number, weight: number) => number} f */
const sum = ({ means, std, weight }, f) =>
  Array.from(means).reduce((total, mean, k) => total + f(mean, std[k], weight[k]), 0);

/** Phi(z), the standard normal's distribution function, to 1e-7 (Numerical Recipes, erfc by Chebyshev). */
export function normalShare(/** @type {number} */ z) {
  const y = Math.abs(z) / Math.SQRT2, t = 1 / (1 + y / 2);
  const c = [0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
    1.00002368, -1.26551223];
  const tail = (t / 2) * Math.exp(c.reduce((p, a) => p * t + a, 0) - y * y);
  return z > 0 ? 1 - tail : tail;
}

/** P(X <= x). @param {Line} m @param {number} x */
export const shareBelow = (m, x) => sum(m, (mean, std, w) => w * normalShare((x - mean) / std));

/** The density at x. @param {Line} m @param {number} x */
export const densityAt = (m, x) =>
  sum(m, (mean, std, w) => (w * Math.exp(-0.5 * ((x - mean) / std) ** 2)) / (std * Math.sqrt(2 * Math.PI)));

/** The x with P(X <= x) = q, by bisection. @param {Line} m @param {number} q */
export function quantile(m, q) {
  const reach = 8 * Math.max(...Array.from(m.std));
  let low = Math.min(...Array.from(m.means)) - reach, high = Math.max(...Array.from(m.means)) + reach;
  for (let i = 0; i < 44; i++) {
    const middle = (low + high) / 2;
    if (shareBelow(m, middle) < q) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The law of x_t. @param {Line} m @param {number} t @returns {Line} */
export const noised = ({ means, std, weight }, t) => ({
  means: Array.from(means, (mean) => (1 - t) * mean),
  std: Array.from(std, (s) => Math.hypot((1 - t) * s, t)),
  weight,
});

/** The law of x0 among the pairs whose lines pass through x at time t > 0. @param {Line} m @param {number} x */
export function passing(m, x, /** @type {number} */ t) {
  const { means, std } = noised(m, t);
  const gain = (/** @type {number} */ k) => ((1 - t) * m.std[k] ** 2) / std[k] ** 2;
  const logs = Array.from(means, (mean, k) =>
    Math.log(m.weight[k] / std[k]) - 0.5 * ((x - mean) / std[k]) ** 2);
  const top = Math.max(...logs), own = logs.map((v) => Math.exp(v - top)), all = own.reduce((a, b) => a + b);
  return {
    means: Array.from(m.means, (mean, k) => mean + gain(k) * (x - means[k])),
    std: Array.from(m.std, (s, k) => (s * t) / std[k]),
    weight: own.map((w) => w / all),
  };
}

/**
 * u(x, t) = E[eps - x0 | x_t = x], the flow's velocity: of each Gaussian (t - (1 - t) s^2) / v (x - (1 - t) m) - m.
 *
 * @param {Line} m @param {number} x @param {number} t
 */
export function velocity(m, x, t) {
  const { means, std } = noised(m, t), { weight } = passing(m, x, t);
  return weight.reduce((total, w, k) => {
    const slope = (t - (1 - t) * m.std[k] ** 2) / std[k] ** 2;
    return total + w * (slope * (x - means[k]) - m.means[k]);
  }, 0);
}

/**
 * Where the flow has carried the noise eps at time t. Paths on a line never cross, so each keeps its share of the
 * points below it: F_t(x) = Phi(eps).
 *
 * @param {Line} m @param {number} eps @param {number} t
 */
export const carriedTo = (m, eps, t) => quantile(noised(m, t), normalShare(eps));

/** The noise whose path passes through x at time t. @param {Line} m @param {number} x @param {number} t */
export function origin(m, x, t) {
  const share = shareBelow(noised(m, t), x);
  return quantile({ means: [0], std: [1], weight: [1] }, Math.min(0.9999, Math.max(1e-4, share)));
}

/**
 * n equal Euler steps of the flow from x = eps at t = 1 to t = 0: the n + 1 corners.
 *
 * @param {Line} m @param {number} eps @param {number} n
 */
export function polygon(m, eps, n) {
  const xs = [eps];
  for (let i = 0; i < n; i++) xs.push(xs[i] - velocity(m, xs[i], 1 - i / n) / n);
  return xs;
}

/** The share of all pairs of paths (x at both ends) that change places on the way. @param {[number, number][]} ends */
export function crossings(ends) {
  let n = 0;
  ends.forEach(([a, b], i) => ends.slice(0, i).forEach(([c, d]) => (n += Number((a - c) * (b - d) < 0))));
  return (2 * n) / (ends.length * (ends.length - 1));
}
