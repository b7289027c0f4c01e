// Axes: the border of a pane, a small chart, a bar.

import { minus } from "../format.js";
import { curve } from "./marks.js";
import { named } from "./named.js";
import { place } from "./pane.js";
import { outline, write } from "./text.js";

/** @import { Box, Look, Pair, Pane, Scale } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** The pane's border, ticks at round numbers, and its title. @param {Pen} g @param {Pane} pane @param {Look} look */
export function border(g, pane, look, title = "") {
  const { ink, faint } = look.colours, size = look.unit, tick = roundBelow(0.8 * pane.half);
  g.strokeStyle = faint;
  g.lineWidth = Math.max(1, 0.06 * size);
  g.strokeRect(pane.x + 0.5, pane.y + 0.5, pane.w - 1, pane.w - 1);
  if (look.bare) return;
  for (const value of [-tick, 0, tick]) drawTick(g, pane, look, value);
  const above = /** @type {Pair} */ ([pane.x + pane.w / 2, pane.y - size * 0.5]);
  if (title) write(g, title, above, { size, colour: ink, align: "center", weight: 600, max: pane.w });
}

/** The greatest of 1, 2, 5, 10, ... (and 0.5, 0.2, ...) that is not above x. @param {number} x */
export function roundBelow(x) {
  const power = 10 ** Math.floor(Math.log10(x));
  return power * (x / power >= 5 ? 5 : x / power >= 2 ? 2 : 1);
}

/**
 * What the last row must read, large in a pane's corner: the level, and under it what it means.
 *
 * @param {CanvasRenderingContext2D} g @param {Pane} pane @param {Look} look @param {string} large
 * @param {string} [small]
 */
export function headline(g, pane, { unit, bare, colours: { ink, background } }, large, small = "") {
  if (bare) return;
  const size = Math.max(1.25 * unit, pane.w * 0.048), x = pane.x + 0.5 * size, y = pane.y + 0.5 * size;
  /** @type {[string, number, number][]} */
  const lines = [[large, 700, size], [small, 500, Math.max(unit, 0.62 * size)]];
  let top = y;
  g.lineJoin = "round";
  g.strokeStyle = background;
  for (const [text, weight, high] of lines) {
    const style = { size: high, colour: ink, weight, base: /** @type {const} */ ("top"), max: pane.w - size };
    g.lineWidth = 0.3 * high;
    const at = /** @type {Pair} */ ([x, top]);
    named("sigma s", () => {
      outline(g, text, at, style);
      write(g, text, at, style);
    });
    top += 1.2 * high;
  }
}

/**
 * A bar of a round length in a pane's lower corner.
 *
 * @param {CanvasRenderingContext2D} g @param {Pane} pane @param {Look} look
 */
export function scaleBar(g, pane, { unit, bare, colours: { ink, background } }) {
  if (bare) return;
  const length = roundBelow(0.5 * pane.half), w = (length * pane.w) / (2 * pane.half);
  const x = pane.x + 0.8 * unit, y = pane.y + pane.w - 0.9 * unit;
  const style = { size: unit, colour: ink, weight: 600 }, text = `scale: ${Number(length.toPrecision(1))}`;
  curve(g, [[x - 2, y], [x + w + 2, y]], background, 0.47 * unit);
  curve(g, [[x, y], [x + w, y]], ink, 0.2 * unit);
  g.strokeStyle = background;
  g.lineWidth = 0.3 * unit;
  outline(g, text, [x, y - 0.5 * unit], style);
  write(g, text, [x, y - 0.5 * unit], style);
}

/** How strong the strongest tint of a size is. */
export const TINT = 0.5;

/**
 * What the tint of a size m means, in a pane's lower corner: m / (m + c) of the strongest, with numbers.
 *
 * @param {CanvasRenderingContext2D} g @param {Pane} pane @param {Look} look @param {Scale} scale @param {string} title
 */
