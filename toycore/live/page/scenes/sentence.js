// A sentence that fills itself in: masked diffusion on a table of sentences, with the exact probabilities of a place.

import { fixed, percent } from "../format.js";
import { fitting, HIDDEN, order, posterior, right, states } from "../maths/words.js";
import { memory } from "../memory.js";
import { write } from "../paint/text.js";
import { widget } from "../widget/widget.js";

/** @import { Table } from "../maths/words.js" */
/** @import { Memory } from "../memory.js" */
/** @import { Box, Legend, Meta, Row, Scene, View } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */
/** symbols: the words of the vocabulary; made: by how many sentences the share of right ones is measured. */
/** @typedef {Meta & { symbols: string[], made: number }} SentenceMeta */

/** @typedef {{ name: string, p: number, text: string, strong: boolean }} Bar */

/** @implements {Scene} */
class Sentence {
  /** @param {View<SentenceMeta>} view */
  constructor(view) {
    this.view = view;
    /** @type {Memory<Int32Array[]>} */
    this.walks = memory();
    /** @type {Memory<number[]>} */
    this.shares = memory();
    /** @type {number | null} the place that is looked at, chosen by hand */
    this.chosen = null;
    /** @type {Box[]} of the places */
    this.boxes = [];
    /** @type {Box} of the probabilities */
    this.bars = { x: 0, y: 0, w: 1, h: 1 };
    /** @type {Box} of the shares of right sentences */
    this.right = { x: 0, y: 0, w: 1, h: 1 };
  }

  /** @returns {Table} */
  table() {
    const { arrays: { words, p }, meta: { symbols } } = this.view;
    return { words: words.data, p: p.data, places: words.shape[1], symbols: symbols.length };
  }

  /** The sentence after every step. */
  walk() {
    const { arrays: { words }, values: { seed, together } } = this.view;
    return this.walks([words, seed, together], () => states(this.table(), seed, together));
  }

  /** The step that is shown; the walk may end before the slider does. */
  step() {
    return Math.min(Math.round(this.view.values.step), this.walk().length - 1);
  }

  now() {
    return this.walk()[this.step()];
  }

  /** The place that is looked at: the chosen one, or the next to be filled. */
  place() {
    const { seed, together } = this.view.values, { places } = this.table();
    return this.chosen ?? order(seed, places)[Math.min(this.step() * together, places - 1)];
  }

  /** The share of right sentences for 1, 2, ... places at a time. */
  measured() {
    const { arrays: { words }, meta: { made } } = this.view, { places } = this.table();
    return this.shares([words], () => Array.from({ length: places }, (_, i) => right(this.table(), i + 1, made)));
  }

  /** What a place may be, ever, with its probability now. @returns {[string, number][]} */
  chances() {
    const { symbols } = this.view.meta, table = this.table(), i = this.place();
    const ever = posterior(table, new Int32Array(table.places).fill(HIDDEN))[i], now = posterior(table, this.now())[i];
    return symbols.flatMap((name, k) => (ever[k] > 0 ? [/** @type {[string, number]} */ ([name, now[k]])] : []));
  }

  /** The sentence above, the probabilities of a place below it, the shares beside or under them. */
  arrange(/** @type {number} */ width, /** @type {number} */ room) {
    const { unit } = this.view.look, { places } = this.table(), narrow = width < 560, gap = 0.5 * unit;
    const w = (width - 2 * unit - (places - 1) * gap) / places, most = Math.max(4, this.most());
    const tall = narrow ? 2 * unit * (most + places) + 16 * unit : Math.max(room, 2 * unit * most + 12 * unit);
    const h = narrow ? 3.2 * unit : Math.min(0.24 * tall, 0.55 * w + 2 * unit), top = 5.6 * unit + h;
    this.boxes = Array.from({ length: places }, (_, i) => ({ x: unit + i * (w + gap), y: 2.4 * unit, w, h }));
    const rest = tall - top - unit, wide = narrow ? width - 2 * unit : 0.5 * (width - 4 * unit);
    this.bars = { x: unit, y: top, w: wide, h: narrow ? 2 * unit * most : rest };
    const below = top + this.bars.h + 4 * unit;
    this.right = narrow ? { x: unit, y: below, w: wide, h: 2 * unit * places } : { ...this.bars, x: 3 * unit + wide };
    return tall;
  }

  /** The most words that any place can be. */
  most() {
    const table = this.table(), ever = posterior(table, new Int32Array(table.places).fill(HIDDEN));
    return Math.max(...ever.map((row) => row.filter((v) => v > 0).length));
  }

  /** @param {Pen} g */
  draw(g) {
    const { look: { colours, unit }, values: { together } } = this.view;
    this.boxes.forEach((box, i) => this.drawPlace(g, box, i));
    const [{ x: left, y: top }] = this.boxes, last = this.walk().length - 1;
    const said = `step ${this.step()} of ${last}: ${this.verdict()}`;
    write(g, said, [left, top - 0.7 * unit], { size: 1.15 * unit, colour: colours.ink, weight: 600 });
    const { x, y, w } = this.bars, style = { size: 1.15 * unit, colour: colours.ink, weight: 600 };
    write(g, `place ${this.place() + 1}: probabilities`, [x, y - 0.9 * unit], { ...style, max: w });
    const rows = this.chances().map(([name, p]) => ({ name, p, text: fixed(p), strong: p > 0 }));
    this.drawRows(g, this.bars, rows, colours.exact);
    write(g, "right sentences, by places at a time", [this.right.x, this.right.y - 0.9 * unit], { ...style, max: w });
    const made = this.measured().map((p, i) =>
      ({ name: String(i + 1), p, text: `${percent(p)} %`, strong: i + 1 === together }));
    this.drawRows(g, this.right, made, colours.arrow);
  }

