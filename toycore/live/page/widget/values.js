// The values of the controls: set here, told to the model on release, shown by everything.

/** @import { Control, Ui } from "../types.js" */

/** The values by their names. @param {Pick<Ui, "values">} ui @returns {Record<string, any>} */
export const byName = ({ values }) => values;

/**
 * A slider's end, which may name another value ("steps").
 *
 * @param {Pick<Ui, "values">} ui @param {number | string} end @returns {number}
 */
export const limit = (ui, end) => (typeof end === "string" ? byName(ui)[end] : end);

/**
 * Set a value here; with `release`, in the model (and so in Python) too.
 *
 * @param {Ui} ui @param {string} role @param {any} value @param {boolean} release
 */
export function put(ui, role, value, release) {
  byName(ui)[role] = value;
  if (release) commit(ui, [role]);
  ui.refresh();
}

/** Hand these values to the model, and say what is seen. @param {Ui} ui @param {string[]} roles */
export function commit(ui, roles) {
  for (const role of roles) {
    const control = controlFor(ui, role), value = byName(ui)[role];
    ui.model.set(role, control?.whole ? Math.round(value) : value);
  }
  ui.model.save_changes();
  ui.nodes.status.textContent = describe(ui);
}

/** The control of a value. @param {Ui} ui @param {string} role @returns {Control | undefined} */
export const controlFor = ({ meta }, role) => meta.controls.find((control) => control.role === role);

/** Say in words what is seen: the picture's name for those who do not see it. @param {Ui} ui */
export function describe({ meta, nodes, scene }) {
  const text = scene.describe();
  nodes.canvas.setAttribute("aria-label", `${meta.title}. ${text}`);
  return text;
}
