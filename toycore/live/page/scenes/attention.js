// What a network reads of its caption: at a place, on maps of the plane, and at every noise level.

import { frameOf, mixtureOf } from "../fields.js";
import { fixed, significant } from "../format.js";
import { attend } from "../maths/attention.js";
import { posterior } from "../maths/mixture.js";
import { memory } from "../memory.js";
import { border, chart, headline, scaleBar } from "../paint/chart.js";
import { arrowField, cells, curve, disc, ring } from "../paint/marks.js";
import { aim, around, place, squares, within } from "../paint/pane.js";
import { raster, rgb } from "../paint/raster.js";
import { write } from "../paint/text.js";
import { backdrop, probe } from "../plane.js";
import { widget } from "../widget/widget.js";

/** @import { Answer } from "../maths/attention.js" */
/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Mark, Pair, Pane, PlaneMeta, Row, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** s and mean of the data; tokens of every caption; parts: the role of a word, then what it can be. */
/** @typedef {PlaneMeta & { s: number, mean: number[], tokens: number[][], parts: string[][] }} AttentionMeta */

const FINE = 26, COARSE = 15; // places along a side, of the maps and of the arrows
const START = /** @type {Pair} */ ([-0.25, 0.3]);

/** @implements {Scene} */
class Attention {
  /** @param {View<AttentionMeta>} view */
  constructor(view) {
    this.view = view;
    this.backdrop = backdrop(view);
    /** @type {Pane} */
    this.pane = squares(view.look, 400, 400, 1).panes[0];
    this.probe = probe(() => [this.pane]);
    /** @type {Memory<Answer>[]} at the place, for the arrows, on the maps */
    this.answers = [memory(), memory(), memory()];
    /** @type {Memory<Float32Array>} */
    this.truths = memory();
    /** @type {Box[]} of the words' maps */
    this.maps = [];
    /** @type {Box} of the curves */
    this.graph = { x: 0, y: 0, w: 1, h: 1 };
  }

  /** The words of the caption. */
  words() {
    const { meta: { parts }, values } = this.view;
    return parts.map(([role]) => /** @type {string} */ (/** @type {any} */ (values)[role]));
  }

  /** The caption's number. */
  label() {
    const { parts } = this.view.meta;
    return this.words().reduce((sum, word, i) => sum * (parts[i].length - 1) + parts[i].indexOf(word) - 1, 0);
  }

  /** What the network answers at places x. @param {number} i memory @param {Float32Array} x @param {unknown[]} keys */
  answer(i, x, keys) {
    const { arrays, meta, values: { sigma } } = this.view, label = this.label();
    return this.answers[i]([label, sigma, ...keys], () => attend(arrays, meta, meta.tokens[label], sigma, x));
  }

  /** The place that is looked at. */
  at() {
    return this.probe.at ?? START;
  }

  /** How much each word is read there, in the layer that is chosen. */
  here() {
    const at = this.at(), { reads } = this.answer(0, Float32Array.from(at), [...at]);
    return Array.from(reads[this.view.values.layer - 1]);
  }

  /** The plane beside maps and curves, or above them. @param {number} width @param {number} room */
  arrange(width, room) {
    const { look } = this.view, { unit } = look, narrow = width < 560;
    const { panes: [pane], height } = squares(look, narrow ? width : width * 0.48, narrow ? 0.5 * room : room, 1);
    const left = narrow ? unit : width * 0.48 + unit, w = width - left - unit, gap = 0.7 * unit;
    const side = (w - 2 * gap) / 3, top = (narrow ? height : pane.y) + 2.6 * unit, under = top + side + 3 * unit;
    const h = Math.max(5 * unit, narrow ? 0.16 * room : pane.y + pane.w - under - 1.2 * unit);
    this.pane = pane;
    this.maps = [0, 1, 2].map((i) => ({ x: left + i * (side + gap), y: top, w: side, h: side }));
    this.graph = { x: left + 2.2 * unit, y: under, w: w - 2.4 * unit, h };
    return Math.max(height, under + h + 2 * unit);
  }

  thumbnail() {
    return around([this.pane]);
  }

