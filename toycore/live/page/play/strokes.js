// What is drawn: strokes of points on a grid of 1/1000 of the box, so that a link holds exactly what is trained on.
// Strokes never change in place: a change makes new ones, and undo keeps the old.

import { nearest } from "../maths/measures.js";

/** @import { Pair, Points } from "../types.js" */

/** A line of points, flat, of one class. @typedef {{ label: number, closed: boolean, xy: number[] }} Stroke */

export const LIMIT = 2000; // points in all
export const GRID = 1000; // places along a side of the box
export const STD = 0.02; // of the Gaussians along a smooth curve
export const HALF = 1.2; // of the box's side

const GAP = 0.03; // between two points of the pen

/** The place of the grid that is nearest to a number, within the box: as address.js writes it. @param {number} v */
export function snapped(v) {
  const q = Math.round((Math.max(-HALF, Math.min(HALF, v)) / (2 * HALF)) * GRID);
  return Math.fround(0 + (2 * HALF * q) / GRID); // 0, never -0
}

/** How many points there are. @param {Stroke[]} strokes */
export const count = (strokes) => strokes.reduce((n, { xy }) => n + xy.length / 2, 0);

/** All points, flat, and the label of each. @param {Stroke[]} strokes */
export function flat(strokes) {
  const x = Float32Array.from(strokes.flatMap(({ xy }) => xy));
  return { x, label: strokes.flatMap(({ label, xy }) => /** @type {number[]} */ (Array(xy.length / 2).fill(label))) };
}

/**
 * Points at even distances along a polyline (flat), its first one included.
 *
 * @param {number[]} line @param {number} gap
 */
export function along(line, gap) {
  const out = line.slice(0, 2);
  let left = gap; // what is missing to the next point
  for (let i = 2; i < line.length; i += 2) {
    const [x, y] = [line[i - 2], line[i - 1]], dx = line[i] - x, dy = line[i + 1] - y, length = Math.hypot(dx, dy);
    for (; left <= length; left += gap) out.push(x + (dx * left) / length, y + (dy * left) / length);
    left -= length;
  }
  return out;
}

/** The stroke with all its points on the grid, none twice in a row. @param {Stroke} stroke @returns {Stroke} */
export function onGrid({ xy, ...rest }) {
  const out = /** @type {number[]} */ ([]);
  for (let i = 0; i < xy.length; i += 2) {
    const x = snapped(xy[i]), y = snapped(xy[i + 1]), n = out.length;
    if (!n || x !== out[n - 2] || y !== out[n - 1]) out.push(x, y);
  }
  return { ...rest, xy: out };
}

/** The strokes, of which all beyond the limit is cut off. @param {Stroke[]} strokes */
export function limited(strokes) {
  let room = 2 * LIMIT;
  const cut = strokes.map((stroke) => {
    const xy = stroke.xy.length <= room ? stroke.xy : stroke.xy.slice(0, room);
    room -= xy.length;
    return { ...stroke, xy };
  });
  return cut.filter(({ xy }) => xy.length);
}

/** The last stroke drawn on to a point. @param {Stroke[]} strokes @param {number} x @param {number} y */
export function drawnTo(strokes, x, y) {
  const last = strokes[strokes.length - 1], more = along([...last.xy.slice(-2), x, y], GAP).slice(2);
  const xy = [...last.xy, ...onGrid({ ...last, xy: more }).xy];
  return more.length ? limited([...strokes.slice(0, -1), { ...last, xy }]) : strokes;
}

/**
 * The strokes without the points within r of a place; one that is cut becomes two.
 *
 * @param {Stroke[]} strokes @param {number} x @param {number} y @param {number} r
 */
export function erased(strokes, x, y, r) {
  return strokes.flatMap((stroke) => {
    const { xy } = stroke, parts = /** @type {number[][]} */ ([[]]);
    for (let i = 0; i < xy.length; i += 2) {
      if (Math.hypot(xy[i] - x, xy[i + 1] - y) <= r) parts.push([]);
      else parts[parts.length - 1].push(xy[i], xy[i + 1]);
    }
    const whole = parts.length === 1;
    return whole ? [stroke] : parts.filter((p) => p.length).map((p) => ({ ...stroke, closed: false, xy: p }));
  });
}

