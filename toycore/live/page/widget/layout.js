// How large everything is: the type, the picture, the canvas' pixels.

import { draw } from "./loop.js";

/** @import { Box, Ui } from "../types.js" */

/** Fit type and picture to the room there is. @param {Ui} ui */
export function resize(ui) {
  const { look, nodes: { root, stage, panel } } = ui, width = root.clientWidth;
  if (!width) return;
  const full = document.fullscreenElement === root, narrow = width < 640 || (isOnStage(root) && width < innerHeight);
  look.stage = isOnStage(root);
  look.unit = ui.type * (look.stage ? stageUnit() : width < 420 ? 12 : width > 1000 ? 15 : 14);
  const marks = { "tc-full": full, "tc-on-stage": look.stage, "tc-narrow": narrow };
  for (const [name, on] of Object.entries(marks)) root.classList.toggle(name, on);
  root.style.setProperty("--tc-unit", `${look.unit}px`);
  ui.strip?.fit(narrow || innerHeight < 600);
  const beside = ui.meta.layout === "side" && !narrow, { unit } = look;
  const main = /** @type {HTMLElement} */ (stage.parentElement);
  const wide = look.stage ? (innerHeight - 5 * unit) * ui.meta.wide : roomOf() * ui.meta.aspect;
  main.style.flex = beside ? `0 1 ${Math.round(Math.min(wide, 0.8 * width))}px` : "";
  const bars = [...main.children].filter((node) => node !== stage);
  const high = bars.reduce((sum, node) => sum + node.clientHeight + 0.3 * unit, 1.3 * unit);
  const taken = high + (beside || narrow ? 0 : panel.offsetHeight + 0.4 * unit);
  const room = look.stage ? Math.max(200, innerHeight - taken) : roomOf();
  panel.style.maxHeight = beside && look.stage ? `${innerHeight - unit}px` : "";
  fill(ui, Math.floor(stage.clientWidth), Math.floor(room), look.stage && !narrow);
}

/** Whether a view has a screen or a window for itself. @param {HTMLElement} root */
const isOnStage = (root) => document.fullscreenElement === root || root.closest(".tc-alone") !== null;

/** Type that the last row can read: its smallest is 2.2 % of the height of a wide screen. */
const stageUnit = () => Math.max(14, 0.0236 * Math.min(innerHeight, (innerWidth * 9) / 16));

/** The height for a picture on a page that scrolls. */
const roomOf = () => Math.min(620, Math.max(320, innerHeight * 0.72));

/**
 * Give the canvas its pixels, and draw at once where it is seen: a new size wipes it.
 *
 * @param {Ui} ui @param {number} width @param {number} room the height there is @param {boolean} whole whether all of
 * the room is the canvas'
 */
function fill(ui, width, room, whole) {
  const { look, nodes: { canvas, hint }, scene } = ui, ratio = Math.min(2, devicePixelRatio || 1);
  const used = Math.floor(scene.arrange(width, room)), height = whole ? Math.max(used, room) : used;
  look.lift = Math.floor((height - used) / 2);
  const box = (scene.picture ?? scene.thumbnail)?.call(scene); // the hint stands there, above the scale at its foot
  if (box) hint.style.inset = placed(box, width, height - look.lift, 4.2 * look.unit);
  const size = [width, height, ratio, look.unit, look.lift].join();
  if (size === ui.size) return ui.ask();
  ui.size = size;
  Object.assign(look, { width, height });
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.height = `${height}px`;
  if (ui.seen) draw(ui);
}

/**
 * The middle of a box's lower part as a CSS inset, in a room of so much width and height.
 *
 * @param {Box} box @param {number} width @param {number} height @param {number} above its lower edge
 */
const placed = ({ x, y, w, h }, width, height, above) =>
  `auto ${width - x - w}px ${height - y - h + above}px ${x}px`;
