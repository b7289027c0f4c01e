// The experiment as a cell of Python: the same data, the same calls of toycore.

import { HALF, GRID } from "./strokes.js";

/** @import { Stroke } from "./strokes.js" */
/** @import { Wish } from "./runner.js" */
/** @import { World } from "./world.js" */

const NAMES = ["blue", "green", "purple"]; // the classes by their colours

/** Whole numbers in lines of Python. @param {number[]} numbers @param {number} most characters a line */
function wrapped(numbers, most) {
  const lines = [""];
  for (const n of numbers) {
    const last = lines.length - 1;
    if (lines[last].length + 8 > most) lines.push("");
    lines[lines.length - 1] += `${n}, `;
  }
  return lines.map((line) => `    ${line.trimEnd()}`).join("\n");
}

/** The cell. @param {Stroke[]} strokes @param {World} world @param {Wish} wish */
export function cellOf(strokes, world, wish) {
  const { data: { x, std, label }, used } = world, many = used.length > 1;
  const places = Array.from(x, (v) => Math.round((v / (2 * HALF)) * GRID));
  const { width, depth, features, scale, steps, lr, labelDropout } = wish.changes;
  const names = used.map((c) => `"${NAMES[c]}"`).join(", ");
  const labels = many ? `label = torch.tensor([\n${wrapped([.../** @type {Int32Array} */ (label)], 96)}\n])\n` : "";
  const source = std > 0
    ? `mixtures.GaussianMixture(x, ${std}${many ? ", label=label" : ""})  # small Gaussians along the curve`
    : many ? `data.Points(x, label, (${names}))` : "data.Points(x, torch.zeros(len(x), dtype=torch.long), (\"all\",))";
  return `import torch
from toycore import data, exact, metrics, mixtures, networks, precondition, training
from toycore.types import seeded

# ${strokes.length} strokes drawn in the playground, in 1/1000 of the box's side
x = torch.tensor([
${wrapped(places, 96)}
]).reshape(-1, 2) * ${2 * HALF / GRID}
${labels}points = ${source}

rng = seeded(${wish.seed})
like = training.model(points)  # for the data's mean and standard deviation
net = networks.MLP(2, ${width}, ${depth}, ${many ? used.length : 0}, ${features}, ${scale}, rng)
start = precondition.Preconditioned(net, like.sigma_data, like.mean)
walk = training.train(start, points, steps=${steps}, lr=${lr}, label_dropout=${labelDropout}, rng=rng)
D = training.run(walk, ${steps}, start, progress=False)
error = metrics.field_error(D, points, rng=seeded(1)).mean()  # against exact.posterior_mean(points)
print(f"field error {error:.3f}")
`;
}
