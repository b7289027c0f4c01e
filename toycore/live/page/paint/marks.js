// Marks: each draws one thing in a pane or at pixels. Colours come from Python's `style`, never from here.

import { affine } from "./pane.js";

/** @import { Pair, Pane } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

const TURN = 6.2832; // a full circle, and a little more so that it closes

/**
 * Dots of radius r in one path, at frame points y (flat).
 *
 * @param {Pen} g @param {Pane} pane @param {Float32Array} y @param {number} r @param {string} colour
 */
export function dots(g, pane, y, r, colour, alpha = 1) {
  g.fillStyle = colour;
  g.globalAlpha = alpha;
  g.beginPath();
  const { k, bx, by } = affine(pane);
  for (let i = 0; i < y.length; i += 2) {
    const px = bx + k * y[i], py = by - k * y[i + 1];
    if (px < pane.x - r || px > pane.x + pane.w + r || py < pane.y - r || py > pane.y + pane.w + r) continue;
    g.moveTo(px + r, py);
    g.arc(px, py, r, 0, TURN);
  }
  g.fill();
  g.globalAlpha = 1;
}

/**
 * Comet tails: frame points of the last few moments, oldest first; each moment a fainter path.
 *
 * @param {Pen} g @param {Pane} pane @param {Float32Array[]} moments @param {string} colour @param {number} width
 */
export function trails(g, pane, moments, colour, width) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  const { k, bx, by } = affine(pane);
  for (let m = 1; m < moments.length; m++) {
    const from = moments[m - 1], to = moments[m];
    g.globalAlpha = 0.5 * (m / moments.length) ** 1.5;
    g.beginPath();
    for (let i = 0; i < to.length; i += 2) {
      const px = bx + k * to[i], py = by - k * to[i + 1];
      if (px < pane.x || px > pane.x + pane.w || py < pane.y || py > pane.y + pane.w) continue;
      g.moveTo(bx + k * from[i], by - k * from[i + 1]);
      g.lineTo(px, py);
    }
    g.stroke();
  }
  g.globalAlpha = 1;
}

/**
 * One filled arrow as a path from pixel (px, py) along (dx, dy).
 *
 * @param {Pen} g @param {number} px @param {number} py @param {number} dx @param {number} dy @param {number} thick
 */
function arrowPath(g, px, py, dx, dy, thick) {
  const length = Math.hypot(dx, dy);
  if (length < 0.5) return;
  const ux = dx / length, uy = dy / length, head = Math.min(length * 0.6, 3.4 * thick);
  const w = thick / 2, wide = head * 0.55, bx = px + dx - ux * head, by = py + dy - uy * head;
  g.moveTo(px - uy * w, py + ux * w);
  g.lineTo(bx - uy * w, by + ux * w);
  g.lineTo(bx - uy * wide, by + ux * wide);
  g.lineTo(px + dx, py + dy);
  g.lineTo(bx + uy * wide, by - ux * wide);
  g.lineTo(bx + uy * w, by - ux * w);
  g.lineTo(px + uy * w, py - ux * w);
}

/**
 * One arrow between two pixels.
 *
 * @param {Pen} g @param {Pair} from @param {Pair} to @param {string} colour @param {number} thick
 */
export function arrow(g, from, to, colour, thick, alpha = 1) {
  g.fillStyle = colour;
  g.globalAlpha = alpha;
  g.beginPath();
  arrowPath(g, from[0], from[1], to[0] - from[0], to[1] - from[1], thick);
  g.fill();
  g.globalAlpha = 1;
}

/**
 * n x n places in the middle of n x n cells, so that no arrow is cut at the border.
 *
 * @param {Pane} pane @param {number} n
 */
export function cells(pane, n) {
  const y = new Float32Array(2 * n * n);
  for (let r = 0, i = 0; r < n; r++) {
    for (let c = 0; c < n; c++, i += 2) {
      y[i] = pane.centre[0] + ((2 * c + 1) / n - 1) * pane.half;
      y[i + 1] = pane.centre[1] + ((2 * r + 1) / n - 1) * pane.half;
    }
  }
  return y;
}

/**
 * A field of arrows centred on their places, n along a side: a vector of length m is drawn as m / (m + c) of a cell.
 *
 * @param {Pen} g @param {Pane} pane @param {Float32Array} places @param {Float32Array} vectors @param {number} c
 * @param {string} colour @param {number} n
 */
export function arrowField(g, pane, places, vectors, c, colour, n) {
  const cell = (pane.w / n) * 0.98, thick = Math.max(1.1, cell * 0.075), { k, bx, by } = affine(pane);
  g.fillStyle = colour;
  g.beginPath();
  for (let i = 0; i < vectors.length; i += 2) {
    const m = Math.hypot(vectors[i], vectors[i + 1]), px = bx + k * places[i], py = by - k * places[i + 1];
    const size = cell / (m + c), dx = vectors[i] * size, dy = -vectors[i + 1] * size;
    arrowPath(g, px - dx / 2, py - dy / 2, dx, dy, thick);
  }
  g.fill();
}

/** A curve through pixels. @param {Pen} g @param {Pair[]} points @param {string} colour @param {number} width */
export function curve(g, points, colour, width) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.lineJoin = "round";
  g.beginPath();
  for (const [x, y] of points) g.lineTo(x, y); // the first only moves there
  g.stroke();
}

/**
 * A disc at a pixel.
 *
 * @param {Pen} g @param {Pair} at @param {number} r @param {string} colour @param {string} [edge]
 */
export function disc(g, [px, py], r, colour, edge) {
  g.beginPath();
  g.arc(px, py, r, 0, TURN);
  g.fillStyle = colour;
  g.fill();
  if (!edge) return;
  g.strokeStyle = edge;
  g.lineWidth = 1.5;
  g.stroke();
}

/**
 * A ring around a pixel, which hides nothing.
 *
 * @param {Pen} g @param {Pair} at @param {number} r @param {string} colour
 */
export function ring(g, [px, py], r, colour) {
  g.beginPath();
  g.arc(px, py, r, 0, TURN);
  g.strokeStyle = colour;
  g.lineWidth = Math.max(1.5, r / 4);
  g.stroke();
}
