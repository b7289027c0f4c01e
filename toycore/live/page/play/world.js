// What follows from the drawing: the data as a mixture, their classes, the exact field.

import { posteriorMeans } from "../maths/exact.js";
import { memory } from "../memory.js";
import { flat, heldOut, smooth, STD } from "./strokes.js";

/** @import { Memory } from "../memory.js" */
/** @import { Denoiser, Pane, PlaneMeta, View } from "../types.js" */
/** @import { Data } from "../train/recipe.js" */
/** @import { Stroke } from "./strokes.js" */

/** Which of the course's class colours a class has: never that of samples. */
const HUES = [0, 2, 3];

/** What is known of the data: points for a training, those held out, the classes that are there. */
export class World {
  /** @param {View<PlaneMeta>} view */
  constructor(view) {
    this.view = view;
    /** @type {Data} */
    this.data = { x: new Float32Array(0), std: 0 };
    this.drawn = new Float32Array(0);
    this.held = new Float32Array(0);
    this.used = /** @type {number[]} */ ([]); // labels that were drawn, by their number in the training
    /** @type {Memory<Float32Array>} */
    this.noise = memory();
  }

  /** Take over what is drawn. @param {Stroke[]} strokes */
  take(strokes) {
    const { view } = this, curve = view.values.smooth, { x, label } = flat(curve ? smooth(strokes) : strokes);
    this.used = [...new Set(label)].sort();
    const own = Int32Array.from(label, (c) => this.used.indexOf(c)), n = label.length, std = curve ? STD : 0;
    this.data = { x, std, label: own, classes: this.used.length };
    this.drawn = curve ? flat(strokes).x : x;
    this.held = heldOut(strokes);
    view.arrays.means = { data: x, shape: [n, 2] };
    view.arrays.std = { data: new Float32Array(n).fill(std), shape: [n] };
    view.arrays.weight = { data: new Float32Array(n).fill(1 / n), shape: [n] };
    view.arrays.label = { data: own, shape: [n] };
    view.meta.narrow = Math.max(0.01, std);
    view.values.classes = this.used.length;
  }

  /** How many points there are. */
  get n() {
    return this.data.x.length / 2;
  }

  /** The class that is asked for, by its number in the training; -1 for all. */
  get label() {
    return this.used.length > 1 ? this.used.indexOf(this.view.values.label) : -1;
  }

  /** The colour that a class is drawn with. @param {number} drawn */
  paint(drawn) {
    return this.view.look.colours.classes[HUES[drawn % HUES.length]];
  }

  /** The colour of a class in the picture; one class alone is simply the data. @param {number} drawn */
  hue(drawn) {
    return this.used.length > 1 ? this.paint(drawn) : this.view.look.colours.data;
  }

  /** The exact answer, guided where a class is asked for. @type {Denoiser} */
  exact = (sigma, x, out) => {
    const mixture = { means: this.data.x, std: [this.data.std], label: this.data.label ?? [] };
    const { label, view: { values: { guidance: s } } } = this, none = label < 0 || s === 0;
    posteriorMeans(mixture, sigma, x, out, none || s === 1 ? label * Number(!none) - Number(none) : -1);
    if (none || s === 1) return out;
    const own = posteriorMeans(mixture, sigma, x, new Float32Array(out.length), label);
    for (let i = 0; i < out.length; i++) out[i] += s * (own[i] - out[i]);
    return out;
  };

  /** eps* on the places of a pane. @param {Pane} pane @param {number} sigma @param {Float32Array} places */
  exactNoise(pane, sigma, places) {
    const { label, guidance } = this.view.values, keys = [this.data, sigma, label, guidance, pane.half, places.length];
    return this.noise(keys, () => noise(this.exact, sigma, places));
  }
}

/** eps_hat = (x - x0_hat) / sigma. @param {Denoiser} D @param {number} sigma @param {Float32Array} x */
export function noise(D, sigma, x) {
  const out = D(sigma, x, new Float32Array(x.length));
  for (let i = 0; i < x.length; i++) out[i] = (x[i] - out[i]) / sigma;
  return out;
}
