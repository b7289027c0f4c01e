// What a view listens to: its model, the page, the pointer.

import { unpack } from "../maths/bytes.js";
import { listenToHolding } from "../tools/compare.js";
import { listenToText } from "../tools/see.js";
import { keydown } from "./keys.js";
import { dress, watchTheme } from "./theme.js";
import { assign, describe } from "./values.js";

/** @import { Ui } from "../types.js" */
/** @typedef {(target: EventTarget, name: string, act: (event: any) => void) => void} On */

/** Listen to the page; what it takes to stop is kept in `cleanups`. @param {Ui} ui */
export function connect(ui) {
  const { nodes: { root }, cleanups } = ui;
  /** @type {On} */
  const on = (target, name, act) => {
    target.addEventListener(name, act);
    cleanups.push(() => target.removeEventListener(name, act));
  };
  on(root, "keydown", (event) => keydown(ui, event));
  on(document, "fullscreenchange", ui.resize);
  on(window, "resize", ui.resize); // also another zoom, which may leave the view's own size as it is
  cleanups.push(watchTheme(() => {
    dress(root, ui.meta.palette, ui.look);
    ui.refresh();
  }));
  watch(ui, new ResizeObserver(ui.resize));
  watch(ui, new IntersectionObserver(([entry]) => {
    ui.seen = entry.isIntersecting;
    ui.ask();
  }));
  pointer(ui, on);
  listenToHolding(ui, on);
  listenToText(ui, on);
  listen(ui);
}

/** @param {Ui} ui @param {ResizeObserver | IntersectionObserver} observer */
function watch({ nodes, cleanups }, observer) {
  observer.observe(nodes.root);
  cleanups.push(() => observer.disconnect());
}

/** Clicks and drags on the picture. @param {Ui} ui @param {On} on */
function pointer(ui, on) {
  const { nodes: { canvas, hint, status } } = ui;
  let dragging = false;
  const touch = (/** @type {PointerEvent} */ event) => {
    const box = canvas.getBoundingClientRect(), { width, height, lift } = ui.look; // a slide may show it smaller
    const x = ((event.clientX - box.left) / box.width) * width, y = ((event.clientY - box.top) / box.height) * height;
    ui.scene.touch?.(x, y - lift);
    hint.hidden = true; // it was heard
    ui.refresh();
  };
  const leave = () => {
    dragging = false;
    status.textContent = describe(ui);
  };
  on(canvas, "pointerdown", (event) => {
    canvas.setPointerCapture(event.pointerId);
    dragging = true;
    touch(event);
  });
  on(canvas, "pointermove", (event) => dragging && touch(event));
  on(canvas, "pointerup", leave);
  on(canvas, "pointercancel", leave);
}

/** The model has changed, by Python, jslink or another view of it: show it. @param {Ui} ui */
function listen(ui) {
  const { model, meta, arrays, cleanups } = ui;
  /** @type {(name: string, act: () => void) => void} */
  const on = (name, act) => {
    const heard = () => {
      act();
      ui.refresh();
    };
    model.on(`change:${name}`, heard);
    cleanups.push(() => model.off(`change:${name}`, heard));
  };
  for (const role of meta.traits) {
    on(role, () => {
      assign(ui, role, model.get(role));
      ui.scene.changed?.(role);
    });
  }
  on("news", () => { // more arrays
    const { index, buffer } = model.get("news");
    Object.assign(arrays, unpack(index, buffer));
    ui.scene.reload?.();
  });
  on("buffer", () => { // all arrays anew
    Object.assign(meta, model.get("meta"));
    for (const name of Object.keys(arrays)) delete arrays[name];
    Object.assign(arrays, unpack(meta.index, model.get("buffer")));
    ui.scene.reload?.();
  });
}
