// Guidance: extrapolating from one field to another, in arrows, samples and bars.

import { dataOf, denoiser, frameOf, latticeOf, mixtureOf } from "../fields.js";
import { fixed, percent, significant } from "../format.js";
import { guided, negative } from "../maths/guidance.js";
import { grid, placeOn, scaleOf } from "../maths/levels.js";
import { measures } from "../maths/measures.js";
import { classOf } from "../maths/mixture.js";
import { startWalk, walkTo } from "../maths/walk.js";
import { memory } from "../memory.js";
import { bar, border, headline, scaleBar } from "../paint/chart.js";
import { arrow, cells, disc, dots } from "../paint/marks.js";
import { named } from "../paint/named.js";
import { aim, around, place, squares, within, zoom } from "../paint/pane.js";
import { arrows, backdrop, count, EPS, noiseAt, probe, swarm } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Legend, Mark, Measures, Pair, PlaneMeta, Row, Rule, Run, Scene, Term, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * names: of the classes; conventions: [whose, what is added to s]; steps, n, high, rule: of the walk.
 *
 * @typedef {object} GuidanceFacts
 * @property {string[]} names @property {[string, number][]} conventions
 * @property {number} steps @property {number} n @property {number} high @property {Rule} rule
 */
/** @typedef {PlaneMeta & GuidanceFacts} GuidanceMeta */

/**
 * The samples' measures, the share of the class wanted, and the class of each.
 *
 * @typedef {Measures & { share: number, own: Int32Array }} Judged
 */

/** @implements {Scene} */
class Guidance {
  /** @param {View<GuidanceMeta>} view */
  constructor(view) {
    this.view = view;
    this.backdrop = backdrop(view);
    this.probe = probe(() => [this.pane]);
    /** @type {Memory<Run>} */
    this.ends = memory();
    /** @type {Memory<Judged>} */
    this.judged = memory();
    this.pane = squares(view.look, 400, 400, 1).panes[0];
    this.beside = false; // whether the bars stand beside the pane
    this.side = 0; // where
    this.started = false; // whether the particles have begun to walk
  }

  /** The lattice of a class, -1 for none. @param {number} label */
  lattice(label) {
    return latticeOf(this.view, this.view.values.show, label);
  }

  /**
   * The guided field as terms; outside the interval of levels it is the conditional one.
   *
   * @param {number} sigma @returns {Term[]}
   */
  guide(sigma) {
    const { label, guidance, avoid, push, form, low, high } = this.view.values;
    const free = this.lattice(-1), wanted = this.lattice(label);
    if (sigma < low * 0.9999 || sigma > high * 1.0001) return [[wanted, 1]];
    if (avoid >= 0 && avoid !== label) return negative(free, wanted, this.lattice(avoid), guidance, push, form);
    return guided(free, wanted, guidance);
  }

  /** The walk of the samples. @returns {Run} */
  run() {
    const { meta, values: { label, guidance, avoid, push, form, low, high, seed } } = this.view;
    return this.ends([this.lattice(-1), label, guidance, avoid, push, form, low, high, seed], () => ({
      walk: startWalk(grid("log-linear", meta.steps, meta.low, meta.high), meta.n, seed),
      D: denoiser(this.view, (sigma) => this.guide(sigma)),
      rule: meta.rule,
    }));
  }

  /** Where the samples end. */
  samples() {
    const { walk, D, rule } = this.run();
    return walkTo(walk, walk.sigmas.length - 1, rule, D);
  }

  /** The particles: on their way while they walk, else where they end. */
  now() {
    const { playing, sigma } = this.view.values, { walk, D, rule } = this.run();
    return playing ? walkTo(walk, Math.floor(placeOn(walk.sigmas, sigma)), rule, D) : this.samples();
  }

  /** How good the samples are. @returns {Judged} */
  judge() {
    const { view } = this, { meta, values: { label } } = view, x = this.now();
    return this.judged([x, label], () => {
      const own = classOf(mixtureOf(view), meta.classes, x), hits = own.filter((c) => c === label).length;
      return { ...measures(x, dataOf(view, label)), share: hits / own.length, own };
    });
  }

  /** The colour of a class. @param {number} label */
  hue(label) {
    const { classes } = this.view.look.colours;
    return classes[label % classes.length];
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { unit } = look;
    this.beside = width > 1.2 * room;
    const aside = this.beside ? 15 * unit : 0, below = this.beside ? 0 : 5.6 * unit;
    const { panes: [pane], height } = squares(look, width - aside, room, 1, below);
    this.pane = pane;
    this.side = width - aside + 2 * unit;
    return height;
  }

  thumbnail() {
    return around([this.pane]);
  }

  /** @param {Pen} g */
  draw(g) {
    const { view, pane } = this, { sigma, label, vectors } = view.values, frame = frameOf(view);
    aim(view.meta, pane, frame, sigma, view.values.playing ? sigma : 0); // samples at rest have no noise
    within(g, pane, () => {
      this.backdrop(g, pane, sigma, frame, label);
      if (vectors === "guided") arrows(view, g, pane, this.guide(sigma), sigma, frame);
      this.drawSamples(g);
      if (vectors === "three") {
        const y = cells(pane, Math.round(Math.max(6, pane.w / 62)));
        this.drawThree(g, y, pane.w / 20, Math.max(1.6, view.look.unit * 0.13));
      }
      if (this.probe.at) this.drawProbe(g, this.probe.at);
    });
    border(g, pane, view.look);
    scaleBar(g, pane, view.look);
    const { guidance, label: wanted } = view.values;
    const goal = `towards class ${wanted}, \u03C3 = ${significant(sigma)}`;
    headline(g, pane, view.look, `s = ${fixed(guidance, 1)}`, goal);
    if (!view.look.bare) this.drawBars(g);
  }

