// What happens: the drawing changes, a training is asked for and answers, a network is kept; and what Python hears.

import { denoiser } from "../fields.js";
import { significant } from "../format.js";
import { unpack } from "../maths/bytes.js";
import { refine } from "../maths/lattice.js";
import { read } from "../train/network.js";
import { say } from "../widget/note.js";
import { byName, commit } from "../widget/values.js";
import { drawing, replace, stamp, undo } from "./drawing.js";
import { copies, chance, crowd, ends, middle } from "./measure.js";
import { cellOf } from "./python.js";
import { guidedBy, RECIPES, runner, troubleOf } from "./runner.js";
import { lettersOf, STAMPS } from "./stamps.js";
import { flat, strokesOf } from "./strokes.js";
import { World } from "./world.js";

/** @import { Denoiser, Pair, PlaneMeta, Rule, Ui, View } from "../types.js" */
/** @import { Stroke } from "./strokes.js" */
/** @import { Net } from "../train/network.js" */
/** @import { Runner } from "./runner.js" */

/**
 * rule: how the particles walk; experiments to begin with: their names and links.
 *
 * @typedef {PlaneMeta & { rule: Rule, experiments: [string, string][] }} PlayMeta
 */
/**
 * A network beside the page's own: kept from an earlier training, or sent by Python.
 *
 * @typedef {{ title: string, D: Denoiser, error: number, ends: Float32Array | null }} Rival
 */

/** What suits points, and what suits a smooth curve. @param {boolean} curve */
const featuresFor = (curve) => (curve ? { fineness: 2.5, features: 24 } : { fineness: 6, features: 48 });

export class Session {
  /** @param {View<PlayMeta>} view */
  constructor(view) {
    this.view = view;
    this.world = new World(view);
    this.drawing = drawing([], (done) => this.drawn(done));
    this.world.take([]);
    this.run = runner((ended) => this.heard(ended));
    /** @type {Rival | null} */
    this.rival = null;
    /** @type {Pair | null} where the reader believes the marked noise to end */
    this.guess = null;
    /** @type {Ui | null} */
    this.ui = null;
    /** @type {Float32Array | null} where the particles of the trained network end */
    this.ends = null;
    this.since = 0; // the time of the particles' walk, in seconds
    /** @type {Stroke[]} what the view was opened with */
    this.opened = [];
    /** @type {string | undefined} what Python has heard */
    this.sent = undefined;
    this.engine = ""; // the kernels that a link asks for
    this.told = () => {}; // a cell of Python is there
    /** @type {(ended: boolean) => void} what else hears of the training */
    this.news = () => {};
  }

  /** @param {string} text */
  say(text) {
    if (this.ui) say(this.ui, text);
  }

  // ---- the drawing

  /** Strokes have changed; done: the pen is lifted. @param {boolean} done */
  drawn(done) {
    this.world.take(this.drawing.strokes);
    this.forget();
    if (done) this.publish();
    this.ui?.refresh();
  }

  /** The data are others: what was learned is of no use. */
  forget() {
    if (this.run.wish) this.run.drop();
    this.ends = null;
    this.rival = null;
    this.view.values.beside = "error";
  }

  /** Let Python know what is drawn. */
  publish() {
    const { ui, drawing: { strokes } } = this, { x, label } = flat(strokes);
    if (!ui) return;
    const pairs = label.map((_, i) => [x[2 * i], x[2 * i + 1]]);
    this.sent = JSON.stringify(pairs);
    ui.model.set("labels", label);
    ui.model.set("strokes", strokes.map(({ xy }) => xy.length / 2));
    ui.model.set("points", pairs);
    ui.model.save_changes();
  }

  /** Python has set the points. */
  fetch() {
    const model = this.ui?.model, pairs = /** @type {Pair[]} */ (model?.get("points") ?? []);
    if (!model || JSON.stringify(pairs) === this.sent) return;
    const first = this.sent === undefined;
    const labels = model.get("labels") ?? [], own = labels.length === pairs.length ? labels : [];
    replace(this.drawing, strokesOf(pairs.flat(), own, model.get("strokes") ?? []), first);
    if (!first) return;
    this.opened = this.drawing.strokes;
    this.drawing.past = [];
  }

