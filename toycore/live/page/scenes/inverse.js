// One coordinate is measured: the exact posterior beside three methods that look for it, all from the same noise.

import { dataOf, mixtureOf } from "../fields.js";
import { fixed, significant } from "../format.js";
import { bells, condition, densityOf, drawn, sliced, walked } from "../maths/inverse.js";
import { grid, placeOn } from "../maths/levels.js";
import { measures } from "../maths/measures.js";
import { memory } from "../memory.js";
import { border, headline, scaleBar } from "../paint/chart.js";
import { curve, dots } from "../paint/marks.js";
import { named } from "../paint/named.js";
import { aim, around, holds, place, squares, unplace, within } from "../paint/pane.js";
import { raster, rgb } from "../paint/raster.js";
import { write } from "../paint/text.js";
import { count, swarm } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Bells } from "../maths/inverse.js" */
/** @import { Legend, Pair, Pane, PlaneMeta, Range, Row, Rule, Run, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** methods: [name, title] of each pane; spread: of the data; steps, n, rule: of the walks. */
/** @typedef {{ methods: [string, string][], spread: number, steps: number, n: number, rule: Rule }} InverseFacts */
/** @typedef {PlaneMeta & InverseFacts} InverseMeta */

/** @typedef {{ coverage: number, distance: number }} Score */

const VE = { name: "VE", label: "VE", power: 0, clock: "" };
const RASTER = 120; // pixels along a side of the density

/** A pane's method with what is known of its walk. @param {[string, string]} method */
const laneOf = ([name, title]) => ({
  name, title, run: /** @type {Memory<Run>} */ (memory()), score: /** @type {Memory<Score>} */ (memory()),
});
/** @typedef {ReturnType<typeof laneOf>} Lane */

/** @implements {Scene} */
class Inverse {
  /** @param {View<InverseMeta>} view */
  constructor(view) {
    this.view = view;
    this.lanes = view.meta.methods.map(laneOf);
    this.panes = squares(view.look, 400, 400, this.lanes.length).panes;
    /** @type {Memory<Bells>} */
    this.priors = memory();
    /** @type {Memory<Bells>} */
    this.posteriors = memory();
    /** @type {Memory<Float32Array>} */
    this.reals = memory();
    /** @type {Memory<HTMLCanvasElement>} */
    this.images = memory();
  }

  prior() {
    return this.priors([this.view.arrays.means], () => bells(mixtureOf(this.view)));
  }

  posterior() {
    const { values: { y, tau } } = this.view, prior = this.prior();
    return this.posteriors([prior, y, tau], () => condition(prior, { y, tau }));
  }

  /** The whole walk of a lane. @param {Lane} lane */
  run({ name, run }) {
    const { meta: { spread, steps, n, rule, low, high }, values: { y, tau, seed } } = this.view, prior = this.prior();
    return run([prior, y, tau, seed], () => {
      const sigmas = grid("karras", steps, low, high);
      return { ...walked(prior, { y, tau, spread }, name, { sigmas, n, seed, rule }), rule };
    });
  }

  /** Where a lane's walk ends. @param {Lane} lane */
  end(lane) {
    return this.run(lane).walk.xs[this.view.meta.steps];
  }

  /** How much of the posterior the end of a walk reaches, and how far it is from it. @param {Lane} lane */
  score(lane) {
    const post = this.posterior(), x = this.end(lane), { n } = this.view.meta, { seed } = this.view.values;
    const real = this.reals([post, seed], () => drawn(post, n, seed));
    return lane.score([x, real], () => ({ coverage: measures(x, real).coverage, distance: sliced(x, real) }));
  }

  /** The step at which the walks stand, a real number. */
  step() {
    return placeOn(this.run(this.lanes[0]).walk.sigmas, this.view.values.sigma);
  }

  /** Whether the walks have come to their end. */
  ended() {
    return this.step() >= this.view.meta.steps;
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { panes, height } = squares(look, width, room, this.lanes.length, 3.4 * look.unit);
    this.panes = panes;
    return height;
  }

  thumbnail() {
    return around(this.panes);
  }

  /** @param {Pen} g */
  draw(g) {
    this.panes.forEach((pane, i) => this.drawLane(g, pane, this.lanes[i]));
  }

  /** @param {Pen} g @param {Pane} pane @param {Lane} lane */
  drawLane(g, pane, lane) {
    const { view } = this, { look, meta, values: { sigma, density, points } } = view, { unit, colours } = look;
    aim(meta, pane, VE, sigma, this.ended() ? 0 : sigma);
    within(g, pane, () => {
      if (density) named("p", () => g.drawImage(this.image(pane), pane.x, pane.y, pane.w, pane.w));
      if (points) named("x0", () => dots(g, pane, dataOf(view, -1), Math.max(1, 0.1 * unit), colours.data, 0.4));
      this.drawLine(g, pane);
      this.drawParticles(g, pane, lane, lane.name === "exact" ? colours.exact : colours.sample);
    });
    border(g, pane, look, look.bare ? "" : lane.title);
    if (look.bare) return;
    if (this.ended()) return this.writeScore(g, pane, lane);
    if (pane !== this.panes[0]) return; // all show the same level at the same scale
    scaleBar(g, pane, look);
    headline(g, pane, look, `\u03C3 = ${significant(sigma)}`);
  }

