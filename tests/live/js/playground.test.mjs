// The playground's parts that need no page: strokes, stamps, the exact answer, what is measured on samples.
import assert from "node:assert/strict";
import test from "node:test";
import { pack, unpack } from "../../../toycore/live/page/address.js";
import { posteriorMeans } from "../../../toycore/live/page/maths/exact.js";
import { posterior } from "../../../toycore/live/page/maths/mixture.js";
import { drawing, penDown, penMove, penUp, replace, stamp, undo } from "../../../toycore/live/page/play/drawing.js";
import { chance, copies } from "../../../toycore/live/page/play/measure.js";
import { places } from "../../../toycore/live/page/play/places.js";
import { paced } from "../../../toycore/live/page/play/runner.js";
import { lettersOf, STAMPS } from "../../../toycore/live/page/play/stamps.js";
import {
  along, count, erased, flat, HALF, heldOut, LIMIT, limited, moved, smooth, STD, strokesOf,
} from "../../../toycore/live/page/play/strokes.js";
import { cellOf } from "../../../toycore/live/page/play/python.js";
import { Session } from "../../../toycore/live/page/play/session.js";
import { examOf } from "../../../toycore/live/page/train/recipe.js";

const box = { centre: [0, 0], half: HALF };
const circle = STAMPS.ring(0)[0];

/** A line from (x0, y) to (x1, y) by the pen. */
function drawn(d, x0, x1, y) {
  penDown(d, x0, y);
  for (let k = 1; k <= 20; k++) penMove(d, x0 + ((x1 - x0) * k) / 20, y);
  penUp(d);
}

test("points lie evenly along a line, whatever its corners", () => {
  const xy = along([0, 0, 0.5, 0, 0.5, 0.5], 0.1);
  assert.equal(xy.length / 2, 11);
  for (let i = 2; i < xy.length; i += 2) {
    const corner = xy[i - 2] < 0.5 && xy[i + 1] > 1e-9;
    if (!corner) assert.ok(Math.abs(Math.hypot(xy[i] - xy[i - 2], xy[i + 1] - xy[i - 1]) - 0.1) < 1e-9);
  }
});

test("what is drawn comes back from a link number for number", () => {
  for (const strokes of [STAMPS.spiral(0), STAMPS.moons(1), lettersOf("Diffusio", 0)]) {
    const { x } = flat(strokes);
    assert.deepEqual(unpack(pack(x, box), box), x);
    assert.ok(x.every((v) => Math.abs(v) <= HALF));
  }
});

test("the pen draws points at even distances, a tap draws one, and undo takes each back", () => {
  const seen = [], d = drawing([], (done) => seen.push(done));
  drawn(d, -0.5, 0.5, 0.1);
  const n = count(d.strokes);
  assert.ok(n >= 30 && n <= 36, `${n} points along a line of length 1`);
  penDown(d, 0.3, 0.7);
  penUp(d);
  assert.deepEqual([count(d.strokes), d.strokes.length, seen.at(-1)], [n + 1, 2, true]);
  assert.ok(undo(d) && undo(d) && count(d.strokes) === 0 && !undo(d));
});

test("the first stroke takes the place of an example, the next one does not", () => {
  const d = drawing([], () => {});
  replace(d, STAMPS.spiral(0), true);
  drawn(d, -0.2, 0.2, 0);
  drawn(d, -0.2, 0.2, 0.5);
  assert.equal(d.strokes.length, 2);
  stamp(d, STAMPS.ring(1));
  assert.equal(d.strokes.length, 3);
});

test("a rubber cuts a stroke in two; a hand moves one point, or a whole stroke", () => {
  const d = drawing([], () => {});
  drawn(d, -0.5, 0.5, 0);
  const [line] = d.strokes, parts = erased(d.strokes, 0, 0, 0.06);
  assert.equal(parts.length, 2);
  assert.ok(flat(parts).x.every((v, i) => i % 2 || Math.abs(v) > 0.06));
  const one = moved(d.strokes, 0, 3, [0, 0.2])[0].xy, all = moved(d.strokes, 0, null, [0.1, 0])[0].xy;
  assert.equal(one.filter((v, i) => v !== line.xy[i]).length, 1);
  assert.ok(all.every((v, i) => Math.abs(v - line.xy[i] - (i % 2 ? 0 : 0.1)) < 1e-6));
});

test("there are never more than 2,000 points, and none outside of the box", () => {
  const d = drawing([], () => {});
  for (let k = 0; k < 60; k++) drawn(d, -3, 3, k / 50 - 0.6);
  assert.equal(count(d.strokes), LIMIT);
  assert.ok(flat(d.strokes).x.every((v) => Math.abs(v) <= HALF + 1e-6), "but for the rounding to float32");
  assert.equal(count(limited(smooth(d.strokes))), count(smooth(d.strokes)));
});

test("a smooth curve has points closer than its Gaussians are wide, and still goes through what was drawn", () => {
  const [stroke] = smooth([circle]), radius = (i) => Math.hypot(stroke.xy[2 * i], stroke.xy[2 * i + 1]);
  for (let i = 1; i < stroke.xy.length / 2; i++) {
    const gap = Math.hypot(stroke.xy[2 * i] - stroke.xy[2 * i - 2], stroke.xy[2 * i + 1] - stroke.xy[2 * i - 1]);
    assert.ok(gap < 1.3 * STD);
    assert.ok(Math.abs(radius(i) - 0.8) < 3e-3);
  }
});

