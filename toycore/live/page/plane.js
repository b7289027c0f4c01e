// What the scenes of the plane share: the density behind, arrows, particles, a point to look at, rows and scales.

import { dataOf, denoiser, mixtureOf } from "./fields.js";
import { share } from "./format.js";
import { alphaBar, ddpmStep, flowTime, scaleOf } from "./maths/levels.js";
import { noiseOf } from "./maths/lattice.js";
import { density } from "./maths/mixture.js";
import { walkTo } from "./maths/walk.js";
import { memory } from "./memory.js";
import { arrowField, cells, dots, trails } from "./paint/marks.js";
import { holds, unplace, zoom } from "./paint/pane.js";
import { densityImage } from "./paint/raster.js";

/** @import { PlaneView } from "./fields.js" */
/** @import { Frame, Pair, Pane, Row, Run, Scale, Term } from "./types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** The scale of predicted noise. @type {Scale} */
export const EPS = {
  title: "|\u03B5\u0302|, predicted noise in units of \u03C3", c: 1, ticks: [0, 0.5, 1, 2, 5, Infinity],
};

/** The scale of a Denoiser's error. @type {Scale} */
export const ERROR = {
  title: "|\u03B5\u0302 \u2212 \u03B5*|, error in units of \u03C3", c: 0.2, ticks: [0, 0.1, 0.2, 0.5, 1, Infinity],
};

/**
 * A brush for the density behind and the data points, in the frame's coordinates; panes at one level share its image.
 *
 * @param {PlaneView} view
 */
export function backdrop(view) {
  /** @type {import("./memory.js").Memory<HTMLCanvasElement>} */
  const recall = memory();
  const { values, look } = view;
  /** @type {(g: Pen, pane: Pane, sigma: number, frame: Frame, label: number) => void} */
  return (g, pane, sigma, frame, label) => {
    if (values.density && view.arrays.means) {
      const keys = [sigma, frame.power, label, pane.half, ...pane.centre, look.dark, view.arrays.means];
      g.imageSmoothingEnabled = true;
      g.imageSmoothingQuality = "high";
      g.drawImage(recall(keys, () => imageOf(view, pane, sigma, frame, label)), pane.x, pane.y, pane.w, pane.w);
    }
    if (!values.points || !view.arrays.data) return;
    const x = zoom(dataOf(view, label), scaleOf(frame, sigma));
    dots(g, pane, x, Math.max(1.2, look.unit * 0.11), look.colours.data, 0.85);
  };
}

/**
 * The density that a pane shows, on as many pixels as it needs.
 *
 * @param {PlaneView} view @param {Pane} pane @param {number} sigma @param {Frame} frame @param {number} label
 */
function imageOf(view, pane, sigma, frame, label) {
  const c = scaleOf(frame, sigma), widest = Math.hypot(view.meta.narrow, sigma) * c;
  const n = Math.round(Math.min(140, Math.max(48, (2.2 * pane.half) / widest)));
  const p = new Float32Array(n * n);
  const peak = density(mixtureOf(view), sigma, label, zoom(pane.centre, 1 / c), pane.half / c, n, p);
  return densityImage(p, n, view.look.colours.density, peak / (peak + 0.05 * c * c)); // thin densities fade
}

/**
 * How a field of arrows looks: the length m at half of a cell, colours by length, the sign, arrows along a side.
 *
 * @typedef {{ c?: number, colours?: string[], sign?: number, n?: number }} ArrowStyle
 */

/**
 * Arrows of -eps_hat (towards the data) of the terms on n x n places of the pane.
 *
 * @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {Term[]} terms @param {number} sigma
 * @param {Frame} frame @param {ArrowStyle} [style]
 */
export function arrows(view, g, pane, terms, sigma, frame, { c = 1, colours, sign = -1, n } = {}) {
  n ??= Math.max(11, Math.min(25, Math.round(pane.w / 21)));
  const y = cells(pane, n), eps = noiseAt(view, terms, sigma, zoom(y, 1 / scaleOf(frame, sigma)));
  arrowField(g, pane, y, zoom(eps, sign), c, colours ?? view.look.colours.ramp, n);
}

/**
 * eps_hat of the terms at points x.
 *
 * @param {PlaneView} view @param {Term[]} terms @param {number} sigma @param {Float32Array | number[]} x
 */
export function noiseAt(view, terms, sigma, x) {
  const eps = new Float32Array(x.length);
  denoiser(view, terms)(sigma, x, eps);
  noiseOf(terms, sigma, x, eps, eps);
  return eps;
}

/**
 * Particles at the real step p of a walk with comet tails, in the frame's coordinates.
 *
 * @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {Run} run @param {number} p @param {Frame} frame
 */
export function swarm({ look }, g, pane, { walk, rule, D }, p, frame, colour = look.colours.sample) {
  const k = Math.min(walk.sigmas.length - 2, Math.floor(p)), part = Math.min(1, p - k);
  const scale = (/** @type {number} */ j) => scaleOf(frame, walk.sigmas[j]), few = 2 * Math.min(walk.n, 250);
  const next = walkTo(walk, k + 1, rule, D), a = (1 - part) * scale(k), b = part * scale(k + 1);
  const y = walk.xs[k].map((v, i) => a * v + b * next[i]), past = [];
  const tail = rule.sampler === "ddim" || rule.sampler === "heun" ? 7 : 2; // noise would scribble
  if (!look.calm) {
    for (let j = Math.max(0, k - tail); j <= k; j++) past.push(zoom(walk.xs[j].subarray(0, few), scale(j)));
  }
  trails(g, pane, [...past, y.subarray(0, few)], colour, Math.max(0.8, look.unit * 0.07));
  dots(g, pane, y, Math.max(1.5, pane.w * 0.0042), colour);
}

/**
 * A point to look at, in frame coordinates, moved by the pointer or by shift and arrows.
 *
 * @param {() => Pane[]} panes
 */
export function probe(panes) {
  return {
    /** @type {Pair | null} */
    at: null,
    /** @param {number} px @param {number} py */
    touch(px, py) {
      const pane = panes().find((p) => holds(p, px, py));
      if (pane) this.at = unplace(pane, px, py);
    },
    /** @param {number} dx @param {number} dy */
    move(dx, dy) {
      const [pane] = panes(), [x, y] = this.at ?? pane.centre, by = pane.half / 20;
      this.at = [x + dx * by, y + dy * by];
    },
  };
}

/** A level on the other clocks. @param {number} sigma @returns {Row[]} */
export const clockRows = (sigma) => [
  ["\u03B1\u0304 = 1/(1+\u03C3\u00B2)", share(alphaBar(sigma), 4)],
  ["DDPM step of 1000", ddpmStep(sigma).toFixed(0)],
  ["flow t = \u03C3/(1+\u03C3)", flowTime(sigma).toFixed(3)],
];
