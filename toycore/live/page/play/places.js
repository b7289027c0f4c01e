// Where the panes and the two curves stand.

/** @import { Box, Look, Pane } from "../types.js" */
/** column: of the curves with their axes. */
/** @typedef {{ panes: Pane[], graphs: Box[], column: Box, height: number, wide: boolean }} Places */

/** @param {number} x @param {number} y @param {number} w @returns {Pane} */
const pane = (x, y, w) =>
  ({ x: Math.floor(x), y: Math.floor(y), w: Math.floor(w), ticks: false, centre: [0, 0], half: 1 });

/**
 * The panes of the data, of the network and of what stands beside it, and the curves: two large panes and a column on
 * a wide screen, else one large pane and two small ones under it.
 *
 * @param {Pick<Look, "unit" | "stage">} look @param {number} width @param {number} room @param {number} front which is
 * the large one @returns {Places}
 */
export function places({ unit, stage }, width, room, front) {
  return width > 1.25 * room || (!stage && width > 640) ? wide(unit, width, room) : tall(unit, width, room, front);
}

/** @param {number} u @param {number} width @param {number} room @returns {Places} */
function wide(u, width, room) {
  const top = 1.8 * u, gap = 1.1 * u, side = Math.min(room - top - 0.3 * u, (width - 2 * gap - 4.6 * u) / 2.42);
  const start = (width - 2.42 * side - 2 * gap - 2.6 * u) / 2, third = 0.42 * side;
  const x = start + 2 * (side + gap) + 2.2 * u, y = top + third + 2 * u, high = (side - third - 2 * u - 4.4 * u) / 2;
  const graph = (/** @type {number} */ i) => ({ x, y: y + i * (high + 3 * u), w: third, h: high });
  const [left, upper] = [x - 3 * u, y - 2 * u].map(Math.floor);
  const column = { x: left, y: upper, w: third + 4.4 * u, h: top + side + 1.3 * u - upper };
  return {
    panes: [pane(start, top, side), pane(start + side + gap, top, side), pane(x, top, third)],
    graphs: [graph(0), graph(1)], column,
    height: top + side + 0.3 * u, wide: true,
  };
}

/** @param {number} u @param {number} width @param {number} room @param {number} front @returns {Places} */
function tall(u, width, room, front) {
  const top = 1.6 * u, small = (width - 1.2 * u) / 2, high = Math.max(0.75 * width, room - 2 * top - small - 0.3 * u);
  const side = Math.min(width - 2, high), low = top + side + top;
  const others = [0, 1, 2].filter((i) => i !== front), panes = Array(3);
  panes[front] = pane((width - side) / 2, top, side);
  others.forEach((i, k) => (panes[i] = pane(k * (small + 1.1 * u), low, small)));
  return { panes, graphs: [], column: { x: 0, y: 0, w: 0, h: 0 }, height: low + small + 0.3 * u, wide: false };
}
