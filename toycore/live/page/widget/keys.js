// The keyboard.

import { showA } from "../tools/compare.js";
import { actions, nudge, preset } from "./actions.js";

/** @import { Pair, Ui } from "../types.js" */

/** @type {Record<string, Pair>} */
const ARROWS = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
/** @type {Record<string, string>} */
const SHORTCUTS = {
  m: "more", r: "reset", n: "renew", N: "notes", f: "fullscreen", "?": "help", a: "keep", p: "pen", t: "theme",
  "-": "smaller", "+": "larger", "=": "larger",
};
/** @type {Record<string, string>} that have no button */
const BARE = { "<": "slower", ",": "slower", ">": "faster", ".": "faster", l: "loop" };

/** @param {Ui} ui @param {KeyboardEvent} event */
export function keydown(ui, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
  if (event.key === "Escape") ui.nodes.help.hidden = true;
  else event.stopPropagation(); // JupyterLab would take a, b, x, dd as its own
  if (obey(ui, event, /** @type {HTMLElement} */ (event.target))) event.preventDefault();
  ui.ask();
}

/**
 * Do what a key stands for; returns whether it stands for anything here.
 *
 * @param {Ui} ui @param {KeyboardEvent} event @param {HTMLElement} target
 */
function obey(ui, { key, shiftKey }, target) {
  if (target.matches(".tc-canvas") && ui.scene.key?.(key)) return true;
  if (key in ARROWS && !target.matches("input")) return arrowKey(ui, ARROWS[key], shiftKey);
  if (key === " " && !target.matches("button, [type=checkbox]")) return press(ui, "play");
  if (/^[1-9]$/.test(key)) return preset(ui, Number(key));
  const bare = BARE[key.toLowerCase()];
  if (bare) actions[bare](ui);
  if (key.toLowerCase() === "c") showA(ui, true);
  return bare !== undefined || press(ui, SHORTCUTS[key] ?? SHORTCUTS[key.toLowerCase()]);
}

/** @param {Ui} ui @param {Pair} way @param {boolean} shift */
function arrowKey(ui, [dx, dy], shift) {
  if (shift && ui.scene.move) ui.scene.move(dx, dy);
  else if (dx) nudge(ui, dx);
  else return false;
  return true;
}

/** @param {Ui} ui @param {string | undefined} role */
function press(ui, role) {
  const button = ui.nodes.buttons[role ?? ""];
  if (!role || !button || button.hidden) return false;
  actions[role](ui);
  return true;
}
