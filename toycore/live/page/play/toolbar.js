// The row of tools above the picture, and the buttons of the training.

import { make } from "../widget/dom.js";

/** @typedef {(role: string) => void} Act */

/**
 * Of every tool: what it looks like in a 16 x 16 box, and its name.
 *
 * @type {Record<string, [path: string, name: string]>}
 */
const TOOLS = {
  draw: ["M11.5 1.5 L14.5 4.5 L5 14 L1.5 14.5 L2 11 Z", "draw: taps or lines"],
  erase: ["M9 2 L14 7 L7.5 13.5 H4.5 L2 11 Z M8 14.6 H14.5 V13.4 H9.2 Z", "erase"],
  point: [
    "M8 5 A3 3 0 1 0 8 11 A3 3 0 1 0 8 5 Z M8 0 L10 3 H6 Z M8 16 L6 13 H10 Z M0 8 L3 6 V10 Z M16 8 L13 10 V6 Z",
    "drag a point",
  ],
  stroke: ["M1 12 C4 4 6 14 9 8 S13 3 15 5 L14.4 6.6 C12 5 11.4 6 10.2 9 C7.5 14.5 5 8 2.6 12.6 Z",
    "drag a whole stroke"],
};

/** @type {Record<string, [path: string, name: string]>} */
const STAMPS = {
  spiral: ["M8 8 C8 6.6 10 6.6 10 8.4 C10 10.6 6 10.8 5.6 8 C5.2 4.6 10.4 3.4 12 6.6 C13.8 10.6 9.4 14 5.6 12.6 "
    + "C1.6 11 1.4 5 4.6 2.6", "stamp a spiral"],
  ring: ["M8 2.5 A5.5 5.5 0 1 0 8 13.5 A5.5 5.5 0 1 0 8 2.5", "stamp a ring"],
  moons: ["M1.5 9 C1.5 3 9 3 9 9 M7 7 C7 13 14.5 13 14.5 7", "stamp two moons, two classes"],
  letters: ["M2.5 13 L6 3 L9.5 13 M3.8 9.5 H8.2 M12.2 13 V7.6 M12.2 13 A2.6 2.6 0 1 1 12.2 8", "write a word"],
};

/** @param {string} path @param {boolean} [line] whether it is drawn, not filled */
function icon(path, line = false) {
  const name = "http://www.w3.org/2000/svg", svg = document.createElementNS(name, "svg");
  svg.appendChild(document.createElementNS(name, "path")).setAttribute("d", path);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  if (line) svg.classList.add("tc-stroke");
  return svg;
}

/** @param {string} role @param {string} name @param {Act} act @param {(Node | string)[]} face */
function buttonOf(role, name, act, ...face) {
  const button = make("button", { type: "button", "data-role": role, title: name, "aria-label": name }, ...face);
  button.onclick = () => act(role);
  return button;
}

/** @param {string} name @param {Node[]} nodes */
const group = (name, ...nodes) => make("div", { class: "tc-group", role: "group", "aria-label": name }, ...nodes);

/**
 * The tools, with the choice between points and a smooth curve at their end, and the sentence that explains it.
 *
 * @param {Act} act @param {HTMLElement} choice
 */
export function toolbarOf(act, choice) {
  const iconic = (/** @type {[string, [string, string]]} */ [role, [path, name]], line = false) =>
    buttonOf(role, name, act, icon(path, line));
  const tools = Object.entries(TOOLS).map((tool) => iconic(tool));
  const stamps = Object.entries(STAMPS).map((stamp) => iconic(stamp, true));
  const colours = [0, 1, 2].map((c) =>
    buttonOf(`class${c}`, `draw class ${c}`, act, make("i", { class: "tc-dot" })));
  const undo = buttonOf("undo", "undo (Ctrl+Z)", act, "Undo"), clear = buttonOf("clear", "clear all", act, "Clear");
  const word = make("input", { type: "text", class: "tc-word", maxlength: "8", hidden: true,
    "aria-label": "a word to draw, then Enter", placeholder: "a word" });
  const note = make("p", { class: "tc-lesson" });
  const row = make("div", { class: "tc-tools", role: "group", "aria-label": "drawing" },
    group("tool", ...tools), group("class", ...colours), group("stamps", ...stamps, word),
    group("changes", undo, clear), choice, note);
  const buttons = [...tools, ...stamps, ...colours, undo, clear];
  return { row, note, word, tools, colours, buttons: byRole(buttons) };
}

/** @param {HTMLButtonElement[]} buttons */
const byRole = (buttons) => Object.fromEntries(buttons.map((button) => [button.dataset.role ?? "", button]));

/** The buttons of the training: one large, the others small. @param {Act} act */
export function trainersOf(act) {
  const train = buttonOf("train", "train the network (T)", act);
  const finer = buttonOf("finer", "train the large network, 64 \u00D7 3", act, "Large network");
  const others = [
    buttonOf("keep", "keep this network, to compare it with the next", act, "Keep to compare"),
    buttonOf("python", "copy this experiment as a cell of Python", act, "Copy as Python"),
  ];
  return { train, finer, others, buttons: byRole([train, finer, ...others]) };
}

/** The letters on the large button. @param {HTMLButtonElement} button @param {string} text */
export function label(button, text) {
  if (button.textContent === text) return;
  button.textContent = text;
  button.setAttribute("aria-label", `${text} (T)`);
  button.title = `${text} (T)`;
}
