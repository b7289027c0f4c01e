// What the scenes of the plane share: the density behind, arrows, particles, a point to look at, rows and scales.

import { dataOf, denoiser, mixtureOf } from "./fields.js";
import { share } from "./format.js";
import { alphaBar, ddpmStep, flowTime, scaleOf } from "./maths/levels.js";
import { noiseOf } from "./maths/lattice.js";
import { density } from "./maths/mixture.js";
import { isRandom, walkTo } from "./maths/walk.js";
import { memory } from "./memory.js";
import { TINT } from "./paint/chart.js";
import { contour, drawContour, LEVELS } from "./paint/contour.js";
import { arrowField, cells, dots, trails } from "./paint/marks.js";
import { named } from "./paint/named.js";
import { carried, holds, outside, unplace, zoom } from "./paint/pane.js";
import { densityImage, raster, rgb } from "./paint/raster.js";
import { write } from "./paint/text.js";

/** @import { PlaneView } from "./fields.js" */
/** @import { Frame, Pair, Pane, Row, Run, Scale, Term } from "./types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** The scale of predicted noise. @type {Scale} */
export const EPS = {
  title: "arrow length: predicted noise |\u03B5\u0302|", c: 1, ticks: [0.2, 1, 5],
};

/** The scale of a Denoiser's error. @type {Scale} */
export const ERROR = {
  title: "arrow length: error |\u03B5\u0302 \u2212 \u03B5*|", c: 0.2, ticks: [0.05, 0.2, 1],
};

/**
 * A brush for the density behind and the data points, in the frame's coordinates; panes at one level share its image.
 *
 * @param {PlaneView} view
 */
export function backdrop(view) {
  /** @type {Map<string, import("./memory.js").Memory<ReturnType<typeof imageOf>>>} by the name of the data */
  const images = new Map();
  /** @type {(g: Pen, pane: Pane, sigma: number, frame: Frame, label: number, name?: string) => void} */
  return (g, pane, sigma, frame, label, name = "") => {
    const { values, look, meta } = view, of = meta.own.includes(name) ? name : "";
    if (!images.has(of)) images.set(of, memory());
    if (values.density && view.arrays.means) {
      const keys = [sigma, frame.power, label, pane.half, ...pane.centre, look.dark, view.arrays.means];
      const made = images.get(of)?.(keys, () => imageOf(view, pane, sigma, frame, label, of));
      named("p", () => drawDensity(view, g, pane, made));
    }
    if (values.points && view.arrays.data) drawData(view, g, pane, sigma, frame, label, of);
  };
}

/** @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {ReturnType<typeof imageOf>} [made] */
function drawDensity({ look }, g, pane, made) {
  if (!made) return;
  g.imageSmoothingEnabled = true;
  g.imageSmoothingQuality = "high";
  g.drawImage(made.image, pane.x, pane.y, pane.w, pane.w);
  g.strokeStyle = look.colours.arrow;
  g.lineWidth = Math.max(1, look.unit * 0.07);
  g.globalAlpha = 0.45;
  for (const line of made.lines) drawContour(g, pane, line, made.n);
  g.globalAlpha = 1;
}

/**
 * The data points, those of the view or of one field.
 *
 * @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {number} sigma @param {Frame} frame
 * @param {number} label
 */
export function drawData(view, g, pane, sigma, frame, label, name = "") {
  const x = zoom(dataOf(view, label, name), scaleOf(frame, sigma)), { unit, colours } = view.look;
  named("x0", () => dots(g, pane, x, Math.max(1.2, unit * 0.11), colours.data));
}

/**
 * The density that a pane shows, on as many pixels as it needs, and its contours.
 *
 * @param {PlaneView} view @param {Pane} pane @param {number} sigma @param {Frame} frame @param {number} label
 * @param {string} name
 */
function imageOf(view, pane, sigma, frame, label, name) {
  const c = scaleOf(frame, sigma), widest = Math.hypot(view.meta.narrow, sigma) * c;
  const n = Math.round(Math.min(140, Math.max(48, (2.2 * pane.half) / widest)));
  const p = new Float32Array(n * n);
  density(mixtureOf(view, name), sigma, label, zoom(pane.centre, 1 / c), pane.half / c, n, p);
  const image = densityImage(p, n, view.look.colours.density);
  const fine = widest > (2.4 * pane.half) / n; // else a line would follow the pixels
  return { image, n, lines: fine ? LEVELS.map((level) => contour(p, n, level)) : [] };
}

const HEAT = 48; // places along a side of a pane at which a difference is coloured

