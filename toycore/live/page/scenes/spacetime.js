// Flow matching in space-time: straight lines between pairs, which cross, beside the flow, which is their average.

import { fixed, percent } from "../format.js";
import {
  carriedTo, crossings, densityAt, normalShare, noised, origin, passing, polygon, quantile, velocity,
} from "../maths/line.js";
import { normals } from "../maths/noise.js";
import { memory } from "../memory.js";
import { chart, headline } from "../paint/chart.js";
import { curve, disc } from "../paint/marks.js";
import { raster } from "../paint/raster.js";
import { outline, write } from "../paint/text.js";
import { widget } from "../widget/widget.js";

/** @import { Line } from "../maths/line.js" */
/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Meta, Pair, Row, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** @typedef {Meta & { n: number }} SpaceMeta */
/** @typedef {(t: number, x: number) => Pair} Map */

const TALL = 2.9; // |x| at the upper edge
const TIMES = Array.from({ length: 65 }, (_, i) => i / 64);
const FAN = 60; // lines drawn through a place
const EARLIEST = 0.01; // of a fan: all lines through a place at t = 0 begin at this one data point

/** The data point and the noise of every pair, and the noise's path on the flow. */
/** @typedef {{ x0: number, eps: number, path: number[] }} Member */

/** @implements {Scene} */
class SpaceTime {
  /** @param {View<SpaceMeta>} view */
  constructor(view) {
    this.view = view;
    /** @type {Memory<Member[]>} */
    this.members = memory();
    /** @type {Memory<HTMLCanvasElement>} */
    this.images = memory();
    /** @type {Memory<number[]>} */
    this.paths = memory();
    /** @type {Memory<number[][]>} */
    this.polygons = memory();
    /** @type {Box[]} of the lines and of the flow */
    this.boxes = [{ x: 0, y: 0, w: 1, h: 1 }, { x: 0, y: 0, w: 1, h: 1 }];
  }

  /** The data's Gaussians. @returns {Line} */
  line() {
    const { means, std, weight } = this.view.arrays;
    return { means: means.data, std: std.data, weight: weight.data };
  }

  /** The pairs of this seed: each coordinate of a normal point gives one of the two, independent of the other. */
  pairs() {
    const { meta: { n }, values: { seed }, arrays: { means } } = this.view, m = this.line();
    return this.members([seed, n, means], () => {
      const z = normals(seed, 0, n);
      return Array.from({ length: n }, (_, i) => ({
        eps: z[2 * i],
        x0: quantile(m, normalShare(z[2 * i + 1])),
        path: TIMES.map((t) => carriedTo(m, z[2 * i], t)),
      }));
    });
  }

  /** The path that is followed. */
  followed() {
    const { values: { follow }, arrays: { means } } = this.view;
    return this.paths([follow, means], () => TIMES.map((t) => carriedTo(this.line(), follow, t)));
  }

  /** Euler's corners for every pair's noise and, last, for the path that is followed. */
  corners() {
    const { values: { steps, seed, follow }, arrays: { means } } = this.view;
    const starts = [...this.pairs().map(({ eps }) => eps), follow];
    return this.polygons([steps, seed, follow, means], () => starts.map((eps) => polygon(this.line(), eps, steps)));
  }

  /** Where Euler's steps end, less where the flow ends, in the mean over the pairs. */
  error() {
    const pairs = this.pairs(), corners = this.corners();
    return pairs.reduce((total, { path }, i) => total + Math.abs((corners[i].at(-1) ?? 0) - path[0]), 0) / pairs.length;
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const { unit } = this.view.look, narrow = width < 560, columns = narrow ? 1 : 2;
    const left = 2.4 * unit, top = 2.2 * unit, foot = 2.6 * unit, w = width / columns - left - 1.2 * unit;
    const h = Math.max(120, Math.min(room / (3 - columns) - top - foot, (narrow ? 0.8 : 1.05) * w));
    this.boxes = [0, 1].map((i) => ({
      x: left + (narrow ? 0 : (i * width) / 2), y: top + (narrow ? i * (top + h + foot) : 0), w, h,
    }));
    return (3 - columns) * (top + h + foot);
  }

  thumbnail() {
    return this.boxes[1]; // the flow
  }

  /** @param {Pen} g */
  draw(g) {
    const { values: { time }, look } = this.view, x = at(this.followed(), time);
    const u = velocity(this.line(), x, time), fan = this.fan();
    const [left, right] = ["lines between random pairs", "the flow: the average line at each place"]
      .map((title, i) => this.axes(g, this.boxes[i], title));
    this.inside(g, 0, () => this.drawLines(g, left, fan));
    this.inside(g, 1, () => this.drawFlow(g, right));
    [left, right].forEach((map, i) => this.inside(g, i, () => this.drawSlope(g, map, x, u)));
    if (!look.bare) this.say(g, u, fan);
  }

