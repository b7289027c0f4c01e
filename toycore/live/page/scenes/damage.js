// Six metrics under a slider that spoils the samples.

import { dataOf } from "../fields.js";
import { fixed } from "../format.js";
import { between, spoiled } from "../maths/damage.js";
import { memory } from "../memory.js";
import { border, headline } from "../paint/chart.js";
import { dots, ring } from "../paint/marks.js";
import { around, place, squares, within } from "../paint/pane.js";
import { write } from "../paint/text.js";
import { widget } from "../widget/widget.js";

/** @import { Most } from "../maths/damage.js" */
/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Mark, Pair, PlaneMeta, Row, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** A metric, what is right, and the values at the ends of its bar. */
/** @typedef {{ name: string, right: string, low: number, high: number }} Metric */
/** @typedef {PlaneMeta & Most & { metrics: Metric[], damages: [kind: string, title: string][] }} DamageMeta */
/** @typedef {{ value: number, floor: Pair, noticed: boolean }} Reading */

/** @implements {Scene} */
class Damage {
  /** @param {View<DamageMeta>} view */
  constructor(view) {
    this.view = view;
    /** @type {Memory<Float32Array>} */
    this.clouds = memory();
    this.pane = squares(view.look, 400, 400, 1).panes[0];
    /** @type {Box} of the bars */
    this.bars = { x: 0, y: 0, w: 1, h: 1 };
  }

  /** The samples with the damage that is chosen. */
  cloud() {
    const { arrays, meta, values: { damage, amount } } = this.view;
    return this.clouds([damage, amount, arrays.x], () => spoiled(arrays, meta, damage, amount));
  }

  /** The number of the damage that is chosen. */
  place() {
    const { meta, values: { damage } } = this.view;
    return meta.damages.findIndex(([kind]) => kind === damage);
  }

  /** Every metric with its noise floor. @returns {Reading[]} */
  readings() {
    const { arrays: { values, floor }, meta, values: { damage, amount } } = this.view, width = meta.metrics.length;
    const levels = values.shape[1], few = damage === "few";
    const own = between(values.data, this.place() * levels * width, levels, width, amount);
    const ends = few ? between(floor.data, 2 * width, levels, 2 * width, amount) : floor.data.slice(0, 2 * width);
    return own.map((value, i) => {
      const [low, high] = [ends[2 * i], ends[2 * i + 1]];
      return { value, floor: [low, high], noticed: value < low || value > high };
    });
  }

  /** The cloud beside the bars, or above them. @param {number} width @param {number} room */
  arrange(width, room) {
    const { look, meta: { metrics } } = this.view, { unit } = look, narrow = width < 560;
    const { panes: [pane], height } = squares(look, narrow ? width : width * 0.52, narrow ? 0.52 * room : room, 1);
    const left = narrow ? unit : width * 0.52 + 1.6 * unit, top = narrow ? height + unit : pane.y + 0.4 * unit;
    const h = narrow ? metrics.length * 3.1 * unit : Math.max(metrics.length * 3 * unit, pane.w - 0.4 * unit);
    this.pane = pane;
    this.bars = { x: left, y: top, w: width - left - unit, h };
    return Math.max(height, top + h);
  }

  thumbnail() {
    return around([this.pane]);
  }

  /** @param {Pen} g */
  draw(g) {
    const { pane, view } = this, { meta: { box }, look, values: { amount } } = view, seen = this.readings();
    const { data, sample } = look.colours, radius = Math.max(1.6, pane.w * 0.0055);
    Object.assign(pane, { centre: box.centre, half: 1.12 * box.half });
    within(g, pane, () => {
      dots(g, pane, dataOf(view, -1), 0.6 * radius, data, 0.85);
      dots(g, pane, this.cloud(), radius, sample);
      if (view.values.damage === "copies") this.drawKnown(g, 1.9 * radius);
    });
    border(g, pane, look);
    if (look.bare) return;
    const n = seen.filter(({ noticed }) => noticed).length;
    const title = view.meta.damages[this.place()][1];
    headline(g, pane, look, `damage ${fixed(amount)}`, `${title}: noticed by ${n} of ${seen.length}`);
    seen.forEach((reading, i) => this.drawBar(g, i, reading));
  }

