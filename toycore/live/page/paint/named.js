// What a symbol of the text points at stands out: all else is drawn pale. One place for all scenes: what is painted
// inside named(g, "x", ...) belongs to the symbol x, and nothing else needs to know of it.

const PALE = 0.15; // the opacity of what is not meant
const PAINTING = ["fill", "stroke", "fillRect", "strokeRect", "fillText", "strokeText", "drawImage"];

let wanted = "", inside = false, met = false;

/**
 * Paint what belongs to one symbol, or to each of several ("eps D").
 *
 * @param {string} names @param {() => void} paint
 */
export function named(names, paint) {
  const before = inside, meant = wanted !== "" && names.split(" ").includes(wanted);
  inside ||= meant;
  met ||= meant;
  paint();
  inside = before;
}

/**
 * Paint with all pale but what belongs to a symbol; returns whether there was anything.
 *
 * @param {CanvasRenderingContext2D} g @param {string} name @param {() => void} paint
 */
export function paintMarked(g, name, paint) {
  [wanted, inside, met] = [name, false, false];
  const pen = /** @type {Record<string, any>} */ (g);
  for (const method of PAINTING) pen[method] = paler(pen, pen[method]);
  try {
    paint();
  } finally {
    for (const method of PAINTING) delete pen[method]; // the canvas' own shows again
    wanted = "";
  }
  return met;
}

/** A way of painting that is pale outside of what is meant. @param {Record<string, any>} pen @param {Function} real */
const paler = (pen, real) => (/** @type {unknown[]} */ ...given) => {
  const alpha = pen.globalAlpha;
  if (!inside) pen.globalAlpha = PALE * alpha;
  real.apply(pen, given);
  pen.globalAlpha = alpha;
};
