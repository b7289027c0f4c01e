// Shapes that are drawn at a click.

import { along, onGrid } from "./strokes.js";

/** @import { Stroke } from "./strokes.js" */

/**
 * n points of a curve t -> [x, y], t from a to b.
 *
 * @param {number} n @param {number} a @param {number} b @param {(t: number) => number[]} f
 */
const points = (n, a, b, f) => Array.from({ length: n }, (_, i) => f(a + ((b - a) * i) / (n - 1))).flat();

/** @param {number} label @param {number[]} xy @returns {Stroke} */
const line = (label, xy, closed = false) => onGrid({ label, closed, xy });

/**
 * The spiral of the course: theta (cos, sin) / (5 pi), theta from pi / 2 to 5.5 pi (`data.spiral`).
 *
 * @param {number} label
 */
const spiral = (label) => [line(label, points(100, Math.PI / 2, 5.5 * Math.PI, (t) =>
  [(t * Math.cos(t)) / (5 * Math.PI), (t * Math.sin(t)) / (5 * Math.PI)]))];

/** @param {number} label */
const ring = (label) =>
  [line(label, points(61, 0, 2 * Math.PI, (t) => [0.8 * Math.cos(t), 0.8 * Math.sin(t)]).slice(2), true)];

/** Two half circles, one class each. @param {number} label */
const moons = (label) => [
  line(label, points(50, 0, Math.PI, (t) => [0.62 * Math.cos(t) - 0.31, 0.62 * Math.sin(t) - 0.16])),
  line((label + 1) % 3, points(50, 0, Math.PI, (t) => [0.31 - 0.62 * Math.cos(t), 0.16 - 0.62 * Math.sin(t)])),
];

/** @type {Record<string, (label: number) => Stroke[]>} */
export const STAMPS = { spiral, ring, moons };

/**
 * Letters as lines through places of a grid, 4 wide and 6 high, "xy xy ..."; a bar lifts the pen.
 *
 * @type {Record<string, string>}
 */
const LETTERS = {
  A: "00 26 40|12 32", B: "00 06 26 35 34 23 03|23 33 42 41 30 00", C: "45 36 16 05 01 10 30 41",
  D: "00 06 26 45 41 20 00", E: "46 06 00 40|03 33", F: "46 06 00|03 33", G: "45 36 16 05 01 10 30 41 43 23",
  H: "06 00|46 40|03 43", I: "26 20", J: "36 31 20 10 01", K: "06 00|46 03 40", L: "06 00 40",
  M: "00 06 22 46 40", N: "00 06 40 46", O: "16 05 01 10 30 41 45 36 16", P: "00 06 36 45 44 33 03",
  Q: "16 05 01 10 30 41 45 36 16|22 40", R: "00 06 36 45 44 33 03|23 40", S: "45 36 16 05 04 13 33 42 41 30 10 01",
  T: "06 46|26 20", U: "06 01 10 30 41 46", V: "06 20 46", W: "06 10 24 30 46", X: "06 40|00 46", Y: "06 23 46|23 20",
  Z: "06 46 00 40", 0: "16 05 01 10 30 41 45 36 16", 1: "14 26 20|10 30", 2: "05 16 36 45 44 00 40",
  3: "05 16 36 45 44 33 23|33 42 41 30 10 01", 4: "30 36 02 42", 5: "46 06 04 34 43 41 30 10 01",
  6: "45 36 16 05 01 10 30 41 42 33 13 02", 7: "06 46 10", 8: "13 04 05 16 36 45 44 33 13 02 01 10 30 41 42 33",
  9: "01 10 30 41 45 36 16 05 04 13 33 44",
};

/** A word of letters and digits, as wide as the box lets it be. @param {string} word @param {number} label */
export function lettersOf(word, label) {
  const known = [...word.toUpperCase()].filter((c) => c in LETTERS || c === " ").slice(0, 8);
  const size = Math.min(0.3, 2.1 / (5.4 * known.length - 1.4)), wide = (5.4 * known.length - 1.4) * size;
  return known.flatMap((c, k) => (LETTERS[c] ?? "").split("|").filter(Boolean).map((part) => {
    const corners = part.split(" ").flatMap(([x, y]) =>
      [size * (Number(x) + 5.4 * k) - wide / 2, size * (Number(y) - 3)]);
    return line(label, along(corners, 0.045));
  }));
}
