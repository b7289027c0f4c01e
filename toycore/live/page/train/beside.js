// Training beside the page, in a worker; where none may start, on the page in slices, between its frames.

import { trainer } from "./trainer.js";

/** @import { Order, Report } from "./trainer.js" */

const PAUSE = 25; // milliseconds between two reports: more often than that nobody sees a difference

/** @typedef {{ where: "worker" | "page", ask: (order: Order) => void, close: () => void }} Beside */

/**
 * A trainer to be asked; answer(report) draws, and is called again when it has returned and there is news.
 *
 * @param {(report: Report) => void} answer @returns {Beside}
 */
export function trainBeside(answer) {
  let sent = /** @type {Order[]} */ ([]), heard = false; // orders that a worker has not yet answered
  const beside = /** @type {Beside} */ ({ where: "worker", ask: () => {}, close: () => {} });
  const retreat = () => {
    if (heard || beside.where === "page") return;
    Object.assign(beside, onPage(answer));
    sent.forEach((order) => beside.ask(order));
  };
  try {
    const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }) => {
      [heard, sent] = [true, []];
      answer(data);
      setTimeout(() => worker.postMessage({ act: "seen" }), data.running ? PAUSE : 0);
    };
    worker.onerror = retreat; // a policy that forbids workers is told here, or by the constructor
    beside.ask = (order) => {
      if (!heard) sent.push(order);
      worker.postMessage(order);
    };
    beside.close = () => worker.terminate();
  } catch {
    retreat();
  }
  return beside;
}

/** @param {(report: Report) => void} answer @returns {Beside} */
function onPage(answer) {
  const hear = trainer((report) => {
    answer(report);
    hear({ act: "seen" });
  }, 8);
  return { where: "page", ask: hear, close: () => hear({ act: "stop" }) };
}
