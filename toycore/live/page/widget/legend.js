// Beside the picture: its numbers, the scale of its arrows, and what each colour and mark means.

import { make, renewed } from "./dom.js";

/** @import { Mark, Row, Scale, Ui } from "../types.js" */

/** Show the legend, where it has changed. @param {Ui} ui */
export function showLegend({ nodes, scene, look }) {
  const { scale, marks = [] } = scene.legend(), { arrow } = look.colours;
  if (!renewed(nodes.legend, [scale, marks, arrow])) return;
  const line = make("div", { class: "tc-marks" }, ...marks.map(markOf));
  nodes.legend.replaceChildren(...(scale ? [scaleOf(scale, arrow), line] : [line]));
}

/** @param {Mark} mark */
function markOf([colour, meaning, shape = "dot"]) {
  const key = make("i", { class: `tc-${shape}` });
  key.style.setProperty("--key", colour);
  return make("span", { class: "tc-mark" }, key, make("span", { text: meaning }));
}

/** Arrows of some lengths m, drawn as in the picture. @param {Scale} scale @param {string} colour */
function scaleOf({ title, c, ticks }, colour) {
  const marks = ticks.map((m) => {
    const arrow = make("i", { class: "tc-arrow" });
    arrow.style.setProperty("--key", colour);
    arrow.style.width = `${(2.6 * m) / (m + c)}em`;
    return make("span", { class: "tc-mark" }, arrow, make("span", { text: String(m) }));
  });
  return make("div", { class: "tc-marks" }, make("span", { text: title }), ...marks);
}

/** Show the numbers. @param {HTMLElement} list @param {Row[]} rows */
export function showReadouts(list, rows) {
  if (!renewed(list, rows)) return;
  if (list.children.length !== rows.length) {
    list.replaceChildren(...rows.map(() => make("div", {}, make("dt"), make("dd"))));
  }
  rows.forEach((row, i) => row.forEach((text, j) => (list.children[i].children[j].textContent = text)));
}
