// Panes: where the pictures of the plane stand on the canvas, and which part of the plane each shows.

import { scaleOf } from "../maths/levels.js";

/** @import { Frame, Look, Pair, Pane } from "../types.js" */
/** @typedef {{ centre: Pair, half: number }} Box  a square of the plane */

/** The pixel of a point. @param {Pane} pane @param {ArrayLike<number>} at @returns {Pair} */
export const place = (pane, at) => [
  pane.x + ((at[0] - pane.centre[0]) / pane.half + 1) * (pane.w / 2),
  pane.y + (1 - (at[1] - pane.centre[1]) / pane.half) * (pane.w / 2),
];

/** The same map as numbers, px = kx x + bx and py = by - kx y, for loops over many points. @param {Pane} pane */
export function affine({ x, y, w, centre, half }) {
  const k = w / (2 * half);
  return { k, bx: x + w / 2 - k * centre[0], by: y + w / 2 + k * centre[1] };
}

/** The point of a pixel. @param {Pane} pane @param {number} px @param {number} py @returns {Pair} */
export const unplace = (pane, px, py) => [
  pane.centre[0] + ((px - pane.x) / (pane.w / 2) - 1) * pane.half,
  pane.centre[1] + (1 - (py - pane.y) / (pane.w / 2)) * pane.half,
];

/** Whether a pixel lies in a pane. @param {Pane} pane @param {number} px @param {number} py */
export const holds = ({ x, y, w }, px, py) => px >= x && px <= x + w && py >= y && py <= y + w;

/**
 * Draw inside a pane and nowhere else.
 *
 * @param {CanvasRenderingContext2D} g @param {Pane} pane @param {() => void} draw
 */
export function within(g, pane, draw) {
  g.save();
  g.beginPath();
  g.rect(pane.x, pane.y, pane.w, pane.w);
  g.clip();
  draw();
  g.restore();
}

/** Points times a factor; a point stays a list. @template {Float32Array | number[]} P @param {P} x @param {number} c */
export const zoom = (x, c) => /** @type {P} */ (x.map((v) => c * v));

/** The rectangle around panes, which may be read as their picture. @param {Pane[]} panes */
export function around(panes) {
  const x = Math.min(...panes.map((p) => p.x)), y = Math.min(...panes.map((p) => p.y));
  const right = Math.max(...panes.map((p) => p.x + p.w)), low = Math.max(...panes.map((p) => p.y + p.w));
  return { x, y, w: right - x, h: low - y };
}

/** Of a thousand normal points none but a rare one lies further out, in standard deviations. */
const REACH = 4.8;

/** Half of the window, in the data's units, that holds all of the data with so much noise. @param {Box} box */
export const reachOf = ({ half }, /** @type {number} */ sigma) => Math.hypot(half, REACH * sigma);

/**
 * Point a pane at the data with the noise of a level: the camera follows sigma, and ends at the data at full size.
 *
 * @param {{ box: Box }} meta @param {Pane} pane @param {Pick<Frame, "power">} frame @param {number} sigma
 * @param {number} noise the level that must fit
 */
export function aim({ box }, pane, frame, sigma, noise = sigma) {
  const c = scaleOf(frame, sigma), [x, y] = box.centre;
  return Object.assign(pane, { centre: [c * x, c * y], half: c * reachOf(box, noise) });
}

/**
 * Points of the level `from` where the camera showed them then, in the data's units of the level sigma.
 *
 * @template {Float32Array | number[]} P @param {Box} box @param {P} x @param {number} from @param {number} sigma
 */
export function carried(box, x, from, sigma) {
  const k = reachOf(box, sigma) / reachOf(box, from);
  return /** @type {P} */ (x.map((v, i) => box.centre[i % 2] + k * (v - box.centre[i % 2])));
}

/** How many points (flat) lie outside a pane. @param {Pane} pane @param {ArrayLike<number>} y */
export function outside({ centre, half }, y) {
  let n = 0;
  for (let i = 0; i < y.length; i += 2) {
    n += Number(Math.max(Math.abs(y[i] - centre[0]), Math.abs(y[i + 1] - centre[1])) > half);
  }
  return n;
}

/**
 * Lay `count` square panes side by side (below each other where that gets too small), `below` pixels under each free.
 *
 * @param {Pick<Look, "unit">} look @param {number} width @param {number} room the height there is
 * @param {number} count @returns {{ panes: Pane[], height: number }}
 */
export function squares({ unit }, width, room, count, below = 0) {
  const top = (count > 1 ? 2 : 0.6) * unit, foot = 1.7 * unit + below, left = 2.6 * unit, gap = 1.3 * unit;
  width -= 0.7 * unit; // room for the last tick
  const fits = (/** @type {number} */ n) => (width - n * left - (n - 1) * (gap - left / 2)) / n;
  const side = (/** @type {number} */ n) => Math.min(fits(n), Math.max(110, room / Math.ceil(count / n) - top - foot));
  const columns = Array.from({ length: count }, (_, i) => count - i).reduce((a, b) => (side(b) > side(a) ? b : a));
  const rows = Math.ceil(count / columns), w = Math.floor(side(columns));
  const pitch = Math.min(width / columns, w + left + gap), start = (width - columns * pitch) / 2;
  const panes = Array.from({ length: count }, (_, i) => ({
    x: Math.floor(start + (i % columns) * pitch + left + (pitch - left - w) / 2),
    y: Math.floor(top + Math.floor(i / columns) * (w + top + foot)),
    w,
    ticks: w > 150,
    centre: /** @type {Pair} */ ([0, 0]),
    half: 1,
  }));
  return { panes, height: rows * (top + w + foot) };
}
