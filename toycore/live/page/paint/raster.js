// Pictures made of pixels, and ramps of colours.

/**
 * A canvas of w x h pixels; paint(i, pixels) writes the colour of pixel i to pixels[4 i ..], rows from the top.
 *
 * @param {number} w @param {number} h @param {(i: number, pixels: Uint8ClampedArray) => void} paint
 */
export function raster(w, h, paint) {
  const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h });
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), image = pen.createImageData(w, h);
  for (let i = 0; i < w * h; i++) paint(i, image.data);
  pen.putImageData(image, 0, 0);
  return canvas;
}

/**
 * Shares in [0, 1] through a ramp, n x n, rows from the top.
 *
 * @param {Float32Array} share @param {number} n @param {number[][]} ramp
 */
export function densityImage(share, n, ramp) {
  const last = ramp.length - 1;
  return raster(n, n, (i, pixels) => {
    const v = Math.sqrt(share[i]), c = ramp[Math.min(last, (v * last) | 0)];
    pixels[4 * i] = c[0];
    pixels[4 * i + 1] = c[1];
    pixels[4 * i + 2] = c[2];
    pixels[4 * i + 3] = 255 * Math.min(1, 3 * v);
  });
}

/**
 * A ramp of colours [r, g, b] with `n` steps between each two of the given ones.
 *
 * @param {number[][]} colours @param {number} n
 */
export function finer(colours, n) {
  const at = (/** @type {number} */ i, /** @type {number} */ t) =>
    colours[i].map((c, k) => c + t * (colours[i + 1][k] - c));
  const last = colours.length - 1;
  return [...Array.from({ length: last * n }, (_, j) => at(Math.floor(j / n), (j % n) / n)), colours[last]];
}

/** "#rrggbb" as [r, g, b]. @param {string} hex */
export const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