  /** Python has sent a Denoiser: it stands beside the page's network. */
  load() {
    const sent = this.ui?.model.get("loaded");
    if (!sent?.buffer) return;
    const { F } = unpack(sent.index, sent.buffer), { geometry, name, error } = sent;
    const lattice = refine(geometry, /** @type {Float32Array} */ (F.data)), meta = { ...this.view.meta, geometry };
    const D = denoiser({ ...this.view, meta }, [[lattice, 1]]);
    this.rival = { title: name, D, error, ends: this.walkOf(D) };
    this.view.values.beside = "kept";
    this.ui?.refresh();
  }

  /** As the view was opened. */
  restart() {
    this.guess = null;
    this.engine = "";
    replace(this.drawing, this.opened, true);
    this.drawing.past = [];
  }

  /** Change between points and a smooth curve: the features follow. */
  setSmooth() {
    const { ui, view: { values } } = this;
    Object.assign(values, featuresFor(values.smooth));
    if (ui) commit(ui, ["fineness", "features"]);
    this.drawn(true);
  }

  // ---- the training

  /** What a training is asked for. */
  wish() {
    const { width, depth, features, fineness, steps, rate, dropout, seed } = this.view.values;
    const shape = { width, depth, features, scale: fineness };
    return { data: this.world.data, seed, changes: { ...shape, steps, lr: rate, labelDropout: dropout } };
  }

  /** Whether the training that stands still could go on. */
  get paused() {
    const { run } = this, same = run.wish && JSON.stringify(run.wish.changes) === JSON.stringify(this.wish().changes);
    return Boolean(same && !run.running && run.net && !run.problem && run.step < run.steps);
  }

  /** Start, pause or go on. */
  train() {
    const { run } = this;
    if (run.running) run.pause();
    else if (this.paused) run.resume();
    else this.start();
    this.ui?.refresh();
  }

  /** Start anew. */
  start() {
    if (this.world.n < 2) return this.say("Draw at least two points: there is nothing to learn.");
    this.ends = null;
    this.since = 0;
    if (this.ui) this.ui.nodes.hint.hidden = true;
    this.seed = this.view.values.seed;
    this.run.start({ ...this.wish(), ...(this.engine ? { kernels: this.engine } : {}) });
  }

  /** The training has news. @param {boolean} ended or paused */
  heard(ended) {
    const { run, ui } = this;
    if (ended && run.problem && this.engine && !run.step) return this.withoutEngine();
    if (ended && run.net) {
      this.ends = this.walkOf(this.learned);
      this.since = 0;
      this.report();
    }
    ui?.[ended ? "refresh" : "ask"]();
    this.news(ended);
  }

  /** This browser has not the instructions of the link: the last digits may differ. */
  withoutEngine() {
    this.say(`This browser does not know the link's instructions (${this.engine}): last digits may differ.`);
    this.engine = "";
    this.start();
  }

  /** Hand the network to Python, and say how it went. */
  report() {
    const { run, ui } = this, net = run.net;
    if (!net || !ui) return;
    const { shape, M, f, a } = net, { step, steps, loss, error, msPerStep } = run;
    const bytes = (/** @type {Float32Array} */ numbers) => new DataView(numbers.slice().buffer);
    const learned = { frequencies: bytes(M.subarray(f, f + 2 * shape.features)), weights: bytes(read(net, a)) };
    ui.model.set("learned", { shape, step, loss, error, ...learned });
    ui.model.save_changes();
    const slow = troubleOf(run) || slownessOf(run), speed = `${msPerStep.toFixed(2)} ms a step`;
    const done = `Step ${step} of ${steps}: field error ${significant(error)}, ${speed}.`;
    ui.nodes.status.textContent = done;
    if (slow) this.say(slow);
  }

  /** The page's network as it is now, guided. @type {Denoiser} */
  learned = (sigma, x, out) =>
    guidedBy(/** @type {Net} */ (this.run.net), sigma, x, out, this.world.label, this.view.values.guidance);

  /** Where particles of this view's noise end. @param {Denoiser} D */
  walkOf(D) {
    return ends(crowd(this.view.values.seed, D, this.view.meta.rule));
  }

