// A walk in the space of an autoencoder's latents, and what the decoder makes of every moment.

import { fixed, significant } from "../format.js";
import { decode } from "../maths/decoder.js";
import { memory } from "../memory.js";
import { border, headline } from "../paint/chart.js";
import { curve, disc, dots } from "../paint/marks.js";
import { around, holds, place, squares, unplace, within } from "../paint/pane.js";
import { raster } from "../paint/raster.js";
import { write } from "../paint/text.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Mark, Meta, Pair, Pane, Row, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** side of a picture; centre and half of the window. */
/** @typedef {Meta & { side: number, centre: Pair, half: number, classes: number, moments: number[] }} LatentMeta */
/** @typedef {"walk" | "learned" | "exact"} Path */

/** @implements {Scene} */
class Latent {
  /** @param {View<LatentMeta>} view */
  constructor(view) {
    this.view = view;
    /** @type {Memory<HTMLCanvasElement>[]} of the three pictures, and of the strip */
    this.pictures = Array.from({ length: 4 + view.meta.moments.length }, () => memory());
    /** @type {Pane} */
    this.pane = squares(view.look, 400, 400, 1).panes[0];
    /** @type {Box[]} of the three pictures, then of the strip */
    this.boxes = [];
    /** @type {{ at: Pair, sigma: number, label: number } | null} a latent held by hand, until a control moves */
    this.hand = null;
    /** @type {Float32Array | null} the real latents in the plane */
    this.flat = null;
  }

  /** The latent of a path at a level: between two steps straight in ln sigma and in the zoom of unit variance. */
  on(/** @type {Path} */ path, sigma = this.view.values.sigma) {
    const { data, shape: [, steps, dim] } = this.view.arrays[path], { label } = this.view.values;
    const levels = this.view.arrays.levels.data;
    const unit = (/** @type {number} */ s) => (path === "walk" ? Math.hypot(1, s) : 1);
    let k = 0;
    while (k < steps - 2 && levels[k + 1] > sigma) k++;
    const t = Math.min(1, Math.max(0, Math.log(levels[k] / sigma) / Math.log(levels[k] / levels[k + 1])));
    const from = (label * steps + k) * dim, [a, b] = [unit(levels[k]), unit(levels[k + 1])];
    return Float32Array.from({ length: dim }, (_, i) =>
      unit(sigma) * (((1 - t) * data[from + i]) / a + (t * data[from + dim + i]) / b));
  }

  /** Where a latent lies in the plane. @param {ArrayLike<number>} z @returns {Pair} */
  seen(z) {
    const { data, shape: [, dim] } = this.view.arrays.axes;
    const along = (/** @type {number} */ a) => Array.from(z).reduce((sum, v, i) => sum + v * data[a * dim + i], 0);
    return [along(0), along(1)];
  }

  /** The point in the plane, z in the zoom of unit variance. @param {Path} path @returns {Pair} */
  spot(path, sigma = this.view.values.sigma) {
    const [x, y] = this.seen(this.on(path, sigma)), c = path === "walk" ? 1 / Math.hypot(1, sigma) : 1;
    return [c * x, c * y];
  }

  /** The latent that is held: the walk's end, moved within the plane. */
  held() {
    const { hand, view: { values: { sigma, label } } } = this;
    if (!hand || hand.sigma !== sigma || hand.label !== label) return (this.hand = null);
    const z = this.on("learned", this.view.meta.low), [x, y] = this.seen(z);
    const { data, shape: [, dim] } = this.view.arrays.axes;
    return z.map((v, i) => v + (hand.at[0] - x) * data[i] + (hand.at[1] - y) * data[dim + i]);
  }

  /** The latent of a real picture nearest to z. @param {Float32Array} z */
  nearest(z) {
    const { data, shape: [n, dim] } = this.view.arrays.z;
    let best = 0, least = Infinity;
    for (let i = 0; i < n; i++) {
      let d2 = 0;
      for (let j = 0; j < dim; j++) d2 += (data[i * dim + j] - z[j]) ** 2;
      if (d2 < least) [best, least] = [i, d2];
    }
    return { z: /** @type {Float32Array} */ (data.slice(best * dim, (best + 1) * dim)), distance: Math.sqrt(least) };
  }

