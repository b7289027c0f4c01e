// Sampling step by step, side by side from the same noise.

import { dataOf, denoiser, frameOf, termsOf } from "../fields.js";
import { Following } from "../following.js";
import { fixed, significant } from "../format.js";
import { grid, scaleOf } from "../maths/levels.js";
import { measures, moments } from "../maths/measures.js";
import { isRandom, startWalk, walkTo } from "../maths/walk.js";
import { memory } from "../memory.js";
import { border, chart, headline, scaleBar } from "../paint/chart.js";
import { arrow, curve, disc, ring } from "../paint/marks.js";
import { named } from "../paint/named.js";
import { aim, around, carried, place, squares, within, zoom } from "../paint/pane.js";
import { write } from "../paint/text.js";
import { arrows, backdrop, swarm } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Mark, Measures, Pair, Pane, PlaneMeta, Row } from "../types.js" */
/** @import { Rule, Run, Scene, Schedule, View, Walk } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/**
 * An entry of the menu: its step, and which values of the view take the place of the step's own.
 *
 * @typedef {{ name: string, sampler: string, label: string, rule: Rule, values: ("noise" | "eta")[] }} Entry
 */
/**
 * samplers: one pane each, null where the control chooses; rules: all samplers; symbols: what the number of a value is
 * written with; levels: the grids; n: particles.
 *
 * @typedef {object} WalkFacts
 * @property {(string | null)[]} samplers @property {Entry[]} rules @property {Record<string, string>} symbols
 * @property {{ name: string, low: number, high: number }[]} levels @property {number} n
 */
/** @typedef {PlaneMeta & WalkFacts} WalkMeta */

/** A pane's sampler with what is known of its walk. @typedef {ReturnType<typeof laneOf>} Lane */

/** The sampler of a lane. @param {View<WalkMeta>} view @param {Lane} lane */
function entryOf({ meta: { rules }, values }, lane) {
  const wanted = lane.name ?? values.sampler;
  return rules.find(({ name }) => name === wanted) ?? rules[0];
}

/** How it steps, given the sliders. @param {View<WalkMeta>} view @param {Lane} lane @returns {Rule} */
function ruleOf(view, lane) {
  const { rule, values } = entryOf(view, lane), own = values.map((role) => [role, view.values[role]]);
  return { ...rule, values: { ...rule.values, ...Object.fromEntries(own) } };
}

/** What a lane is called: DDPM with no noise has a name of its own. @param {View<WalkMeta>} view @param {Lane} lane */
function labelOf(view, lane) {
  const { sampler } = entryOf(view, lane), { values } = ruleOf(view, lane), { rules, symbols } = view.meta;
  const fits = rules.filter((entry) => entry.sampler === sampler), roles = Object.keys(values);
  const changed = fits.map(({ rule }) => roles.filter((role) => rule.values[role] !== values[role]));
  const own = fits.find((_, i) => !changed[i].length), [{ label }] = fits;
  return own?.label ?? [label, ...changed[0].map((role) => `${symbols[role]} ${fixed(values[role])}`)].join(", ");
}

/** @param {string | null} name */
function laneOf(name) {
  return {
    name,
    run: /** @type {Memory<Run>} */ (memory()),
    score: /** @type {Memory<Measures>} */ (memory()),
    spread: /** @type {Memory<number[]>} */ (memory()),
  };
}

/** @extends {Following<WalkMeta>} @implements {Scene} */
class Sampling extends Following {
  /** @param {View<WalkMeta>} view */
  constructor(view) {
    super(view);
    this.backdrop = backdrop(view);
    this.lanes = view.meta.samplers.map(laneOf);
    this.many = this.lanes.length > 1;
    /** @type {Box[]} of the charts */
    this.graphs = [];
    this.charted = true;
  }

  /** The whole walk of a lane. @param {Lane} lane */
  run(lane) {
    const { view } = this, { show, label, steps, schedule, seed } = view.values;
    const rule = ruleOf(view, lane), terms = termsOf(view, show, label);
    return lane.run([entryOf(view, lane), ...Object.values(rule.values), terms[0][0], steps, schedule, seed], () => {
      const { low, high } = view.meta.levels.find(({ name }) => name === schedule) ?? view.meta;
      const sigmas = grid(/** @type {Schedule} */ (schedule), steps, low, high);
      const run = { walk: startWalk(sigmas, view.meta.n, seed), D: denoiser(view, terms), rule };
      walkTo(run.walk, steps, rule, run.D);
      return run;
    });
  }

  /** The whole step a walk stands at. @param {Walk} walk */
  stepOf(walk) {
    return Math.min(Math.round(this.view.values.step), walk.sigmas.length - 1);
  }

