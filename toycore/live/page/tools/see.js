// Text and picture touch: a symbol of the text, written as a link [$\sigma$](#see:sigma), marks what it stands for in
// the view beside it, for as long as the pointer or the focus is on it; a tap or a click does so for a moment.

/** @import { Ui } from "../types.js" */

const LINK = "a[href^='#see:']";
const MOMENT = 3000; // milliseconds

/** @param {Ui} ui @param {(target: EventTarget, name: string, act: (event: any) => void) => void} on */
export function listenToText(ui, on) {
  /** @param {Event} event @returns {HTMLAnchorElement | null} a link to one of this view's things */
  const linkOf = ({ target }) => {
    const link = target instanceof Element ? /** @type {HTMLAnchorElement | null} */ (target.closest(LINK)) : null;
    return link && nearest(link) === ui.nodes.root ? link : null;
  };
  const nameOf = (/** @type {HTMLAnchorElement} */ link) => link.hash.slice("#see:".length);
  for (const name of ["pointerover", "focusin"]) {
    on(document, name, (event) => {
      const link = linkOf(event);
      if (link) mark(ui, nameOf(link));
    });
  }
  for (const name of ["pointerout", "focusout"]) on(document, name, (event) => linkOf(event) && mark(ui, ""));
  on(document, "click", (event) => {
    const link = linkOf(event);
    if (!link) return;
    event.preventDefault(); // it leads nowhere
    ui.nodes.stage.scrollIntoView({ block: "nearest", behavior: ui.look.calm ? "auto" : "smooth" });
    mark(ui, nameOf(link));
    setTimeout(() => link.matches(":hover, :focus-visible") || mark(ui, ""), MOMENT);
  });
}

/** Let a symbol's thing stand out, "" for none. @param {Ui} ui @param {string} name */
export function mark(ui, name) {
  const known = ui.meta.marks[name];
  ui.marked = known ? name : "";
  for (const { control, node } of ui.controls) {
    node.classList.toggle("tc-seen", known !== undefined && known.roles.includes(control.role));
  }
  if (known) ui.nodes.status.textContent = `Marked in the picture: ${known.label}.`;
  ui.ask();
}

/** The view that stands nearest to a link, above or below. @param {Element} link */
function nearest(link) {
  const { top, bottom } = link.getBoundingClientRect();
  const gap = (/** @type {Element} */ view) => {
    const box = view.getBoundingClientRect();
    return Math.max(box.top - bottom, top - box.bottom, 0);
  };
  const views = [...document.querySelectorAll(".tc-view:has(.tc-canvas)")].filter((view) => view.clientHeight);
  return views.sort((a, b) => gap(a) - gap(b))[0];
}
