// A Schroedinger bridge between two Gaussians: from optimal transport to independent ends, by its entropy.

import { Following } from "../following.js";
import { fixed, minus, significant } from "../format.js";
import {
  bridges, correlation, cost, covAt, ellipse, heights, meanAt, measured, MOMENTS, pairs, pathOf, pointsAt,
} from "../maths/bridge.js";
import { memory } from "../memory.js";
import { border, chart, headline, roundBelow } from "../paint/chart.js";
import { curve, disc, dots } from "../paint/marks.js";
import { around, place, squares, within } from "../paint/pane.js";
import { outline, write } from "../paint/text.js";
import { widget } from "../widget/widget.js";

/** @import { Ends, Gaussian } from "../maths/bridge.js" */
/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Meta, Pair, Row, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {{ centre: Pair, half: number }} Square */
/** range: the least and the greatest entropy. */
/** @typedef {Meta & { clouds: [Gaussian, Gaussian], box: Square, n: number, range: Pair }} BridgeMeta */

const SHOWN = 24; // paths
const WIDE = 1.25; // how many of the paths' standard deviations halfway, sqrt(entropy) / 2, the picture has room for

/** @extends {Following<BridgeMeta>} @implements {Scene} */
class Bridge extends Following {
  /** @param {View<BridgeMeta>} view */
  constructor(view) {
    super(view);
    /** @type {Memory<Ends>} */
    this.ends = memory();
    /** @type {Memory<Float64Array[]>} */
    this.wiggles = memory();
    /** @type {Memory<Pair[][]>} */
    this.lines = memory();
    this.panes = squares(view.look, 400, 400, 1).panes;
    /** @type {Box[]} of the heights and of the cost */
    this.charts = [{ x: 0, y: 0, w: 1, h: 1 }, { x: 0, y: 0, w: 1, h: 1 }];
  }

  /** The pairs of this entropy. */
  pairs() {
    const { meta: { clouds, n }, values: { entropy, seed } } = this.view;
    return this.ends([clouds, entropy, seed, n], () => pairs(clouds, entropy, seed, n));
  }

  /** The standard bridges of this seed. */
  bridges() {
    const { meta: { n }, values: { seed } } = this.view;
    return this.wiggles([seed, n], () => bridges(seed, n));
  }

  /** The particles now. @override */
  particles() {
    const { entropy, time } = this.view.values;
    return pointsAt(this.pairs(), this.bridges(), entropy, time);
  }

  /** The paths that are drawn; the last is the one that is followed. */
  paths() {
    const { meta: { n }, values: { entropy } } = this.view, ends = this.pairs(), wiggles = this.bridges();
    const numbers = [...Array.from({ length: Math.min(SHOWN, n) }, (_, j) => j), Math.min(this.chosen, n - 1)];
    return this.lines([ends, wiggles, this.chosen], () => numbers.map((j) => pathOf(ends, wiggles, entropy, j)));
  }

  /** The plane beside both charts, or above them. @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { unit } = look, narrow = width < 560, share = narrow ? 1 : 0.54;
    const { panes, height } = squares(look, share * width, narrow ? 0.55 * room : room, 1), [pane] = panes;
    const left = (narrow ? 0 : share * width) + 4.2 * unit, top = narrow ? height + 2 * unit : pane.y + 1.6 * unit;
    const w = width - left - 1.2 * unit, foot = (narrow ? 4 : 4.6) * unit;
    const low = narrow ? room - 1.7 * unit : pane.y + pane.w, h = Math.max(5 * unit, (low - top - foot) / 2);
    this.panes = panes;
    this.charts = [0, 1].map((i) => ({ x: left, y: top + i * (h + foot), w, h }));
    return Math.max(height, top + 2 * h + foot + 1.7 * unit);
  }

  thumbnail() {
    return around(this.panes);
  }

  /** @param {Pen} g */
  draw(g) {
    const { panes: [pane], view: { meta: { box }, look, values: { entropy, time } } } = this;
    Object.assign(pane, { centre: box.centre, half: Math.hypot(box.half, WIDE * Math.sqrt(entropy)) });
    within(g, pane, () => this.drawPlane(g));
    border(g, pane, look);
    if (look.bare) return;
    headline(g, pane, look, `t = ${fixed(time)}`, `entropy ${significant(entropy)}`);
    this.drawHeights(g, this.charts[0]);
    this.drawCost(g, this.charts[1]);
  }