  /**
   * The noise level at the real step p; after the last step a little of it is left, so that something is seen.
   *
   * @param {Walk} walk
   */
  level({ sigmas }, p = Math.min(this.view.values.step, sigmas.length - 1)) {
    const k = Math.min(sigmas.length - 2, Math.floor(p)), a = sigmas[k], b = sigmas[k + 1] || a / 3;
    return Math.max(this.view.meta.low / 2, a * (b / a) ** (p - k));
  }

  /** How good the particles of a lane are at their step. @param {Lane} lane */
  score(lane) {
    const { walk } = this.run(lane), k = this.stepOf(walk), data = dataOf(this.view, this.view.values.label);
    return lane.score([walk.xs[k], data], () => measures(walk.xs[k], data));
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { unit } = look, count = this.lanes.length;
    const beside = !this.many && width > 1.2 * room, aside = beside ? 15 * unit : 0;
    this.charted = !this.many || !look.stage || width > 640; // on a phone the panes come first
    const below = beside ? 0 : this.many ? (this.charted ? 10.2 : 3) * unit : 8.6 * unit;
    const { panes, height } = squares(look, width - aside, room, count, below);
    this.panes = panes;
    this.graphs = panes.map(({ x, y, w }) => beside
      ? { x: width - aside + 2 * unit, y: y + 2 * unit, w: aside - 3 * unit, h: 9 * unit }
      : { x, y: y + w + (this.many ? 5.8 : 4.2) * unit, w, h: 4 * unit });
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
    const { view } = this, { label, step } = view.values, frame = frameOf(view);
    const run = this.run(lane), sigma = this.level(run.walk);
    const p = Math.min(step, run.walk.sigmas.length - 1);
    aim(view.meta, pane, frame, sigma);
    within(g, pane, () => {
      this.backdrop(g, pane, sigma, frame, label);
      this.drawArrows(g, pane, sigma);
      this.drawPath(g, pane, run.walk, Math.floor(p + 1e-6), sigma);
      swarm(view, g, pane, run, p, frame, sigma);
      this.drawFollowed(g, pane, run.walk, p, sigma);
    });
    border(g, pane, view.look, this.many ? labelOf(view, lane) : "");
    scaleBar(g, pane, view.look);
    const at = `step ${Math.round(p)} of ${run.walk.sigmas.length - 1}`;
    if (lane === this.lanes[0]) headline(g, pane, view.look, `\u03C3 = ${this.levelText(run.walk)}`, at);
    if (view.look.bare) return;
    if (this.charted) this.drawSpread(g, this.graphs[this.lanes.indexOf(lane)], lane);
    if (this.many) this.writeScore(g, pane, lane);
  }

  /** Faint arrows, where they are wanted. @param {Pen} g @param {Pane} pane @param {number} sigma */
  drawArrows(g, pane, sigma) {
    const { values: { arrows: wanted, show, label } } = this.view, frame = frameOf(this.view);
    const n = Math.min(15, Math.round(pane.w / 24));
    if (!wanted) return;
    g.globalAlpha = 0.4;
    arrows(this.view, g, pane, termsOf(this.view, show, label), sigma, frame, { n });
    g.globalAlpha = 1;
  }

  /**
   * The chosen particle: where it came from, and each step as predicted part and random part.
   *
   * @param {Pen} g @param {Pane} pane @param {Walk} walk @param {number} k @param {number} sigma
   */
  drawPath(g, pane, walk, k, sigma) {
    const { unit, colours: { predicted, random } } = this.view.look;
    const at = this.follower(pane, walk, sigma);
    for (let j = 1; j <= k; j++) {
      const alpha = j === k ? 1 : 0.75, thick = unit * (j === k ? 0.26 : 0.13);
      const from = at(walk.xs[j - 1], j - 1), mean = at(walk.means[j], j), to = at(walk.xs[j], j);
      const drawn = Math.hypot(to[0] - mean[0], to[1] - mean[1]) > 0.5;
      if (drawn) named("z", () => arrow(g, mean, to, random, thick, alpha));
      named("D", () => arrow(g, from, mean, predicted, thick, alpha));
    }
  }

  /**
   * Where the camera, now at sigma, saw the chosen particle among those of step j.
   *
   * @param {Pane} pane @param {Walk} walk @param {number} sigma @returns {(x: Float32Array, j: number) => Pair}
   */
  follower(pane, walk, sigma) {
    const { box } = this.view.meta, c = scaleOf(frameOf(this.view), sigma), i = 2 * this.chosen;
    return (x, j) => place(pane, zoom(carried(box, [x[i], x[i + 1]], walk.sigmas[j], sigma), c));
  }

