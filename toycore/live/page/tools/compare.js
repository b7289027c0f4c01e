// Two states side by side in time: one is kept as A, and shown for as long as a key or a button is held.

import { make } from "../widget/dom.js";
import { say } from "../widget/note.js";
import { restore, stateOf } from "../widget/state.js";

/** @import { State, Ui } from "../types.js" */

/** Keep what is shown. @param {Ui} ui */
export function keep(ui) {
  ui.compared.a = stateOf(ui);
  say(ui, "Kept as A. Change something, then hold C.");
}

/** Show A, or go back to what was shown before; the model hears nothing of it. @param {Ui} ui @param {boolean} held */
export function showA(ui, held) {
  const { compared } = ui, { a, b } = compared;
  if (held === (b !== null)) return;
  if (held && !a) return say(ui, "Nothing is kept yet: press A first.");
  compared.b = held ? stateOf(ui) : null;
  restore(ui, /** @type {State} */ (held ? a : b));
  ui.nodes.stage.querySelector(".tc-badge")?.remove();
  if (held) ui.nodes.stage.append(make("div", { class: "tc-badge", text: "A" }));
  ui.nodes.buttons.compare.setAttribute("aria-pressed", String(held));
  ui.refresh();
}

/**
 * Let key and button be held.
 *
 * @param {Ui} ui @param {(target: EventTarget, name: string, act: (event: any) => void) => void} on
 */
export function listenToHolding(ui, on) {
  const { buttons: { compare } } = ui.nodes, release = () => showA(ui, false);
  const isPress = (/** @type {KeyboardEvent} */ { key }) => key === " " || key === "Enter";
  on(compare, "pointerdown", (event) => {
    compare.setPointerCapture(event.pointerId);
    showA(ui, true);
  });
  on(compare, "keydown", (event) => isPress(event) && showA(ui, true));
  for (const name of ["pointerup", "pointercancel", "blur"]) on(compare, name, release);
  on(document, "keyup", (event) => (isPress(event) || event.key.toLowerCase() === "c") && release());
  on(window, "blur", release); // the key's release would not be heard
}
