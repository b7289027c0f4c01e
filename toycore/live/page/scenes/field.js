// The field at one noise level, exact and learned: arrows, particles, and the posterior at a point.

import { dataOf, denoiser, frameOf, mixtureOf, termsOf } from "../fields.js";
import { fixed, significant } from "../format.js";
import { grid, placeOn, scaleOf } from "../maths/levels.js";
import { measures } from "../maths/measures.js";
import { posterior } from "../maths/mixture.js";
import { startWalk, walkTo } from "../maths/walk.js";
import { memory } from "../memory.js";
import { border, colourBar, headline, scaleBar } from "../paint/chart.js";
import { arrow, curve, disc } from "../paint/marks.js";
import { named } from "../paint/named.js";
import { aim, around, place, squares, within, zoom } from "../paint/pane.js";
import { arrows, backdrop, clockRows, drawData, EPS, ERROR, heat, probe, swarm } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Legend, Mark, Pair, Pane, PlaneMeta, Row, Rule, Run, Scene, Term, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * linked: one pane per Denoiser; steps, n, high: of the particles' walk.
 *
 * @typedef {PlaneMeta & { linked: boolean, steps: number, n: number, high: number, rule: Rule }} FieldMeta
 */

/** @implements {Scene} */
class Field {
  /** @param {View<FieldMeta>} view */
  constructor(view) {
    this.view = view;
    this.backdrop = backdrop(view);
    this.probe = probe(() => this.panes);
    /** @type {Pane[]} */
    this.panes = [];
    /** @type {Memory<Run>[]} a walk per pane */
    this.runs = (view.meta.linked ? view.meta.fields : [""]).map(() => memory());
    this.sampling = false; // whether there are particles
    /** @type {{ mean: Pair, effective: number } | null} what is shown at the probe */
    this.shown = null;
  }

  /** The Denoiser of a pane. @param {number} i */
  nameOf(i) {
    const { meta, values } = this.view;
    return meta.linked ? meta.fields[i] ?? "error" : values.show;
  }

  /** What stands over one of several panes. @param {number} i */
  titleOf(i) {
    const { fields } = this.view.meta;
    return fields[i] ?? `${fields[1]} \u2212 ${fields[0]}`;
  }

  /** What the arrows lead to at this level. */
  aimsAt() {
    const cos = crossover(this.view);
    return cos === null ? "" : `arrows aim at: ${cos > Math.SQRT1_2 ? "the mean" : "data nearby"}`;
  }

  /** The particles of a pane; beside an error walk those of the learned Denoiser. @param {number} i */
  run(i) {
    const { meta, values: { label, seed } } = this.view, name = this.nameOf(i);
    const terms = termsOf(this.view, name === "error" ? meta.fields[1] : name, label);
    return this.runs[i]([terms[0][0], seed], () => ({
      walk: startWalk(grid("log-linear", meta.steps, meta.low, meta.high), meta.n, seed),
      D: denoiser(this.view, terms),
      rule: meta.rule,
    }));
  }

  /** How many panes there are: two linked fields have their difference beside them. */
  count() {
    return this.runs.length === 2 ? 3 : this.runs.length;
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const { panes, height } = squares(this.view.look, width, room, this.count());
    this.panes = panes;
    return height;
  }

  thumbnail() {
    return around(this.panes);
  }

  /** @param {Pen} g */
  draw(g) {
    this.shown = null;
    this.panes.forEach((pane, i) => this.drawPane(g, pane, i));
  }

