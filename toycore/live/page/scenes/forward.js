// Data dissolving into noise along a schedule, its signal-to-noise curve, and a point read as two pixels.

import { dataOf, frameOf } from "../fields.js";
import { Following } from "../following.js";
import { percent, share, significant } from "../format.js";
import { alphaBar, scaleOf } from "../maths/levels.js";
import { normals } from "../maths/noise.js";
import { memory } from "../memory.js";
import { border, chart, headline, scaleBar } from "../paint/chart.js";
import { curve, disc, dots } from "../paint/marks.js";
import { named } from "../paint/named.js";
import { aim, around, place, squares, within } from "../paint/pane.js";
import { write } from "../paint/text.js";
import { backdrop } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Numbers, Pair, PlaneMeta, Row, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {PlaneMeta & { schedules: { name: string, frame: string }[] }} ForwardMeta */

/** @extends {Following<ForwardMeta>} @implements {Scene} */
class Forward extends Following {
  /** @param {View<ForwardMeta>} view */
  constructor(view) {
    super(view);
    this.backdrop = backdrop(view);
    /** @type {Memory<Float32Array>} */
    this.normals = memory();
    this.panes = squares(view.look, 400, 400, 1).panes;
    /** @type {Box} of the curves */
    this.graph = { x: 0, y: 0, w: 1, h: 1 };
    /** @type {Box} of the first of four pixels */
    this.pixel = { x: 0, y: 0, w: 1, h: 1 };
  }

  get pane() {
    return this.panes[0];
  }

  /** The frame of the schedule chosen. */
  frame() {
    const { meta, values } = this.view;
    return frameOf(this.view, meta.schedules.find(({ name }) => name === values.schedule)?.frame);
  }

  /** The noise level after a share of the schedule. */
  sigma(time = this.view.values.time, schedule = this.view.values.schedule) {
    return levelAt(this.view.arrays[`S/${schedule}`].data, time);
  }

  /** The noise of every data point. */
  noise() {
    const n = dataOf(this.view, -1).length / 2, { seed } = this.view.values;
    return this.normals([seed, n], () => normals(seed, 0, n));
  }

  /** The noised data c (x0 + sigma z). @param {number} sigma @param {number} c */
  cloud(sigma, c) {
    const z = this.noise();
    return dataOf(this.view, -1).map((x, i) => c * (x + sigma * z[i]));
  }

  /** The chosen point, noised. @param {number} sigma @param {number} c @returns {Pair} */
  point(sigma, c) {
    const x0 = dataOf(this.view, -1), z = this.noise(), i = 2 * this.chosen;
    return [c * (x0[i] + sigma * z[i]), c * (x0[i + 1] + sigma * z[i + 1])];
  }

  /** The picture beside the curves and pixels, or above them. @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { unit } = look, narrow = width < 560;
    const { panes: [pane], height } = squares(look, narrow ? width : width * 0.54, narrow ? 0.5 * room : room, 1);
    const left = narrow ? 3.2 * unit : width * 0.54 + 3.8 * unit, w = width - left - 8.5 * unit; // room for names
    const top = narrow ? height + 1.4 * unit : pane.y + unit, side = Math.min((w - 1.4 * unit) / 4, pane.w * 0.27);
    const most = narrow ? 0.2 * room : Math.max(60, Math.min(pane.w * 0.56, height - top - side - 6 * unit));
    this.panes = [pane];
    this.graph = { x: left, y: top, w, h: Math.min(most, 0.85 * w) };
    this.pixel = { x: left, y: top + this.graph.h + 5 * unit, w: side, h: side };
    return Math.max(height, this.pixel.y + side + unit);
  }

  thumbnail() {
    return around([this.pane]);
  }

  /** @param {Pen} g */
  draw(g) {
    const sigma = this.sigma(), frame = this.frame(), c = scaleOf(frame, sigma);
    aim(this.view.meta, this.pane, frame, sigma);
    within(g, this.pane, () => {
      this.backdrop(g, this.pane, Math.max(sigma, 0.004), frame, -1);
      this.drawCloud(g, this.cloud(sigma, c));
      this.drawPoint(g, place(this.pane, this.point(0, c)), place(this.pane, this.point(sigma, c)));
    });
    border(g, this.pane, this.view.look);
    scaleBar(g, this.pane, this.view.look);
    const left = `signal left: ${percent(Math.sqrt(alphaBar(sigma)))} %`;
    headline(g, this.pane, this.view.look, `\u03C3 = ${significant(sigma)}`, left);
    if (this.view.look.bare) return;
    this.drawCurves(g, sigma);
    this.drawPixels(g, 0, this.point(0, 1), "clean: 2 pixels");
    this.drawPixels(g, 1, this.point(sigma, c), "noisy: 2 pixels");
  }

  /** The points, coloured by class where there are classes. @param {Pen} g @param {Float32Array} y */
  drawCloud(g, y) {
    const { meta, arrays, look: { colours: { sample, classes } } } = this.view, r = Math.max(1.8, this.pane.w * 0.0052);
    if (meta.classes === 1) named("x", () => dots(g, this.pane, y, r, sample));
    for (let k = 0; k < meta.classes && meta.classes > 1; k++) {
      const own = y.filter((_, i) => arrays.dataLabel.data[i >> 1] === k);
      named("x", () => dots(g, this.pane, own, r, classes[k % classes.length]));
    }
  }

