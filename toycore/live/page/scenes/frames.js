// Precomputed pictures under one slider or two.

import { memory } from "../memory.js";
import { raster } from "../paint/raster.js";
import { write } from "../paint/text.js";
import { widget } from "../widget/widget.js";

/** @import { Memory } from "../memory.js" */
/** @import { Meta, Row, Scene, View } from "../types.js" */

/** axes: what the sliders mean. @typedef {Meta & { captions: string[], axes: string[] }} FramesMeta */

/** @implements {Scene} */
class Frames {
  /** @param {View<FramesMeta>} view */
  constructor(view) {
    this.view = view;
    /** @type {Memory<HTMLCanvasElement>} */
    this.images = memory();
  }

  /** The pictures' shape [rows, columns, h, w, channels]. */
  shape() {
    return this.view.arrays.images.shape;
  }

  /** Row and column of the picture shown. */
  at() {
    const { step, second } = this.view.values, shape = this.shape();
    return [step, second].map((v, a) => Math.max(0, Math.min(shape[a] - 1, Math.round(v))));
  }

  /** The picture shown, in its own pixels. */
  image() {
    const [, columns, h, w, channels] = this.shape(), [i, j] = this.at(), { data } = this.view.arrays.images;
    const start = (i * columns + j) * h * w * channels;
    return this.images([i, j, data], () => raster(w, h, (p, pixels) => {
      for (let c = 0; c < 3; c++) pixels[4 * p + c] = data[start + p * channels + (channels === 3 ? c : 0)];
      pixels[4 * p + 3] = 255;
    }));
  }

  caption() {
    const [i, j] = this.at(), [rows, columns] = this.shape(), { captions } = this.view.meta;
    return captions[captions.length > rows ? i * columns + j : i] ?? "";
  }

  /** The height of a caption under the picture. */
  foot() {
    return this.view.meta.captions.length ? 2.2 * this.view.look.unit : 0;
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    const [, , h, w] = this.shape();
    return Math.min(room, (width * h) / w + this.foot());
  }

  /** Where the picture stands, as large as it can be. */
  thumbnail() {
    const { width, height } = this.view.look, [, , h, w] = this.shape(), room = height - this.foot();
    const scale = Math.min(width / w, room / h);
    return { x: (width - scale * w) / 2, y: 0, w: scale * w, h: scale * h };
  }

  /** @param {CanvasRenderingContext2D} g */
  draw(g) {
    const { width, height, unit, bare, colours: { ink } } = this.view.look, { x, y, w, h } = this.thumbnail();
    const room = height - this.foot();
    g.imageSmoothingEnabled = w < 2 * this.shape()[3];
    g.drawImage(this.image(), x, y, w, h);
    if (bare) return;
    write(g, this.caption(), [width / 2, room + 0.5 * unit], { size: unit, colour: ink, align: "center", base: "top" });
  }

  /** @returns {Row[]} */
  readouts() {
    return [];
  }

  describe() {
    const shape = this.shape(), at = this.at();
    const places = this.view.meta.axes.map((name, a) => `${name} ${at[a] + 1} of ${shape[a]}`);
    return `${places.join(", ")}. ${this.caption()}`;
  }

  legend() {
    return {};
  }
}

export default widget((/** @type {View<FramesMeta>} */ view) => new Frames(view));
