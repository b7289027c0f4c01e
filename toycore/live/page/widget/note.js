// A sentence over the picture, for those who see it and those who hear it.

/** @import { Ui } from "../types.js" */

/** Say something for some seconds. @param {Ui} ui @param {string} text @param {number} [seconds] */
export function say(ui, text, seconds = 6) {
  const { note, hint } = ui.nodes;
  hint.hidden = true; // they share a place
  note.textContent = text;
  setTimeout(() => note.textContent === text && (note.textContent = ""), 1000 * seconds);
}