test("held-out points lie on the curve, in the middle between two drawn ones, as many as there are", () => {
  const held = heldOut([circle]), n = held.length / 2;
  assert.equal(n, circle.xy.length / 2);
  for (let i = 0; i < n; i++) {
    assert.ok(Math.abs(Math.hypot(held[2 * i], held[2 * i + 1]) - 0.8) < 3e-3);
    const gap = (j) => Math.hypot(held[2 * i] - circle.xy[2 * j], held[2 * i + 1] - circle.xy[2 * j + 1]);
    assert.ok(Math.abs(gap(i) - gap((i + 1) % n)) < 6e-3);
  }
  assert.equal(heldOut([{ label: 0, closed: false, xy: [0, 0] }]).length, 0);
});

test("copies: all of the drawn points, none of the held-out ones, half of both", () => {
  const own = flat([circle]).x, held = heldOut([circle]), both = Float32Array.from([...own, ...held]);
  assert.deepEqual([copies(own, own, held), copies(held, own, held)], [1, 0]);
  assert.ok(Math.abs(copies(both, own, held) - chance(own, held)) < 0.01);
});

test("the exact answer for many points is the posterior mean of each, also of one class", () => {
  const { x, label } = flat(STAMPS.moons(0)), n = label.length;
  const std = new Float64Array(n).fill(0.02), weight = new Float64Array(n).fill(1 / n);
  const mixture = { means: x, std, weight, label }, at = Float32Array.from([0.1, 0.2, -0.9, 0.4, 3, -8]);
  for (const sigma of [0.01, 0.3, 10]) {
    for (const c of [-1, 0, 1]) {
      const out = posteriorMeans(mixture, sigma, at, new Float32Array(6), c);
      for (let i = 0; i < 6; i += 2) {
        const { mean } = posterior(mixture, sigma, c, at[i], at[i + 1]);
        assert.ok(Math.abs(out[i] - mean[0]) < 1e-6 && Math.abs(out[i + 1] - mean[1]) < 1e-6);
      }
    }
  }
});

test("the loss of the exact answer for two points is the loss that one integral gives", () => {
  const data = { x: Float32Array.from([-1, 0, 1, 0]), std: 0 }, { floor } = examOf(data, 4000, 1);
  let want = 0; // E (x0 - tanh(x / sigma^2))^2 at the same 20 levels, by the trapezoid rule; s^2 = 1/2
  for (let l = 0; l < 20; l++) {
    const sigma = 10 ** (-2 + (3 * l) / 19);
    for (let k = -400; k < 400; k++) {
      const z = k / 50, p = Math.exp((-z * z) / 2) / Math.sqrt(2 * Math.PI) / 50;
      want += (p * (1 - Math.tanh((1 + sigma * z) / sigma ** 2)) ** 2 * (sigma ** -2 + 2)) / 40;
    }
  }
  assert.ok(Math.abs(floor / want - 1) < 0.05, `${floor} is not ${want}`);
});

test("strokes come back from their points and lengths", () => {
  const strokes = STAMPS.moons(0), { x, label } = flat(strokes);
  assert.deepEqual(strokesOf(x, label, [50, 50]), strokes);
  assert.equal(strokesOf(x, [], [7]).length, 100, "lengths that do not fit: every point is a tap");
});

test("panes lie on the canvas, side by side or below each other", () => {
  for (const [width, room, front] of [[1900, 860, 0], [1240, 560, 0], [374, 600, 0], [374, 600, 1], [700, 1000, 0]]) {
    const { panes, height } = places({ unit: 16, stage: true }, width, room, front);
    for (const { x, y, w } of panes) assert.ok(x >= 0 && y >= 0 && x + w <= width && y + w <= height && w > 100);
    assert.ok(height <= Math.max(room, 1.6 * width), `${height} of ${room}`);
    panes.forEach((p, i) => panes.slice(i + 1).forEach((q) =>
      assert.ok(p.x + p.w <= q.x || q.x + q.w <= p.x || p.y + p.w <= q.y || q.y + q.w <= p.y)));
  }
});

test("the cell of Python says every number in which a training differs from the recipe", () => {
  const values = { width: 11, depth: 12, features: 13, fineness: 14, steps: 15, rate: 16, dropout: 17, seed: 0 };
  for (const network of ["small", "full"]) {
    const session = new Session({ values: { ...values, network, smooth: false }, arrays: {}, meta: {} });
    session.drawing.strokes = STAMPS.ring(0);
    session.world.take(session.drawing.strokes);
    const wish = session.wish(), cell = cellOf(session.drawing.strokes, session.world, wish).split("rng = ")[1];
    for (const [name, value] of Object.entries(wish.changes)) {
      assert.match(cell, new RegExp(`\\b${value}\\b`), `${network}: ${name}`);
    }
  }
});

test("a slow picture shows the last step, and while it trains another one only after its time", () => {
  const shown = paced(1e6), run = { running: false, step: 3 };
  const first = shown(run);
  assert.notEqual(shown({ ...run, step: 4 }), first);
  const held = paced(1e6), start = held({ running: true, step: 10 });
  assert.equal(held({ running: true, step: 11 }), start);
  assert.notEqual(held({ running: false, step: 11 }), start);
});