  /**
   * A ring around the chosen particle.
   *
   * @param {Pen} g @param {Pane} pane @param {Walk} walk @param {number} p @param {number} sigma
   */
  drawFollowed(g, pane, walk, p, sigma) {
    const at = this.follower(pane, walk, sigma), k = Math.min(walk.sigmas.length - 2, Math.floor(p)), t = p - k;
    const [x, y] = at(walk.xs[k], k), [u, v] = at(walk.xs[k + 1], k + 1), { unit, colours: { ink } } = this.view.look;
    named("x", () => ring(g, [x + t * (u - x), y + t * (v - y)], unit * 0.75, ink));
  }

  /**
   * The cloud's spread over what it should be, against the step.
   *
   * @param {Pen} g @param {Box} box @param {Lane} lane
   */
  drawSpread(g, box, lane) {
    const { look } = this.view, { unit, colours: { sample, faint, accent } } = look, { walk } = this.run(lane);
    const data = dataOf(this.view, this.view.values.label), k = this.stepOf(walk), steps = walk.sigmas.length - 1;
    const ratios = lane.spread([walk, data], () => spreads(walk, data));
    const at = chart(g, box, look, {
      title: "spread (1 is right)", x: [0, steps], y: [0, 1.3],
      xs: [[0, "0"], [steps / 2, "step"], [steps, String(steps)]], ys: [[0, "0"], [1, "1"]],
    });
    const line = ratios.map((r, j) => at(j, r));
    curve(g, line, faint, 0.13 * unit);
    curve(g, line.slice(0, k + 1), sample, 0.17 * unit);
    disc(g, line[k], unit * 0.35, accent);
  }

  /** Under one of many panes: how good its particles are. @param {Pen} g @param {Pane} pane @param {Lane} lane */
  writeScore(g, pane, lane) {
    const { unit, colours: { ink } } = this.view.look, { spread, coverage, distance } = this.score(lane);
    const parts = [
      `spread ${spread.toPrecision(2)}`, `coverage ${coverage.toFixed(2)}`, `distance ${distance.toPrecision(2)}`,
    ], text = (pane.w < 20 * unit ? parts.slice(0, 1) : parts).join(" \u00B7 ");
    const at = /** @type {Pair} */ ([pane.x + pane.w / 2, pane.y + pane.w + 2.1 * unit]);
    write(g, text, at, { size: unit * 0.9, colour: ink, align: "center", base: "top", weight: 600, max: pane.w });
  }

  /** The level of a walk's step in words. @param {Walk} walk */
  levelText(walk) {
    const k = this.stepOf(walk);
    return k === walk.sigmas.length - 1 ? "0" : significant(walk.sigmas[k]);
  }

  /** @returns {Row[]} */
  readouts() {
    const level = this.levelText(this.run(this.lanes[0]).walk), seed = String(this.view.values.seed);
    if (this.many) return [["noise level \u03C3", level], ["seed", seed]];
    const { spread, coverage, distance } = this.score(this.lanes[0]);
    return [
      ["noise level \u03C3", level], ["spread / data's", spread.toFixed(2)],
      ["coverage of the data", coverage.toFixed(2)], ["mean distance to data", distance.toFixed(3)], ["seed", seed],
    ];
  }

  describe() {
    const { step, steps } = this.view.values, scores = this.lanes.map((lane) => {
      const { spread, coverage, distance } = this.score(lane), name = labelOf(this.view, lane);
      return `${name}: spread ${spread.toFixed(2)} of the data's, coverage ${coverage.toFixed(2)}, `
        + `mean distance ${distance.toFixed(3)}`;
    });
    const sigma = significant(this.level(this.run(this.lanes[0]).walk));
    return `Step ${Math.round(step)} of ${steps}, sigma ${sigma}. ${scores.join(". ")}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { data, sample, predicted, random } = this.view.look.colours;
    return {
      marks: [
        [data, "data"], [sample, "particles"], [predicted, "predicted part of a step", "line"],
        .../** @type {Mark[]} */ (this.isRandom() ? [[random, "random part", "line"]] : []),
      ],
    };
  }

  /** Whether any step of any pane has a random part. */
  isRandom() {
    return this.lanes.some((lane) => isRandom(this.run(lane).walk));
  }

  points() {
    const { walk } = this.run(this.lanes[0]);
    return Array.from(walk.xs[this.stepOf(walk)]);
  }

  /** @override @param {number} j */
  particles(j) {
    const { walk } = this.run(this.lanes[j]), k = this.stepOf(walk);
    return zoom(walk.xs[k], scaleOf(frameOf(this.view), walk.sigmas[k]));
  }
}

/**
 * The spread of a cloud after every step over that of the data with so much noise.
 *
 * @param {Walk} walk @param {Float32Array} data
 */
function spreads({ xs, sigmas }, data) {
  const s = moments(data).std;
  return xs.map((x, k) => moments(x).std / Math.hypot(s, sigmas[k]));
}

export default widget((/** @type {View<WalkMeta>} */ view) => new Sampling(view));