  /** The training points that are copied. @param {Pen} g @param {number} r */
  drawKnown(g, r) {
    const { pane, view: { arrays: { known }, look: { colours: { exact } } } } = this;
    for (let i = 0; i < known.data.length; i += 2) ring(g, place(pane, known.data.subarray(i, i + 2)), r, exact);
  }

  /** A metric's name, value, bar and noise floor. @param {Pen} g @param {number} i @param {Reading} reading */
  drawBar(g, i, { value, floor, noticed }) {
    const { meta: { metrics }, look: { unit, colours } } = this.view, { name, right, low, high } = metrics[i];
    const pitch = this.bars.h / metrics.length, { x, w } = this.bars, size = Math.min(1.35 * unit, 0.3 * pitch);
    const h = Math.min(0.36 * pitch, 1.5 * unit), y = this.bars.y + (i + 1) * pitch - h - 0.12 * pitch;
    const at = (/** @type {number} */ v) => x + w * Math.max(0, Math.min(1, (v - low) / (high - low)));
    const text = { size, colour: noticed ? colours.accent : colours.ink, weight: noticed ? 700 : 500 };
    write(g, `${name} (right: ${right})`, [x, y - 0.4 * size], { ...text, max: 0.72 * w });
    const digits = high < 2 ? 3 : 2, mark = noticed ? "! " : "";
    write(g, mark + fixed(value, digits), [x + w, y - 0.4 * size], { ...text, weight: 700, align: "right" });
    g.fillStyle = colours.faint;
    g.globalAlpha = 0.3; // so that bar and floor stand out by 4.5 : 1
    g.fillRect(x, y, w, h);
    g.globalAlpha = 1;
    g.fillStyle = noticed ? colours.accent : colours.arrow;
    g.fillRect(x, y + 0.22 * h, at(value) - x, 0.56 * h);
    g.strokeStyle = colours.exact;
    g.lineWidth = Math.max(2, 0.18 * unit);
    g.strokeRect(at(floor[0]), y - 0.12 * h, Math.max(3, at(floor[1]) - at(floor[0])), 1.24 * h);
  }

  /** @returns {Row[]} */
  readouts() {
    const { meta: { metrics } } = this.view, name = (/** @type {number} */ i) => metrics[i].name;
    const ends = (/** @type {Pair} */ [low, high]) => `${fixed(low, 3)} to ${fixed(high, 3)}`;
    /** @type {Row[]} */
    const rows = this.readings().map(({ floor }, i) => [`noise floor: ${name(i)}`, ends(floor)]);
    return [["points", String(this.cloud().length / 2)], ...rows];
  }

  describe() {
    const { meta: { metrics, damages }, values: { amount } } = this.view, [, title] = damages[this.place()];
    const parts = this.readings().map(({ value, noticed }, i) =>
      `${metrics[i].name} ${fixed(value, 3)}${noticed ? " notices" : ""}`);
    return `Damage ${fixed(amount)}, ${title}: ${parts.join(", ")}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { look: { colours: { sample, data, accent, exact } }, values: { damage } } = this.view;
    /** @type {Mark[]} */
    const marks = [
      [sample, "samples"], [data, "data"], [accent, "! noticed: beyond chance", "line"],
      [exact, "noise floor: what fresh samples of the truth give", "line"],
    ];
    return { marks: damage === "copies" ? [...marks, [exact, "training points"]] : marks };
  }

  points() {
    return Array.from(this.cloud());
  }
}

export default widget((/** @type {View<DamageMeta>} */ view) => new Damage(view));
