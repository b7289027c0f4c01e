// The state of a view: everything that its picture is made of, taken and given back.

import { minus } from "../format.js";
import { assign, byName, controlFor, limit } from "./values.js";

/** @import { Control, Range, State, Ui } from "../types.js" */

/** What a view shows now: its controls' values, its noise, what its scene keeps besides. @param {Ui} ui */
export function stateOf(ui) {
  /** @type {State} */
  const state = {};
  for (const role of rolesOf(ui)) state[role] = byName(ui)[role];
  for (const [name, value] of Object.entries(ui.scene.kept?.() ?? {})) if (value !== null) state[name] = value;
  if (ui.concealed.length) state.hide = ui.concealed.join(",");
  return state;
}

/** The values that a reader can change. @param {Ui} ui */
function rolesOf({ meta }) {
  const roles = meta.controls.map(({ role }) => role);
  return meta.traits.includes("seed") ? [...roles, "seed"] : roles;
}

/**
 * Show a state; returns what of it was refused and stays as it is, in words.
 *
 * @param {Ui} ui @param {State} state
 */
export function restore(ui, { hide = "", ...state }) {
  const roles = rolesOf(ui), kept = ui.scene.kept?.() ?? {}, refused = /** @type {string[]} */ ([]);
  for (const role of roles.filter((name) => Object.hasOwn(state, name)).sort(bounds(ui))) {
    const value = plain(controlFor(ui, role), state[role]), fault = faultOf(ui, role, value);
    if (fault) refused.push(`${role} = ${state[role]} ${fault}`);
    else assign(ui, role, value);
  }
  const others = Object.entries(state).filter(([name]) => !roles.includes(name));
  for (const [name, value] of others.filter((entry) => !isKept(kept, ...entry))) {
    refused.push(Object.hasOwn(kept, name) ? `${name} = ${value} is not of its kind` : `there is no ${name} here`);
  }
  ui.scene.restore?.(Object.fromEntries(others.filter((entry) => isKept(kept, ...entry))));
  return [...refused, ...conceal(ui, String(hide))];
}

/** Values that end at another one come after it. @param {Ui} ui */
const bounds = (ui) => (/** @type {string} */ a, /** @type {string} */ b) =>
  Number(typeof controlFor(ui, a)?.high === "string") - Number(typeof controlFor(ui, b)?.high === "string");

/**
 * An option as it was sent, for what the address says of it.
 *
 * @param {Control | undefined} control @param {any} value
 */
const plain = (control, value) =>
  control?.options?.find(([option]) => String(option) === String(value))?.[0] ?? value;

/** Why a value is not allowed, "" where it is. @param {Ui} ui @param {string} role @param {any} value */
function faultOf(ui, role, value) {
  const control = controlFor(ui, role);
  if (!control) return Number.isSafeInteger(value) && value >= 0 ? "" : "is not a whole number"; // the seed
  if (control.type === "toggle") return typeof value === "boolean" ? "" : "is neither on nor off";
  if (control.type === "choice") return isOption(control, value) ? "" : `is none of ${namesOf(control)}`;
  const { low, high, whole } = /** @type {Range} */ (control), top = limit(ui, high);
  if (typeof value !== "number") return "is not a number";
  if (whole && !Number.isInteger(value)) return "is not a whole number";
  const near = 1e-9 * Math.max(Math.abs(low), Math.abs(top)); // a slider's rounding
  return value >= low - near && value <= top + near ? "" : `is not between ${minus(String(low))} and ${top}`;
}

/** @param {Control} control @param {any} value */
const isOption = ({ options = [] }, value) => options.some(([option]) => option === value);

/** @param {Control} control */
const namesOf = ({ options = [] }) => options.map(([option]) => option).join(", ");

/**
 * Whether a scene keeps a value of this name and kind.
 *
 * @param {Record<string, any>} kept @param {string} name @param {any} value
 */
function isKept(kept, name, value) {
  if (!Object.hasOwn(kept, name)) return false;
  const known = kept[name];
  return known === null ? Array.isArray(value) && value.length === 2 : known.constructor === value.constructor;
}

/** Hide controls and buttons by their roles, "a,b"; returns what is not there. @param {Ui} ui @param {string} text */
function conceal(ui, text) {
  const wanted = text.split(",").filter(Boolean), { buttons } = ui.nodes;
  const known = wanted.filter((role) => controlFor(ui, role) || Object.hasOwn(buttons, role));
  ui.concealed = known;
  for (const [role, button] of Object.entries(buttons)) button.hidden = known.includes(role);
  return wanted.filter((role) => !known.includes(role)).map((role) => `there is no ${role} to hide`);
}
