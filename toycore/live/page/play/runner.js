// The page's own training: what it was given, how far it is, what has come back.

import { trainBeside } from "../train/beside.js";
import { denoise } from "../train/network.js";
import { SMALL } from "../train/recipe.js";
import { receive } from "../train/trainer.js";

/** @import { Beside } from "../train/beside.js" */
/** @import { Net } from "../train/network.js" */
/** @import { Data, Recipe } from "../train/recipe.js" */
/** @import { Order, Report } from "../train/trainer.js" */
/** @import { Points } from "../types.js" */

/** What is asked for: data, seed and recipe. @typedef {{ data: Data, seed: number, changes: Partial<Recipe> }} Wish */

const NONE = { step: 0, steps: 0, loss: NaN, error: NaN, floor: NaN, msPerStep: NaN, running: false, problem: "" };

/**
 * A training that can be started, paused and dropped; heard() is called when there is news.
 *
 * @param {(ended: boolean) => void} heard
 */
export function runner(heard) {
  const run = {
    ...NONE, kernels: "", where: "worker",
    net: /** @type {Net | null} */ (null),
    wish: /** @type {Wish | null} */ (null),
    worst: 0, // the largest loss so far
    /** @type {[step: number, loss: number][]} */
    losses: [],
    /** @type {[step: number, error: number][]} */
    errors: [],
    job: 0,
  };
  /** @type {Beside | null} */
  let beside = null;
  const hear = (/** @type {Report} */ report) => {
    if (report.job !== run.job) return;
    record(run, report, beside);
    heard(!report.running);
  };
  const ready = () => (beside ??= trainBeside(hear)), ask = (/** @type {Order} */ order) => ready().ask(order);
  return Object.assign(run, {
    ready,
    /** @param {Wish} wish */
    start(wish) {
      Object.assign(run, NONE, { wish, net: null, worst: 0, losses: [], errors: [], running: true, job: run.job + 1 });
      run.steps = wish.changes.steps ?? 0;
      ask({ start: { job: run.job, ...wish } });
    },
    pause: () => ask({ act: "pause" }),
    resume: () => ask({ act: "resume" }),
    drop() {
      if (run.wish) ask({ act: "stop" });
      Object.assign(run, NONE, { wish: null, net: null, losses: [], errors: [], job: run.job + 1 });
    },
    close: () => beside?.close(),
  });
}

/** @typedef {ReturnType<typeof runner>} Runner */

/**
 * Keep what a report says.
 *
 * @param {Pick<Runner, "net" | "worst" | "losses" | "errors">} run @param {Report} report @param {Beside | null} beside
 */
function record(run, report, beside) {
  const { learned, recent, job, ...rest } = report;
  Object.assign(run, rest, { job, where: beside?.where ?? "worker" });
  if (learned) run.net = receive(learned, run.net);
  run.worst = Math.max(run.worst, ...(recent ?? []));
  run.losses.push(...averaged(recent ?? [], report.step));
  const [, last] = run.errors[run.errors.length - 1] ?? [0, NaN];
  if (Number.isFinite(report.error) && report.error !== last) run.errors.push([report.step, report.error]);
}

/**
 * The losses up to a step, ten at a time, as points of a curve.
 *
 * @param {ArrayLike<number>} losses @param {number} step @returns {[number, number][]}
 */
function averaged(losses, step) {
  const out = /** @type {[number, number][]} */ ([]), first = step - losses.length;
  for (let i = 0; i < losses.length; i += 10) {
    const part = Array.prototype.slice.call(losses, i, i + 10);
    out.push([first + i + part.length / 2, part.reduce((a, b) => a + b, 0) / part.length]);
  }
  return out;
}

/**
 * The step that a slow picture shows: while it trains, another one after so many milliseconds, else the last.
 *
 * @param {number} ms @returns {(run: Pick<Runner, "running" | "step">) => string}
 */
export function paced(ms) {
  let shown = "", due = 0;
  return ({ running, step }) => {
    const now = performance.now();
    if (running && now < due) return shown;
    due = now + ms;
    return (shown = `${step} ${running}`);
  };
}

/**
 * What has gone wrong, "" if nothing has: no network at all has the loss 1.
 *
 * @param {Pick<Runner, "problem" | "worst" | "losses" | "step" | "steps" | "wish">} run
 */
export function troubleOf({ problem, worst, losses, step, steps, wish }) {
  const [, last] = losses[losses.length - 1] ?? [0, 0];
  const advice = `use a smaller rate than ${wish?.changes.lr?.toPrecision(2)}`;
  if (problem) return problem;
  if (worst > 2) return `Diverged: the loss rose to ${worst.toPrecision(2)}; ${advice}`;
  return step === steps && last > 0.98 ? `Nothing was learned; ${advice}` : "";
}

/** The recipes that are offered: a first look, and the course's own. */
export const RECIPES = {
  small: { width: SMALL.width, depth: SMALL.depth, features: SMALL.features, steps: SMALL.steps, rate: SMALL.lr },
  full: { width: 64, depth: 3, features: 48, steps: 1000, rate: 0.02 },
};

/**
 * x0_hat by a network, guided by s towards a label (-1: not).
 *
 * @param {Net} net @param {number} sigma @param {Points} x @param {Float32Array} out @param {number} label
 * @param {number} s
 */
export function guidedBy(net, sigma, x, out, label, s) {
  denoise(net, sigma, x, out, -1);
  if (label < 0 || !net.shape.classes) return out;
  const own = denoise(net, sigma, x, new Float32Array(out.length), label);
  for (let i = 0; i < out.length; i++) out[i] += s * (own[i] - out[i]);
  return out;
}
