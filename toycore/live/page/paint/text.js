// Text on the canvas.

/** @import { Pair } from "../types.js" */

const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

/**
 * How a text looks; max is the width in pixels beyond which it is set smaller.
 *
 * @typedef {object} TextStyle
 * @property {number} size
 * @property {string} colour
 * @property {CanvasTextAlign} [align]
 * @property {CanvasTextBaseline} [base]
 * @property {number} [weight]
 * @property {number} [max]
 */

/** The widths of texts at 100 pixels: to measure one takes longer than to write it. @type {Map<string, number>} */
const widths = new Map();

/** @param {CanvasRenderingContext2D} g @param {string} text @param {number} weight */
function widthOf(g, text, weight) {
  const key = `${weight} ${text}`, known = widths.get(key);
  if (known !== undefined) return known;
  if (widths.size > 2000) widths.clear(); // numbers that run
  g.font = `${weight} 100px ${FONT}`;
  const { width } = g.measureText(text);
  widths.set(key, width);
  return width;
}

/** @param {CanvasRenderingContext2D} g @param {string} text @param {TextStyle} style */
function set(g, text, { size, colour, align, base, weight = 400, max = Infinity }) {
  const shrink = max === Infinity ? 1 : Math.min(1, (100 * max) / (size * widthOf(g, text, weight)));
  g.font = `${weight} ${size * shrink}px ${FONT}`;
  g.fillStyle = colour;
  g.textAlign = align ?? "left";
  g.textBaseline = base ?? "alphabetic";
}

/**
 * Write a text at a pixel.
 *
 * @param {CanvasRenderingContext2D} g @param {string} text @param {Pair} at @param {TextStyle} style
 */
export function write(g, text, [x, y], style) {
  set(g, text, style);
  g.fillText(text, x, y);
}

/**
 * The pen's line around a text, so that it is read on any ground.
 *
 * @param {CanvasRenderingContext2D} g @param {string} text @param {Pair} at @param {TextStyle} style
 */
export function outline(g, text, [x, y], style) {
  set(g, text, style);
  g.strokeText(text, x, y);
}