  /** The density behind, axes and the time's line. @param {Pen} g @param {Box} box @param {string} title */
  axes(g, box, title) {
    const { look, values: { density, time } } = this.view;
    if (density) g.drawImage(this.image(), box.x, box.y, box.w, box.h);
    /** @type {Partial<import("../paint/chart.js").Axes>} */
    const ticks = look.bare ? {} : {
      xs: [[0.02, "data: t = 0"], [0.5, "0.5"], [0.94, "noise: 1"]],
      ys: [[-2, "\u22122"], [-1, "\u22121"], [0, "0"], [1, "1"], [2, "2"]],
    };
    const map = chart(g, box, look, { title: look.bare ? "" : title, x: [0, 1], y: [-TALL, TALL], ...ticks });
    curve(g, [map(time, -TALL), map(time, TALL)], look.colours.ink, 1);
    return map;
  }

  /** The density of x_t in every column, over its peak. */
  image() {
    const { look, arrays: { means } } = this.view, n = 120, m = this.line();
    return this.images([look.dark, means], () => {
      const columns = TIMES.map((t) => Array.from({ length: n }, (_, r) =>
        densityAt(noised(m, t), TALL * (1 - (2 * r + 1) / n))));
      const peaks = columns.map((column) => Math.max(...column)), ramp = look.colours.density;
      return raster(TIMES.length, n, (i, pixels) => {
        const c = i % TIMES.length, v = Math.sqrt(columns[c][(i / TIMES.length) | 0] / peaks[c]);
        ramp[Math.round(v * (ramp.length - 1))].forEach((part, k) => (pixels[4 * i + k] = part));
        pixels[4 * i + 3] = 255 * Math.min(1, 3 * v);
      });
    });
  }

  /** Draw inside a box and nowhere else. @param {Pen} g @param {number} i @param {() => void} draw */
  inside(g, i, draw) {
    const { x, y, w, h } = this.boxes[i];
    g.save();
    g.beginPath();
    g.rect(x, y, w, h);
    g.clip();
    draw();
    g.restore();
  }

  /** Data points whose lines run through the place looked at, each as likely as the others: quantiles of x0. */
  fan() {
    const t = this.moment(), law = passing(this.line(), at(this.followed(), t), t);
    return Array.from({ length: FAN }, (_, i) => quantile(law, (i + 0.5) / FAN));
  }

  /** The time, a little above 0. */
  moment() {
    return Math.max(EARLIEST, this.view.values.time);
  }

  /** The lines of all pairs, those through the place that is looked at, and the points now. */
  drawLines(/** @type {Pen} */ g, /** @type {Map} */ map, /** @type {number[]} */ fan) {
    const { values: { time }, look: { unit, colours } } = this.view, t = this.moment(), x = at(this.followed(), t);
    for (const { x0, eps } of this.pairs()) curve(g, [map(0, x0), map(1, eps)], colours.arrow, unit * 0.07);
    g.globalAlpha = 0.85;
    for (const x0 of fan) curve(g, [map(0, x0), map(1, (x - (1 - t) * x0) / t)], colours.accent, unit * 0.07);
    g.globalAlpha = 1;
    for (const { x0, eps } of this.pairs()) this.dot(g, map(time, (1 - time) * x0 + time * eps));
  }

  /** The paths of the flow, Euler's corners beside them, and the points now. */
  drawFlow(/** @type {Pen} */ g, /** @type {Map} */ map) {
    const { values: { time, steps }, look: { unit, colours } } = this.view, corners = steps ? this.corners() : [];
    const along = (/** @type {number[]} */ xs) => xs.map((x, i) => map(i / (xs.length - 1), x));
    for (const { path } of this.pairs()) curve(g, along(path), colours.exact, unit * 0.08);
    curve(g, along(this.followed()), colours.accent, unit * 0.16);
    for (const xs of corners) curve(g, along([...xs].reverse()), colours.sample, unit * 0.06);
    if (steps) this.drawSteps(g, along([...corners[corners.length - 1]].reverse()));
    const now = steps ? corners.slice(0, -1).map((xs) => at([...xs].reverse(), time))
      : this.pairs().map(({ path }) => at(path, time));
    for (const x of now) this.dot(g, map(time, x));
  }

  /** Euler's steps along the path that is followed. @param {Pen} g @param {Pair[]} corners */
  drawSteps(g, corners) {
    const { unit, colours: { sample, background } } = this.view.look;
    curve(g, corners, background, unit * 0.42);
    curve(g, corners, sample, unit * 0.24);
    for (const corner of corners) disc(g, corner, unit * 0.24, sample, background);
  }

  /** A point of the clouds. @param {Pen} g @param {Pair} pixel */
  dot(g, pixel) {
    const { unit, colours: { sample, background } } = this.view.look;
    disc(g, pixel, unit * 0.27, sample, background);
  }

