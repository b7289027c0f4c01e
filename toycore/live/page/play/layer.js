// A part of the picture that stays as it is from frame to frame: painted once, then copied.

import { memory } from "../memory.js";

/** @import { Memory } from "../memory.js" */
/** @typedef {{ x: number, y: number, w: number, h?: number }} Part  of the picture; without h a square */
/** @typedef {CanvasRenderingContext2D} Pen */

/** A layer: paint(g) is called only when a key has changed; it paints the part as if on the canvas itself. */
export function layer() {
  /** @type {Memory<HTMLCanvasElement>} */
  const recall = memory(), canvas = document.createElement("canvas");
  let fresh = 0;
  /** @type {(g: Pen, part: Part, keys: unknown[], paint: (g: Pen) => void) => void} */
  return (g, { x, y, w, h = w }, keys, paint) => {
    const ratio = g.getTransform().a, width = Math.ceil(w * ratio), height = Math.ceil(h * ratio), before = fresh;
    recall([...keys, x, y, width, height], () => {
      fresh += 1;
      return canvas;
    });
    if (fresh !== before) {
      Object.assign(canvas, { width, height }); // which wipes it
      const own = /** @type {Pen} */ (canvas.getContext("2d"));
      own.setTransform(ratio, 0, 0, ratio, -x * ratio, -y * ratio);
      paint(own);
    }
    g.imageSmoothingEnabled = false; // pixel on pixel
    g.drawImage(canvas, x, y, width / ratio, height / ratio);
  };
}
