// One density, three processes side by side whose particles have it: forward SDE, reverse SDE, probability-flow ODE.

import { dataOf, denoiser, frameOf, mixtureOf, termsOf } from "../fields.js";
import { Following } from "../following.js";
import { significant } from "../format.js";
import { grid, pullOf, scaleOf } from "../maths/levels.js";
import { moments } from "../maths/measures.js";
import { ribbon } from "../maths/mixture.js";
import { noiseUp, walkTo } from "../maths/walk.js";
import { memory } from "../memory.js";
import { border, chart, headline, scaleBar } from "../paint/chart.js";
import { arrowField, cells, curve, disc, dots, ring } from "../paint/marks.js";
import { named } from "../paint/named.js";
import { aim, around, carried, place, squares, within, zoom } from "../paint/pane.js";
import { densityImage } from "../paint/raster.js";
import { arrows, backdrop, clockRows, count } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Mark, Pair, Pane, PlaneMeta, Row, Rule, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {"forward" | "reverse" | "ode"} Process */

/**
 * steps, n, high: of the paths; rules: how the backward processes step.
 *
 * @typedef {PlaneMeta & { steps: number, n: number, high: number, rules: { reverse: Rule, ode: Rule } }} DensityMeta
 */
/** The particles of every process at each of the increasing levels. */
/** @typedef {{ levels: number[], xs: Record<Process, Float32Array[]> }} Paths */

const NAMES = { forward: "forward SDE", reverse: "reverse SDE", ode: "probability-flow ODE" };

const FEW = 5; // particles whose paths are drawn
const RECENT = 8; // steps of a path that are drawn strong: the older ones would cover the data
const COLUMNS = 96; // of the ribbon
/** @type {[number, string][]} */
const TICKS = [["0.01", 0.01], ["0.1", 0.1], ["\u03C3", 0.32], ["1", 1], ["10", 10]]
  .map(([text, sigma]) => [Math.log(Number(sigma)), String(text)]);

/** @extends {Following<DensityMeta>} @implements {Scene} */
class Density extends Following {
  /** @param {View<DensityMeta>} view */
  constructor(view) {
    super(view);
    this.backdrop = backdrop(view);
    /** @type {Memory<Paths>} */
    this.paths = memory();
    /** @type {Memory<HTMLCanvasElement>} */
    this.band = memory();
    /** @type {Box[]} x against sigma, one for each pane */
    this.ribbons = [];
    /** @type {Pair} width and height to arrange */
    this.room = [400, 400];
  }

  /** The processes that are seen. @returns {Process[]} */
  shown() {
    const { process } = this.view.values;
    return process === "all" ? ["forward", "reverse", "ode"] : [process];
  }

  /** The exact field. */
  terms() {
    return termsOf(this.view, this.view.meta.fields[0], -1);
  }

  /** All paths: the data become noise, and from that noise both backward processes start. @returns {Paths} */
  walks() {
    const { view } = this, { meta, values: { seed } } = view, terms = this.terms();
    return this.paths([seed, terms[0][0]], () => {
      const levels = grid("log-linear", meta.steps, meta.low, meta.high).slice(0, -1).reverse();
      const forward = noiseUp(repeated(dataOf(view, -1), meta.n), [0, ...levels], seed).slice(1);
      const [start] = forward.slice(-1), sigmas = [...levels].reverse(), D = denoiser(view, terms);
      const back = (/** @type {Rule} */ rule) => {
        const walk = { sigmas, n: meta.n, seed, xs: [start], means: [start] };
        walkTo(walk, levels.length - 1, rule, D);
        return walk.xs.reverse();
      };
      return { levels, xs: { forward, reverse: back(meta.rules.reverse), ode: back(meta.rules.ode) } };
    });
  }

  /** The level before sigma, and the share of the way to the next. @returns {Pair} */
  between() {
    const { levels } = this.walks(), { sigma } = this.view.values, last = levels.length - 1;
    const p = (last * Math.log(sigma / levels[0])) / Math.log(levels[last] / levels[0]);
    const k = Math.max(0, Math.min(last - 1, Math.floor(p)));
    return [k, Math.max(0, Math.min(1, p - k))];
  }

  /** The particles of a process at the view's level, in its frame. @param {Process} process */
  cloud(process) {
    const { sigma } = this.view.values, { levels, xs: { [process]: xs } } = this.walks(), [k, t] = this.between();
    const { box } = this.view.meta, c = scaleOf(frameOf(this.view), sigma);
    const from = carried(box, xs[k], levels[k], sigma), to = carried(box, xs[k + 1], levels[k + 1], sigma);
    return from.map((v, i) => c * (v + t * (to[i] - v)));
  }

