// A trainer's orders and reports, in slices as on a page without workers.
import assert from "node:assert/strict";
import test from "node:test";
import { denoise } from "../../../toycore/live/page/train/network.js";
import { receive, trainer } from "../../../toycore/live/page/train/trainer.js";

const ring = Float32Array.from({ length: 80 }, (_, i) => (i % 2 ? Math.sin : Math.cos)((Math.PI * (i >> 1)) / 20));
const changes = { steps: 300, width: 16, depth: 2, features: 8, scale: 3, batch: 128 };
const start = (seed, more = {}) =>
  ({ start: { job: seed, data: { x: ring, std: 0 }, seed, changes: { ...changes, ...more }, kernels: "js" } });

/** The reports of a trainer with these orders; on(report, hear) may give more. The last is of one that stands still. */
function reports(order, on = () => {}, last = ({ running }) => !running) {
  return new Promise((resolve) => {
    const all = [];
    const hear = trainer((report) => {
      all.push(report);
      on(report, hear);
      if (last(report)) resolve(all);
      else setTimeout(() => hear({ act: "seen" }), 1);
    }, 2);
    hear(order);
  });
}

const weights = (all) => all.at(-1).learned.weights;
const apart = (a, b) => a.reduce((most, v, i) => Math.max(most, Math.abs(v - b[i])), 0);

test("a training runs to its end, and its network can be asked on the page", async () => {
  const all = await reports(start(1)), end = all.at(-1);
  assert.ok(all.length > 2 && all.every(({ step }, k) => k === 0 || step > all[k - 1].step), "reports go on");
  assert.deepEqual([end.job, end.step, end.steps, end.running], [1, 300, 300, false]);
  assert.deepEqual([end.kernels, end.problem], ["js", ""]);
  assert.ok(end.error < 0.3 && end.error < 0.7 * all[0].error, `error ${all[0].error} to ${end.error}`);
  assert.ok(end.msPerStep > 0 && end.loss > 0);
  const net = receive(end.learned, null, "js"), out = denoise(net, 1e-3, ring, new Float32Array(80));
  assert.ok(apart(out, ring) < 0.02); // with hardly any noise, a point is its own best guess
  assert.equal(receive(all[0].learned, net), net);
});

test("pause stands still, resume goes on to the same end, other noise to another", async () => {
  let paused = 0;
  const whole = await reports(start(1)), halting = await reports(start(1), (report, hear) => {
    if (report.running && !paused) {
      paused = report.step;
      hear({ act: "pause" });
      setTimeout(() => hear({ act: "resume" }), 30);
    }
  }, ({ step, steps }) => step === steps);
  const still = halting.find(({ running }) => !running);
  assert.equal(still.step, paused);
  assert.ok(apart(weights(whole), weights(halting)) < 1e-6);
  assert.ok(apart(weights(whole), weights(await reports(start(2)))) > 0.01);
});

test("one report at a time: none comes before the last was seen", async () => {
  const all = [], hear = trainer((report) => all.push(report), 2);
  hear(start(1));
  await new Promise((resolve) => setTimeout(resolve, 400));
  assert.equal(all.length, 1);
  hear({ act: "pause" });
  hear({ act: "seen" });
  assert.equal(all.length, 2);
  hear({ act: "stop" });
});

test("divergence is said, and so are data with nothing to learn", async () => {
  const all = await reports(start(1, { lr: 1e30 }), undefined, ({ problem }) => problem), bad = all.at(-1);
  assert.match(bad.problem, /at step \d+: training diverged; use a smaller rate than 1e\+30/);
  const one = { job: 7, data: { x: new Float32Array([1, 2]), std: 0 }, seed: 0 };
  const [none] = await reports({ start: one });
  assert.deepEqual([none.job, none.problem], [7, "all data are one point (of 1); draw two different ones"]);
});