  /** The particles on their way, larger where they end. @param {Pen} g @param {Pane} pane @param {Lane} lane */
  drawParticles(g, pane, lane, /** @type {string} */ colour) {
    const { view } = this, x = this.end(lane);
    if (!this.ended()) return swarm(view, g, pane, this.run(lane), this.step(), VE, view.values.sigma, colour);
    named("x", () => dots(g, pane, x, Math.max(1.8, 0.008 * pane.w), colour, 0.8));
    count(view, g, pane, x);
  }

  /** Under a pane: how good its samples are. @param {Pen} g @param {Pane} pane @param {Lane} lane */
  writeScore(g, pane, lane) {
    const { unit, colours: { ink } } = this.view.look, { coverage, distance } = this.score(lane);
    const size = Math.min(1.6 * unit, 0.1 * pane.w), x = pane.x + pane.w / 2, y = pane.y + pane.w + 1.5 * unit;
    const style = { colour: ink, align: /** @type {const} */ ("center"), base: /** @type {const} */ ("top") };
    /** @type {(text: string, at: Pair, high: number, weight: number) => void} */
    const say = (text, at, high, weight) => write(g, text, at, { ...style, size: high, weight, max: pane.w });
    say(`coverage ${fixed(coverage)}`, [x, y], size, 700);
    say(`distance ${fixed(distance)}`, [x, y + 1.25 * size], unit, 500);
  }

  /** The exact posterior with the noise of the level, in the blue of what is exact. @param {Pane} pane */
  image(pane) {
    const { look, values: { sigma } } = this.view, { centre, half } = pane, post = this.posterior();
    return this.images([post, sigma, half, look.dark], () => {
      const p = densityOf(post, sigma, centre, half, RASTER), blue = rgb(look.colours.exact);
      return raster(RASTER, RASTER, (i, pixels) => pixels.set([...blue, 140 * Math.sqrt(p[i])], 4 * i));
    });
  }

  /** What was measured, with its error. @param {Pen} g @param {Pane} pane */
  drawLine(g, pane) {
    const { look: { unit, colours: { accent } }, values: { y, tau } } = this.view, { y: top, w } = pane;
    const [left] = place(pane, [y - tau, 0]), [right] = place(pane, [y + tau, 0]), [at] = place(pane, [y, 0]);
    g.globalAlpha = 0.14;
    g.fillStyle = accent;
    g.fillRect(left, top, right - left, w);
    g.globalAlpha = 1;
    curve(g, [[at, top], [at, top + w]], accent, 0.1 * unit);
  }

  /** @returns {Row[]} */
  readouts() {
    const { meta: { n, steps, spread }, values: { seed } } = this.view;
    const rows = this.lanes.map((lane) => /** @type {Row} */ (
      [lane.title, `coverage ${fixed(this.score(lane).coverage)}, distance ${fixed(this.score(lane).distance)}`]));
    return [...rows, ["particles", `${n}, DDPM, ${steps} steps`], ["PiGDM's spread", fixed(spread)],
      ["seed", String(seed)]];
  }

  describe() {
    const { y, tau, sigma } = this.view.values, scores = this.lanes.map((lane) => {
      const { coverage, distance } = this.score(lane);
      return `${lane.title}: coverage ${fixed(coverage)}, distance ${fixed(distance)}`;
    });
    return `The first coordinate was measured as ${fixed(y)} with an error of ${fixed(tau)}; sigma `
      + `${significant(sigma)}. Where the walks end, ${scores.join("; ")}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { exact, sample, data, accent } = this.view.look.colours;
    return { marks: [
      [exact, "samples with the exact field, and behind everything the exact posterior"],
      [sample, "samples of the method"], [data, "data"], [accent, "measured, \u00B1 \u03C4", "line"],
    ] };
  }

  points() {
    const { xs } = this.run(this.lanes[0]).walk;
    return Array.from(xs[Math.floor(this.step())]);
  }

  /** Measure another value. @param {number} y */
  measure(y) {
    const { meta: { controls }, values } = this.view, own = controls.find(({ role }) => role === "y");
    const { low, high } = /** @type {Range} */ (own);
    values.y = Math.max(low, Math.min(Number(high), Math.round(100 * y) / 100));
  }

  /** Drag the measured line. @param {number} px @param {number} py */
  touch(px, py) {
    const pane = this.panes.find((p) => holds(p, px, py));
    if (pane) this.measure(unplace(pane, px, py)[0]);
  }

  /** @param {number} dx */
  move(dx) {
    this.measure(this.view.values.y + 0.01 * dx);
  }
}

export default widget((/** @type {View<InverseMeta>} */ view) => new Inverse(view));