  /** @param {Pen} g @param {Pane} pane @param {number} i */
  drawPane(g, pane, i) {
    const { view } = this, { sigma, label, arrows: wanted } = view.values, name = this.nameOf(i), frame = frameOf(view);
    const terms = termsOf(view, name, label), { ink } = view.look.colours, differs = name === "error";
    const style = differs ? { c: ERROR.c, sign: 1, colour: ink } : {};
    aim(view.meta, pane, frame, sigma);
    within(g, pane, () => {
      if (differs) this.drawDifference(g, pane, terms);
      else this.backdrop(g, pane, sigma, frame, label, name);
      if (wanted) arrows(view, g, pane, terms, sigma, frame, style);
      if (this.sampling && i < this.runs.length) {
        const run = this.run(i);
        swarm(view, g, pane, run, placeOn(run.walk.sigmas, sigma), frame, sigma);
      }
      if (this.probe.at) this.drawPosterior(g, pane, this.probe.at, terms, name);
    });
    border(g, pane, view.look, view.meta.linked ? this.titleOf(i) : "");
    if (!differs || pane.w > 20 * view.look.unit) scaleBar(g, pane, view.look);
    if (differs) colourBar(g, pane, view.look, ERROR, `${view.meta.linked ? "difference" : "error"} of \u03B5\u0302`);
    if (i === 0) headline(g, pane, view.look, `\u03C3 = ${significant(sigma)}`, this.aimsAt());
  }

  /** How far two fields differ, behind the data of both. @param {Pen} g @param {Pane} pane @param {Term[]} terms */
  drawDifference(g, pane, terms) {
    const { view } = this, { sigma, label, points } = view.values, frame = frameOf(view);
    heat(view, g, pane, terms, sigma, frame, ERROR);
    if (points) for (const name of ["", ...view.meta.own]) drawData(view, g, pane, sigma, frame, label, name);
  }

  /**
   * The posterior weights on the data at the probe, the mean they make, and where the Denoiser's arrow leads.
   *
   * @param {Pen} g @param {Pane} pane @param {Pair} y @param {Term[]} terms @param {string} name
   */
  drawPosterior(g, pane, y, terms, name) {
    const { view } = this, { sigma, label } = view.values, { unit, colours } = view.look, frame = frameOf(view);
    const c = scaleOf(frame, sigma), x = zoom(y, 1 / c), from = place(pane, y);
    const found = posterior(mixtureOf(view, name), sigma, label, x[0], x[1]);
    named("D x0", () => this.drawWeights(g, pane, from, c, found, name));
    const answer = denoiser(view, terms)(sigma, x, new Float32Array(2));
    const mean = name === "error" ? found.mean : /** @type {Pair} */ ([answer[0], answer[1]]);
    named("D eps", () => arrow(g, from, place(pane, zoom(mean, c)), colours.ink, Math.max(2.5, unit * 0.24)));
    named("D", () => disc(g, place(pane, zoom(found.mean, c)), unit * 0.42, colours.accent, colours.background));
    named("x", () => disc(g, from, unit * 0.38, colours.background, colours.ink));
    this.shown = { mean, effective: found.effective };
  }

  /**
   * Lines from the probe to the data that count.
   *
   * @param {Pen} g @param {Pane} pane @param {Pair} from @param {number} c
   * @param {{ weights: Float64Array, effective: number }} posterior @param {string} name
   */
  drawWeights(g, pane, from, c, { weights, effective }, name) {
    const { means } = mixtureOf(this.view, name), { unit, colours: { accent } } = this.view.look;
    const top = Math.max(...weights);
    const few = Math.min(1, 60 / effective); // many points: each one lighter
    weights.forEach((weight, k) => {
      if (weight < top * 0.02) return;
      const to = place(pane, [c * means[2 * k], c * means[2 * k + 1]]);
      g.globalAlpha = (0.15 + 0.6 * (weight / top)) * few;
      curve(g, [from, to], accent, 1);
      g.globalAlpha = 1;
      disc(g, to, 1 + unit * 0.28 * Math.sqrt((few * weight) / top), accent);
    });
  }

  /** @returns {Row[]} */
  readouts() {
    const { sigma, seed } = this.view.values, cos = crossover(this.view), rows = clockRows(this.view, sigma);
    if (cos !== null) {
      rows.push(["arrows aim at", cos > Math.SQRT1_2 ? "the mean" : "data nearby"], ["cosine to the mean", fixed(cos)]);
    }
    if (this.shown) {
      const [x, y] = this.shown.mean;
      rows.push(["x\u0302\u2080 at the point", `(${fixed(x)}, ${fixed(y)})`]);
      rows.push(["data points that count", this.shown.effective.toFixed(1)]);
    }
    const done = sigma <= this.view.meta.low * 1.01;
    if (this.sampling) rows.push(...this.runs.flatMap((_, i) => this.scores(i, done)));
    return this.sampling ? [...rows, ["seed", String(seed)]] : rows;
  }