/**
 * The size m of a difference of fields as a tint, m / (m + c) of the strongest; on it data have a contrast of 4.5 : 1.
 *
 * @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {Term[]} terms @param {number} sigma
 * @param {Frame} frame @param {Scale} scale
 */
export function heat(view, g, pane, terms, sigma, frame, { c }) {
  const y = cells(pane, HEAT), e = noiseAt(view, terms, sigma, zoom(y, 1 / scaleOf(frame, sigma)));
  const colour = rgb(view.look.colours.accent);
  const image = raster(HEAT, HEAT, (i, pixels) => {
    const j = 2 * ((HEAT - 1 - Math.floor(i / HEAT)) * HEAT + (i % HEAT)), m = Math.hypot(e[j], e[j + 1]);
    pixels.set([...colour, (255 * TINT * m) / (m + c)], 4 * i);
  });
  g.imageSmoothingEnabled = true;
  g.drawImage(image, pane.x, pane.y, pane.w, pane.w);
}

/**
 * How a field of arrows looks: the length m at half of a cell, the colour, the sign, arrows along a side.
 *
 * @typedef {{ c?: number, colour?: string, sign?: number, n?: number }} ArrowStyle
 */

/**
 * Arrows of -eps_hat (towards the data) of the terms on n x n places of the pane.
 *
 * @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {Term[]} terms @param {number} sigma
 * @param {Frame} frame @param {ArrowStyle} [style]
 */
export function arrows(view, g, pane, terms, sigma, frame, { c = 1, colour, sign = -1, n } = {}) {
  if (view.look.bare) return;
  n ??= Math.max(11, Math.min(25, Math.round(pane.w / 21)));
  const y = cells(pane, n), eps = noiseAt(view, terms, sigma, zoom(y, 1 / scaleOf(frame, sigma)));
  const side = n;
  named("eps D", () => arrowField(g, pane, y, zoom(eps, sign), c, colour ?? view.look.colours.arrow, side));
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
 * Particles at the real step p of a walk with comet tails, where the camera sees them.
 *
 * @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {Run} run @param {number} p @param {Frame} frame
 * @param {number} sigma the camera's level
 */
export function swarm(view, g, pane, { walk, rule, D }, p, frame, sigma, colour = view.look.colours.sample) {
  const k = Math.min(walk.sigmas.length - 2, Math.floor(p)), part = Math.min(1, p - k), { look, meta: { box } } = view;
  const c = scaleOf(frame, sigma), few = 2 * Math.min(walk.n, 250);
  const past = /** @type {Float32Array[]} */ ([]);
  const seen = (/** @type {Float32Array} */ x, /** @type {number} */ j) =>
    zoom(carried(box, x, walk.sigmas[j], sigma), c);
  const to = seen(walkTo(walk, k + 1, rule, D), k + 1), from = seen(walk.xs[k], k);
  const y = from.map((v, i) => v + part * (to[i] - v));
  const tail = isRandom(walk) ? 2 : 7; // noise would scribble
  if (!look.calm) for (let j = Math.max(0, k - tail); j <= k; j++) past.push(seen(walk.xs[j].subarray(0, few), j));
  named("x", () => {
    trails(g, pane, [...past, y.subarray(0, few)], colour, Math.max(0.8, look.unit * 0.07));
    dots(g, pane, y, Math.max(1.5, pane.w * 0.0042), colour);
  });
  count(view, g, pane, y);
}

/**
 * Say how many points lie outside of a pane, where any do.
 *
 * @param {PlaneView} view @param {Pen} g @param {Pane} pane @param {Float32Array} y
 */
export function count({ look: { unit, bare, colours: { ink } } }, g, pane, y) {
  const n = bare ? 0 : outside(pane, y);
  /** @type {Pair} */
  const at = [pane.x + pane.w - 0.6 * unit, pane.y + pane.w - 0.8 * unit];
  if (n) write(g, `${n} of ${y.length / 2} outside`, at, { size: unit, colour: ink, align: "right", weight: 600 });
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

/** A level on the other clocks. @param {PlaneView} view @param {number} sigma @returns {Row[]} */
export const clockRows = ({ meta: { clocks } }, sigma) => clocks.map(([name, label]) => [label, CLOCKS[name](sigma)]);

/** @type {Record<string, (sigma: number) => string>} */
const CLOCKS = {
  alpha_bar: (sigma) => share(alphaBar(sigma), 4),
  step: (sigma) => ddpmStep(sigma).toFixed(0),
  flow: (sigma) => flowTime(sigma).toFixed(3),
};
