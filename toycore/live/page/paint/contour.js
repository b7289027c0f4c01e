// Lines of equal density.

/** @import { Pane } from "../types.js" */

/** Shares of the peak at which lines are drawn: one, two and three standard deviations of a Gaussian, about. */
export const LEVELS = [0.6, 0.14, 0.02];

/**
 * The line where values, n x n, cross a level: pieces x0 y0 x1 y1 ... between the places of the values (marching
 * squares).
 *
 * @param {ArrayLike<number>} values @param {number} n @param {number} level
 */
export function contour(values, n, level) {
  /** @type {number[]} */
  const pieces = [];
  for (let r = 0; r + 1 < n; r++) {
    for (let c = 0, i = r * n; c + 1 < n; c++, i++) {
      const above = values[i] > level; // most cells lie on one side
      const same = values[i + 1] > level === above && values[i + n] > level === above;
      if (!same || values[i + n + 1] > level !== above) crossings(values, n, level, r, c, pieces);
    }
  }
  return pieces;
}

/** The corners of a cell in turn. @type {[number, number][]} */
const CORNERS = [[0, 0], [1, 0], [1, 1], [0, 1]];

/**
 * The pieces within one cell.
 *
 * @param {ArrayLike<number>} values @param {number} n @param {number} level @param {number} r @param {number} c
 * @param {number[]} pieces
 */
function crossings(values, n, level, r, c, pieces) {
  const above = [values[r * n + c], values[r * n + c + 1], values[(r + 1) * n + c + 1], values[(r + 1) * n + c]];
  for (let k = 0; k < 4; k++) {
    const a = above[k] - level, b = above[(k + 1) % 4] - level;
    if (a > 0 === b > 0) continue;
    const t = a / (a - b), [x0, y0] = CORNERS[k], [x1, y1] = CORNERS[(k + 1) % 4];
    pieces.push(c + x0 + t * (x1 - x0), r + y0 + t * (y1 - y0));
  }
}

/**
 * Draw pieces of n x n places, which stand in the middle of their cells, over a pane.
 *
 * @param {CanvasRenderingContext2D} g @param {Pane} pane @param {number[]} pieces @param {number} n
 */
export function drawContour(g, { x, y, w }, pieces, n) {
  const k = w / n;
  g.beginPath();
  for (let i = 0; i < pieces.length; i += 4) {
    g.moveTo(x + k * (pieces[i] + 0.5), y + k * (pieces[i + 1] + 0.5));
    g.lineTo(x + k * (pieces[i + 2] + 0.5), y + k * (pieces[i + 3] + 0.5));
  }
  g.stroke();
}