  /** Both clouds, paths, particles, and the exact law now. @param {Pen} g */
  drawPlane(g) {
    const { panes: [pane], view: { look: { unit, colours, bare }, meta, values: { entropy, time } } } = this;
    const { x0, x1 } = this.pairs(), paths = this.paths(), r = bare ? 2 : Math.max(1.8, 0.2 * unit);
    const pixels = (/** @type {Pair[]} */ path) => path.map((x) => place(pane, x)), k = Math.round(time * MOMENTS);
    for (const path of paths.slice(0, -1)) {
      g.globalAlpha = 0.4; // the way that is still to go is fainter
      curve(g, pixels(path.slice(k)), colours.arrow, 0.07 * unit);
      g.globalAlpha = 1;
      curve(g, pixels(path.slice(0, k + 1)), colours.arrow, 0.07 * unit);
    }
    for (const end of [x0, x1]) dots(g, pane, end, 0.6 * r, colours.data);
    const now = this.particles(), law = ellipse(meanAt(meta.clouds, time), covAt(meta.clouds, entropy, time));
    dots(g, pane, now, r, colours.sample);
    curve(g, pixels(law), colours.exact, 0.24 * unit);
    if (bare) return;
    const own = pixels(paths[paths.length - 1]), j = 2 * Math.min(this.chosen, meta.n - 1);
    curve(g, own, colours.background, 0.36 * unit);
    curve(g, own, colours.accent, 0.2 * unit);
    disc(g, place(pane, now.subarray(j, j + 2)), 0.5 * unit, colours.accent, colours.background);
  }

  /** The coupling: the height of every path's end by the height of its start. @param {Pen} g @param {Box} box */
  drawHeights(g, box) {
    const { look, meta: { clouds }, values: { entropy } } = this.view, { unit, colours } = look;
    const { x0, x1 } = this.pairs(), c = heights(clouds, entropy), [m0, m1] = clouds.map(({ mean }) => mean[1]);
    const [s0, s1] = [3.4 * Math.sqrt(c[0]), 3.4 * Math.sqrt(c[3])], j = 2 * Math.min(this.chosen, x0.length / 2 - 1);
    const at = chart(g, box, look, {
      title: "height at t = 1, by height at t = 0",
      x: [m0 - s0, m0 + s0], y: [m1 - s1, m1 + s1], xs: ticks(m0, s0), ys: ticks(m1, s1),
    });
    for (let i = 1; i < x0.length; i += 2) {
      if (Math.abs(x0[i] - m0) < s0) disc(g, at(x0[i], x1[i]), 0.16 * unit, colours.sample);
    }
    curve(g, ellipse([m0, m1], c).map(([x, y]) => at(x, y)), colours.exact, 0.2 * unit);
    disc(g, at(x0[j + 1], x1[j + 1]), 0.4 * unit, colours.accent, colours.background);
    this.say(g, box, `correlation ${fixed(correlation(c))}; these: ${fixed(measured({ x0, x1 }).correlation)}`);
  }

