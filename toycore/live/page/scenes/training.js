// Field, error and loss of a network as they evolve.

import { dataOf, denoiser, frameOf, lattice } from "../fields.js";
import { significant } from "../format.js";
import { grid } from "../maths/levels.js";
import { measures } from "../maths/measures.js";
import { startWalk, walkTo } from "../maths/walk.js";
import { memory } from "../memory.js";
import { border, chart, colourBar, headline } from "../paint/chart.js";
import { curve, disc, dots } from "../paint/marks.js";
import { named } from "../paint/named.js";
import { aim, around, squares, within } from "../paint/pane.js";
import { write } from "../paint/text.js";
import { arrows, backdrop, drawData, EPS, ERROR, heat } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Mark, Pair, Pane, PlaneMeta, Row, Rule, Scene, Term, View } from "../types.js" */
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
    const { look } = this.view, { unit } = look, beside = width > 1.6 * room, aside = beside ? 19 * unit : 0;
    const { panes, height } = squares(look, width - aside, room - (beside ? 0 : 9.7 * unit), 2), [first, last] = panes;
    const left = first.x + unit, right = last.x + last.w;
    this.panes = panes;
    this.graph = beside ? { x: right + 4.4 * unit, y: last.y + unit, w: width - right - 6.4 * unit, h: 0.75 * last.w }
      : { x: left, y: height + 2 * unit, w: right - unit - left, h: 5.5 * unit };
    return beside ? height : this.graph.y + this.graph.h + 2.2 * unit;
  }

  thumbnail() {
    return around(this.panes);
  }

  /** @param {Pen} g */
  draw(g) {
    if (!this.count()) return this.drawWaiting(g);
    const { look, values: { sigma } } = this.view, step = this.view.arrays.step.data[this.now()];
    const [left, right] = this.panes;
    this.drawLearned(g, left);
    headline(g, left, look, `step ${step}`, `\u03C3 = ${significant(sigma)}`);
    this.drawError(g, right);
    if (!look.bare) this.drawLoss(g);
  }

  /** @param {Pen} g */
  drawWaiting(g) {
    const { width, height, unit, colours: { ink } } = this.view.look;
    write(g, "waiting for the training", [width / 2, height / 2], { size: 1.3 * unit, colour: ink, align: "center" });
  }

  /** The field as it is learned by now, and what it samples. @param {Pen} g @param {Pane} pane */
  drawLearned(g, pane) {
    const { view } = this, { sigma, arrows: wanted } = view.values, frame = frameOf(view, "VE");
    aim(view.meta, pane, frame, sigma, 0); // the samples have no noise
    within(g, pane, () => {
      this.backdrop(g, pane, sigma, frame, -1);
      if (wanted) arrows(view, g, pane, [[this.learned(), 1]], sigma, frame);
      const r = Math.max(1.6, pane.w * 0.005), { sample } = view.look.colours;
      named("x", () => dots(g, pane, this.samples(), r, sample));
    });
    border(g, pane, view.look, "learned field, and its samples");
  }

  /** Where the learned field errs, and which way. @param {Pen} g @param {Pane} pane */
  drawError(g, pane) {
    const { view } = this, { sigma, arrows: wanted, points } = view.values, frame = frameOf(view, "VE");
    /** @type {Term[]} */
    const error = [[this.learned(), 1], [lattice(view, "F/exact/-1"), -1]];
    aim(view.meta, pane, frame, sigma, 0);
    within(g, pane, () => {
      heat(view, g, pane, error, sigma, frame, ERROR);
      if (wanted) arrows(view, g, pane, error, sigma, frame, { c: ERROR.c, sign: 1, colour: view.look.colours.ink });
      if (points) drawData(view, g, pane, sigma, frame, -1);
    });
    border(g, pane, view.look, "its error: learned \u2212 exact");
    colourBar(g, pane, view.look, ERROR, "error of \u03B5\u0302");
  }

  /** The loss of every snapshot against ln(step + 1), over the least there can be. @param {Pen} g */
  drawLoss(g) {
    const { arrays, look } = this.view, { learned, accent } = look.colours, now = this.now();
    const loss = Array.from(arrays.loss.data), steps = Array.from(arrays.step.data), end = steps[steps.length - 1];
    const floor = arrays.floor?.data[0] ?? Math.min(...loss), top = Math.max(...loss), last = Math.log(end + 1);
    const low = Math.min(...loss, floor), room = 0.25 * (top - low || top);
    const rounds = [0, 10, 100, 1000, 10000].map((s) => /** @type {[number, string]} */ ([Math.log(s + 1), String(s)]));
    const at = chart(g, this.graph, look, {
      title: "training loss", x: [0, last || 1], y: [low - room, top],
      xs: [...rounds.filter(([x]) => x <= last * 0.92), [last, String(end)]],
      ys: [[floor, floor.toFixed(2)], [top, top.toFixed(2)]],
    });
    if (arrays.floor) this.drawFloor(g, at(0, floor), at(last || 1, floor), floor);
    const line = loss.map((v, i) => at(Math.log(steps[i] + 1), v));
    curve(g, line, learned, 0.17 * look.unit);
    line.forEach((p, i) => disc(g, p, look.unit * (i === now ? 0.45 : 0.15), i === now ? accent : learned));
  }

  /**
   * The loss of the exact posterior mean, named at its line.
   *
   * @param {Pen} g @param {Pair} from @param {Pair} to @param {number} floor
   */
  drawFloor(g, from, to, floor) {
    const { unit, colours: { exact } } = this.view.look;
    /** @type {Pair} */
    const at = [from[0] + 0.5 * unit, from[1] + 0.2 * unit];
    curve(g, [from, to], exact, 0.13 * unit);
    const wide = to[0] - from[0] > 24 * unit, text = `${wide ? "floor: the exact posterior's loss" : "exact"}, `;
    write(g, text + floor.toFixed(2), at, { size: 0.95 * unit, colour: exact, weight: 600, base: "top" });
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
    const marks = /** @type {Mark[]} */ ([[data, "data"], [sample, "samples of the network at this step"]]);
    return { scale: wanted ? EPS : undefined, marks };
  }

  points() {
    return Array.from(this.samples());
  }
}

export default widget((/** @type {View<TrainingMeta>} */ view) => new Training(view));