  /** The pictures now: each a title and a latent. @returns {[string, Float32Array][]} */
  shown() {
    const held = this.held();
    if (held) return [["the latent you hold", held], ["nearest real one", this.nearest(held).z]];
    return [["the walk's z", this.on("walk")], ["learned mean", this.on("learned")], ["exact mean", this.on("exact")]];
  }

  /** A latent as a picture. @param {number} i which @param {Float32Array} z */
  decoded(i, z) {
    const { meta: { side }, arrays } = this.view;
    return this.pictures[i]([...z, arrays.z], () => {
      const x = decode(arrays, z, side);
      return raster(side, side, (p, pixels) => {
        for (let c = 0; c < 3; c++) pixels[4 * p + c] = 127.5 * (1 + x[p]);
        pixels[4 * p + 3] = 255;
      });
    });
  }

  /** The plane beside the pictures, or above them. @param {number} width @param {number} room */
  arrange(width, room) {
    const { look, meta: { moments } } = this.view, { unit } = look, narrow = width < 560;
    const { panes: [pane], height } = squares(look, narrow ? width : width * 0.46, narrow ? 0.52 * room : room, 1);
    const left = narrow ? unit : width * 0.46 + unit, w = width - left - unit, gap = 0.6 * unit;
    const n = moments.length + 1;
    const strip = (w - (n - 1) * gap) / n, big = (w - 2 * gap) / 3, top = (narrow ? height : pane.y) + 1.8 * unit;
    const under = top + big + 2.4 * unit, low = narrow ? under : Math.max(under, pane.y + pane.w - strip - 1.6 * unit);
    this.pane = pane;
    this.boxes = [
      ...[0, 1, 2].map((i) => ({ x: left + i * (big + gap), y: top, w: big, h: big })),
      ...Array.from({ length: n }, (_, i) => ({ x: left + i * (strip + gap), y: low, w: strip, h: strip })),
    ];
    return Math.max(height, low + strip + 1.8 * unit);
  }

  picture() {
    return around([this.pane]);
  }

  /** @param {Pen} g */
  draw(g) {
    const { pane, view: { look, meta: { centre, half }, values: { sigma } } } = this, held = this.held();
    Object.assign(pane, { centre, half });
    within(g, pane, () => this.drawPlane(g, held));
    border(g, pane, look);
    const far = held ? this.nearest(held).distance : 0;
    const small = held ? `${fixed(far, 1)} from the nearest real one` : "one noise, a walk for each class";
    headline(g, pane, look, held ? "your latent" : `\u03C3 = ${significant(sigma)}`, small);
    this.shown().forEach(([title, z], i) => this.drawPicture(g, this.boxes[i], this.decoded(i, z), title));
    this.strip().forEach(([level, z], i) => this.drawMoment(g, this.boxes[3 + i], this.decoded(3 + i, z), level));
  }

  /** The real latents, the class that is drawn, and the paths. @param {Pen} g @param {Float32Array | null} held */
  drawPlane(g, held) {
    const { pane, view: { arrays, values: { points, label }, look: { unit, colours } } } = this, r = 0.13 * unit;
    if (points) {
      const own = this.cloud().filter((_, i) => arrays.dataLabel.data[i >> 1] === label);
      dots(g, pane, this.cloud(), r, colours.data, 0.75);
      dots(g, pane, own, 1.7 * r, colours.condition, 0.9);
    }
    if (held) return disc(g, place(pane, this.seen(held)), 0.6 * unit, colours.accent, colours.background);
    /** @type {[Path, string][]} */
    const paths = [["exact", colours.exact], ["learned", colours.learned], ["walk", colours.sample]];
    for (const [path, colour] of paths) {
      const known = Array.from(arrays.levels.data).filter((level) => level > this.view.values.sigma);
      const way = [...known.map((level) => this.spot(path, level)), this.spot(path)].map((at) => place(pane, at));
      curve(g, way, colours.background, 0.36 * unit);
      curve(g, way, colour, 0.2 * unit);
      disc(g, way[way.length - 1], 0.5 * unit, colour, colours.background);
    }
  }

  /** The real latents in the plane, flat. */
  cloud() {
    const { data, shape: [n, dim] } = this.view.arrays.z;
    this.flat ??= Float32Array.from(
      Array.from({ length: n }, (_, i) => this.seen(data.subarray(i * dim, (i + 1) * dim))).flat());
    return this.flat;
  }

