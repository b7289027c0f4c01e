// Frames: they come only while something changes and the view can be seen.

import { paintMarked } from "../paint/named.js";
import { advance, isMoving } from "./actions.js";
import { showReadouts } from "./legend.js";

/** @import { Ui } from "../types.js" */

/** The function that asks for a frame. @param {Ui} ui */
export function loop(ui) {
  let asked = 0, last = NaN; // the time of the frame before, while something moves
  return function ask() {
    if (asked || !ui.seen || !ui.look.width) return;
    asked = requestAnimationFrame((now) => {
      const moving = isMoving(ui), dt = Math.min(0.1, (now - last) / 1000) || 0;
      asked = 0;
      last = moving ? now : NaN;
      if (moving) advance(ui, dt);
      draw(ui);
      if (isMoving(ui)) ask();
    });
  };
}

/** Draw the view as it stands. @param {Ui} ui */
export function draw(ui) {
  const start = performance.now(), { look, nodes: { canvas, readouts }, stats } = ui;
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d")), ratio = canvas.width / look.width;
  const paint = () => {
    g.setTransform(ratio, 0, 0, ratio, 0, 0);
    g.clearRect(0, 0, look.width, look.height);
    g.fillStyle = look.colours.background;
    g.fillRect(0, 0, look.width, look.height);
    g.translate(0, look.lift);
    ui.scene.draw(g);
  };
  if (!ui.marked || !paintMarked(g, ui.marked, paint)) paint(); // what is not in the picture makes nothing pale
  showReadouts(readouts, ui.scene.readouts());
  stats.frames += 1;
  stats.drawMs = performance.now() - start;
  ui.strip?.ask();
}