  /** E|x1 - x0|^2 for every entropy, and what the particles measure now. @param {Pen} g @param {Box} box */
  drawCost(g, box) {
    const { look, meta: { clouds, range: [low, high] }, values: { entropy } } = this.view, { unit, colours } = look;
    const of = (/** @type {number} */ e) => cost(clouds, e), own = measured(this.pairs()).cost;
    const [least, most] = [of(0), of(1e6)], pad = 0.35 * (most - least);
    const [from, to] = [Math.log10(low), Math.log10(high)], x = Math.log10(entropy);
    const xs = [0.001, 0.01, 0.1, 1, 10].map((e) => /** @type {[number, string]} */ ([Math.log10(e), String(e)]));
    const at = chart(g, box, look, {
      title: "mean of |x\u2081 \u2212 x\u2080|\u00b2, by entropy", x: [from - 0.15, to + 0.15],
      y: [least - pad, most + pad], xs, ys: [[least, fixed(least, 1)], [most, fixed(most, 1)]],
    });
    const along = Array.from({ length: 61 }, (_, i) => from + (i / 60) * (to - from));
    curve(g, [at(x, least - pad), at(x, most + pad)], colours.ink, 1);
    curve(g, along.map((e) => at(e, of(10 ** e))), colours.exact, 0.24 * unit);
    disc(g, at(x, of(entropy)), 0.5 * unit, colours.exact, colours.background);
    disc(g, at(x, own), 0.32 * unit, colours.sample, colours.background);
    this.say(g, box, `exact ${fixed(of(entropy))}; these: ${fixed(own)}`);
  }

  /** Numbers in the upper corner of a chart. @param {Pen} g @param {Box} box @param {string} text */
  say(g, { x, y, w }, text) {
    const { unit, colours: { ink, background } } = this.view.look, base = /** @type {const} */ ("top");
    const at = /** @type {Pair} */ ([x + 0.6 * unit, y + 0.3 * unit]);
    const style = { size: unit, colour: ink, weight: 600, max: w - unit, base };
    g.strokeStyle = background;
    g.lineWidth = 0.4 * unit;
    outline(g, text, at, style);
    write(g, text, at, style);
  }

  /** @returns {Row[]} */
  readouts() {
    const { meta: { clouds, n }, values: { entropy, seed } } = this.view, own = measured(this.pairs());
    const c = correlation(heights(clouds, entropy));
    return [
      ["correlation of heights", `${fixed(c, 3)} (these: ${fixed(own.correlation, 3)})`],
      ["mean |x\u2081 \u2212 x\u2080|\u00b2", `${fixed(cost(clouds, entropy), 3)} (these: ${fixed(own.cost, 3)})`],
      ["particles", String(n)], ["seed", String(seed)],
    ];
  }

  describe() {
    const { meta: { clouds }, values: { entropy, time } } = this.view, c = correlation(heights(clouds, entropy));
    const own = measured(this.pairs());
    return `Entropy ${significant(entropy)}, t = ${fixed(time)}: start and end of a path have heights with correlation `
      + `${fixed(c)}, these particles ${fixed(own.correlation)}; the mean squared distance between the ends is `
      + `${fixed(cost(clouds, entropy))}, of these particles ${fixed(own.cost)}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { data, sample, exact, accent, arrow } = this.view.look.colours;
    return { marks: [
      [data, "both clouds"], [sample, "particles"], [arrow, "their paths", "line"],
      [exact, "exact: closed form", "line"], [accent, "the one you follow", "line"],
    ] };
  }

  points() {
    return Array.from(this.particles());
  }

  /** Follow another. @param {number} dx */
  move(dx) {
    const { n } = this.view.meta;
    this.chosen = (this.chosen + Math.sign(dx) + n) % n;
  }
}

/** Three round numbers around the middle of an axis. @param {number} middle @param {number} half */
function ticks(middle, half) {
  const step = roundBelow(0.8 * half), centre = step * Math.round(middle / step);
  return [centre - step, centre, centre + step].map((v) =>
    /** @type {[number, string]} */ ([v, minus(String(Number(v.toPrecision(3))))]));
}

export default widget((/** @type {View<BridgeMeta>} */ view) => new Bridge(view));
