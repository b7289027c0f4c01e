// A pen that fades: strokes over the picture, gone after some seconds, of which the view knows nothing.

import { make } from "../widget/dom.js";

/** @import { Ui } from "../types.js" */
/** @typedef {{ x: number, y: number, time: number, first: boolean }} Dab */

const STAYS = 4, FADES = 1; // seconds

/** Take the pen, or put it away. @param {Ui} ui */
export function togglePen(ui) {
  const { stage, canvas, buttons } = ui.nodes, sheet = stage.querySelector(".tc-sheet");
  buttons.pen?.setAttribute("aria-pressed", String(!sheet));
  if (sheet) sheet.remove();
  else canvas.after(sheetOf(ui));
}

/** A sheet of glass over the picture. @param {Ui} ui */
function sheetOf(ui) {
  const sheet = make("canvas", { class: "tc-sheet", "aria-hidden": "true" }), dabs = /** @type {Dab[]} */ ([]);
  let asked = 0;
  const paint = () => {
    asked = 0;
    drawStrokes(ui, sheet, dabs, performance.now() / 1000);
    if (dabs.length && sheet.isConnected) asked = requestAnimationFrame(paint);
  };
  const dab = (/** @type {PointerEvent} */ event, first = false) => {
    dabs.push({ x: event.offsetX, y: event.offsetY, time: performance.now() / 1000, first });
    asked ||= requestAnimationFrame(paint);
  };
  sheet.onpointerdown = (event) => {
    sheet.setPointerCapture(event.pointerId);
    dab(event, true);
  };
  sheet.onpointermove = (event) => event.buttons && dab(event);
  return sheet;
}

/**
 * Draw what is young enough, and forget what is not.
 *
 * @param {Ui} ui @param {HTMLCanvasElement} sheet @param {Dab[]} dabs @param {number} now
 */
function drawStrokes({ look }, sheet, dabs, now) {
  const g = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  const ratio = Math.min(2, devicePixelRatio || 1);
  while (dabs.length && now - dabs[0].time > STAYS + FADES) dabs.shift();
  sheet.width = sheet.clientWidth * ratio; // wipes it
  sheet.height = sheet.clientHeight * ratio;
  g.scale(ratio, ratio);
  Object.assign(g, { strokeStyle: look.colours.accent, lineWidth: 0.3 * look.unit, lineCap: "round" });
  dabs.forEach(({ x, y, time, first }, i) => {
    const from = first || i === 0 ? { x, y } : dabs[i - 1];
    g.globalAlpha = Math.max(0, Math.min(1, (STAYS + FADES - (now - time)) / FADES));
    g.beginPath();
    g.moveTo(from.x, from.y);
    g.lineTo(x, y);
    g.stroke();
  });
}
