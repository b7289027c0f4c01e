// The parts of the page that need no page: numbers in words, what is kept between frames, panes, arrows, colours.
import assert from "node:assert/strict";
import test from "node:test";
import { fixed, minus, percent, share, significant } from "../../../toycore/live/page/format.js";
import { dataOf, latticeOf, termsOf } from "../../../toycore/live/page/fields.js";
import { placeOn, scaleOf } from "../../../toycore/live/page/maths/levels.js";
import { nearest } from "../../../toycore/live/page/maths/measures.js";
import { ribbon } from "../../../toycore/live/page/maths/mixture.js";
import { memory } from "../../../toycore/live/page/memory.js";
import { roundBelow } from "../../../toycore/live/page/paint/chart.js";
import { contour } from "../../../toycore/live/page/paint/contour.js";
import { arrowField, cells } from "../../../toycore/live/page/paint/marks.js";
import { normals } from "../../../toycore/live/page/maths/noise.js";
import {
  affine, aim, around, carried, holds, outside, place, reachOf, squares, unplace, zoom,
} from "../../../toycore/live/page/paint/pane.js";
import { placesOf } from "../../../toycore/live/page/widget/moments.js";
import { finer, rgb } from "../../../toycore/live/page/paint/raster.js";
import { probe } from "../../../toycore/live/page/plane.js";

const pane = { x: 30, y: 10, w: 200, centre: [1, -2], half: 4, ticks: true };

test("numbers as readers see them", () => {
  assert.equal(fixed(-1.256), "\u22121.26");
  assert.equal(minus("1e-5"), "1e\u22125");
  assert.deepEqual([0.01234, 0.5, 12.345].map(significant), ["0.012", "0.500", "12.3"]);
  assert.deepEqual([0, 1e-4, 0.25].map((x) => share(x)), ["0.000", "1.0e\u22124", "0.250"]);
  assert.equal(percent(0.256), "26");
});

test("memory: made anew when a key changes, and only then; objects are told apart by identity", () => {
  const recall = memory(), one = [1], other = [1];
  let made = 0;
  const make = () => ++made;
  assert.deepEqual([recall([one, 2], make), recall([one, 2], make), recall([other, 2], make)], [1, 1, 2]);
  assert.deepEqual([recall([other], make), recall([], make), recall([], make)], [3, 4, 4]);
});

test("a ribbon holds, column by column, the bell of one Gaussian, and two points that merge as the noise grows", () => {
  const n = 60, reach = 3, at = (r) => reach * (1 - (2 * (r + 0.5)) / n);
  const gaussian = { means: [0.7, 5], std: [0.5], weight: [1], label: [0] };
  const bell = ribbon(gaussian, Array.from({ length: n }, (_, i) => 0.01 * 1.1 ** i), 0.7, 0.5, reach);
  for (let c = 0; c < n; c += 7) {
    for (let r = 0; r < n; r += 5) {
      const want = Math.exp((-(at(r) ** 2) + at(n / 2) ** 2) / 2); // over the greatest of the cells
      assert.ok(Math.abs(bell[r * n + c] - want) < 0.003, `column ${c}, row ${r}`); // the bell is cut at 3.5 widths
    }
  }
  const two = { means: [-1, 0, 1, 0], std: [0, 0], weight: [0.5, 0.5], label: [0, 0] };
  const p = ribbon(two, Array.from({ length: n }, (_, i) => (i ? 10 : 0.1)), 0, 1, reach), middle = (n / 2) * n;
  assert.ok(p[middle] < 0.01 && p[middle + 1] > 0.99, "apart with little noise, one bell with much");
});

test("a pane's map has its inverse, and the numbers for loops are the same map", () => {
  const [px, py] = place(pane, [3, 0.5]), { k, bx, by } = affine(pane), back = unplace(pane, px, py);
  assert.ok(Math.abs(back[0] - 3) < 1e-12 && Math.abs(back[1] - 0.5) < 1e-12);
  assert.ok(Math.abs(bx + k * 3 - px) < 1e-9 && Math.abs(by - k * 0.5 - py) < 1e-9);
  assert.deepEqual(place(pane, pane.centre), [130, 110]);
  assert.ok(holds(pane, 30, 210) && !holds(pane, 29, 100) && !holds(pane, 100, 211));
});