/** The stroke and its point nearest to a place. @param {Stroke[]} strokes @param {number} x @param {number} y */
export function find(strokes, x, y) {
  let i = nearest(flat(strokes).x, x, y), s = 0;
  while (s < strokes.length - 1 && i >= strokes[s].xy.length / 2) i -= strokes[s++].xy.length / 2;
  const { xy } = strokes[s] ?? { xy: [] };
  return { s, i, distance: xy.length ? Math.hypot(xy[2 * i] - x, xy[2 * i + 1] - y) : Infinity };
}

/**
 * The strokes with one of them, or one of its points, moved.
 *
 * @param {Stroke[]} strokes @param {number} s @param {number | null} i @param {Pair} by
 */
export function moved(strokes, s, i, by) {
  const { xy, ...rest } = strokes[s];
  const far = xy.map((v, k) => (i === null || k >> 1 === i ? v + by[k % 2] : v));
  const inside = far.map((v) => Math.max(-HALF, Math.min(HALF, v)));
  return strokes.map((stroke, k) => (k === s ? { ...rest, xy: inside } : stroke));
}

/**
 * A point of the smooth curve through a stroke's points (Catmull and Rom), at the real place p along them.
 *
 * @param {Stroke} stroke @param {number} p @returns {Pair}
 */
function at({ xy, closed }, p) {
  const n = xy.length / 2, i = Math.floor(p), t = p - i;
  const w = [
    -0.5 * t * (1 - t) ** 2, 1 + t * t * (1.5 * t - 2.5), t * (0.5 + t * (2 - 1.5 * t)), 0.5 * t * t * (t - 1),
  ];
  const point = /** @type {Pair} */ ([0, 0]);
  for (let k = 0; k < 4; k++) {
    const j = i - 1 + k, own = 2 * (closed ? (j + n) % n : Math.max(0, Math.min(n - 1, j)));
    point[0] += w[k] * xy[own];
    point[1] += w[k] * xy[own + 1];
  }
  return point;
}

/** How many pieces of curve a stroke has. @param {Stroke} stroke */
const pieces = ({ xy, closed }) => (xy.length / 2 - Number(!closed)) * Number(xy.length > 2);

/** Points between the drawn ones, which no training has seen: the middles of the pieces. @param {Stroke[]} strokes */
export const heldOut = (strokes) => Float32Array.from(strokes.flatMap((stroke) =>
  Array.from({ length: pieces(stroke) }, (_, i) => at(stroke, i + 0.5)).flat()));

/** The smooth curve through a stroke as a polyline. @param {Stroke} stroke */
export function curveOf(stroke) {
  if (!pieces(stroke)) return stroke.xy;
  return Array.from({ length: 6 * pieces(stroke) + 1 }, (_, k) => at(stroke, k / 6)).flat();
}

/** The strokes with points so close that their Gaussians make a smooth curve. @param {Stroke[]} strokes */
export function smooth(strokes) {
  const lines = strokes.map(curveOf), length = lines.reduce((sum, line) => sum + lengthOf(line), 0);
  const gap = Math.max(STD, (1.02 * length) / (LIMIT - strokes.length));
  return limited(strokes.map((stroke, s) => onGrid({ ...stroke, xy: along(lines[s], gap) })));
}

/** @param {number[]} line */
function lengthOf(line) {
  let sum = 0;
  for (let i = 2; i < line.length; i += 2) sum += Math.hypot(line[i] - line[i - 2], line[i + 1] - line[i - 1]);
  return sum;
}

/**
 * Strokes from points, their labels, and how many points each stroke has.
 *
 * @param {Points} x @param {ArrayLike<number>} labels @param {number[]} lengths @returns {Stroke[]}
 */
export function strokesOf(x, labels, lengths) {
  const n = x.length / 2, sizes = lengths.reduce((a, b) => a + b, 0) === n ? lengths : Array(n).fill(1);
  let from = 0;
  return sizes.map((size) => {
    const xy = Array.from({ length: 2 * size }, (_, k) => x[2 * from + k]), label = labels[from] ?? 0;
    from += size;
    return { label, closed: isClosed(xy), xy };
  });
}

/** Whether a stroke's ends are as near as its neighbours. @param {number[]} xy */
export function isClosed(xy) {
  const n = xy.length;
  if (n < 12) return false;
  const ends = Math.hypot(xy[0] - xy[n - 2], xy[1] - xy[n - 1]);
  return ends < 1.6 * Math.max(GAP, lengthOf(xy) / (n / 2 - 1));
}
