// How fast play goes, and whether it begins again at its end.

import { make } from "../widget/dom.js";

/** @import { Ui } from "../types.js" */

export const SPEEDS = [0.25, 0.5, 1, 2, 4];
export const REST = 1; // seconds that a loop stays at its end

/** The speed and the loop as controls. @param {Ui} ui @param {string} id */
export function paceOf(ui, id) {
  const group = make("div", { class: "tc-choice", role: "radiogroup", "aria-label": "speed" });
  for (const speed of SPEEDS) {
    const own = `${id}-speed-${speed}`, name = `${id}-speed`;
    const input = make("input", { type: "radio", name, id: own, "data-role": "speed", value: String(speed) });
    input.checked = speed === ui.pace.speed;
    input.onchange = () => (ui.pace.speed = speed);
    group.append(input, make("label", { for: own, text: `\u00D7 ${String(speed).replace(/^0/, "")}` }));
  }
  const loop = make("input", { type: "checkbox", id: `${id}-loop`, "data-role": "loop" });
  loop.onchange = () => (ui.pace.loop = loop.checked);
  return [
    make("div", { class: "tc-pick" }, make("span", { class: "tc-label", text: "speed" }), group),
    make("label", { class: "tc-toggle", for: loop.id }, loop, make("span", { text: "loop" })),
  ];
}

/** Bring the controls up to the pace. @param {Ui} ui */
function showPace({ pace, nodes: { drawer } }) {
  for (const input of drawer.querySelectorAll("input")) {
    if (input.dataset.role === "speed") input.checked = Number(input.value) === pace.speed;
    if (input.dataset.role === "loop") input.checked = pace.loop;
  }
}

/** @param {Ui} ui @param {number} way faster by so many places */
export function changeSpeed(ui, way) {
  const i = SPEEDS.indexOf(ui.pace.speed) + way;
  ui.pace.speed = SPEEDS[Math.max(0, Math.min(SPEEDS.length - 1, i))];
  showPace(ui);
}

/** @param {Ui} ui */
export function toggleLoop(ui) {
  ui.pace.loop = !ui.pace.loop;
  showPace(ui);
}