test("the camera ends at the data at full size, and holds four standard deviations of noise", () => {
  const box = { centre: [0.5, 0], half: 1 };
  for (const power of [0, 1, 2]) {
    const last = aim({ box }, { ...pane }, { power }, 1e-6);
    assert.ok(Math.abs(last.half - 1) < 1e-4 && Math.abs(last.centre[0] - 0.5) < 1e-4, "full size");
    for (const sigma of [0.1, 1, 10]) {
      const { half } = aim({ box }, { ...pane }, { power }, sigma);
      assert.ok(half > 4 * sigma * scaleOf({ power }, sigma), `frame ${power}, sigma ${sigma}`);
    }
  }
});

test("all of a thousand noised points of a spiral are in the picture, at every level", () => {
  const box = { centre: [0, 0], half: 1.3 };
  for (let seed = 0; seed < 10; seed++) {
    const z = normals(seed, 0, 1000), turn = (i) => (Math.PI / 2) * (1 + (10 * (i >> 1)) / 1000);
    for (const sigma of [0.01, 0.1, 0.3, 1, 3, 10]) {
      const x = z.map((v, i) => (turn(i) * Math[i % 2 ? "sin" : "cos"](turn(i))) / (5.5 * Math.PI) + sigma * v);
      assert.equal(outside({ centre: [0, 0], half: reachOf(box, sigma) }, x), 0, `seed ${seed}, sigma ${sigma}`);
    }
  }
});

test("what moves with the camera keeps its place on the screen", () => {
  const box = { centre: [0.5, 0], half: 1 }, x = [3, -2], wide = aim({ box }, { ...pane }, { power: 0 }, 2);
  const before = place(wide, x), near = aim({ box }, { ...pane }, { power: 0 }, 0.1);
  place(near, carried(box, x, 2, 0.1)).forEach((p, i) => assert.ok(Math.abs(p - before[i]) < 1e-9));
});

test("points outside of a pane are counted", () => assert.equal(outside(pane, [1, -2, 5.1, 0, 1, 2, 1, -6.5]), 2));

test("contours lie where the values cross the level", () => {
  const n = 41, radius = (_, i) => Math.hypot((i % n) - 20, Math.floor(i / n) - 20);
  const values = Float32Array.from({ length: n * n }, radius);
  const pieces = contour(values, n, 10);
  assert.ok(pieces.length > 4 * 40);
  for (let i = 0; i < pieces.length; i += 2) {
    assert.ok(Math.abs(Math.hypot(pieces[i] - 20, pieces[i + 1] - 20) - 10) < 0.05);
  }
});

test("the round number below", () => assert.deepEqual([0.3, 1.9, 7, 49].map(roundBelow), [0.2, 1, 5, 20]));

test("squares lie in their width without touching, and below each other where that is too narrow", () => {
  for (const [width, count] of [[900, 3], [900, 1], [380, 3], [500, 2]]) {
    const { panes, height } = squares({ unit: 14 }, width, 500, count, 30);
    assert.equal(panes.length, count);
    for (const { x, y, w } of panes) assert.ok(x >= 0 && x + w <= width && y + w + 30 <= height, `${width} ${count}`);
    for (let i = 1; i < count; i++) {
      const [a, b] = [panes[i - 1], panes[i]];
      assert.ok(b.x >= a.x + a.w || b.y >= a.y + a.w + 30, "apart");
    }
  }
});

test("zoom keeps the kind of list", () => {
  assert.deepEqual(zoom([1, -2], 3), [3, -6]);
  assert.deepEqual(zoom(Float32Array.of(1, -2), 0.5), Float32Array.of(0.5, -1));
});

test("arrows: centred on their places, as long as their cell allows, pointing up where the vector does", () => {
  const path = [], add = (...at) => path.push(at), idle = () => {};
  const g = { beginPath: idle, fill: idle, closePath: idle, moveTo: add, lineTo: add };
  const places = cells(pane, 1), upwards = Float32Array.of(0, 1e9);
  arrowField(g, pane, places, upwards, 1, "blue", 1);
  const ys = path.map(([, y]) => y), xs = path.map(([x]) => x);
  assert.ok(Math.abs(Math.max(...ys) - 208) < 1e-6 && Math.abs(Math.min(...ys) - 12) < 1e-6, "98 % of the cell");
  const tip = path.find(([, y]) => y === Math.min(...ys));
  assert.ok(Math.abs(tip[0] - 130) < 1e-6 && xs.every((x) => x > 95 && x < 165));
});

