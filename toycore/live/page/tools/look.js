// Dark or light, larger or smaller type, by hand.

import { dress } from "../widget/theme.js";

/** @import { Ui } from "../types.js" */

/** The other theme: of the whole page where it is ours, in a notebook of this view alone. @param {Ui} ui */
export function otherTheme(ui) {
  const { root } = ui.nodes, next = ui.look.dark ? "light" : "dark";
  if (root.closest("[data-address]")) {
    document.documentElement.dataset.theme = next;
    document.body.dataset.jpThemeLight = String(next === "light");
    return; // the views watch these
  }
  root.dataset.chosen = next;
  dress(root, ui.meta.palette, ui.look);
  ui.refresh();
}

/** Larger type, or smaller. @param {Ui} ui @param {number} way */
export function changeType(ui, way) {
  ui.type = Math.max(0.7, Math.min(2, ui.type * 1.15 ** way));
  ui.resize();
  ui.refresh();
}