  /** @param {Pen} g */
  draw(g) {
    const { pane, view } = this, { look, values: { sigma, layer } } = view, frame = frameOf(view, "VE");
    aim(view.meta, pane, frame, sigma);
    within(g, pane, () => {
      this.backdrop(g, pane, sigma, frame, this.label());
      this.drawArrows(g);
      disc(g, place(pane, this.at()), 0.5 * look.unit, look.colours.accent, look.colours.background);
    });
    border(g, pane, look);
    if (look.bare) return;
    scaleBar(g, pane, look);
    headline(g, pane, look, `\u03C3 = ${significant(sigma)}`, this.words().join(" "));
    const read = this.here(), image = this.images();
    this.words().forEach((word, i) => this.drawMap(g, i, word, read[i], image[i]));
    this.drawCurves(g, `read in layer ${layer}, mean over noised data`);
  }

  /** Arrows towards x0_hat, learned or exact, or the difference of both. @param {Pen} g */
  drawArrows(g) {
    const { pane, view: { values: { sigma, show }, look: { colours } } } = this, x = cells(pane, COARSE);
    const keys = [pane.half, ...pane.centre], exact = show === "learned" ? null : this.truth(x, keys);
    const learned = show === "exact" ? null : this.answer(1, x, keys).x0;
    const aimed = (/** @type {number} */ i) => (learned?.[i] ?? x[i]) - (show === "error" && exact ? exact[i] : x[i]);
    const v = x.map((_, i) => (learned ? aimed(i) : (exact?.[i] ?? 0) - x[i]) / sigma);
    const colour = show === "error" ? colours.learned : colours.arrow;
    arrowField(g, pane, x, v, show === "error" ? 0.2 : 1, colour, COARSE);
  }

  /** The exact posterior mean at places x. @param {Float32Array} x @param {unknown[]} keys */
  truth(x, keys) {
    const { sigma } = this.view.values, label = this.label(), mixture = mixtureOf(this.view);
    return this.truths([sigma, label, ...keys], () => {
      const rows = Array.from({ length: x.length / 2 }, (_, i) =>
        posterior(mixture, sigma, label, x[2 * i], x[2 * i + 1]).mean);
      return Float32Array.from(rows.flat());
    });
  }

  /** For every word a picture of how much it is read, over the window of the pane. */
  images() {
    const { pane, view: { values: { layer }, look } } = this, keys = [pane.half, ...pane.centre];
    const { reads } = this.answer(2, cells(pane, FINE), keys), read = reads[layer - 1];
    return this.words().map((_, t) => raster(FINE, FINE, (i, pixels) => {
      const row = FINE - 1 - ((i / FINE) | 0), w = read[3 * (row * FINE + (i % FINE)) + t];
      const ink = rgb(this.hue(t)), ground = rgb(look.colours.background);
      for (let c = 0; c < 3; c++) pixels[4 * i + c] = ground[c] + w * (ink[c] - ground[c]);
      pixels[4 * i + 3] = 255;
    }));
  }

  /** The colour of a word. @param {number} i */
  hue(i) {
    return this.view.look.colours.classes[[2, 3, 7][i]];
  }

  /** A word, how much it is read at the place, and its map. @param {Pen} g @param {number} i @param {string} word */
  drawMap(g, i, word, /** @type {number} */ read, /** @type {HTMLCanvasElement} */ image) {
    const { x, y, w } = this.maps[i], { unit, colours } = this.view.look, { centre, half } = this.pane;
    g.globalAlpha = 0.06 + 0.38 * read;
    g.fillStyle = this.hue(i);
    g.fillRect(x, y - 2.1 * unit, w, 1.9 * unit);
    g.globalAlpha = 1;
    const style = { size: 1.35 * unit, colour: colours.ink, weight: 700 };
    write(g, word, [x + 0.3 * unit, y - 0.7 * unit], { ...style, max: 0.54 * w });
    write(g, fixed(read), [x + w - 0.3 * unit, y - 0.7 * unit], { ...style, align: "right", max: 0.34 * w });
    g.imageSmoothingEnabled = true;
    g.drawImage(image, x, y, w, w);
    g.strokeStyle = colours.faint;
    g.lineWidth = 1;
    g.strokeRect(x, y, w, w);
    const [px, py] = this.at().map((v, a) => ((v - centre[a]) / half + 1) / 2);
    if (px <= 0 || px >= 1 || py <= 0 || py >= 1) return;
    ring(g, [x + px * w, y + (1 - py) * w], 0.62 * unit, colours.background); // seen on any tint
    ring(g, [x + px * w, y + (1 - py) * w], 0.45 * unit, colours.accent);
  }