  /** Keep the network to compare it with the next. */
  keep() {
    const { run, world, view: { values } } = this, net = run.net;
    if (!net) return this.say("Train a network first.");
    const { shape: { width, depth } } = net;
    const D = /** @type {Denoiser} */ ((sigma, x, out) => guidedBy(net, sigma, x, out, world.label, values.guidance));
    const title = `kept: ${width} \u00D7 ${depth}, ${run.step} steps`;
    this.rival = { title, D, error: run.error, ends: this.walkOf(D) };
    values.beside = "kept";
    this.say("Kept. Change the network under More and train again: both are shown.");
    this.ui?.refresh();
  }

  /** Shares of copies and distances of some samples. @param {Float32Array} samples */
  judge(samples) {
    const { drawn, held } = this.world;
    if (!held.length) return { copied: NaN, by: NaN, distance: middle(samples, drawn) };
    return { copied: copies(samples, drawn, held), by: chance(drawn, held), distance: middle(samples, drawn) };
  }

  // ---- links

  /** What a link holds besides the values: strokes as lengths and classes, their count before them. */
  kept() {
    const { drawing: { strokes }, run, guess } = this;
    return {
      drawn: flat(strokes).x, strokes: [strokes.length, ...strokes.flatMap(({ label, xy }) => [xy.length / 2, label])],
      guess, trained: Boolean(run.wish), engine: run.net ? run.kernels : this.engine || "any",
    };
  }

  /** Show what a link holds. @param {Record<string, any>} kept */
  restore({ drawn, strokes = [], guess = null, trained = false, engine = "any" }) {
    const rows = Array.from({ length: strokes[0] ?? 0 }, (_, s) => [strokes[2 * s + 1], strokes[2 * s + 2]]);
    const labels = rows.flatMap(([n, c]) => Array(n).fill(c));
    if (drawn) replace(this.drawing, strokesOf(drawn, labels, rows.map(([n]) => n)));
    this.guess = guess;
    this.engine = ["fma", "simd", "js"].includes(engine) ? engine : "";
    if (trained) this.start();
  }

  // ---- buttons

  /** Do what a button is for. @param {string} role */
  act(role) {
    const { drawing: d, ui } = this;
    if (role === "draw" || role === "erase" || role === "point" || role === "stroke") d.tool = role;
    else if (role in STAMPS) stamp(d, STAMPS[role](d.label));
    else if (role.startsWith("class")) [d.label, d.tool] = [Number(role.slice(5)), "draw"];
    else if (role === "undo") undo(d);
    else if (role === "clear") replace(d, []);
    else if (role === "train") this.train();
    else if (role === "finer") this.finer();
    else if (role === "keep") this.keep();
    else if (role === "python") this.copyPython();
    if (role === "stroke") ui?.nodes.canvas.focus({ preventScroll: true });
    ui?.refresh();
  }

  /** Write a word. @param {string} text */
  write(text) {
    const strokes = lettersOf(text, this.drawing.label);
    if (strokes.length) stamp(this.drawing, strokes);
  }

  /** The seed has changed: other noise, and a new training where there was one. */
  reseeded() {
    if (this.run.net || this.run.running) this.start();
  }

  /** A recipe is chosen: its numbers go to the sliders. */
  choose() {
    const { ui, view: { values } } = this, own = RECIPES[values.network];
    Object.assign(byName({ values }), own, featuresFor(values.smooth));
    if (ui) commit(ui, [...Object.keys(own), "features", "fineness"]);
    ui?.refresh();
  }

  /** Train the large network. */
  finer() {
    this.view.values.network = "full";
    if (this.ui) commit(this.ui, ["network"]);
    this.choose();
    this.start();
  }

  /** A cell of Python with the same data and the same recipe. */
  async copyPython() {
    const text = cellOf(this.drawing.strokes, this.world, this.wish());
    this.cell = text;
    try {
      await navigator.clipboard.writeText(text);
      this.say("Copied: paste it into a cell of a notebook.");
    } catch {
      this.say("This browser does not let a page copy: the cell is shown below.");
    }
    this.told();
  }
}

/** What the page's policy does not allow, in one line; "" where it allows everything. @param {Runner} run */
function slownessOf({ where, kernels }) {
  const plain = kernels === "js" ? "no WebAssembly is allowed here: plain JavaScript, about ten times as slow" : "";
  const here = where === "page" ? "no worker may start here: it trains on the page itself" : "";
  const text = [here, plain].filter(Boolean).join("; ");
  return text && `${text[0].toUpperCase()}${text.slice(1)}.`;
}
