// What buttons and keys do, on a view without a page.
import assert from "node:assert/strict";
import test from "node:test";
import { actions, advance, isMoving, nudge, preset } from "../../../toycore/live/page/widget/actions.js";
import { keydown } from "../../../toycore/live/page/widget/keys.js";

/** A view with a logarithmic and a linear slider; `set` gathers what the model is given. */
function viewOf({ calm = false, presets = [], play = {}, ...values } = {}) {
  const ui = {
    meta: {
      title: "T", presets, start: { sigma: 0.3, step: 0, seed: 0 },
      play: { role: "sigma", from: 10, to: 0.01, by: 2, seconds: 4, ...play },
      controls: [{ role: "sigma", type: "range", log: true }, { role: "step", type: "range", whole: true }],
    },
    values: { sigma: 1, step: 3, steps: 5, seed: 0, playing: false, ...values },
    pace: { speed: 1, loop: false, rest: 0 }, compared: { a: null, b: null },
    look: { calm }, glide: null, set: {}, asked: 0,
    scene: { describe: () => "D", moved: null, move(...way) { this.moved = way; } },
    nodes: {
      canvas: { setAttribute() {} }, status: {}, help: { hidden: true }, buttons: { play: {}, reset: {}, help: {} },
    },
    ask() { this.asked++; },
    refresh() {},
  };
  ui.model = { set: (name, value) => (ui.set[name] = value), save_changes() {} };
  return ui;
}

test("a step goes along the direction of play, by a factor or a difference, and stops at the ends", () => {
  const ui = viewOf();
  nudge(ui, 1);
  assert.deepEqual([ui.values.sigma, ui.set.sigma], [0.5, 0.5]);
  for (let i = 0; i < 20; i++) nudge(ui, 1);
  assert.equal(ui.values.sigma, 0.01);
  const steps = viewOf({ play: { role: "step", from: 0, to: "steps", by: 1 } });
  for (const [way, want] of [[1, 4], [1, 5], [1, 5], [-1, 4]]) {
    nudge(steps, way);
    assert.equal(steps.values.step, want);
  }
});

test("play goes evenly in ln sigma, ends at its end, and starts anew from there", () => {
  const ui = viewOf({ sigma: 10 });
  actions.play(ui);
  assert.ok(ui.values.playing && isMoving(ui));
  for (let i = 0; i < 2; i++) advance(ui, 1);
  assert.ok(Math.abs(ui.values.sigma - Math.sqrt(0.1)) < 1e-12, "half of the way after half of the time");
  for (let i = 0; i < 3; i++) if (isMoving(ui)) advance(ui, 1);
  assert.deepEqual([ui.values.sigma, ui.values.playing, ui.set.playing], [0.01, false, false]);
  actions.play(ui);
  assert.equal(ui.values.sigma, 10);
});

test("with reduced motion play jumps to its end", () => {
  const ui = viewOf({ calm: true });
  actions.play(ui);
  assert.deepEqual([ui.values.sigma, ui.values.playing], [0.01, false]);
});

test("a preset glides to its values exactly and tells the model once it is there", () => {
  const ui = viewOf({ presets: [{ sigma: 0.05, frame: "VP" }] });
  assert.equal(preset(ui, 2), false);
  assert.ok(preset(ui, 1) && ui.values.frame === "VP" && ui.values.sigma === 1);
  advance(ui, 0.35);
  assert.ok(Math.abs(ui.values.sigma - Math.sqrt(0.05)) < 1e-12 && !("sigma" in ui.set));
  advance(ui, 0.5);
  assert.deepEqual([ui.values.sigma, ui.set.sigma, ui.set.frame, ui.glide], [0.05, 0.05, "VP", null]);
});

test("twice the speed is half the time; a loop rests at its end and begins again with the same noise", () => {
  const ui = viewOf({ sigma: 10 });
  let begun = 0;
  Object.assign(ui.pace, { speed: 2, loop: true });
  ui.scene.begin = () => begun++;
  actions.play(ui);
  advance(ui, 1);
  assert.ok(Math.abs(ui.values.sigma - Math.sqrt(0.1)) < 1e-12);
  for (const dt of [0.9, 0.2, 0.5]) advance(ui, dt);
  assert.deepEqual([ui.values.sigma, ui.values.playing, begun], [0.01, true, 1]);
  advance(ui, 0.4);
  assert.deepEqual([ui.values.sigma, ui.values.seed, begun], [10, 0, 2]);
  ui.pace.loop = false;
  advance(ui, 2);
  assert.deepEqual([ui.values.sigma, ui.values.playing], [0.01, false]);
});

test("reset and new noise", () => {
  const ui = viewOf({ seed: 4, playing: true });
  actions.renew(ui);
  assert.equal(ui.set.seed, 5);
  actions.reset(ui);
  assert.deepEqual([ui.values.sigma, ui.values.seed, ui.values.playing], [0.3, 0, false]);
});

/** Press a key on an element that matches a selector; returns whether it is kept from [the browser, the host]. */
function press(ui, key, { on = "canvas", ...more } = {}) {
  let prevented = false, stopped = false;
  const target = { matches: (selector) => selector.split(", ").includes(on) };
  const kept = { preventDefault: () => (prevented = true), stopPropagation: () => (stopped = true) };
  keydown(ui, { key, target, ...kept, ...more });
  return [prevented, stopped];
}

test("keys: what is ours is kept, what is the browser's is left", () => {
  const ui = viewOf();
  assert.deepEqual(press(ui, "Tab"), [false, false]);
  assert.deepEqual(press(ui, "r", { ctrlKey: true }), [false, false]);
  assert.deepEqual(press(ui, "x"), [false, true], "JupyterLab must not cut the cell");
  assert.deepEqual(press(ui, "ArrowRight"), [true, true]);
  assert.equal(ui.values.sigma, 0.5);
  press(ui, "ArrowUp", { shiftKey: true });
  assert.deepEqual([ui.scene.moved, ui.values.sigma], [[0, 1], 0.5]);
  assert.deepEqual(press(ui, "ArrowRight", { on: "input" }), [false, true], "a slider moves itself");
  assert.deepEqual(press(ui, " ", { on: "button" }), [false, true], "a button is pressed");
  press(ui, " ");
  assert.ok(ui.values.playing);
  press(ui, "?");
  assert.equal(ui.nodes.help.hidden, false);
  press(ui, "Escape");
  assert.equal(ui.nodes.help.hidden, true);
  assert.deepEqual(press(ui, "n"), [false, true], "no such button here");
});
