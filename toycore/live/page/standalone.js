// A saved page: views without a kernel.

/** @import { Model, Widget } from "./types.js" */
/** @typedef {Record<string, any> & { kind: string, buffer: string }} State  of a model, its bytes as base64 */

/** What `render` asks of anywidget's model, over a plain object. @param {State} state @returns {Model} */
function modelOf(state) {
  const bytes = Uint8Array.from(atob(state.buffer), (c) => c.charCodeAt(0));
  /** @type {Record<string, any>} */
  const values = { ...state, buffer: new DataView(bytes.buffer) };
  return {
    get: (name) => values[name],
    set: (name, value) => (values[name] = value),
    save_changes: () => {},
    on: () => {}, // nobody but the page itself changes a value
    off: () => {},
  };
}

/** Show views by their kinds, one after the other. @param {Record<string, Widget>} widgets @param {State[]} states */
export function open(widgets, states) {
  const place = /** @type {HTMLElement} */ (document.getElementById("views"));
  if (states.length === 1) document.body.classList.add("tc-alone"); // the view fills the window
  states.forEach((state, i) => {
    const el = place.appendChild(document.createElement("div"));
    el.dataset.address = states.length === 1 ? "" : `v${i + 1}`;
    widgets[state.kind].render({ model: modelOf(state), el });
  });
  if (states.length === 1) forwardKeys();
}

/** On a page with one view its keys work before anything was clicked. */
function forwardKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.target !== document.body) return;
    const heard = document.querySelector(".tc-canvas")?.dispatchEvent(new KeyboardEvent("keydown", event));
    if (heard === false) event.preventDefault();
  });
}
