// The distribution and the Denoisers of a view, read from the arrays that Python sent.

import { denoise, refine, slice } from "./maths/lattice.js";

/** @import { Denoiser, Frame, Mixture, Packed, PlaneMeta, Term, View } from "./types.js" */
/** @typedef {View<PlaneMeta>} PlaneView */

/** The refined lattices, made when first asked for. @type {WeakMap<Packed, Float32Array>} */
const refined = new WeakMap();

/** A field's levels on one raster, by the name of its array. @param {PlaneView} view @param {string} name */
export function lattice({ meta, arrays }, name) {
  const array = arrays[name], known = refined.get(array);
  if (known) return known;
  const made = refine(meta.geometry, /** @type {Float32Array} */ (array.data));
  refined.set(array, made);
  return made;
}

/**
 * The lattice of a named Denoiser for a label (-1: unconditional); one that knows no labels is unconditional always.
 *
 * @param {PlaneView} view @param {string} name @param {number} label
 */
export function latticeOf(view, name, label) {
  const own = `F/${name}/${label}`;
  return lattice(view, own in view.arrays ? own : `F/${name}/-1`);
}

/**
 * The terms of what a pane shows: one field, or "error" = learned minus exact.
 *
 * @param {PlaneView} view @param {string} name @param {number} label @returns {Term[]}
 */
export function termsOf(view, name, label) {
  if (name !== "error") return [[latticeOf(view, name, label), 1]];
  const [exact, learned] = view.meta.fields;
  return [[latticeOf(view, learned, label), 1], [latticeOf(view, exact, label), -1]];
}

/**
 * D(sigma, x, out) for terms, or for a function sigma -> terms; it keeps the slice of the last level.
 *
 * @param {PlaneView} view @param {Term[] | ((sigma: number) => Term[])} terms @returns {Denoiser}
 */
export function denoiser({ meta: { geometry } }, terms) {
  const page = new Float32Array(2 * geometry.size ** 2);
  /** @type {Term[]} */
  let now = [];
  let last = NaN;
  return (sigma, x, out) => {
    if (sigma !== last) {
      now = typeof terms === "function" ? terms(sigma) : terms;
      slice(geometry, now, sigma, page);
      last = sigma;
    }
    denoise(geometry, now, page, sigma, x, out);
    return out;
  };
}

/** A frame by its name. @param {PlaneView} view @returns {Frame} */
export const frameOf = ({ meta, values }, name = values.frame) =>
  meta.frames.find((frame) => frame.name === name) ?? meta.frames[0];

/** What the arrays of a field's own distribution are called after, "" where it is the view's. */
const suffixOf = (/** @type {PlaneView} */ { meta }, /** @type {string} */ name) =>
  (meta.own.includes(name) ? `/${name}` : "");

/** The Gaussians of the data, or of those that a field was made for. @param {PlaneView} view @returns {Mixture} */
export function mixtureOf(view, name = "") {
  const own = suffixOf(view, name), of = (/** @type {string} */ part) => view.arrays[part + own].data;
  return { means: of("means"), std: of("std"), weight: of("weight"), label: of("label") };
}

/** The points of every class, made when first asked for. @type {WeakMap<Packed, Map<number, Float32Array>>} */
const classes = new WeakMap();

/** A sample of the data, of one class if label >= 0. @param {PlaneView} view @param {number} label */
export function dataOf(view, label, name = "") {
  const own = suffixOf(view, name), data = view.arrays[`data${own}`], labels = view.arrays[`dataLabel${own}`];
  const all = /** @type {Float32Array} */ (data.data), known = classes.get(data) ?? new Map();
  if (label < 0) return all;
  if (!known.has(label)) known.set(label, all.filter((_, i) => labels.data[i >> 1] === label));
  classes.set(data, known);
  return /** @type {Float32Array} */ (known.get(label));
}