test("a finer ramp keeps its colours and its ends", () => {
  const ramp = finer([[0, 0, 0], [10, 20, 30], [255, 0, 0]], 4);
  assert.equal(ramp.length, 9);
  assert.deepEqual([ramp[0], ramp[2], ramp[4], ramp[8]], [[0, 0, 0], [5, 10, 15], [10, 20, 30], [255, 0, 0]]);
  assert.deepEqual(rgb("#ff0a10"), [255, 10, 16]);
});

test("the place of a level on a walk's grid", () => {
  const sigmas = [10, 1, 0.1, 0];
  assert.deepEqual([20, 10, 1, 0.1, 0.01].map((s) => placeOn(sigmas, s)), [0, 0, 1, 3, 3]);
  assert.ok(Math.abs(placeOn(sigmas, Math.sqrt(10)) - 0.5) < 1e-12);
});

test("the nearest point", () => assert.equal(nearest([0, 0, 3, 3, 1, 1], 0.8, 1.3), 2));

test("fields by name: a label, none where a Denoiser knows none, and an error as a difference", () => {
  const page = (value) => ({ data: new Float32Array(8).fill(value), shape: [4, 2] });
  const arrays = { "F/exact/-1": page(1), "F/exact/0": page(2), "F/net/-1": page(3) };
  const view = { arrays, meta: { fields: ["exact", "net"], geometry: { size: 2, sizes: [2] } } };
  assert.deepEqual([0, 1].map((label) => latticeOf(view, "exact", label)[0]), [2, 1]);
  assert.deepEqual(termsOf(view, "error", 0).map(([lattice, weight]) => [lattice[0], weight]), [[3, 1], [2, -1]]);
  assert.equal(latticeOf(view, "net", 0), latticeOf(view, "net", -1), "refined once");
  view.arrays["F/net/-1"] = page(4);
  assert.equal(latticeOf(view, "net", -1)[0], 4, "new arrays are seen");
});

test("moments stand at even places of a slider's axis, each once", () => {
  const log = placesOf({ low: 0.01, log: true, step: 0.005 }, 10);
  [0.01, 0.0562, 0.316, 1.78, 10].forEach((want, i) => assert.ok(Math.abs(log[i] / want - 1) < 0.01));
  assert.deepEqual(placesOf({ low: 0, step: 1 }, 50), [0, 13, 25, 38, 50]);
  assert.deepEqual(placesOf({ low: 0, step: 1 }, 2), [0, 1, 2]);
  assert.deepEqual(placesOf({ low: 0, step: 1 }, 0), [0], "nothing to go to");
});

test("panes are framed together", () => {
  assert.deepEqual(around([{ x: 10, y: 5, w: 20 }, { x: 40, y: 5, w: 20 }]), { x: 10, y: 5, w: 50, h: 20 });
});

test("data by class", () => {
  const arrays = { data: { data: Float32Array.of(0, 1, 2, 3, 4, 5) }, dataLabel: { data: Int32Array.of(1, 0, 1) } };
  const own = { "data/b": { data: Float32Array.of(7, 8) }, "dataLabel/b": { data: Int32Array.of(1) } };
  const view = { meta: { own: ["b"] }, arrays: { ...arrays, ...own } };
  assert.deepEqual(Array.from(dataOf(view, 1)), [0, 1, 4, 5]);
  assert.equal(dataOf(view, -1), arrays.data.data);
  assert.equal(dataOf(view, -1, "a"), arrays.data.data, "a field without data of its own stands on the view's");
  assert.deepEqual(Array.from(dataOf(view, 1, "b")), [7, 8]);
});

test("the probe: where the pointer is, moved by twentieths of the pane", () => {
  const seen = probe(() => [pane]);
  seen.touch(5, 5);
  assert.equal(seen.at, null);
  seen.move(1, 0);
  assert.deepEqual(seen.at, [1.2, -2]);
  seen.touch(130, 110);
  assert.deepEqual(seen.at, [1, -2]);
});
