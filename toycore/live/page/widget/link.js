// The link to what a view shows: its state in the page's address.
//
// Whoever puts a view on a page that is its own marks the place with data-address, the view's key on that page
// (standalone.js, the site). In a notebook there is no such mark: the address there is Jupyter's.

import { join, part, read, write } from "../address.js";
import { say } from "./note.js";
import { restore, stateOf } from "./state.js";
import { commit } from "./values.js";

/** @import { PlaneMeta, State, Ui } from "../types.js" */

const NOWHERE = "In a notebook a view has no address of its own: save it, view.save(\"name.html\"), and this button "
  + "copies a link to that page.";

/** The view's key in this page's address; undefined where the address is not ours. @param {Ui} ui */
function keyOf({ nodes: { root } }) {
  const place = /** @type {HTMLElement | null} */ (root.closest("[data-address]"));
  return place?.dataset.address;
}

/** Where the box of a view's points is known. @param {Ui} ui */
const boxOf = ({ meta }) => /** @type {Partial<PlaneMeta>} */ (meta).box;

/** Put what is seen into the address, and copy it. @param {Ui} ui */
export async function link(ui) {
  const key = keyOf(ui), text = write(stateOf(ui), boxOf(ui)), saved = ui.model.get("saved");
  if (key === undefined && !saved) return say(ui, NOWHERE, 12);
  if (key !== undefined) history.replaceState(history.state, "", join(location.hash, key, text));
  const address = key === undefined ? `${saved}#${text}` : location.href;
  try {
    await navigator.clipboard.writeText(address);
    say(ui, "Link copied: it opens this picture.");
  } catch {
    say(ui, key === undefined ? address : "This browser does not let a page copy: the link is in the address bar.", 12);
  }
}

/** Show what the address says, now and whenever it changes. @param {Ui} ui */
export function follow(ui) {
  const key = keyOf(ui);
  if (key === undefined) return;
  const opened = stateOf(ui);
  const look = () => {
    const text = part(location.hash, key);
    if (text) show(ui, opened, text);
  };
  window.addEventListener("hashchange", look);
  ui.cleanups.push(() => window.removeEventListener("hashchange", look));
  look();
}

/** @param {Ui} ui @param {State} opened what the page was opened with @param {string} text */
function show(ui, opened, text) {
  const { state, refused } = read(text, boxOf(ui));
  ui.values.playing = false;
  ui.glide = null;
  refused.push(...restore(ui, { ...opened, ...state }));
  commit(ui, ui.meta.traits);
  ui.refresh();
  const { root } = ui.nodes;
  root.closest("[hidden]")?.dispatchEvent(new Event("beforematch")); // a folded answer opens, as it does for a search
  if (keyOf(ui)) root.scrollIntoView({ block: "nearest" });
  if (refused.length) say(ui, `Not understood in this link: ${refused.join("; ")}. The rest is shown.`, 30);
}
