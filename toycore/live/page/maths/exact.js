// The exact answer for many points at once: E[x0 | x] of a mixture whose Gaussians are all of one width.

/** @import { Mixture, Points } from "../types.js" */

/**
 * E[x0 | x] at level sigma for points x, given a label (-1: none): the mean by the posterior weights
 * softmax(-|x - mean_k|^2 / (2 v)), v = std^2 + sigma^2, drawn to x where the Gaussians have a width.
 *
 * @param {Pick<Mixture, "means" | "std" | "label">} mixture @param {number} sigma @param {Points} x
 * @param {Float32Array} out
 */
export function posteriorMeans({ means, std, label: labels }, sigma, x, out, label = -1) {
  const all = labels.length, v = (std[0] ?? 0) ** 2 + sigma ** 2, g = sigma ** 2 / v, d2 = new Float64Array(all);
  for (let i = 0; i < x.length; i += 2) {
    const x0 = x[i], x1 = x[i + 1];
    let least = Infinity, sum = 0, m0 = 0, m1 = 0;
    for (let k = 0; k < all; k++) {
      const a = means[2 * k] - x0, b = means[2 * k + 1] - x1;
      d2[k] = label < 0 || labels[k] === label ? a * a + b * b : Infinity;
      if (d2[k] < least) least = d2[k];
    }
    for (let k = 0, far = least + 60 * v; k < all; k++) {
      if (d2[k] > far) continue; // below e^-30 it changes nothing
      const w = Math.exp((least - d2[k]) / (2 * v));
      sum += w;
      m0 += w * means[2 * k];
      m1 += w * means[2 * k + 1];
    }
    out[i] = (g * m0) / sum + (1 - g) * x0;
    out[i + 1] = (g * m1) / sum + (1 - g) * x1;
  }
  return out;
}
