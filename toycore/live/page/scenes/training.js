// Field, error and loss of a network as they evolve.

import { dataOf, denoiser, frameOf, lattice } from "../fields.js";
import { significant } from "../format.js";
import { grid } from "../maths/levels.js";
import { measures } from "../maths/measures.js";
import { startWalk, walkTo } from "../maths/walk.js";
import { memory } from "../memory.js";
import { border, chart, headline } from "../paint/chart.js";
import { curve, disc, dots } from "../paint/marks.js";
import { aim, squares, within } from "../paint/pane.js";
import { write } from "../paint/text.js";
import { arrows, backdrop, EPS, ERROR } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { ArrowStyle } from "../plane.js" */
/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Pane, PlaneMeta, Row, Rule, Scene, Term, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** rule: how the samples step. @typedef {PlaneMeta & { rule: Rule }} TrainingMeta */

/** @implements {Scene} */
class Training {
  /** @param {View<TrainingMeta>} view */
  constructor(view) {
    this.view = view;
    this.backdrop = backdrop(view);
    /** @type {Memory<Float32Array>} */
    this.ends = memory();
    /** @type {Pane[]} */
    this.panes = [];
    /** @type {Box} of the loss */
    this.graph = { x: 0, y: 0, w: 1, h: 1 };
    this.reload();
  }

  /** More snapshots may have come. */
  reload() {
    this.view.values.last = Math.max(0, this.count() - 1);
  }

  /** How many snapshots there are. */
  count() {
    return this.view.arrays.loss?.data.length ?? 0;
  }

  /** The snapshot that is shown. */
  now() {
    return Math.max(0, Math.min(this.count() - 1, Math.round(this.view.values.snapshot)));
  }

  /** The lattice of the network as it was then. */
  learned() {
    return lattice(this.view, `T/${this.now()}`);
  }

  /** What the network of then samples. */
  samples() {
    const { seed } = this.view.values, learned = this.learned();
    return this.ends([learned, seed], () => {
      const walk = startWalk(grid("log-linear", 25, 0.01, 10), 400, seed), D = denoiser(this.view, [[learned, 1]]);
      return walkTo(walk, 25, this.view.meta.rule, D);
    });
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { unit } = look, { panes, height } = squares(look, width, room - 9.7 * unit, 2);
    const left = panes[0].x + unit, right = panes[1].x + panes[1].w - unit;
    this.panes = panes;
    this.graph = { x: left, y: height + 2 * unit, w: right - left, h: 5.5 * unit };
    return this.graph.y + this.graph.h + 2.2 * unit;
  }

  /** @param {Pen} g */
  draw(g) {
    if (!this.count()) return this.drawWaiting(g);
    const exact = lattice(this.view, "F/exact/-1"), step = this.view.arrays.step.data[this.now()];
    const title = `learned in ${step} steps, and its samples`, [left, right] = this.panes;
    this.drawPane(g, left, title, [[this.learned(), 1]], {}, this.samples());
    const error = /** @type {Term[]} */ ([[this.learned(), 1], [exact, -1]]), style = { c: ERROR.c, sign: 1 };
    headline(g, left, this.view.look, `step ${step}`, `\u03C3 = ${significant(this.view.values.sigma)}`);
    this.drawPane(g, right, "its error, arrows 5 \u00D7 as long", error, style);
    this.drawLoss(g);
  }

  /** @param {Pen} g */
  drawWaiting(g) {
    const { width, height, unit, colours: { ink } } = this.view.look;
    write(g, "waiting for the training", [width / 2, height / 2], { size: 1.3 * unit, colour: ink, align: "center" });
  }

  /**
   * @param {Pen} g @param {Pane} pane @param {string} title @param {Term[]} terms @param {ArrowStyle} style
   * @param {Float32Array} [cloud]
   */
  drawPane(g, pane, title, terms, style, cloud) {
    const { view } = this, { sigma, arrows: wanted } = view.values, frame = frameOf(view, "VE");
    aim(view.meta, pane, frame, sigma, 0); // the samples have no noise
    within(g, pane, () => {
      this.backdrop(g, pane, sigma, frame, -1);
      if (wanted) arrows(view, g, pane, terms, sigma, frame, style);
      if (cloud) dots(g, pane, cloud, Math.max(1.6, pane.w * 0.005), view.look.colours.sample);
    });
    border(g, pane, view.look, title);
  }

  /** The loss of every snapshot against ln(step + 1). @param {Pen} g */
  drawLoss(g) {
    const { arrays, look } = this.view, { learned, accent } = look.colours, now = this.now();
    const loss = Array.from(arrays.loss.data), steps = Array.from(arrays.step.data), end = steps[steps.length - 1];
    const top = Math.max(...loss), low = Math.min(...loss), last = Math.log(end + 1);
    const rounds = [0, 10, 100, 1000, 10000].map((s) => /** @type {[number, string]} */ ([Math.log(s + 1), String(s)]));
    const at = chart(g, this.graph, look, {
      title: "training loss",
      x: [0, last || 1], y: [low - 0.15 * (top - low || top), top],
      xs: [...rounds.filter(([x]) => x <= last * 0.92), [last, String(end)]],
      ys: [[low, low.toFixed(2)], [top, top.toFixed(2)]],
    });
    const line = loss.map((v, i) => at(Math.log(steps[i] + 1), v));
    curve(g, line, learned, 2.5);
    line.forEach((p, i) => disc(g, p, i === now ? look.unit * 0.45 : 2.2, i === now ? accent : learned));
  }

  /** @returns {Row[]} */
  readouts() {
    if (!this.count()) return [];
    const { arrays, values } = this.view, data = dataOf(this.view, -1);
    const { spread, coverage, distance } = measures(this.samples(), data);
    return [
      ["step", String(arrays.step.data[this.now()])], ["loss", arrays.loss.data[this.now()].toFixed(3)],
      ["spread", spread.toFixed(2)], ["coverage", coverage.toFixed(2)], ["distance", distance.toFixed(3)],
      ["seed", String(values.seed)],
    ];
  }

  describe() {
    if (!this.count()) return "Waiting for the training to begin.";
    const { loss, step } = this.view.arrays, i = this.now();
    return `After ${step.data[i]} training steps the loss is ${loss.data[i].toFixed(3)}; `
      + `arrows at sigma ${significant(this.view.values.sigma)}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { look: { colours: { sample, data } }, values: { arrows: wanted } } = this.view;
    return { scale: wanted ? EPS : undefined, marks: [[data, "data"], [sample, "samples of the model of then"]] };
  }

  points() {
    return Array.from(this.samples());
  }
}

export default widget((/** @type {View<TrainingMeta>} */ view) => new Training(view));
