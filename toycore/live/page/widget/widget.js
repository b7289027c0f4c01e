// The widget: puts a scene on the page with its controls, and keeps both in step with the model.

import { unpack } from "../maths/bytes.js";
import { actions } from "./actions.js";
import { buttonsOf, helpOf, showPlaying } from "./buttons.js";
import { controlOf, grouped, showControls } from "./controls.js";
import { make } from "./dom.js";
import { connect } from "./events.js";
import { resize } from "./layout.js";
import { showLegend } from "./legend.js";
import { loop } from "./loop.js";
import { coloursOf, dress } from "./theme.js";
import { describe } from "./values.js";

/** @import { Meta, Model, Nodes, Scene, Shown, Ui, Values, View, Widget } from "../types.js" */

/** The anywidget module of the scene that `sceneOf` makes. @param {(view: any) => Scene} sceneOf @returns {Widget} */
export function widget(sceneOf) {
  return {
    render({ model, el }) {
      const view = viewOf(model), ui = uiOf(model, view, sceneOf(view));
      el.append(ui.nodes.root);
      dress(ui.nodes.root, ui.meta.palette, ui.look);
      connect(ui);
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

/** What a scene knows, from the model. @param {Model} model @returns {View} */
function viewOf(model) {
  const meta = /** @type {Meta} */ ({ ...model.get("meta") });
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const values = Object.fromEntries(meta.traits.map((role) => [role, model.get(role)]));
  return {
    meta,
    arrays: unpack(meta.index, model.get("buffer")),
    values: /** @type {Values} */ (values),
    look: { colours: coloursOf(meta.palette.light), dark: false, unit: 14, width: 0, height: 0, calm },
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
  const ui = /** @type {Ui} */ ({ ...view, model, scene, stats, cleanups, glide: null, seen: false, size: "" });
  ui.ask = loop(ui);
  ui.resize = () => resize(ui);
  ui.refresh = () => refresh(ui);
  ui.controls = view.meta.controls.map((control) => controlOf(ui, id, control));
  ui.nodes = nodesOf(view.meta, ui.controls, (role, byMouse) => {
    actions[role](ui);
    if (byMouse) ui.nodes.canvas.focus({ preventScroll: true }); // space shall play, not click again
  });
  // for programs that drive a view from outside
  Object.assign(ui.nodes.root, { tcStats: stats, tcPoints: () => scene.points?.() ?? [] });
  return ui;
}

/** Bring everything beside the picture up to the values, and ask for a frame. @param {Ui} ui */
function refresh(ui) {
  showControls(ui);
  showPlaying(ui.nodes.buttons.play, ui.values.playing);
  showLegend(ui);
  ui.ask();
}

/**
 * @param {Meta} meta @param {Shown[]} controls @param {(role: string, byMouse: boolean) => void} act @returns {Nodes}
 */
function nodesOf(meta, controls, act) {
  const { title, layout } = meta, buttons = buttonsOf(meta.buttons, act), help = helpOf(meta);
  const canvas = make("canvas", { class: "tc-canvas", tabindex: "0", role: "img", "aria-label": title });
  const readouts = make("dl", { class: "tc-readouts" }), legend = make("div", { class: "tc-legend" });
  const row = make("div", { class: "tc-buttons", role: "group", "aria-label": "actions" }, ...Object.values(buttons));
  const heading = make("div", { class: "tc-title", text: title });
  const panel = make("div", { class: "tc-panel" }, heading, row, ...grouped(controls), readouts, legend);
  const stage = make("div", { class: "tc-stage" }, canvas, help);
  const status = make("div", { class: "tc-status", role: "status" });
  const root = make("div", { class: `tc-view tc-${layout}`, role: "group", "aria-label": title, tabindex: "-1" });
  root.append(make("div", { class: "tc-body" }, stage, panel), status);
  return { root, stage, canvas, panel, readouts, legend, help, status, buttons };
}