  /** The chosen point, clean and noised. @param {Pen} g @param {Pair} clean @param {Pair} noised */
  drawPoint(g, clean, noised) {
    const { unit, colours: { accent, background } } = this.view.look;
    named("eps", () => curve(g, [clean, noised], accent, 2));
    named("x0", () => disc(g, clean, unit * 0.3, background, accent));
    named("x", () => disc(g, noised, unit * 0.42, accent, background));
  }

  /** The signal-to-noise ratio of every schedule, the chosen one on top. @param {Pen} g @param {number} sigma */
  drawCurves(g, sigma) {
    const { meta, values, look } = this.view, { arrow, exact, accent, background } = look.colours;
    const ratio = (/** @type {number} */ s) => -2 * Math.log10(Math.max(s, 1e-6));
    const at = chart(g, this.graph, look, {
      title: "signal / noise = 1/\u03C3\u00B2", x: [0, 1], y: [-5, 5],
      xs: [[0, "data"], [0.5, "half-way"], [1, "noise"]],
      ys: [[4, "10\u2074"], [2, "100"], [0, "1"], [-2, "0.01"], [-4, "10\u207B\u2074"]],
    });
    const line = (/** @type {string} */ name) =>
      Array.from({ length: 101 }, (_, i) => at(i / 100, ratio(this.sigma(i / 100, name))));
    for (const { name } of meta.schedules) if (name !== values.schedule) curve(g, line(name), arrow, 0.1 * look.unit);
    named("sigma", () => {
      curve(g, line(values.schedule), exact, 0.2 * look.unit);
      disc(g, at(values.time, ratio(sigma)), look.unit * 0.5, accent, background);
    });
    const ends = meta.schedules.map(({ name }) => ({ name, at: at(1, ratio(this.sigma(1, name))) }));
    this.drawNames(g, ends);
  }

  /**
   * The schedules' names beside the ends of their curves, apart from each other.
   *
   * @param {Pen} g @param {{ name: string, at: Pair }[]} ends
   */
  drawNames(g, ends) {
    const { values: { schedule }, look: { unit, colours: { ink, exact } } } = this.view, { y, h } = this.graph;
    const inOrder = ends.sort((a, b) => a.at[1] - b.at[1]), last = inOrder.length - 1;
    let above = y - unit;
    inOrder.forEach(({ name, at: [px, py] }, i) => {
      above = Math.max(above + 1.15 * unit, Math.min(py, y + h - 1.15 * unit * (last - i + 0.6)));
      const own = name === schedule, style = { size: 0.95 * unit, colour: own ? exact : ink, weight: own ? 700 : 400 };
      write(g, name, [px + 0.5 * unit, above], { ...style, base: "middle", max: 7.5 * unit });
    });
  }

  /**
   * A point read as a picture of two pixels: coordinate -1.2 is black, 1.2 is white.
   *
   * @param {Pen} g @param {number} j @param {Pair} point @param {string} name
   */
  drawPixels(g, j, point, name) {
    const { unit, colours: { faint, ink } } = this.view.look, { x, y, w } = this.pixel;
    const size = unit * 0.95, left = x + j * (2 * w + 1.4 * unit);
    write(g, name, [left, y - size * 0.6], { size, colour: ink, max: 2 * w });
    point.forEach((v, a) => {
      const grey = Math.round(255 * Math.min(1, Math.max(0, (v + 1.2) / 2.4)));
      g.fillStyle = `rgb(${grey},${grey},${grey})`;
      g.fillRect(left + a * w, y, w, w);
    });
    g.strokeStyle = faint;
    g.strokeRect(left, y, 2 * w, w);
  }

  /** @returns {Row[]} */
  readouts() {
    const sigma = this.sigma(), signal = alphaBar(sigma);
    return [
      ["\u03C3", significant(sigma)], ["\u03B1\u0304", share(signal)],
      ["signal \u221A\u03B1\u0304", share(Math.sqrt(signal))],
      ["noise \u221A(1\u2212\u03B1\u0304)", share(Math.sqrt(1 - signal))],
      ["\u03B1\u0304 at the end", share(alphaBar(this.sigma(1)))], ["seed", String(this.view.values.seed)],
    ];
  }

  describe() {
    const { time, schedule } = this.view.values, sigma = this.sigma();
    return `The data at ${percent(time)} percent of the ${schedule} schedule: sigma ${significant(sigma)}, `
      + `alpha bar ${alphaBar(sigma).toPrecision(2)}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { sample, data, accent } = this.view.look.colours;
    return {
      marks: [
        [sample, "noisy points"], [data, "data"], [accent, "the point whose pixels are shown"],
      ],
    };
  }

  points() {
    return Array.from(this.cloud(this.sigma(), 1));
  }

  /** @override */
  particles() {
    const sigma = this.sigma();
    return this.cloud(sigma, scaleOf(this.frame(), sigma));
  }
}

/**
 * The level after a share of the way, between increasing levels 1..T; 0 at the start.
 *
 * @param {Numbers} levels @param {number} time
 */
function levelAt(levels, time) {
  const i = time * levels.length - 1;
  if (i <= 0) return Math.max(0, levels[0] * (i + 1));
  const k = Math.min(levels.length - 2, Math.floor(i));
  return levels[k] * (levels[k + 1] / levels[k]) ** Math.min(1, i - k);
}

export default widget((/** @type {View<ForwardMeta>} */ view) => new Forward(view));