  /** The learned mean at the moments of the strip. @returns {[number, Float32Array][]} */
  strip() {
    const { moments, low } = this.view.meta;
    return [...moments, low].map((level) => [level, this.on("learned", level)]);
  }

  /** A picture under its title. @param {Pen} g @param {Box} box @param {HTMLCanvasElement} image */
  drawPicture(g, { x, y, w }, image, /** @type {string} */ title) {
    const { look: { unit, colours } } = this.view;
    /** @type {Record<string, string>} */
    const own = { "the walk's z": colours.sample, "learned mean": colours.learned, "exact mean": colours.exact };
    g.imageSmoothingEnabled = false;
    g.drawImage(image, x, y, w, w);
    g.strokeStyle = own[title] ?? colours.accent;
    g.lineWidth = 0.24 * unit;
    g.strokeRect(x, y, w, w);
    write(g, title, [x, y - 0.5 * unit], { size: 1.05 * unit, colour: colours.ink, weight: 600, max: w });
  }

  /** A moment of the strip; the one that is nearest to now is framed. @param {Pen} g @param {Box} box */
  drawMoment(g, { x, y, w }, /** @type {HTMLCanvasElement} */ image, /** @type {number} */ level) {
    const { look: { unit, colours }, values: { sigma }, meta: { moments, low } } = this.view;
    const far = (/** @type {number} */ s) => Math.abs(Math.log(s / sigma));
    g.imageSmoothingEnabled = false;
    g.drawImage(image, x, y, w, w);
    g.strokeStyle = colours.learned;
    g.lineWidth = 0.24 * unit;
    if ([...moments, low].every((s) => far(s) >= far(level))) g.strokeRect(x, y, w, w);
    const at = /** @type {Pair} */ ([x + w / 2, y + w + 0.35 * unit]);
    write(g, `\u03C3 ${level}`, at, { size: unit, colour: colours.ink, align: "center", base: "top", max: w });
  }

  /** @returns {Row[]} */
  readouts() {
    const apart = Math.hypot(...this.on("learned").map((v, i) => v - this.on("exact")[i]));
    const dim = this.view.arrays.z.shape[1];
    return [["learned mean to exact mean", fixed(apart, 2)], ["numbers in a latent", String(dim)]];
  }

  describe() {
    const { sigma, label } = this.view.values;
    const held = this.held(), now = held ? "A latent held by hand, decoded, and the nearest real one"
      : `The walk to a ${label} at sigma ${significant(sigma)}: z, the learned mean and the exact mean, each decoded`;
    return `${now}. Real latents lie around, those of the class ${label} are coloured.`;
  }

  /** @returns {Legend} */
  legend() {
    const { look: { colours }, values: { points, label } } = this.view;
    /** @type {Mark[]} */
    const marks = [
      [colours.sample, "the walk, z over \u221A(1 + \u03C3\u00B2)", "line"], [colours.learned, "learned mean", "line"],
      [colours.exact, "exact mean of the latents shown", "line"],
    ];
    if (points) marks.push([colours.data, "real latents"], [colours.condition, `those of ${label}`]);
    return { marks };
  }

  reset() {
    this.hand = null;
  }

  begin() {
    this.hand = null;
  }

  kept() {
    return { at: this.held() && this.hand ? this.hand.at : null };
  }

  /** @param {{ at?: Pair }} kept */
  restore({ at }) {
    this.hand = null;
    if (at) this.hold(at);
  }

  points() {
    return this.spot("walk");
  }

  /** Hold a latent, or go to a moment of the strip. @param {number} px @param {number} py */
  touch(px, py) {
    const { values } = this.view;
    const moment = this.boxes.slice(3).findIndex(({ x, y, w, h }) => px >= x && px <= x + w && py >= y && py <= y + h);
    if (moment >= 0) values.sigma = this.strip()[moment][0];
    else if (holds(this.pane, px, py)) this.hold(unplace(this.pane, px, py));
  }

  /** @param {Pair} at */
  hold(at) {
    const { sigma, label } = this.view.values;
    this.hand = { at, sigma, label };
  }

  /** Move the latent that is held. @param {number} dx @param {number} dy */
  move(dx, dy) {
    const [x, y] = this.hand?.at ?? this.spot("learned"), by = this.view.meta.half / 25;
    this.hold([x + dx * by, y + dy * by]);
  }
}

export default widget((/** @type {View<LatentMeta>} */ view) => new Latent(view));
