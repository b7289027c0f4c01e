// The widget: puts a scene on the page with its controls, and keeps both in step with the model.

import { unpack } from "../maths/bytes.js";
import { actions } from "./actions.js";
import { paceOf } from "../tools/pace.js";
import { buttonsOf, helpOf, showPlaying, TOOLS } from "./buttons.js";
import { controlOf, grouped, showControls } from "./controls.js";
import { make } from "./dom.js";
import { connect } from "./events.js";
import { resize } from "./layout.js";
import { showLegend } from "./legend.js";
import { follow } from "./link.js";
import { loop } from "./loop.js";
import { stripOf } from "./moments.js";
import { coloursOf, dress } from "./theme.js";
import { describe } from "./values.js";

/** @import { Meta, Model, Nodes, Scene, Shown, Ui, Values, View, Widget } from "../types.js" */

/** The anywidget module of the scene that `sceneOf` makes. @param {(view: any) => Scene} sceneOf @returns {Widget} */
export function widget(sceneOf) {
  return {
    render({ model, el }) {
      const view = viewOf(model), ui = uiOf(model, view, sceneOf(view));
      ui.strip = stripOf(ui, sceneOf);
      el.append(ui.nodes.root);
      dress(ui.nodes.root, ui.meta.palette, ui.look);
      connect(ui);
      ui.scene.attach?.(ui);
      follow(ui);
      ui.resize();
      ui.refresh();
      describe(ui);
      return () => {
        ui.seen = false;
        for (const undo of ui.cleanups) undo();
      };
    },
  };
}

/** Before the page has given it room. */
const SIZE = { stage: false, unit: 14, lift: 0, width: 0, height: 0 };

/** What a scene knows, from the model. @param {Model} model @returns {View} */
function viewOf(model) {
  const meta = /** @type {Meta} */ ({ ...model.get("meta") });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const values = Object.fromEntries(meta.traits.map((role) => [role, model.get(role)]));
  return {
    meta,
    arrays: unpack(meta.index, model.get("buffer")),
    values: /** @type {Values} */ (values),
    look: { colours: coloursOf(meta.palette.light), dark: false, calm, ...SIZE },
  };
}

let serial = 0; // sets the ids of views on one page apart

/**
 * The widget of a scene, not yet on the page.
 *
 * @param {Model} model @param {View} view @param {Scene} scene @returns {Ui}
 */
function uiOf(model, view, scene) {
  const id = `tc${++serial}`, cleanups = /** @type {(() => void)[]} */ ([]), stats = { frames: 0, drawMs: 0 };
  const ui = /** @type {Ui} */ ({ ...view, model, scene, stats, cleanups, ...unused() });
  ui.ask = loop(ui);
  ui.resize = () => resize(ui);
  ui.refresh = () => refresh(ui);
  ui.controls = view.meta.controls.map((control) => controlOf(ui, id, control));
  ui.nodes = nodesOf(view.meta, ui.controls, paceOf(ui, id), (role, byMouse) => {
    actions[role](ui);
    if (byMouse) ui.nodes.canvas.focus({ preventScroll: true }); // space shall play, not click again
  });
  // for programs that drive a view from outside
  Object.assign(ui.nodes.root, { tcStats: stats, tcPoints: () => scene.points?.() ?? [] });
  return ui;
}

/** What a view has before it is used. */
const unused = () => ({
  glide: null, concealed: /** @type {string[]} */ ([]), seen: false, size: "", type: 1, marked: "", recorder: null,
  strip: null, pace: { speed: 1, loop: false, rest: 0 }, compared: { a: null, b: null },
});

/** Bring everything beside the picture up to the values, and ask for a frame. @param {Ui} ui */
function refresh(ui) {
  showControls(ui);
  showPlaying(ui.nodes.buttons.play, ui.values.playing);
  if (ui.values.playing) ui.nodes.hint.hidden = true;
  showLegend(ui);
  ui.ask();
}

/**
 * The picture with its bar (play, the main slider, "more"), and a panel with everything else.
 *
 * @param {Meta} meta @param {Shown[]} controls @param {HTMLElement[]} pace
 * @param {(role: string, byMouse: boolean) => void} act @returns {Nodes}
 */
function nodesOf(meta, controls, pace, act) {
  const { title, layout, front } = meta, help = helpOf(meta);
  const own = buttonsOf(meta.buttons, act), tools = buttonsOf(TOOLS, act), buttons = { ...own, ...tools };
  const { play, more, fullscreen, ...others } = own;
  const canvas = make("canvas", { class: "tc-canvas", tabindex: "0", role: "img", "aria-label": title });
  const readouts = make("dl", { class: "tc-readouts" }), legend = make("div", { class: "tc-legend" });
  const hint = make("div", { class: "tc-hint", text: hintOf(meta), hidden: !hintOf(meta) });
  const note = make("div", { class: "tc-note", role: "status" });
  const stage = make("div", { class: "tc-stage" }, canvas, hint, note, help);
  const main = controls.slice(0, front).map(({ node }) => node);
  const bar = make("div", { class: "tc-bar", role: "group", "aria-label": "main controls" });
  bar.append(play, ...main, more, fullscreen);
  const row = make("div", { class: "tc-buttons", role: "group", "aria-label": "actions" }, ...Object.values(others));
  const chest = make("div", { class: "tc-chest tc-buttons", role: "group", "aria-label": "lecturer's tools" });
  chest.append(...pace, ...Object.values(tools));
  const drawer = make("div", { class: "tc-drawer", hidden: true }, row, ...grouped(controls.slice(front)));
  const panel = make("div", { class: "tc-panel" }, make("div", { class: "tc-title", text: title }), legend);
  panel.append(...(layout === "side" ? [readouts, drawer] : [drawer]));
  if (layout !== "side") drawer.append(readouts);
  drawer.append(chest);
  const status = make("div", { class: "tc-status", role: "status" });
  const root = make("div", { class: `tc-view tc-${layout}`, role: "group", "aria-label": title, tabindex: "-1" });
  root.append(make("div", { class: "tc-body" }, make("div", { class: "tc-main" }, stage, bar), panel), status);
  return { root, stage, canvas, bar, panel, drawer, readouts, legend, hint, note, help, status, buttons };
}

/** What one can do here, said until it is done. @param {Meta} meta */
function hintOf({ hint }) {
  const keys = matchMedia("(pointer: coarse)").matches ? "" : "F fills the screen";
  return [hint, keys].filter(Boolean).join(" \u00B7 ");
}