export function colourBar(g, pane, { unit, bare, colours: { ink, accent, background } }, { c, ticks }, title) {
  const w = Math.min(11 * unit, 0.42 * pane.w), x = pane.x + pane.w - w - 1.2 * unit, y = pane.y + pane.w - 2.2 * unit;
  const tint = g.createLinearGradient(x, 0, x + w, 0), size = 0.95 * unit;
  if (bare) return;
  g.globalAlpha = 0.85;
  g.fillStyle = background;
  g.fillRect(x - 0.8 * unit, y - 1.7 * unit, w + 1.6 * unit, 3.6 * unit);
  tint.addColorStop(0, background);
  tint.addColorStop(1, accent);
  g.globalAlpha = 1;
  write(g, title, [x, y - 0.5 * unit], { size, colour: ink, weight: 600, max: w });
  g.globalAlpha = TINT;
  g.fillStyle = tint;
  g.fillRect(x, y, w, 0.55 * unit);
  g.globalAlpha = 1;
  const few = w < 7 * unit ? [ticks[0], ticks[ticks.length - 1]] : ticks;
  for (const m of few) {
    const at = x + (w * m) / (m + c);
    curve(g, [[at, y], [at, y + 0.75 * unit]], ink, 1.5);
    write(g, String(m), [at, y + 0.8 * unit], { size, colour: ink, align: "center", base: "top" });
  }
}

/** A tick on either axis. @param {Pen} g @param {Pane} pane @param {Look} look @param {number} value */
function drawTick(g, pane, { unit, colours }, value) {
  const [px, py] = place(pane, [value, value]), base = pane.y + pane.w;
  g.beginPath();
  g.moveTo(px, base);
  g.lineTo(px, base - 5);
  g.moveTo(pane.x, py);
  g.lineTo(pane.x + 5, py);
  g.stroke();
  if (!pane.ticks) return;
  const style = { size: unit * 0.95, colour: colours.ink }, text = minus(String(Number(value.toPrecision(1))));
  write(g, text, [px, base + 0.25 * unit], { ...style, align: "center", base: "top" });
  write(g, text, [pane.x - 0.3 * unit, py], { ...style, align: "right", base: "middle" });
}

/**
 * A chart's title, ranges, and ticks [value, text] along either axis.
 *
 * @typedef {object} Axes
 * @property {string} title
 * @property {Pair} x
 * @property {Pair} y
 * @property {[number, string][]} [xs]
 * @property {[number, string][]} [ys]
 */

/**
 * A small chart: its axes and title; returns the map from data to pixels.
 *
 * @param {Pen} g @param {Box} box @param {Look} look @param {Axes} axes @returns {(x: number, y: number) => Pair}
 */
export function chart(g, box, look, { title, x: [x0, x1], y: [y0, y1], xs = [], ys = [] }) {
  const { ink, faint } = look.colours, size = look.unit * 0.95, low = box.y + box.h, right = box.x + box.w;
  /** @type {(x: number, y: number) => Pair} */
  const at = (x, y) => [
    box.x + ((x - x0) / (x1 - x0)) * box.w,
    low - ((Math.max(y0, Math.min(y1, y)) - y0) / (y1 - y0)) * box.h,
  ];
  curve(g, [[box.x, box.y], [box.x, low], [right, low]], faint, 0.07 * size);
  for (const [value, text] of ys) {
    const [, py] = at(x0, value);
    curve(g, [[box.x, py], [right, py]], faint, 0.035 * size);
    write(g, text, [box.x - 0.3 * size, py], { size, colour: ink, align: "right", base: "middle" });
  }
  for (const [value, text] of xs) {
    write(g, text, [at(value, y0)[0], low + 0.25 * size], { size, colour: ink, align: "center", base: "top" });
  }
  write(g, title, [box.x, box.y - size * 0.7], { size: look.unit, colour: ink, weight: 600, max: box.w });
  return at;
}

/**
 * A horizontal bar filled to its share, under its name and value.
 *
 * @param {Pen} g @param {Box} box @param {Look} look @param {string} name @param {number} share
 * @param {string} colour @param {string} value @param {number} [mark] the share that is marked: what would be right
 */
export function bar(g, { x, y, w, h }, { unit, colours: { ink, faint } }, name, share, colour, value, mark = 1) {
  const size = unit * 0.95, at = x + w * mark;
  write(g, name, [x, y - 0.32 * unit], { size, colour: ink, max: w * 0.58 });
  write(g, value, [x + w, y - 0.32 * unit], { size, colour: ink, align: "right", weight: 600, max: w * 0.38 });
  g.fillStyle = faint;
  g.fillRect(x, y, w, h);
  g.fillStyle = colour;
  g.fillRect(x, y, w * Math.max(0, Math.min(1, share)), h);
  curve(g, [[at, y - 0.2 * h], [at, y + 1.2 * h]], ink, 0.13 * unit);
  write(g, "1", [at, y + 1.3 * h], { size, colour: ink, align: "center", base: "top" });
}