  /** Panes with a ribbon under each, or beside it on a phone. @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { unit } = look, beside = width < 560, below = beside ? 0 : 9.6 * unit;
    const { panes, height } = squares(look, beside ? 0.64 * width : width, room, this.shown().length, below);
    const oneRow = panes.every(({ y }) => y === panes[0].y), spare = oneRow ? Math.max(0, room - height) : 0;
    this.room = [width, room];
    this.panes = panes;
    this.ribbons = panes.map(({ x, y, w }) => beside
      ? { x: x + w + 2.6 * unit, y: y + 0.2 * unit, w: width - x - w - 4 * unit, h: w - 0.2 * unit }
      : { x, y: y + w + 3.6 * unit, w, h: below - 5.2 * unit + spare });
    return height + spare;
  }

  thumbnail() {
    return around(this.panes);
  }

  /** @param {Pen} g */
  draw(g) {
    const shown = this.shown();
    if (shown.length !== this.panes.length) this.arrange(...this.room);
    shown.forEach((process, i) => {
      const y = this.cloud(process);
      this.drawPane(g, this.panes[i], process, y);
      if (!this.view.look.bare) this.drawRibbon(g, this.ribbons[i], process, y);
    });
    const { sigma } = this.view.values;
    headline(g, this.panes[0], this.view.look, `\u03C3 = ${significant(sigma)}`);
  }

  /** @param {Pen} g @param {Pane} pane @param {Process} process @param {Float32Array} y its particles */
  drawPane(g, pane, process, y) {
    const { view } = this, { sigma, show } = view.values, frame = frameOf(view), { look } = view;
    const n = Math.max(11, Math.min(19, Math.round(pane.w / 30))), both = show === "both";
    aim(view.meta, pane, frame, sigma);
    within(g, pane, () => {
      this.backdrop(g, pane, sigma, frame, -1);
      if (both || show === "score") arrows(view, g, pane, this.terms(), sigma, frame, { n });
      if (both || show === "drift") this.drawDrift(g, pane, n);
      named("x", () => dots(g, pane, y, Math.max(1.5, pane.w * 0.0042), look.colours.sample, 0.9));
      named("x", () => this.drawTrails(g, pane, process, y));
      count(view, g, pane, y);
    });
    border(g, pane, look, NAMES[process]);
    scaleBar(g, pane, look);
  }

  /**
   * The frame's own drift per unit of ln sigma, y dln(scale)/dln(sigma): a pull to the origin, whatever the data;
   * its arrows stand between those of the score.
   *
   * @param {Pen} g @param {Pane} pane @param {number} n
   */
  drawDrift(g, pane, n) {
    const { view } = this, edge = pane.half * (1 - 1 / n);
    const inside = (/** @type {number} */ v, /** @type {number} */ axis) => v - pane.centre[axis] < edge;
    const y = cells(pane, n).map((v) => v + pane.half / n)
      .filter((v, i, all) => inside(v, i % 2) && inside(all[i ^ 1], 1 - (i % 2)));
    arrowField(g, pane, y, zoom(y, pullOf(frameOf(view), view.values.sigma)), 1, view.look.colours.predicted, n);
  }

  /** The few particles whose paths are drawn, the chosen one first. */
  few() {
    return [this.chosen, ...Array.from({ length: FEW }, (_, i) => i).filter((i) => i !== this.chosen)].slice(0, FEW);
  }

  /** The levels that a process has behind it, from its start. @param {Process} process */
  past(process) {
    const { levels } = this.walks(), [k] = this.between(), all = levels.map((_, j) => j);
    return process === "forward" ? all.slice(0, k + 1) : all.slice(k + 1).reverse();
  }

  /**
   * Where a few particles came from, as the camera saw them then.
   *
   * @param {Pen} g @param {Pane} pane @param {Process} process @param {Float32Array} y the particles now
   */
  drawTrails(g, pane, process, y) {
    const { view, view: { look: { unit, bare, colours: { accent, background } } } } = this, { sigma } = view.values;
    const { levels, xs: { [process]: xs } } = this.walks(), c = scaleOf(frameOf(view), sigma), { box } = view.meta;
    /** @type {(i: number) => (j: number) => Pair} */
    const seen = (i) => (j) => place(pane, zoom(carried(box, pointOf(xs[j], i), levels[j], sigma), c));
    if (bare) return;
    for (const i of this.few().reverse()) {
      const now = place(pane, pointOf(y, i)), own = i === this.chosen;
      const way = [...this.past(process).map(seen(i)), now];
      g.globalAlpha = 0.3;
      if (own) curve(g, way, accent, unit * 0.09);
      g.globalAlpha = 1;
      curve(g, way.slice(-RECENT), accent, unit * (own ? 0.17 : 0.09));
      disc(g, now, unit * 0.27, accent, background);
      if (own) ring(g, now, unit * 0.6, accent);
    }
  }