  /**
   * How good the samples of a pane are, once they are there; their rows are there from the start, so nothing jumps.
   *
   * @param {number} i @param {boolean} done @returns {Row[]}
   */
  scores(i, done) {
    const prefix = this.runs.length > 1 ? `${this.nameOf(i)}: ` : "";
    const names = ["spread of the samples", "coverage", "distance to the data"].map((name) => prefix + name);
    if (!done) return names.map((name) => [name, "\u2013"]);
    const { walk, D, rule } = this.run(i), end = walkTo(walk, walk.sigmas.length - 1, rule, D);
    const { spread, coverage, distance } = measures(end, dataOf(this.view, this.view.values.label, this.nameOf(i)));
    return [[names[0], spread.toFixed(2)], [names[1], coverage.toFixed(2)], [names[2], distance.toFixed(3)]];
  }

  describe() {
    const { meta, values: { sigma, frame, show } } = this.view, cos = crossover(this.view);
    const who = meta.linked ? meta.fields.join(" and ") : `the ${show} model`;
    const target = cos && cos > Math.SQRT1_2 ? "to the mean of the data" : "to the data nearby";
    const sentences = [
      `Arrows show where ${who} moves a noisy point at sigma ${significant(sigma)}, frame ${frame}.`,
      ...(cos === null ? [] : [`On average they point ${target}.`]),
      ...(this.sampling ? [`${meta.n} particles follow them.`] : []),
    ];
    return sentences.join(" ");
  }

  /** @returns {Legend} */
  legend() {
    const { meta, values, look: { colours: { data, sample, accent } } } = this.view;
    /** @type {[boolean, Mark][]} */
    const marks = [
      [values.points, [data, "data"]], [this.sampling, [sample, "particles"]],
      [this.probe.at !== null, [accent, "data that the point may come from"]],
    ];
    return {
      scale: !values.arrows ? undefined : values.show === "error" && !meta.linked ? ERROR : EPS,
      marks: marks.filter(([there]) => there).map(([, mark]) => mark),
    };
  }

  fresh() {
    return !this.sampling;
  }

  begin() {
    this.sampling = true;
  }

  reset() {
    this.sampling = false;
    this.probe.at = null;
  }

  kept() {
    return { sampling: this.sampling, at: this.probe.at };
  }

  /** @param {{ sampling?: boolean, at?: Pair }} kept */
  restore({ sampling = false, at }) {
    this.sampling = sampling;
    this.probe.at = at ?? null;
  }

  /** @param {string} role */
  changed(role) {
    if (role === "playing" && this.view.values.playing) this.sampling = true;
  }

  points() {
    const { walk, D, rule } = this.run(0);
    return Array.from(walkTo(walk, Math.round(placeOn(walk.sigmas, this.view.values.sigma)), rule, D));
  }

  /** @param {number} px @param {number} py */
  touch(px, py) {
    this.probe.touch(px, py);
  }

  /** @param {number} dx @param {number} dy */
  move(dx, dy) {
    this.probe.move(dx, dy);
  }
}

/**
 * The mean cosine between the arrows and the way to the data's mean, measured in Python at even steps of ln sigma
 * from 0.01 to 10.
 *
 * @param {View<FieldMeta>} view
 */
function crossover({ arrays, values: { sigma } }) {
  const table = arrays.crossover?.data;
  if (!table) return null;
  const p = (Math.log(sigma / 0.01) / Math.log(1000)) * (table.length - 1);
  const i = Math.max(0, Math.min(table.length - 2, Math.floor(p))), part = Math.max(0, Math.min(1, p - i));
  return table[i] * (1 - part) + table[i + 1] * part;
}

export default widget((/** @type {View<FieldMeta>} */ view) => new Field(view));
