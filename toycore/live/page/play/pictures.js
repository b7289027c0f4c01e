// What is painted: fields of arrows, points, particles, curves.

import { significant } from "../format.js";
import { posterior } from "../maths/mixture.js";
import { chart } from "../paint/chart.js";
import { arrow, curve, disc, dots, ring } from "../paint/marks.js";
import { affine, place } from "../paint/pane.js";
import { write } from "../paint/text.js";

/** @import { Box, Look, Mixture, Pair, Pane } from "../types.js" */
/** @import { Runner } from "./runner.js" */
/** @import { World } from "./world.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** The drawn points, by class. @param {Pen} g @param {Pane} pane @param {World} world @param {number} r */
export function drawPoints(g, pane, world, r) {
  const { data: { label }, used } = world, x = /** @type {Float32Array} */ (world.data.x);
  used.forEach((drawn, c) => dots(g, pane, x.filter((_, i) => label?.[i >> 1] === c), r, world.hue(drawn)));
}

/**
 * Lines from a place to the data it may come from, the thicker the more probable, and the mean they make.
 *
 * @param {Pen} g @param {Pane} pane @param {Mixture} mixture @param {number} sigma @param {Pair} x @param {Look} look
 */
export function drawPosterior(g, pane, mixture, sigma, x, { unit, colours: { accent, ink, background } }) {
  const { weights, mean, effective } = posterior(mixture, sigma, -1, x[0], x[1]), from = place(pane, x);
  const top = Math.max(...weights), few = Math.min(1, 40 / effective), { k, bx, by } = affine(pane);
  weights.forEach((weight, i) => {
    if (weight < 0.02 * top) return;
    const to = /** @type {Pair} */ ([bx + k * mixture.means[2 * i], by - k * mixture.means[2 * i + 1]]);
    g.globalAlpha = (0.1 + 0.6 * (weight / top)) * few;
    curve(g, [from, to], accent, 1);
    g.globalAlpha = 1;
    disc(g, to, 1 + 0.26 * unit * Math.sqrt((few * weight) / top), accent);
  });
  arrow(g, from, place(pane, mean), ink, 0.22 * unit);
  disc(g, from, 0.3 * unit, background, ink);
}

/**
 * Where the pen of the keyboard is.
 *
 * @param {Pen} g @param {Pane} pane @param {Pair} at @param {string} colour @param {number} size
 */
export function drawCross(g, pane, at, colour, size) {
  const [x, y] = place(pane, at);
  curve(g, [[x - size, y], [x + size, y]], colour, 2);
  curve(g, [[x, y - size], [x, y + size]], colour, 2);
}

/**
 * From every sample to the drawn point nearest to it.
 *
 * @param {Pen} g @param {Pane} pane @param {Float32Array} x @param {Float32Array} drawn @param {string} colour
 */
export function drawNearest(g, pane, x, drawn, colour) {
  g.strokeStyle = colour;
  g.lineWidth = 1;
  g.beginPath();
  for (let i = 0; i < x.length; i += 2) {
    let best = 0, least = Infinity;
    for (let j = 0; j < drawn.length; j += 2) {
      const d = (x[i] - drawn[j]) ** 2 + (x[i + 1] - drawn[j + 1]) ** 2;
      if (d < least) [best, least] = [j, d];
    }
    g.moveTo(...place(pane, [x[i], x[i + 1]]));
    g.lineTo(...place(pane, [drawn[best], drawn[best + 1]]));
  }
  g.stroke();
}

/**
 * Held-out points as small rings.
 *
 * @param {Pen} g @param {Pane} pane @param {Float32Array} x @param {number} r @param {string} colour
 */
export function drawHeld(g, pane, x, r, colour) {
  for (let i = 0; i < x.length; i += 2) ring(g, place(pane, [x[i], x[i + 1]]), r, colour);
}

/**
 * A guess and the place it was about, and the way between them.
 *
 * @param {Pen} g @param {Pane} pane @param {Pair} guess @param {Pair | null} end @param {Look} look
 */
export function drawGuess(g, pane, guess, end, { unit, colours: { accent, background } }) {
  const [x, y] = place(pane, guess), r = 0.5 * unit;
  if (end) {
    g.setLineDash([6, 4]);
    curve(g, [[x, y], place(pane, end)], accent, 2.5);
    g.setLineDash([]);
    disc(g, place(pane, end), 0.45 * unit, accent, background);
  }
  curve(g, [[x - r, y - r], [x + r, y + r]], accent, 0.25 * unit);
  curve(g, [[x - r, y + r], [x + r, y - r]], accent, 0.25 * unit);
}

/**
 * Lines of text in the middle of a pane.
 *
 * @param {Pen} g @param {Pane} pane @param {string[]} lines @param {string} colour @param {number} size
 */
export function drawText(g, { x, y, w }, lines, colour, size, share = 0.5) {
  const top = y + share * w - (0.65 * (lines.length - 1)) * size;
  lines.forEach((line, i) => write(g, line, [x + w / 2, top + 1.3 * i * size],
    { size, colour, align: "center", base: "middle", weight: i ? 400 : 650, max: 0.94 * w }));
}

/**
 * The loss step by step, over the loss of the exact answer.
 *
 * @param {Pen} g @param {Box} box @param {Look} look @param {Runner} run
 */
export function drawLoss(g, box, look, { losses, floor, steps }) {
  const { learned, exact } = look.colours;
  const top = Math.max(0.05, ...losses.slice(0, 3).map(([, v]) => v), 1.6 * (floor || 0));
  const low = Number.isFinite(floor) ? 0.7 * floor : 0, now = losses[losses.length - 1];
  const at = chart(g, box, look, {
    title: now ? `loss ${now[1].toFixed(2)}, exact ${(floor || 0).toFixed(2)}` : "loss",
    x: [0, steps || 1], y: [low, Math.min(top, 3 * (floor || top))], xs: ticks(steps), ys: [],
  });
  if (Number.isFinite(floor)) {
    g.setLineDash([5, 4]);
    curve(g, [at(0, floor), at(steps || 1, floor)], exact, 2);
    g.setLineDash([]);
  }
  if (losses.length > 1) curve(g, losses.map(([x, y]) => at(x, y)), learned, 2);
}

/**
 * The field error step by step, its axis logarithmic.
 *
 * @param {Pen} g @param {Box} box @param {Look} look @param {Runner} run
 */
export function drawError(g, box, look, { errors, steps }) {
  const { learned, accent } = look.colours, last = errors[errors.length - 1];
  const log = (/** @type {number} */ v) => Math.log10(Math.max(0.005, Math.min(1.5, v)));
  const at = chart(g, box, look, {
    title: last ? `field error ${significant(last[1])}` : "field error", x: [0, steps || 1], y: [-2, 0.2],
    xs: ticks(steps), ys: [[0, "1"], [-1, ".1"], [-2, ".01"]],
  });
  if (!last) return;
  curve(g, errors.map(([x, y]) => at(x, log(y))), learned, 2.5);
  disc(g, at(last[0], log(last[1])), 0.32 * look.unit, accent);
}

/** @param {number} steps @returns {[number, string][]} */
const ticks = (steps) => (steps ? [[0, "0"], [steps / 2, "step"], [steps, String(steps)]] : []);