  /**
   * The density of the first coordinate at every level, the same few paths on it, and where the view stands.
   *
   * @param {Pen} g @param {Box} box @param {Process} process @param {Float32Array} y the particles now
   */
  drawRibbon(g, box, process, y) {
    const { view } = this, { look, values: { sigma }, meta: { low, high, geometry } } = view, { unit, colours } = look;
    const c = scaleOf(frameOf(view), sigma), reach = this.reach(), { levels, xs: { [process]: xs } } = this.walks();
    /** @type {(x: number, s: number) => number} */
    const over = (x, s) => (x - geometry.mean[0]) / Math.hypot(geometry.s, s);
    g.drawImage(this.bandOf(reach), box.x, box.y, box.w, box.h);
    const exact = (c * Math.hypot(geometry.s, sigma)).toFixed(3), own = moments(y).std, small = box.w < 14 * unit;
    const at = chart(g, box, look, {
      title: `spread ${small ? own.toFixed(2) : `${own.toFixed(3)}, exact ${exact}`}`,
      x: [Math.log(low), Math.log(high)],
      y: [-reach, reach], ys: [[-2, "\u22122"], [0, "x\u2081"], [2, "2"]],
      xs: small ? TICKS.filter((_, i) => i % 2 === 0) : TICKS,
    });
    curve(g, [at(Math.log(sigma), -reach), at(Math.log(sigma), reach)], colours.ink, 0.13 * unit);
    for (const i of this.few().reverse()) {
      const line = this.past(process).map((j) => at(Math.log(levels[j]), over(xs[j][2 * i], levels[j])));
      const now = at(Math.log(sigma), over(y[2 * i] / c, sigma)), thick = i === this.chosen ? 0.17 : 0.09;
      curve(g, [...line, now], colours.accent, unit * thick);
      disc(g, now, unit * 0.27, colours.accent, colours.background);
    }
  }

  /** How far the ribbon reaches, in units of the spread: as far as the data, and a little more. */
  reach() {
    const { geometry: { mean, s } } = this.view.meta;
    const x = dataOf(this.view, -1).filter((_, i) => i % 2 === 0);
    return Math.max(2.7, ...x.map((v) => (1.1 * Math.abs(v - mean[0])) / s));
  }

  /** The picture of the ribbon. @param {number} reach */
  bandOf(reach) {
    const { view, view: { look, meta: { low, high, geometry: { mean, s } } } } = this;
    return this.band([view.arrays.means, look.dark], () => {
      const levels = Array.from({ length: COLUMNS }, (_, i) => low * (high / low) ** ((i + 0.5) / COLUMNS));
      return densityImage(ribbon(mixtureOf(view), levels, mean[0], s, reach), COLUMNS, look.colours.density);
    });
  }

  /** @returns {Row[]} */
  readouts() {
    const { sigma, seed } = this.view.values, { s } = this.view.meta.geometry, frame = frameOf(this.view);
    const own = this.shown().map((name) => /** @type {Row} */ (
      [`spread, ${NAMES[name]}`, moments(this.cloud(name)).std.toFixed(3)]));
    const exact = (scaleOf(frame, sigma) * Math.hypot(s, sigma)).toFixed(3);
    return [...clockRows(this.view, sigma), ["spread of the density", exact], ...own, ["seed", String(seed)]];
  }

  describe() {
    const { meta, values: { sigma } } = this.view, names = this.shown().map((name) => NAMES[name]);
    return `${meta.n} particles each of ${names.join(", ")} over the exact density at sigma ${significant(sigma)}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { look: { colours: { sample, accent, arrow, predicted, data } }, values: { show, points } } = this.view;
    /** @type {[boolean, Mark][]} */
    const marks = [
      [true, [sample, "particles"]], [true, [accent, "paths of a few; below: x\u2081 over its spread", "line"]],
      [points, [data, "data"]],
      [show === "score" || show === "both", [arrow, "score (times \u03C3)", "line"]],
      [show === "drift" || show === "both", [predicted, "drift of the forward SDE", "line"]],
    ];
    return { marks: marks.filter(([there]) => there).map(([, mark]) => mark) };
  }

  /** The forward process alone is played upwards. */
  play() {
    const { meta, values } = this.view;
    return values.process === "forward" ? { ...meta.play, from: meta.low, to: meta.high } : meta.play;
  }

  points() {
    return this.shown().flatMap((process) => Array.from(this.cloud(process)));
  }

  /** @override @param {number} j */
  particles(j) {
    return this.cloud(this.shown()[j]);
  }
}

/** One of many points. @param {Float32Array} x @param {number} i @returns {Pair} */
const pointOf = (x, i) => [x[2 * i], x[2 * i + 1]];

/**
 * The points again and again until there are n.
 *
 * @param {Float32Array} x @param {number} n
 */
const repeated = (x, n) => Float32Array.from({ length: 2 * n }, (_, i) => x[i % x.length]);

export default widget((/** @type {View<DensityMeta>} */ view) => new Density(view));
