// What is measured on a cloud of points, as in toycore's `metrics`.

/** @import { Measures, Points } from "../types.js" */

/** Mean, and standard deviation about it, pooled over both axes. @param {Points} x */
export function moments(x) {
  const n = x.length / 2;
  let mx = 0, my = 0, v = 0;
  for (let i = 0; i < x.length; i += 2) {
    mx += x[i] / n;
    my += x[i + 1] / n;
  }
  for (let i = 0; i < x.length; i += 2) v += ((x[i] - mx) ** 2 + (x[i + 1] - my) ** 2) / (2 * n);
  return { mean: [mx, my], std: Math.sqrt(v) };
}

/** The distance from each point of x to the nearest of data. @param {Points} x @param {Points} data */
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

/**
 * spread: std over the data's; coverage: share of data with a sample within the radius; distance: mean.
 *
 * @param {Points} x @param {Points} data @returns {Measures}
 */
export function measures(x, data, radius = 0.05) {
  const near = distances(data, x), far = distances(x, data);
  return {
    spread: moments(x).std / moments(data).std,
    coverage: near.reduce((c, d) => c + Number(d <= radius), 0) / near.length,
    distance: far.reduce((a, d) => a + d, 0) / far.length,
  };
}

/** The index of the point nearest to (a, b). @param {Points} x @param {number} a @param {number} b */
export function nearest(x, a, b) {
  let best = 0, least = Infinity;
  for (let i = 0; i < x.length / 2; i++) {
    const d = Math.hypot(x[2 * i] - a, x[2 * i + 1] - b);
    if (d < least) [least, best] = [d, i];
  }
  return best;
}
