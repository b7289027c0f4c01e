// A part of the picture that stays as it is from frame to frame: painted once, then copied.

import { memory } from "../memory.js";

/** @import { Memory } from "../memory.js" */
/** @import { Pane } from "../types.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

/** A layer: paint(g) is called only when a key has changed; it paints the pane as if on the canvas itself. */
export function layer() {
  /** @type {Memory<HTMLCanvasElement>} */
  const recall = memory(), canvas = document.createElement("canvas");
  let fresh = 0;
  /** @type {(g: Pen, pane: Pane, keys: unknown[], paint: (g: Pen) => void) => void} */
  return (g, { x, y, w, half, centre }, keys, paint) => {
    const ratio = g.getTransform().a, side = Math.ceil(w * ratio), before = fresh;
    recall([...keys, x, y, side, half, ...centre], () => {
      fresh += 1;
      return canvas;
    });
    if (fresh !== before) {
      Object.assign(canvas, { width: side, height: side });
      const own = /** @type {Pen} */ (canvas.getContext("2d"));
      own.setTransform(ratio, 0, 0, ratio, -x * ratio, -y * ratio);
      paint(own);
    }
    g.drawImage(canvas, x, y, side / ratio, side / ratio);
  };
}
