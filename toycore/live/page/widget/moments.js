// Five moments under the main slider: small pictures of what it leads to, each a click away.

import { isMoving, hold } from "./actions.js";
import { textOf } from "./controls.js";
import { make } from "./dom.js";
import { limit, put } from "./values.js";

/** @import { Box, Range, Scene, Strip, Ui, View } from "../types.js" */

const MOMENTS = 5;
const HEIGHT = 2.6; // of the strip in units of the type, as in the style sheet
const ROOM = { width: 600, height: 150, unit: 6 }; // in which the small scene is arranged
const FEW = 250; // particles are enough there
const PATIENCE = 350; // milliseconds without a change before the pictures are drawn anew

/**
 * The values at even places along a slider's axis, each once.
 *
 * @param {Pick<Range, "low" | "log" | "step">} control @param {number} high @param {number} [n]
 */
export function placesOf({ low, log, step }, high, n = MOMENTS) {
  const at = (/** @type {number} */ share) => (log ? low * (high / low) ** share : low + share * (high - low));
  const values = Array.from({ length: n }, (_, i) => at(i / (n - 1)));
  return [...new Set(log ? values : values.map((v) => step * Math.round(v / step)))];
}

/**
 * The strip of a view whose scene can be drawn small, under its first slider; another scene of the same kind draws it.
 *
 * @param {Ui} ui @param {(view: any) => Scene} sceneOf @returns {Strip | null}
 */
export function stripOf(ui, sceneOf) {
  const [shown] = ui.controls, control = /** @type {Range} */ (shown?.control);
  if (!ui.scene.thumbnail || control?.type !== "range") return null;
  const images = Array.from({ length: MOMENTS }, () => make("img", { alt: "" })), small = smallOf(ui, sceneOf);
  const buttons = images.map((image) => make("button", { type: "button", "data-role": "moment" }, image));
  const name = `moments of ${control.label}`;
  const node = make("div", { class: "tc-moments", role: "group", "aria-label": name }, ...buttons);
  const slider = /** @type {HTMLElement} */ (shown.node.querySelector("input")), drawing = { key: "", timer: 0 };
  shown.node.append(node);
  ui.cleanups.push(() => clearTimeout(drawing.timer));
  return {
    ask() {
      const key = keyOf(ui, control.role, images[0].width);
      if (isMoving(ui) || !ui.seen || node.hidden || key === drawing.key) return;
      const wait = drawing.key ? PATIENCE : 0; // the first pictures come at once
      drawing.key = key;
      clearTimeout(drawing.timer);
      drawing.timer = window.setTimeout(() => {
        if (node.hidden) drawing.key = ""; // the view has become narrow in the meantime
        else drawAll(ui, control, small, images, () => drawing.key === key);
      }, wait);
    },
    fit(narrow) {
      node.hidden = narrow;
      if (narrow) return;
      const own = fit(ui, control, small.scene, buttons, slider.clientWidth / MOMENTS);
      if (own.length !== node.childElementCount) node.replaceChildren(...own);
    },
  };
}

/**
 * A second scene, with values of its own, in a room of its own.
 *
 * @param {Ui} ui @param {(view: any) => Scene} sceneOf
 */
function smallOf(ui, sceneOf) {
  const look = { ...ui.look, ...ROOM, bare: true, calm: true, stage: false, lift: 0 };
  const view = /** @type {View} */ ({ meta: { ...ui.meta }, arrays: ui.arrays, values: { ...ui.values }, look });
  const scene = sceneOf(view);
  scene.begin?.(); // with its particles
  return { view, scene };
}

/**
 * Give the pictures their size, and their buttons names, before they are drawn: nothing moves when they come. Returns
 * the buttons that have somewhere to go.
 *
 * @param {Ui} ui @param {Range} control @param {Scene} scene @param {HTMLElement[]} buttons @param {number} widest
 */
function fit(ui, control, scene, buttons, widest) {
  scene.arrange(ROOM.width, ROOM.height);
  const { w, h } = pictureOf(scene);
  const k = Math.min((HEIGHT * ui.look.unit - 2) / h, (0.94 * widest - 2) / w);
  const places = placesOf(control, limit(ui, control.high));
  buttons.forEach((button, i) => {
    const size = { width: Math.max(1, Math.round(k * w)), height: Math.max(1, Math.round(k * h)) };
    Object.assign(/** @type {HTMLElement} */ (button.firstChild), size);
    if (i < places.length) bind(ui, control, button, places[i]);
  });
  return buttons.slice(0, places.length);
}

/** The part of a scene's canvas that is its picture. @param {Scene} scene */
const pictureOf = (scene) => /** @type {() => Box} */ (scene.thumbnail).call(scene);

/** What the pictures hang on, besides the slider itself. @param {Ui} ui @param {string} role @param {number} size */
function keyOf({ values, look, meta, arrays }, role, size) {
  const others = Object.entries(values).filter(([name]) => name !== role && name !== "playing");
  return JSON.stringify([others, look.dark, size, meta.index.length, Object.keys(arrays).length]);
}

/**
 * Draw all pictures, one whenever the page has time, as long as they are wanted.
 *
 * @param {Ui} ui @param {Range} control @param {{ view: View, scene: Scene }} small
 * @param {HTMLImageElement[]} images @param {() => boolean} wanted
 */
function drawAll(ui, control, small, images, wanted) {
  const { view, scene } = small, meta = /** @type {{ n?: number }} */ (ui.meta);
  Object.assign(view.meta, ui.meta, meta.n ? { n: Math.min(FEW, meta.n) } : {});
  Object.assign(view.look, { colours: ui.look.colours, dark: ui.look.dark });
  scene.reload?.();
  ui.strip?.fit(false); // there may be more to go to
  placesOf(control, limit(ui, control.high)).forEach((value, i) => {
    idle(() => wanted() && drawOne(ui, control.role, small, images[i], value));
  });
}

/** When the page has time. @param {() => void} act */
const idle = (act) => ("requestIdleCallback" in window ? requestIdleCallback(act) : setTimeout(act, 50));

/**
 * Give a button its name and what it does.
 *
 * @param {Ui} ui @param {Range} control @param {HTMLElement} button @param {number} value
 */
function bind(ui, control, button, value) {
  const text = `set ${control.label} to ${textOf(ui, control, value)}`;
  button.setAttribute("aria-label", text);
  button.title = text;
  button.onclick = () => {
    hold(ui, control.role);
    put(ui, control.role, value, true);
  };
}

/**
 * The picture at one value.
 *
 * @param {Ui} ui @param {string} role @param {{ view: View, scene: Scene }} small @param {HTMLImageElement} image
 * @param {number} value
 */
function drawOne(ui, role, { view, scene }, image, value) {
  Object.assign(view.values, ui.values, { playing: false, [role]: value });
  scene.arrange(ROOM.width, ROOM.height);
  const box = pictureOf(scene), k = (Math.min(2, devicePixelRatio || 1) * image.height) / box.h;
  const canvas = make("canvas", { width: String(Math.round(k * box.w)), height: String(Math.round(k * box.h)) });
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  g.fillStyle = view.look.colours.background;
  g.fillRect(0, 0, canvas.width, canvas.height);
  g.scale(k, k);
  g.translate(-box.x, -box.y);
  scene.draw(g);
  image.src = canvas.toDataURL();
}
