// What one does with a pen: draw, erase, drag a point or a stroke; with the pointer and with the keyboard alike.

import { count, drawnTo, erased, find, HALF, isClosed, LIMIT, limited, moved, onGrid, snapped } from "./strokes.js";

/** @import { Stroke } from "./strokes.js" */
/** @typedef {"draw" | "erase" | "point" | "stroke"} Tool */

const NEAR = 0.12; // how far from a point a hand may be
const PAST = 100; // changes that can be taken back

/**
 * A drawing; changed(done) is called after every change, done when the pen is lifted.
 *
 * @param {Stroke[]} strokes @param {(done: boolean) => void} changed
 */
export function drawing(strokes, changed) {
  return {
    strokes, changed,
    tool: /** @type {Tool} */ ("draw"),
    label: 0,
    example: true, // what stands there was not drawn by hand: the first stroke takes its place
    down: false,
    past: /** @type {{ strokes: Stroke[], example: boolean }[]} */ ([]),
    /** @type {{ base: Stroke[], s: number, i: number | null, x: number, y: number } | null} what is dragged */
    held: null,
  };
}

/** @typedef {ReturnType<typeof drawing>} Drawing */

/** Remember what is there, before it changes. @param {Drawing} d */
function remember(d) {
  d.past = [...d.past.slice(-PAST), { strokes: d.strokes, example: d.example }];
}

/** Put other strokes in place of all. @param {Drawing} d @param {Stroke[]} strokes */
export function replace(d, strokes, example = false) {
  remember(d);
  Object.assign(d, { strokes: limited(strokes), example, held: null, down: false });
  d.changed(true);
}

/** Add a stamp. @param {Drawing} d @param {Stroke[]} strokes */
export const stamp = (d, strokes) => replace(d, d.example ? strokes : [...d.strokes, ...strokes], false);

/** Take the last change back; returns whether there was one. @param {Drawing} d */
export function undo(d) {
  const last = d.past.pop();
  if (!last) return false;
  Object.assign(d, { ...last, held: null, down: false });
  d.changed(true);
  return true;
}

/** The pen comes down. @param {Drawing} d @param {number} x @param {number} y */
export function penDown(d, x, y) {
  remember(d);
  d.down = true;
  if (d.tool === "draw") {
    const before = d.example ? [] : d.strokes, room = count(before) < LIMIT;
    const dot = { label: d.label, closed: false, xy: [snapped(x), snapped(y)] };
    d.strokes = room ? [...before, dot] : before;
    d.down = room;
  } else if (d.tool === "erase") d.strokes = erased(d.strokes, x, y, NEAR / 2);
  else grab(d, x, y);
  d.example = false;
  d.changed(false);
}

/** @param {Drawing} d @param {number} x @param {number} y */
function grab(d, x, y) {
  const { s, i, distance } = find(d.strokes, x, y);
  d.held = distance < NEAR ? { base: d.strokes, s, i: d.tool === "point" ? i : null, x, y } : null;
}

/** The pen moves while it is down. @param {Drawing} d @param {number} x @param {number} y */
export function penMove(d, x, y) {
  if (!d.down) return;
  const before = d.strokes, [a, b] = [x, y].map((v) => Math.max(-HALF, Math.min(HALF, v)));
  if (d.tool === "draw") d.strokes = drawnTo(d.strokes, a, b);
  else if (d.tool === "erase") d.strokes = erased(d.strokes, x, y, NEAR / 2);
  else if (d.held) d.strokes = moved(d.held.base, d.held.s, d.held.i, [x - d.held.x, y - d.held.y]);
  if (before !== d.strokes) d.changed(false);
}

/** The pen is lifted. @param {Drawing} d */
export function penUp(d) {
  if (!d.down) return;
  d.down = false;
  const last = d.strokes.length - 1;
  d.strokes = d.strokes.map((stroke, s) => (d.tool === "draw" && s === last
    ? { ...stroke, closed: isClosed(stroke.xy) } : s === d.held?.s ? onGrid(stroke) : stroke));
  d.held = null;
  d.changed(true);
}
