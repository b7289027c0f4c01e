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
  const roles = assign(ui, role, value);
  if (release) commit(ui, roles);
  ui.refresh();
}

/**
 * Set a value, and move what hangs on it: a slider that ends there stays at its end and never passes it; of the two
 * ends of an interval the other one gives way. Returns the roles of all that was set.
 *
 * @param {Pick<Ui, "values" | "meta">} ui @param {string} role @param {any} value
 */
export function assign(ui, role, value) {
  const values = byName(ui), roles = [role];
  const move = (/** @type {string} */ other) => {
    values[other] = value;
    roles.push(other);
  };
  for (const { role: own, high, below } of ui.meta.controls) {
    if (high === role && (values[own] === values[role] || values[own] > value)) move(own);
    if (below === role && values[own] >= value) move(own);
    if (own === role && below && value >= values[below]) move(below);
  }
  values[role] = value;
  return roles;
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
