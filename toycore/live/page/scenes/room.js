// A room of experiments: many links to playgrounds, pasted in, as small multiples; each is trained here, one by one.

import { part, read } from "../address.js";
import { percent, significant } from "../format.js";
import { border } from "../paint/chart.js";
import { arrowField, cells, dots } from "../paint/marks.js";
import { within } from "../paint/pane.js";
import { drawPoints } from "../play/pictures.js";
import { Session } from "../play/session.js";
import { noise } from "../play/world.js";
import { make } from "../widget/dom.js";
import { coloursOf, paintRoot, watchTheme } from "../widget/theme.js";

/** @import { PlayMeta } from "../play/session.js" */
/** @import { Model, Pane, State, View } from "../types.js" */

const SIDE = 260; // pixels of a picture

/** One experiment: its link, what it is made of, and where it is shown. @typedef {ReturnType<typeof cardOf>} Card */

/** The part of a link after the #, "" without one. @param {string} line */
const hashOf = (line) => (line.includes("#") ? line.slice(line.indexOf("#")).trim() : "");

/**
 * A playground without a page of its own.
 *
 * @param {Model} model @param {State} state @param {boolean} dark @returns {Session}
 */
function sessionOf(model, state, dark) {
  const meta = /** @type {PlayMeta} */ (model.get("meta")), values = { ...meta.start, ...state, playing: false };
  const look = { colours: coloursOf(meta.palette[dark ? "dark" : "light"]), dark, calm: true, stage: false, unit: 13 };
  const view = /** @type {View<PlayMeta>} */ (/** @type {unknown} */ ({ meta: { ...meta }, arrays: {}, values, look }));
  return new Session(view);
}

/**
 * What of a state a playground allows: a link may come from anyone.
 *
 * @param {PlayMeta} meta @param {State} state @returns {State}
 */
function allowed({ controls, start }, state) {
  const own = Object.entries(state).map(([role, value]) => {
    const control = controls.find((one) => one.role === role), { low, high, options } = control ?? {};
    const range = typeof low === "number" && typeof high === "number";
    if (range) return [role, Math.max(low, Math.min(high, Number(value)))];
    return [role, !options || options.some(([option]) => option === value) ? value : start[role]];
  });
  return Object.fromEntries(own.filter(([, value]) => !Number.isNaN(value)));
}

/** @param {Model} model @param {string} line @param {boolean} dark */
function cardOf(model, line, dark) {
  const meta = /** @type {PlayMeta} */ (model.get("meta"));
  const state = allowed(meta, read(part(hashOf(line), ""), meta.box).state);
  const session = sessionOf(model, state, dark), canvas = make("canvas", { class: "tc-small", role: "img" });
  const caption = make("figcaption", { text: "waiting" });
  Object.assign(canvas, { width: 2 * SIDE, height: 2 * SIDE });
  const link = make("a", { href: `playground.html${hashOf(line)}`, title: "open this experiment" }, canvas);
  return { session, state, canvas, caption, node: make("figure", { class: "tc-card" }, link, caption) };
}

/** Draw data, learned field and samples of an experiment. @param {Card} card */
function draw({ session: { view, world, run, ends, learned }, canvas }) {
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), { look: { colours } } = view;
  const { half } = view.meta.box, square = { x: 0, y: 0, w: SIDE, centre: [0, 0], half, ticks: false };
  const pane = /** @type {Pane} */ (square);
  g.setTransform(2, 0, 0, 2, 0, 0);
  g.fillStyle = colours.background;
  g.fillRect(0, 0, SIDE, SIDE);
  within(g, pane, () => {
    const at = cells(pane, 13), D = run.net ? learned : world.exact, { sigma } = view.values;
    const eps = world.n ? noise(D, sigma, at).map((v) => -v) : at.fill(0);
    arrowField(g, pane, at, eps, 1, run.net ? colours.learned : colours.exact, 13);
    drawPoints(g, pane, world, 1.8);
    if (ends) dots(g, pane, ends, 1.7, colours.sample);
  });
  border(g, pane, view.look);
}

/** What is written under an experiment. @param {Card} card */
function captionOf({ session }) {
  const { world, run, ends, view: { values: { width, depth, seed } } } = session;
  const net = `${world.n} points, ${width} \u00D7 ${depth}, seed ${seed}`;
  if (!ends) return `${net}: step ${run.step} of ${run.steps}`;
  const { copied } = session.judge(ends), share = world.held.length ? `, copies ${percent(copied)} %` : "";
  return `${net}, ${run.step} steps: field error ${significant(run.error)}${share}`;
}

/** Bring a card up to date. @param {Card} card */
function show(card) {
  draw(card);
  card.caption.textContent = captionOf(card);
  card.canvas.setAttribute("aria-label", card.caption.textContent);
}

/** Train one experiment; the promise ends with it. @param {Card} card @returns {Promise<void>} */
function train(card) {
  return new Promise((done) => {
    const { session, state } = card;
    session.news = (ended) => {
      show(card);
      if (!ended) return;
      session.run.close();
      done();
    };
    session.restore({ .../** @type {Record<string, any>} */ (state), trained: true });
    if (!session.run.running) done();
    show(card);
  });
}

/** Text, and what the room is for. @param {Model} model @param {HTMLElement} el */
function render(model, el) {
  const { palette, title } = /** @type {PlayMeta} */ (model.get("meta")), id = "tc-room-links";
  const label = make("label", { for: id, text: "Paste links to playgrounds, one a line. They stay on this page." });
  const links = make("textarea", { id, class: "tc-cell", spellcheck: "false" });
  const go = make("button", { type: "button", "data-role": "train", text: "Show all" });
  const grid = make("div", { class: "tc-cards" }), status = make("p", { role: "status" });
  const root = make("div", { class: "tc-view tc-room", role: "group", "aria-label": title },
    make("h1", { text: title }), label, links, go, status, grid);
  let turn = 0; // a later click ends an earlier round
  go.onclick = async () => {
    const mine = ++turn, lines = links.value.split("\n").filter(hashOf), dark = root.dataset.theme === "dark";
    const cards = lines.map((line) => cardOf(model, line, dark));
    grid.replaceChildren(...cards.map(({ node }) => node));
    for (const [i, card] of cards.entries()) {
      if (mine !== turn) return;
      status.textContent = `Training ${i + 1} of ${cards.length}.`;
      await train(card);
    }
    status.textContent = lines.length ? `${lines.length} experiments.` : "There is no link in there: one holds a #.";
  };
  root.style.setProperty("--tc-unit", "16px");
  el.append(root);
  paintRoot(root, palette);
  return watchTheme(() => paintRoot(root, palette));
}

export default { render: (/** @type {{ model: Model, el: HTMLElement }} */ { model, el }) => render(model, el) };
