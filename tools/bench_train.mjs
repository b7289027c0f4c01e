// One training of the page under node, for bench_train.py: an order as JSON in, what was measured as JSON out.
import { setFlagsFromString } from "node:v8";
import { read } from "../toycore/live/page/train/network.js";
import { begin, examOf, fieldError, SMALL, step } from "../toycore/live/page/train/recipe.js";

setFlagsFromString("--experimental-wasm-relaxed-simd"); // node 20 knows it by this flag alone
const { x, seed, kernels, changes, small, steps, until } = JSON.parse(process.argv[2]);
const data = { x: Float32Array.from(x), std: 0 }, exam = until ? examOf(data, 200, 1) : null;
const seconds = () => process.cpuUsage().user / 1e6 + process.cpuUsage().system / 1e6;

const start = seconds(), training = begin(data, seed, small ? SMALL : changes, kernels), { net } = training;
let looking = 0, reached = null; // CPU seconds: spent on the error, and until it was small enough
while (net.t < (steps ?? training.recipe.steps)) {
  step(training);
  if (!exam || reached !== null || net.t % 20) continue;
  const before = seconds();
  if (fieldError(net, exam) <= until) reached = before - start - looking;
  looking += seconds() - before;
}
const frequencies = [...net.M.subarray(net.f, net.f + 2 * net.shape.features)];
console.log(JSON.stringify({
  kernels: net.kernels.name, msPerStep: (1e3 * (seconds() - start - looking)) / net.t, reached,
  frequencies, average: [...read(net, net.a)],
}));
