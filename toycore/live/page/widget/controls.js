// The controls that Python listed: sliders, radio buttons, check boxes.

import { minus } from "../format.js";
import { hold } from "./actions.js";
import { make } from "./dom.js";
import { byName, limit, put } from "./values.js";

/** @import { Control, Range, Shown, Ui } from "../types.js" */

/**
 * A control's node, and how it shows a value.
 *
 * @param {Ui} ui @param {string} prefix of ids @param {Control} control @returns {Shown}
 */
export function controlOf(ui, prefix, control) {
  const build = { range: rangeOf, choice: choiceOf, toggle: toggleOf }[control.type];
  return build(ui, /** @type {Range} */ (control), `${prefix}-${control.role}`);
}

/** @param {Ui} ui @param {Control} control @param {string} id @returns {Shown} */
function toggleOf(ui, control, id) {
  const { role, label } = control, input = make("input", { type: "checkbox", id, "data-role": role });
  input.onchange = () => put(ui, role, input.checked, true);
  const node = make("label", { class: "tc-toggle", for: id }, input, make("span", { text: label }));
  return { control, node, show: (value) => (input.checked = value) };
}

/** @param {Ui} ui @param {Control} control @param {string} id @returns {Shown} */
function choiceOf(ui, control, id) {
  const { role, label, options = [] } = control;
  const group = make("div", { class: "tc-choice", role: "radiogroup", "aria-label": label });
  const inputs = options.map(([value, text], i) => {
    const own = `${id}-${i}`;
    const input = make("input", { type: "radio", name: id, id: own, "data-role": role, value: String(value) });
    input.onchange = () => put(ui, role, value, true);
    group.append(input, make("label", { for: own, text }));
    return input;
  });
  const node = make("div", { class: "tc-pick" }, make("span", { class: "tc-label", text: label }), group);
  return { control, node, show: (value) => inputs.forEach((input, i) => (input.checked = options[i][0] === value)) };
}

/** @param {Ui} ui @param {Range} control @param {string} id @returns {Shown} */
function rangeOf(ui, control, id) {
  const { role, label, low, high, step, log } = control, to = log ? Math.log10 : Number;
  const top = () => limit(ui, high), input = make("input", {
    type: "range", id, "data-role": role, min: String(to(low)), max: String(to(top()) || 1), step: String(step),
  });
  const read = () => Math.max(low, Math.min(top(), log ? 10 ** Number(input.value) : Number(input.value)));
  input.onpointerdown = () => hold(ui, role);
  input.oninput = () => {
    hold(ui, role);
    put(ui, role, read(), false);
  };
  input.onchange = () => put(ui, role, read(), true);
  const output = make("output", { for: id, class: "tc-value" });
  const name = make("label", { for: id, class: "tc-label", text: label });
  const node = make("div", { class: "tc-control" }, name, output, input);
  return { control, node, show: (value) => showRange(ui, control, input, output, Math.min(value, top())) };
}

/**
 * Bring a slider and its number up to a value.
 *
 * @param {Ui} ui @param {Range} control @param {HTMLInputElement} input @param {HTMLElement} output
 * @param {number} value
 */
function showRange(ui, control, input, output, value) {
  const { label, low, high, step, log } = control, to = log ? Math.log10 : Number, top = limit(ui, high);
  const text = textOf(ui, control, value), held = document.activeElement === input;
  if (typeof high === "string") input.max = String(top);
  if (!held || Math.abs(Number(input.value) - to(value)) > step) input.value = String(to(value));
  output.textContent = text;
  input.setAttribute("aria-valuetext", `${label} ${text}`);
  input.style.setProperty("--share", `${(100 * (to(value) - to(low))) / (to(top) - to(low) || 1)}%`);
}

/**
 * A value as it is shown: its own text, or the number of an array, where the control has them.
 *
 * @param {Ui} ui @param {Range} control @param {number} value
 */
export function textOf({ arrays }, { names, texts, digits, log }, value) {
  if (texts) return texts[Math.round(value)] ?? "";
  const known = names ? arrays[names]?.data : null;
  if (names) return String(known?.[Math.max(0, Math.min(known.length - 1, Math.round(value)))] ?? "\u2013");
  return minus(log ? value.toPrecision(value < 0.1 ? 2 : 3) : value.toFixed(digits));
}

/** The controls' nodes, check boxes together in one row. @param {Shown[]} controls */
export function grouped(controls) {
  const isBox = (/** @type {Shown} */ { control }) => control.type === "toggle";
  const boxes = controls.filter(isBox).map(({ node }) => node), others = controls.filter((c) => !isBox(c));
  const nodes = others.map(({ node }) => node);
  return boxes.length ? [...nodes, make("div", { class: "tc-toggles" }, ...boxes)] : nodes;
}

/** Bring every control up to its value, and hide what does not apply. @param {Ui} ui */
export function showControls(ui) {
  const values = byName(ui);
  for (const { control, node, show } of ui.controls) {
    show(values[control.role]);
    const when = Object.entries(control.when ?? {});
    const applies = when.every(([role, allowed]) => allowed.includes(values[role]));
    node.hidden = !applies || ui.concealed.includes(control.role);
  }
}
