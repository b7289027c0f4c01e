// The playground on the page: its tools, the pointer, the keyboard, and what programs outside see.

import { make, renewed } from "../widget/dom.js";
import { holds, unplace } from "../paint/pane.js";
import { penDown, penMove, penUp, undo } from "./drawing.js";
import { flat } from "./strokes.js";
import { label, toolbarOf, trainersOf } from "./toolbar.js";

/** @import { Pair, Pane, Ui } from "../types.js" */
/** @import { Session } from "./session.js" */

/**
 * What a scene hands over: its panes, what follows the pointer, and what a tap beside the drawing does.
 *
 * @typedef {object} Screen
 * @property {() => Pane[]} panes @property {(at: Pair | null, pane: number) => void} look
 * @property {(at: Pair, pane: number) => void} tap
 */

/** Add everything to the widget. @param {Ui} ui @param {Session} session @param {Screen} screen */
export function attach(ui, session, screen) {
  const act = (/** @type {string} */ role) => {
    if (role === "letters") return openWord(tools.word);
    session.act(role);
  };
  const choice = ui.controls.find(({ control }) => control.role === "smooth")?.node ?? make("span");
  const tools = toolbarOf(act, choice), trainers = trainersOf(act);
  const cell = make("textarea", { class: "tc-cell", hidden: true, readonly: "", "aria-label": "the cell of Python" });
  session.ui = ui;
  session.told = () => {
    cell.hidden = false;
    cell.value = session.cell ?? "";
    ui.nodes.drawer.hidden = false;
    ui.resize();
    cell.select();
  };
  ui.nodes.root.classList.add("tc-play");
  ui.nodes.stage.before(tools.row);
  ui.nodes.bar.prepend(trainers.train, trainers.finer);
  ui.nodes.drawer.prepend(make("div", { class: "tc-buttons" }, ...trainers.others));
  ui.nodes.drawer.append(cell, ui.nodes.legend); // the titles of the panes say the most of it
  Object.assign(ui.nodes.buttons, tools.buttons, trainers.buttons);
  if (ui.nodes.root.closest("[data-address]")) ui.nodes.drawer.prepend(experimentsOf(session));
  listen(ui, session, tools.word);
  pointer(ui, session, screen);
  expose(ui, session);
  setTimeout(session.run.ready, 500); // the first training begins at once
  return () => show(ui, session, tools, trainers);
}

/** Experiments to begin with, each one a link. @param {Session} session */
function experimentsOf({ view: { meta: { experiments } } }) {
  const links = experiments.map(([text, hash]) => make("li", {}, make("a", { href: `#${hash}`, text })));
  return make("ul", { class: "tc-links", "aria-label": "experiments" }, ...links);
}

/** @typedef {ReturnType<typeof toolbarOf>} Tools */

/** @param {HTMLInputElement} word */
function openWord(word) {
  word.hidden = !word.hidden;
  if (!word.hidden) word.focus();
}

/**
 * Words, keys, values that bring others with them, and the model.
 *
 * @param {Ui} ui @param {Session} session @param {HTMLInputElement} word
 */
function listen(ui, session, word) {
  const { root } = ui.nodes, { model, cleanups } = ui;
  word.onkeydown = (event) => {
    event.stopPropagation();
    if (event.key === "Escape") word.hidden = true;
    if (event.key !== "Enter" || !word.value.trim()) return;
    session.write(word.value);
    Object.assign(word, { value: "", hidden: true });
  };
  root.addEventListener("change", (event) => {
    const { role } = /** @type {HTMLElement} */ (event.target).dataset;
    if (role === "network") session.choose();
    if (role === "smooth") session.setSmooth();
  });
  root.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key !== "z" || event.target === word) return;
    if (undo(session.drawing)) event.preventDefault();
  });
  for (const [name, act] of /** @type {[string, () => void][]} */ ([
    ["points", () => session.fetch()], ["loaded", () => session.load()],
  ])) {
    model.on(`change:${name}`, act);
    cleanups.push(() => model.off(`change:${name}`, act));
  }
  cleanups.push(() => session.run.close());
}

/** The pen, and a pointer that only looks. @param {Ui} ui @param {Session} session @param {Screen} screen */
function pointer(ui, session, screen) {
  const { canvas } = ui.nodes, d = session.drawing;
  /** @type {(event: PointerEvent) => { at: Pair, pane: number }} */
  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    const x = event.clientX - box.left, y = event.clientY - box.top - ui.look.lift;
    const panes = screen.panes(), pane = d.down ? 0 : panes.findIndex((p) => holds(p, x, y));
    return { at: pane < 0 ? [0, 0] : unplace(panes[pane], x, y), pane };
  };
  canvas.addEventListener("pointerdown", (event) => {
    const { at, pane } = placeOf(event);
    if (pane < 0 || event.button > 0) return;
    if (pane === 0 && !ui.values.playing) penDown(d, ...at);
    else screen.tap(at, pane);
  });
  canvas.addEventListener("pointermove", (event) => {
    const all = event.getCoalescedEvents?.() ?? [];
    if (d.down) for (const one of all.length ? all : [event]) penMove(d, ...placeOf(one).at);
    const { at, pane } = placeOf(event);
    screen.look(pane < 0 ? null : at, pane);
  });
  canvas.addEventListener("pointerleave", () => screen.look(null, -1));
  for (const name of ["pointerup", "pointercancel"]) canvas.addEventListener(name, () => penUp(d));
}

/** For programs that drive the view from outside. @param {Ui} ui @param {Session} session */
function expose({ nodes: { root } }, { run, drawing }) {
  Object.defineProperty(root, "tcTrain", {
    get: () => {
      const { step, steps, loss, error, msPerStep, running } = run;
      return { step, steps, loss, error, msPerStep, running };
    },
  });
  Object.assign(root, {
    tcData: () => {
      const { x } = flat(drawing.strokes);
      return Array.from({ length: x.length / 2 }, (_, i) => [x[2 * i], x[2 * i + 1]]);
    },
  });
}

const LESSONS = [
  "Points: the exact field can only copy them.",
  "A curve of small Gaussians: new points are right.",
];

/**
 * Bring tools and buttons up to what is.
 *
 * @param {Ui} ui @param {Session} session @param {Tools} tools @param {ReturnType<typeof trainersOf>} trainers
 */
function show(ui, session, { row, note, buttons, colours }, { train, finer }) {
  const { run, drawing: d, world } = session, { network, smooth } = ui.values, lesson = LESSONS[Number(smooth)];
  const name = run.running ? "Pause" : session.paused ? "Go on" : run.net ? "Train again" : "Train";
  const tools = [d.tool, d.label, d.past.length > 0, colours.map((_, c) => world.paint(c))];
  if (!renewed(row, [name, network, Boolean(run.net), ui.concealed, smooth, tools])) return;
  label(train, name);
  train.classList.toggle("tc-running", run.running);
  finer.hidden = network === "full" || !run.net || run.running || ui.concealed.includes("finer");
  if (note.textContent !== lesson) note.textContent = lesson;
  for (const role of ["draw", "erase", "point", "stroke"]) pressed(buttons[role], d.tool === role);
  colours.forEach((button, c) => {
    pressed(button, d.label === c);
    button.style.setProperty("--key", world.paint(c));
  });
  buttons.undo.disabled = !d.past.length;
}

/** @param {HTMLButtonElement} button @param {boolean} on */
const pressed = (button, on) => button.setAttribute("aria-pressed", String(on));
