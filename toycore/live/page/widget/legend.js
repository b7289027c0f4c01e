// Beside the picture: its numbers, the colour scale with its unit, and what each colour and mark means.

import { make, renewed } from "./dom.js";

/** @import { Mark, Row, Scale, Ui } from "../types.js" */

/** Show the legend, where it has changed. @param {Ui} ui */
export function showLegend({ nodes, scene, look }) {
  const { scale, marks = [] } = scene.legend(), { ramp } = look.colours;
  if (!renewed(nodes.legend, [scale, marks, ramp])) return;
  const line = make("div", { class: "tc-marks" }, ...marks.map(markOf));
  nodes.legend.replaceChildren(...(scale ? [scaleOf(scale, ramp), line] : [line]));
}

/** @param {Mark} mark */
function markOf([colour, meaning, shape = "dot"]) {
  const key = make("i", { class: `tc-${shape}` });
  key.style.setProperty("--key", colour);
  return make("span", { class: "tc-mark" }, key, make("span", { text: meaning }));
}

/** @param {Scale} scale @param {string[]} ramp */
function scaleOf({ title, c, ticks }, ramp) {
  const strip = make("div", { class: "tc-strip" });
  strip.style.background = `linear-gradient(90deg, ${ramp.join(",")})`;
  const marks = ticks.map((m) => {
    const tick = make("span", { text: m === Infinity ? "\u221E" : String(m) });
    tick.style.left = `${m === Infinity ? 100 : (100 * m) / (m + c)}%`;
    return tick;
  });
  const line = make("div", { class: "tc-ticks" }, ...marks);
  return make("div", { class: "tc-scale" }, make("span", { text: title }), strip, line);
}

/**
 * Show the numbers; returns whether there are more or fewer of them than before.
 *
 * @param {HTMLElement} list @param {Row[]} rows
 */
export function showReadouts(list, rows) {
  if (!renewed(list, rows)) return false;
  const others = list.children.length !== rows.length;
  if (others) list.replaceChildren(...rows.map(() => make("div", {}, make("dt"), make("dd"))));
  rows.forEach((row, i) => row.forEach((text, j) => (list.children[i].children[j].textContent = text)));
  return others;
}
