// What a symbol of the text points at stands out, in a pen that notes the opacity of every stroke.
import assert from "node:assert/strict";
import test from "node:test";
import { named, paintMarked } from "../../../toycore/live/page/paint/named.js";

class Pen {
  globalAlpha = 1;
  log = [];
  fill(name) {
    this.log.push([name, this.globalAlpha]);
  }
}
const OTHERS = ["stroke", "fillRect", "strokeRect", "fillText", "strokeText", "drawImage"];
for (const name of OTHERS) Pen.prototype[name] = () => {};

const scene = (g) => () => {
  g.fill("density");
  named("x", () => {
    g.globalAlpha = 0.5;
    g.fill("particles");
    named("D", () => g.fill("aim"));
    g.fill("more");
    g.globalAlpha = 1;
  });
  named("eps D", () => g.fill("arrows"));
};

test("all is pale but what is meant, and its own opacity stays", () => {
  const g = new Pen();
  assert.equal(paintMarked(g, "x", scene(g)), true);
  assert.deepEqual(g.log, [["density", 0.15], ["particles", 0.5], ["aim", 0.5], ["more", 0.5], ["arrows", 0.15]]);
  g.log = [];
  assert.equal(paintMarked(g, "D", scene(g)), true);
  assert.deepEqual(g.log.map(([, a]) => a), [0.15, 0.075, 0.5, 0.075, 1]);
  assert.equal(g.globalAlpha, 1);
});

test("without a mark nothing is pale, also after a scene that failed; what is not there is said", () => {
  const g = new Pen();
  assert.equal(paintMarked(g, "s", scene(g)), false);
  assert.throws(() => paintMarked(g, "x", () => { throw new Error("scene"); }), /scene/);
  g.log = [];
  scene(g)();
  assert.deepEqual(g.log.map(([, a]) => a), [1, 0.5, 0.5, 0.5, 1]);
  assert.ok(!Object.hasOwn(g, "fill"), "the pen is its own again");
});