  /** The mean attention at every level, and the level now. @param {Pen} g @param {string} title */
  drawCurves(g, title) {
    const { arrays: { curves, curveLevels }, values: { sigma, layer }, look } = this.view;
    const [, layers, n, k] = curves.shape;
    const levels = Array.from(curveLevels.data), range = [levels[0], levels[n - 1]].map(Math.log10);
    const map = chart(g, this.graph, look, {
      title, x: [range[0], range[1]], y: [0, 1], ys: [[0, "0"], [0.5, "0.5"], [1, "1"]],
      xs: [[-1, "\u03C3 = 0.1"], [-0.301, "0.5"], [0.301, "2"]],
    });
    const now = Math.max(range[0], Math.min(range[1], Math.log10(sigma)));
    curve(g, [map(now, 0), map(now, 1)], look.colours.ink, 1.5);
    const from = (this.label() * layers + layer - 1) * n * k;
    for (let t = 0; t < k; t++) {
      const line = levels.map((level, i) => map(Math.log10(level), curves.data[from + i * k + t]));
      curve(g, line, this.hue(t), 0.24 * look.unit);
    }
  }

  /** @returns {Row[]} */
  readouts() {
    const at = this.at(), { sigma } = this.view.values, words = this.words();
    const { mean } = posterior(mixtureOf(this.view), sigma, this.label(), at[0], at[1]);
    const { x0 } = this.answer(0, Float32Array.from(at), [...at]);
    const off = Math.hypot(x0[0] - mean[0], x0[1] - mean[1]) / sigma;
    const rows = this.here().map((read, i) => /** @type {Row} */ ([`reads \u201C${words[i]}\u201D`, fixed(read, 3)]));
    return [...rows, ["error there, in units of \u03C3", fixed(off, 3)]];
  }

  describe() {
    const { values: { sigma, layer } } = this.view, words = this.words();
    const parts = this.here().map((read, i) => `${words[i]} ${fixed(read)}`);
    return `At sigma ${significant(sigma)} layer ${layer} reads, at (${this.at().map((v) => fixed(v)).join(", ")}): `
      + `${parts.join(", ")}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { look: { colours }, values: { show, points } } = this.view;
    const name = show === "error" ? "learned less exact" : `towards the ${show} mean`;
    /** @type {Mark[]} */
    const marks = [
      [show === "error" ? colours.learned : colours.arrow, name, "line"], [colours.accent, "the place you look at"],
      ...this.words().map((word, i) => /** @type {Mark} */ ([this.hue(i), word, "line"])),
    ];
    return { marks: points ? [...marks, [colours.data, "data of this caption"]] : marks };
  }

  reset() {
    this.probe.at = null;
  }

  kept() {
    return { at: this.probe.at };
  }

  /** @param {{ at?: Pair }} kept */
  restore({ at }) {
    this.probe.at = at ?? null;
  }

  points() {
    return this.at();
  }

  /** Take the next word, or look at a place. @param {number} px @param {number} py */
  touch(px, py) {
    const { meta: { parts }, values, look: { unit } } = this.view, word = this.maps.findIndex(({ x, y, w }) =>
      px >= x && px <= x + w && py >= y - 2.1 * unit && py < y);
    if (word < 0) return this.probe.touch(px, py);
    const [role, ...options] = parts[word], own = /** @type {Record<string, any>} */ (/** @type {unknown} */ (values));
    own[role] = options[(options.indexOf(own[role]) + 1) % options.length];
  }

  /** @param {number} dx @param {number} dy */
  move(dx, dy) {
    this.probe.at ??= START;
    this.probe.move(dx, dy);
  }
}

export default widget((/** @type {View<AttentionMeta>} */ view) => new Attention(view));
