// Panes: where the pictures of the plane stand on the canvas, and which part of the plane each shows.

/** @import { Frame, Look, Pair, Pane, PlaneMeta } from "../types.js" */

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

/**
 * Point a pane at the box that suits its frame; the window never moves while sigma does.
 *
 * @param {Pick<PlaneMeta, "box">} meta @param {Pane} pane @param {Pick<Frame, "power">} frame
 */
export function aim({ box: { centre, half } }, pane, frame) {
  if (!frame.power) return Object.assign(pane, { centre, half });
  const wide = Math.max(Math.abs(centre[0]), Math.abs(centre[1])) + half;
  return Object.assign(pane, { centre: [0, 0], half: Math.max(2, wide) });
}

/**
 * Lay `count` square panes side by side (below each other where that gets too small), `below` pixels under each free.
 *
 * @param {Pick<Look, "unit">} look @param {number} width @param {number} room the height there is
 * @param {number} count @returns {{ panes: Pane[], height: number }}
 */
export function squares({ unit }, width, room, count, below = 0) {
  const top = 2 * unit, foot = 1.7 * unit + below, left = 1.9 * unit, gap = 1.3 * unit;
  width -= 0.7 * unit; // room for the last tick
  const columns = width / count > 190 ? count : 1, rows = Math.ceil(count / columns);
  const fits = (width - columns * left - (columns - 1) * (gap - left / 2)) / columns;
  const w = Math.floor(Math.min(fits, rows > 1 ? fits : Math.max(150, room - top - foot)));
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