  /** The place that is looked at, with the flow's slope. @param {Pen} g @param {Map} map @param {number} x */
  drawSlope(g, map, x, /** @type {number} */ u) {
    const { values: { time }, look: { unit, colours: { accent, exact, background } } } = this.view, long = 0.11;
    const ends = [map(time - long, x - long * u), map(time + long, x + long * u)];
    curve(g, ends, background, unit * 0.62);
    curve(g, ends, exact, unit * 0.38);
    disc(g, map(time, x), unit * 0.42, accent, background);
  }

  /** The numbers in either picture. @param {Pen} g @param {number} u @param {number[]} fan */
  say(g, u, fan) {
    const { values: { time, steps }, look } = this.view, t = this.moment(), x = at(this.followed(), t);
    const slope = fan.reduce((total, x0) => total + (x - x0) / t, 0) / FAN, pairs = this.pairs();
    const [left, right] = this.boxes.map(({ x: px, y, w }) => ({ x: px, y, w, ticks: true, centre: ORIGIN, half: 1 }));
    const crossed = percent(crossings(pairs.map(({ x0, eps }) => [x0, eps])));
    headline(g, left, look, `t = ${fixed(time)}`, `${crossed} % of the pairs cross`);
    headline(g, right, look, `u = ${fixed(u)}`, "no two paths cross");
    this.below(g, 0, `mean slope of these ${FAN} lines: ${fixed(slope)}`);
    if (steps) this.below(g, 1, `${steps} Euler step${steps > 1 ? "s" : ""} end ${fixed(this.error(), 3)} away`);
  }

  /** A line of text in the lower corner of a picture. @param {Pen} g @param {number} i @param {string} text */
  below(g, i, text) {
    const { unit, colours: { ink, background } } = this.view.look, { x, y, w, h } = this.boxes[i];
    const place = /** @type {Pair} */ ([x + 0.7 * unit, y + h - 0.8 * unit]);
    const style = { size: 1.1 * unit, colour: ink, weight: 600, max: w - 1.4 * unit };
    g.strokeStyle = background;
    g.lineWidth = 0.4 * unit;
    outline(g, text, place, style);
    write(g, text, place, style);
  }

  /** @returns {Row[]} */
  readouts() {
    const { values: { time, seed, steps } } = this.view, x = at(this.followed(), time);
    /** @type {Row[]} */
    const rows = [["x", fixed(x)], ["velocity u(x, t)", fixed(velocity(this.line(), x, time), 3)]];
    if (steps) rows.push(["Euler's mean error", fixed(this.error(), 4)]);
    return [...rows, ["seed", String(seed)]];
  }

  describe() {
    const { values: { time, steps } } = this.view, x = at(this.followed(), time);
    const euler = steps ? ` ${steps} Euler steps end ${fixed(this.error(), 3)} away from the flow, in the mean.` : "";
    return `Time ${fixed(time)}: through x = ${fixed(x)} pass lines of many slopes; their mean, the velocity of the `
      + `flow, is ${fixed(velocity(this.line(), x, time))}. Lines cross, paths of the flow do not.${euler}`;
  }

  /** @returns {Legend} */
  legend() {
    const { look: { colours: { arrow, accent, exact, sample } }, values: { steps } } = this.view;
    return {
      marks: [
        [arrow, "lines of random pairs", "line"], [accent, "lines through the place you look at; its path", "line"],
        [exact, "their average: the flow", "line"], [sample, steps ? "points; Euler's steps" : "points"],
      ],
    };
  }

  kept() {
    return { follow: this.view.values.follow };
  }

  /** @param {{ follow?: number }} kept */
  restore({ follow = this.view.meta.start.follow }) {
    this.view.values.follow = Math.max(-3.5, Math.min(3.5, follow));
  }

  points() {
    const { time } = this.view.values;
    return this.pairs().flatMap(({ path }) => [time, at(path, time)]);
  }

  /** Look at the place of a pixel. @param {number} px @param {number} py */
  touch(px, py) {
    const box = this.boxes.find(({ x, y, w, h }) => px >= x && px <= x + w && py >= y && py <= y + h);
    if (!box) return;
    const { values } = this.view;
    values.time = Math.round((200 * (px - box.x)) / box.w) / 200;
    values.follow = origin(this.line(), TALL * (1 - (2 * (py - box.y)) / box.h), values.time);
  }

  /** Another path, another time. @param {number} dx @param {number} dy */
  move(dx, dy) {
    const { values } = this.view;
    values.time = Math.max(0, Math.min(1, values.time + 0.02 * dx));
    values.follow = Math.max(-3.5, Math.min(3.5, values.follow + 0.05 * dy));
  }
}

/** @type {Pair} */
const ORIGIN = [0, 0];

/** A curve of even times, read at time t. @param {number[]} xs @param {number} t */
function at(xs, t) {
  const place = t * (xs.length - 1), k = Math.min(xs.length - 2, Math.floor(place));
  return xs[k] + (place - k) * (xs[k + 1] - xs[k]);
}

export default widget((/** @type {View<SpaceMeta>} */ view) => new SpaceTime(view));
