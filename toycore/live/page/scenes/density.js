// One density, three processes whose particles have it.

import { dataOf, denoiser, frameOf, termsOf } from "../fields.js";
import { significant } from "../format.js";
import { grid, pullOf, scaleOf } from "../maths/levels.js";
import { moments } from "../maths/measures.js";
import { noiseUp, startWalk, walkTo } from "../maths/walk.js";
import { memory } from "../memory.js";
import { border, headline, scaleBar } from "../paint/chart.js";
import { arrowField, cells, dots } from "../paint/marks.js";
import { aim, carried, squares, within, zoom } from "../paint/pane.js";
import { arrows, backdrop, clockRows } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Legend, Mark, PlaneMeta, Row, Rule, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * steps, n, high: of the paths; rules: how the backward processes step.
 *
 * @typedef {PlaneMeta & { steps: number, n: number, high: number, rules: { reverse: Rule, ode: Rule } }} DensityMeta
 */
/** Increasing levels, and the particles at each. @typedef {{ levels: number[], xs: Float32Array[] }} Path */

const NAMES = { forward: "forward SDE", reverse: "reverse SDE", ode: "probability-flow ODE" };

/** @implements {Scene} */
class Density {
  /** @param {View<DensityMeta>} view */
  constructor(view) {
    this.view = view;
    this.backdrop = backdrop(view);
    /** @type {Memory<Path>} */
    this.paths = memory();
    this.pane = squares(view.look, 400, 400, 1).panes[0];
  }

  /** The exact field. */
  terms() {
    return termsOf(this.view, this.view.meta.fields[0], -1);
  }

  /** The cloud's path by increasing level: forward from the data, or backward from noise. @returns {Path} */
  path() {
    const { view } = this, { meta, values: { process, seed } } = view, terms = this.terms();
    return this.paths([process, seed, terms[0][0]], () => {
      const levels = grid("log-linear", meta.steps, meta.low, meta.high).slice(0, -1).reverse();
      if (process === "forward") return { levels, xs: noiseUp(dataOf(view, -1), [0, ...levels], seed).slice(1) };
      const walk = startWalk([...levels].reverse(), meta.n, seed);
      walkTo(walk, levels.length - 1, meta.rules[process], denoiser(view, terms));
      return { levels, xs: walk.xs.slice().reverse() };
    });
  }

  /** The particles at the view's level, in its frame. */
  cloud() {
    const { sigma } = this.view.values, { levels, xs } = this.path(), frame = frameOf(this.view);
    const last = levels.length - 1, share = Math.log(sigma / levels[0]) / Math.log(levels[last] / levels[0]);
    const p = Math.max(0, Math.min(last, share * last)), k = Math.min(last - 1, Math.floor(p)), t = p - k;
    const { box } = this.view.meta, c = scaleOf(frame, sigma);
    const from = carried(box, xs[k], levels[k], sigma), to = carried(box, xs[k + 1], levels[k + 1], sigma);
    return from.map((v, i) => c * (v + t * (to[i] - v)));
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const { panes: [pane], height } = squares(this.view.look, width, room, 1);
    this.pane = pane;
    return height;
  }

  /** @param {Pen} g */
  draw(g) {
    const { view, pane } = this, { sigma, show } = view.values, frame = frameOf(view);
    const { accent, sample } = view.look.colours;
    const n = Math.max(11, Math.min(19, Math.round(pane.w / 30)));
    aim(view.meta, pane, frame, sigma);
    within(g, pane, () => {
      this.backdrop(g, pane, sigma, frame, -1);
      const both = show === "both", style = { n, colour: accent };
      if (both || show === "score") arrows(view, g, pane, this.terms(), sigma, frame, style);
      if (both || show === "drift") this.drawDrift(g, n);
      dots(g, pane, this.cloud(), Math.max(1.5, pane.w * 0.0042), sample, 0.9);
    });
    border(g, pane, view.look);
    scaleBar(g, pane, view.look);
    headline(g, pane, view.look, `\u03C3 = ${significant(sigma)}`, NAMES[view.values.process]);
  }

  /**
   * The frame's own drift per unit of ln sigma, y dln(scale)/dln(sigma): a pull to the origin, whatever the data;
   * its arrows stand between those of the score.
   *
   * @param {Pen} g @param {number} n
   */
  drawDrift(g, n) {
    const { pane, view } = this, edge = pane.half * (1 - 1 / n);
    const inside = (/** @type {number} */ v, /** @type {number} */ axis) => v - pane.centre[axis] < edge;
    const y = cells(pane, n).map((v) => v + pane.half / n)
      .filter((v, i, all) => inside(v, i % 2) && inside(all[i ^ 1], 1 - (i % 2)));
    arrowField(g, pane, y, zoom(y, pullOf(frameOf(view), view.values.sigma)), 1, view.look.colours.predicted, n);
  }

  /** @returns {Row[]} */
  readouts() {
    const { sigma, seed } = this.view.values, s = moments(dataOf(this.view, -1)).std, frame = frameOf(this.view);
    return [
      ...clockRows(sigma), ["spread of the cloud", moments(this.cloud()).std.toFixed(3)],
      ["spread of the density", (scaleOf(frame, sigma) * Math.hypot(s, sigma)).toFixed(3)], ["seed", String(seed)],
    ];
  }

  describe() {
    const { meta, values: { process, sigma } } = this.view;
    return `${meta.n} particles of the ${NAMES[process]} over the exact density at sigma ${significant(sigma)}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { look: { colours: { sample, accent, predicted, data } }, values: { show, points } } = this.view;
    /** @type {[boolean, Mark][]} */
    const marks = [
      [true, [sample, "particles"]], [points, [data, "data"]],
      [show === "score" || show === "both", [accent, "score (times \u03C3)", "line"]],
      [show === "drift" || show === "both", [predicted, "drift of the forward SDE", "line"]],
    ];
    return { marks: marks.filter(([there]) => there).map(([, mark]) => mark) };
  }

  /** A process is played in its own direction. */
  play() {
    const { meta, values } = this.view;
    return values.process === "forward" ? { ...meta.play, from: meta.low, to: meta.high } : meta.play;
  }

  points() {
    return Array.from(this.cloud());
  }
}

export default widget((/** @type {View<DensityMeta>} */ view) => new Density(view));