  /** The particles on their way, or where they end, by class. @param {Pen} g */
  drawSamples(g) {
    const { view, pane } = this, { playing, sigma, label } = view.values;
    if (playing) {
      const run = this.run();
      return swarm(view, g, pane, run, placeOn(run.walk.sigmas, sigma), frameOf(view), sigma, this.hue(label));
    }
    const x = zoom(this.samples(), scaleOf(frameOf(view), sigma)), { own } = this.judge();
    const r = Math.max(1.6, pane.w * 0.0045);
    named("x", () => {
      for (let c = 0; c < view.meta.classes; c++) dots(g, pane, x.filter((_, i) => own[i >> 1] === c), r, this.hue(c));
    });
    count(view, g, pane, x);
  }

  /**
   * The three arrows at places y, of a pixel length `size` per unit of noise: unconditional, conditional, and s times
   * their difference, which leads to the guided one.
   *
   * @param {Pen} g @param {Float32Array | number[]} y @param {number} size @param {number} thick
   */
  drawThree(g, y, size, thick) {
    const { view, pane } = this, { sigma, label } = view.values;
    const { arrow: quiet, condition, accent, ink } = view.look.colours;
    const x = zoom(y, 1 / scaleOf(frameOf(view), sigma)), free = noiseAt(view, [[this.lattice(-1), 1]], sigma, x);
    const own = noiseAt(view, [[this.lattice(label), 1]], sigma, x), all = noiseAt(view, this.guide(sigma), sigma, x);
    for (let i = 0; i < x.length; i += 2) {
      const longest = Math.max(...[free, own, all].map((e) => Math.hypot(e[i], e[i + 1])));
      const from = place(pane, [y[i], y[i + 1]]), k = size / (1 + longest / 3);
      const tip = (/** @type {Float32Array} */ e) => /** @type {Pair} */ ([from[0] - k * e[i], from[1] + k * e[i + 1]]);
      arrow(g, from, tip(all), ink, thick);
      named("s", () => arrow(g, tip(free), tip(all), accent, thick * 0.8));
      arrow(g, from, tip(own), condition, thick);
      arrow(g, from, tip(free), quiet, thick);
    }
  }

  /** @param {Pen} g @param {Pair} y */
  drawProbe(g, y) {
    const { pane, view: { look: { unit, colours: { background, ink } } } } = this;
    this.drawThree(g, y, pane.w / 9, unit * 0.3);
    disc(g, place(pane, y), unit * 0.36, background, ink);
  }

  /** Under the pane: what guidance gains and what it costs. @param {Pen} g */
  drawBars(g) {
    const { pane, view: { look, values } } = this, { share, coverage, spread } = this.judge(), { unit } = look;
    const gap = 1.6 * unit, w = this.beside ? 12 * unit : (pane.w - 2 * gap) / 3, y = pane.y + pane.w + 4 * unit;
    const hue = this.hue(values.label);
    /** @type {[string, number, string][]} */
    const bars = [
      ["own class", share, `${percent(share)} %`], ["coverage", coverage, coverage.toFixed(2)],
      ["spread", spread / 1.5, spread.toFixed(2)],
    ];
    bars.forEach(([name, part, value], j) => {
      const box = this.beside ? { x: this.side, y: pane.y + (3 + 5 * j) * unit } : { x: pane.x + j * (w + gap), y };
      bar(g, { ...box, w, h: 0.75 * unit }, look, name, part, hue, value, name === "spread" ? 1 / 1.5 : 1);
    });
  }

  /** @returns {Row[]} */
  readouts() {
    const { meta, values: { guidance, seed } } = this.view;
    const others = meta.conventions.map(([name, shift]) => /** @type {Row} */ ([name, fixed(guidance + shift, 1)]));
    return [
      ["samples", `${meta.n}, DDIM, ${meta.steps} steps`],
      ["mean distance to class", this.judge().distance.toFixed(3)], ["seed", String(seed)], ...others,
    ];
  }

  describe() {
    const { label, guidance, sigma } = this.view.values, { share, coverage } = this.judge();
    return `Guidance s = ${guidance.toFixed(1)} towards class ${label}: ${percent(share)} percent of the samples are `
      + `of the class, they cover ${percent(coverage)} percent of it. Arrows at sigma ${significant(sigma)}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { meta, values, look: { colours: { data, arrow: quiet, condition, accent, ink } } } = this.view;
    /** @type {Mark[]} */
    const classes = meta.names.map((name, c) => [this.hue(c), `sample in class ${name}`]);
    /** @type {Mark[]} */
    const three = [
      [quiet, "unconditional", "line"], [condition, "conditional", "line"],
      [accent, "s \u00D7 their difference", "line"], [ink, "guided", "line"],
    ];
    return {
      scale: values.vectors === "guided" ? EPS : undefined,
      marks: [...classes, [data, `data of class ${values.label}`],
        ...(values.vectors === "three" || this.probe.at ? three : [])],
    };
  }

  /** Play begins with the noise, wherever the level of the arrows stands. */
  fresh() {
    return !this.started;
  }

  begin() {
    this.started = true;
  }

  reset() {
    this.started = false;
    this.probe.at = null;
  }

  kept() {
    return { started: this.started, at: this.probe.at };
  }

  /** @param {{ started?: boolean, at?: Pair }} kept */
  restore({ started = false, at }) {
    this.started = started;
    this.probe.at = at ?? null;
  }

  points() {
    return Array.from(this.samples());
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

export default widget((/** @type {View<GuidanceMeta>} */ view) => new Guidance(view));
