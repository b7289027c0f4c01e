// A scene with one particle that the reader follows: chosen by a click, kept in links.

import { nearest } from "./maths/measures.js";
import { holds, unplace } from "./paint/pane.js";

/** @import { Meta, Pane, View } from "./types.js" */

/** @template {Meta} M */
export class Following {
  /** @param {View<M>} view */
  constructor(view) {
    this.view = view;
    /** @type {Pane[]} */
    this.panes = [];
    this.chosen = 0;
  }

  /** The particles of pane j in its coordinates: what a scene has to say. @param {number} j @returns {Float32Array} */
  particles(j) {
    throw new Error(`this scene does not say which particles pane ${j} shows`);
  }

  reset() {
    this.chosen = 0;
  }

  kept() {
    return { chosen: this.chosen };
  }

  /** @param {{ chosen?: number }} kept */
  restore({ chosen = 0 }) {
    const there = Number.isInteger(chosen) && chosen >= 0 && chosen < this.particles(0).length / 2;
    this.chosen = there ? chosen : 0;
  }

  /** Choose the particle nearest to a pixel. @param {number} px @param {number} py */
  touch(px, py) {
    const j = this.panes.findIndex((pane) => holds(pane, px, py));
    if (j >= 0) this.chosen = nearest(this.particles(j), ...unplace(this.panes[j], px, py));
  }
}
