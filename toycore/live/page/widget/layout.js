// How large everything is: the type, the picture, the canvas' pixels.

import { draw } from "./loop.js";

/** @import { Ui } from "../types.js" */

/** Fit type and picture to the room there is. @param {Ui} ui */
export function resize(ui) {
  const { look, nodes: { root, stage }, scene } = ui, width = root.clientWidth;
  const full = document.fullscreenElement === root;
  root.classList.toggle("tc-full", full);
  if (!width) return;
  root.classList.toggle("tc-narrow", width < 640);
  let panel = typeset(ui, full, unitOf(full, width));
  const most = innerHeight * (isBeside(ui) ? 0.96 : 0.28); // on a full screen the picture comes first
  while (full && panel > most && look.unit > 12) panel = typeset(ui, full, look.unit * 0.94);
  const taken = 2 * look.unit + (isBeside(ui) ? 0 : panel + look.unit);
  const room = full ? Math.max(200, innerHeight - taken) : roomOf(), wide = Math.floor(stage.clientWidth);
  fill(ui, wide, Math.floor(scene.arrange(wide, room)));
}

/** The size of the type to begin with. @param {boolean} full @param {number} width */
function unitOf(full, width) {
  if (full) return Math.max(16, Math.min(innerWidth / 70, innerHeight / 42));
  return width < 420 ? 12 : width > 1000 ? 15 : 14;
}

/** The height for a picture on a page that scrolls. */
const roomOf = () => Math.min(620, Math.max(320, innerHeight * 0.72));

/** Whether the controls stand beside the picture. @param {Ui} ui */
const isBeside = ({ meta, nodes }) => meta.layout === "side" && nodes.root.clientWidth >= 640;

/**
 * Set the size of the type, and the picture's width beside its panel; returns the panel's height.
 *
 * @param {Ui} ui @param {boolean} full @param {number} unit
 */
function typeset(ui, full, unit) {
  const { meta, look, nodes: { root, stage, panel } } = ui;
  look.unit = unit;
  root.style.setProperty("--tc-unit", `${unit}px`);
  const room = full ? innerHeight - 2 * unit : roomOf();
  stage.style.flex = isBeside(ui) ? `0 1 ${Math.round(room * meta.aspect)}px` : "";
  return panel.offsetHeight;
}

/**
 * Give the canvas its pixels, and draw at once where it is seen: a new size wipes it.
 *
 * @param {Ui} ui @param {number} width @param {number} height
 */
function fill(ui, width, height) {
  const { look, nodes: { canvas } } = ui, ratio = Math.min(2, devicePixelRatio || 1);
  const size = [width, height, ratio, look.unit].join();
  if (size === ui.size) return ui.ask();
  ui.size = size;
  Object.assign(look, { width, height });
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  if (ui.seen) draw(ui);
}