  /** A place with its word; those of the last step stand out, the one that is looked at has a frame. @param {Pen} g */
  drawPlace(g, /** @type {Box} */ { x, y, w, h }, /** @type {number} */ i) {
    const { meta: { symbols }, look: { colours, unit } } = this.view, k = this.now()[i];
    const fresh = this.step() > 0 && this.walk()[this.step() - 1][i] === HIDDEN && k !== HIDDEN;
    const size = Math.min(0.42 * h, 0.3 * w), middle = /** @type {const} */ ("middle");
    g.strokeStyle = i === this.place() ? colours.accent : colours.faint;
    g.lineWidth = (i === this.place() ? 0.26 : 0.1) * unit;
    g.strokeRect(x, y, w, h);
    const text = k === HIDDEN ? "\u2013 \u2013 \u2013" : symbols[k], colour = fresh ? colours.sample : colours.ink;
    const style = { size, colour, weight: 600, align: /** @type {const} */ ("center"), base: middle, max: 0.9 * w };
    write(g, text, [x + w / 2, y + h / 2], style);
  }

  /** Bars, each with its name and number. @param {Pen} g @param {Box} box @param {Bar[]} rows */
  drawRows(g, { x, y, w, h }, rows, /** @type {string} */ colour) {
    const { colours, unit } = this.view.look, pitch = Math.min(h / rows.length, 2.8 * unit);
    const size = Math.min(1.15 * unit, 0.62 * pitch), left = 5.5 * size, bar = w - left - 3.6 * size;
    rows.forEach(({ name, p, text, strong }, i) => {
      const middle = y + (i + 0.5) * pitch, base = /** @type {const} */ ("middle"), weight = strong ? 700 : 400;
      const style = { size, colour: colours.ink, weight, base };
      write(g, name, [x + left - 0.5 * size, middle], { ...style, align: "right", max: left - 0.6 * size });
      g.fillStyle = colours.faint;
      g.fillRect(x + left, middle - 0.3 * pitch, bar, 0.6 * pitch);
      g.fillStyle = colour;
      g.fillRect(x + left, middle - 0.3 * pitch, bar * p, 0.6 * pitch);
      write(g, text, [x + w, middle], { ...style, align: "right" });
    });
  }

  /** The sentence as a text. */
  text() {
    const { symbols } = this.view.meta;
    return Array.from(this.now(), (k) => (k === HIDDEN ? "_" : symbols[k])).join(" ");
  }

  /** What can be said of the sentence. */
  verdict() {
    const n = fitting(this.table(), this.now()).length;
    if (n === 0) return "no right sentence fits";
    return this.now().includes(HIDDEN) ? `${n} right sentence${n > 1 ? "s" : ""} fit${n > 1 ? "" : "s"}`
      : "a right sentence";
  }

  /** @returns {Row[]} */
  readouts() {
    const { together, seed } = this.view.values;
    return [
      ["steps", `${this.step()} of ${this.walk().length - 1}`], ["now", this.verdict()],
      ["right of those made like this", `${percent(this.measured()[together - 1])} %`], ["seed", String(seed)],
    ];
  }

  describe() {
    const parts = this.chances().map(([name, p]) => `${name} ${fixed(p)}`).join(", ");
    return `Step ${this.step()} of ${this.walk().length - 1}: ${this.text()}; ${this.verdict()}. `
      + `Place ${this.place() + 1}: ${parts}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { accent, arrow, exact, sample } = this.view.look.colours;
    return { marks: [
      [sample, "filled in the last step"], [accent, "the place you look at", "line"],
      [exact, "probability, exact", "line"], [arrow, `of ${this.view.meta.made} sentences made`, "line"],
    ] };
  }

  /** Play ends where the last place is filled. */
  play() {
    return { ...this.view.meta.play, to: this.walk().length - 1 };
  }

  reset() {
    this.chosen = null;
  }

  begin() {
    this.chosen = null;
  }

  kept() {
    return { place: this.chosen };
  }

  /** @param {{ place?: number }} kept */
  restore({ place }) {
    this.chosen = place !== undefined && place >= 0 && place < this.table().places ? Math.round(place) : null;
  }

  points() {
    return Array.from(this.now());
  }

  /** Look at a place. @param {number} px @param {number} py */
  touch(px, py) {
    const found = this.boxes.findIndex(({ x, y, w, h }) => px >= x && px <= x + w && py >= y && py <= y + h);
    if (found >= 0) this.chosen = found;
  }

  /** @param {number} dx */
  move(dx) {
    const { places } = this.table();
    this.chosen = (this.place() + Math.sign(dx) + places) % places;
  }
}

export default widget((/** @type {View<SentenceMeta>} */ view) => new Sentence(view));
