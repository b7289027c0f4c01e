// A training that takes orders and reports: the same code in a worker and, in slices, on the page itself.

import { network } from "./network.js";
import { begin, examOf, fieldError, step } from "./recipe.js";

/** @import { Data, Exam, Recipe, Training } from "./recipe.js" */
/** @import { Net, Shape } from "./network.js" */

/**
 * start: what is learned, from which noise, with which changes to the recipe; job is a number of the caller's.
 * seen: the last report was drawn, another may come. Retraining from other noise is a start with another seed.
 *
 * @typedef {{ job: number, data: Data, seed: number, changes?: Partial<Recipe>, kernels?: string }} Start
 * @typedef {{ start: Start } | { act: "pause" | "resume" | "seen" | "stop" }} Order
 */

/**
 * How far a training is.
 *
 * @typedef {object} Report
 * @property {number} job @property {number} step @property {number} steps @property {boolean} running
 * @property {number} loss of the last step
 * @property {number[]} [recent] the losses of the steps since the report before
 * @property {number} floor what the loss of the exact answer is
 * @property {number} error of the field, as of some steps ago while running
 * @property {number} msPerStep in the last slice
 * @property {string} kernels that computed it
 * @property {string} problem why it ended, such as that it diverged; "" without one
 * @property {Learned} [learned] without one, the training could not begin
 */
/**
 * What makes a network: its shape, its frequencies, and its averaged weights as they lie in its memory.
 *
 * @typedef {{ shape: Shape, frequencies: Float32Array, weights: Float32Array }} Learned
 */

/**
 * @typedef {object} Run  what a trainer knows of its training
 * @property {Training} training @property {Exam} exam @property {number} job @property {boolean} running
 * @property {number} loss @property {number} error @property {number} msPerStep @property {string} problem
 * @property {number[]} recent the losses that no report has said
 * @property {number} due when the error is to be measured again, in ms
 */

/**
 * A trainer: it takes orders, works in slices of so many ms, and answers with a report after a slice if the report
 * before was seen.
 *
 * @param {(report: Report) => void} answer @param {number} slice @returns {(order: Order) => void}
 */
export function trainer(answer, slice) {
  /** @type {Run | null} */
  let run = null;
  let due = false, free = true, news = false;
  const send = () => {
    if (!run || !news || !free) return;
    news = free = false;
    answer(reportOf(run));
    run.recent = [];
  };
  const turn = () => {
    due = false;
    if (!run?.running) return;
    work(run, slice);
    news = true;
    send();
    go();
  };
  const go = () => {
    if (due || !run?.running) return;
    due = true;
    afterEvents(turn);
  };
  const begun = (/** @type {Start} */ start) => {
    [run, news, free] = [null, true, true];
    try {
      run = runOf(start);
    } catch (error) {
      answer(refusal(start.job, /** @type {Error} */ (error).message));
    }
  };
  return (order) => {
    if ("start" in order) begun(order.start);
    else if (order.act === "seen") free = true;
    else if (order.act === "stop") run = null;
    else if (run) [run.running, news] = [order.act === "resume" && unfinished(run), true];
    if (!run?.running) send();
    go();
  };
}

/** @param {Run} run */
const unfinished = ({ problem, training: { net, recipe } }) => !problem && net.t < recipe.steps;

/** Do it after what waits, without the 4 ms of setTimeout. @param {() => void} act */
function afterEvents(act) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    act();
  };
  port2.postMessage(0);
}

/** @param {Start} start @returns {Run} */
function runOf({ job, data, seed, changes, kernels }) {
  const training = begin(data, seed, changes, kernels);
  const exam = examOf(data, training.net.kernels.name === "js" ? 50 : 200, 1, training.recipe.labelDropout);
  const unknown = { loss: NaN, error: NaN, msPerStep: NaN };
  return { training, exam, job, running: true, ...unknown, problem: "", recent: [], due: 0 };
}

/** Take steps for a slice of time, and measure the error for a tenth of the time at most. @param {Run} run */
function work(run, slice = 12) {
  const { net, recipe } = run.training, from = performance.now(), first = net.t;
  try {
    do run.recent.push((run.loss = step(run.training)));
    while (net.t < recipe.steps && performance.now() - from < slice);
  } catch (error) {
    run.problem = /** @type {Error} */ (error).message;
  }
  const now = performance.now();
  run.msPerStep = (now - from) / Math.max(1, net.t - first);
  run.running = unfinished(run);
  if (run.running && now < run.due) return;
  run.error = fieldError(net, run.exam);
  run.due = performance.now() + 10 * (performance.now() - now);
}

/** @param {Run} run @returns {Report} */
function reportOf({ training: { net, recipe }, exam: { floor }, ...run }) {
  const { job, running, loss, error, msPerStep, problem, recent } = run;
  const { M, f, a, size, shape, kernels, t } = net;
  const learned = { shape, frequencies: M.slice(f, f + 2 * shape.features), weights: M.slice(a, a + size) };
  const { name } = kernels, { steps } = recipe;
  return { job, step: t, steps, running, loss, recent, floor, error, msPerStep, kernels: name, problem, learned };
}

/** @param {number} job @param {string} problem @returns {Report} */
const refusal = (job, problem) => ({
  job, step: 0, steps: 0, running: false, loss: NaN, floor: NaN, error: NaN, msPerStep: NaN, kernels: "", problem,
});

/**
 * The network of a report, to be asked by `denoise`; known: an earlier one, used again if it has the same shape.
 *
 * @param {Learned} learned @param {Net | null} known @param {string} [kernels] @returns {Net}
 */
export function receive({ shape, frequencies, weights }, known, kernels) {
  const same = known && JSON.stringify(known.shape) === JSON.stringify(shape);
  const net = same ? known : network(shape, 0, kernels);
  net.M.set(frequencies, net.f);
  net.M.set(weights, net.a);
  return net;
}
