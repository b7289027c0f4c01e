// The scenes: what each kind of view draws, from the values of its controls. A scene is an object with
// arrange(width, room) -> height, draw(g), readouts(), describe(), legend(), and what it needs of
// begin, reset, touch, move, changed, reload, points.

// ---- what scenes share -------------------------------------------------------------------------

/** Lay `count` square panes side by side (below each other where that gets too small). */
function squares(ui, width, room, count, below = 0) {
  const top = 2 * ui.unit, foot = 1.7 * ui.unit + below, left = 1.9 * ui.unit, gap = 1.3 * ui.unit;
  width -= 0.7 * ui.unit; // room for the last tick
  const columns = width / count > 190 ? count : 1, rows = Math.ceil(count / columns);
  const fits = (width - columns * left - (columns - 1) * (gap - left / 2)) / columns;
  const w = Math.floor(Math.min(fits, rows > 1 ? fits : Math.max(150, room - top - foot)));
  const pitch = Math.min(width / columns, w + left + gap), start = (width - columns * pitch) / 2;
  const panes = Array.from({ length: count }, (_, i) => ({
    x: Math.floor(start + (i % columns) * pitch + left + (pitch - left - w) / 2),
    y: Math.floor(top + Math.floor(i / columns) * (w + top + foot)), w, ticks: w > 150,
  }));
  return { panes, height: rows * (top + w + foot) };
}

/** Point a pane at the box that suits its frame; the window never moves while sigma does. */
function aim(ui, pane, frame) {
  const { centre, half } = ui.meta.box;
  if (frame === "VE") return Object.assign(pane, { centre, half });
  const wide = Math.max(Math.abs(centre[0]), Math.abs(centre[1])) + half;
  return Object.assign(pane, { centre: [0, 0], half: Math.max(2, wide) });
}

const zoom = (x, c) => x.map((value) => c * value);

/** The lattice of a named field for a label (-1: unconditional). */
const latticeOf = (ui, name, label) => refined(ui, ui.arrays[`F/${name}/${label}`] ?? ui.arrays[`F/${name}/-1`]);

/** A field's levels on one raster, made when it is first asked for. */
const refined = (ui, array) => (array.whole ??= refine(ui.meta.geometry, array.data));

/** terms of what a pane shows: one field, or "error" = learned minus exact. */
function termsOf(ui, name, label) {
  if (name !== "error") return [[latticeOf(ui, name, label), 1]];
  const [exact, learned] = ui.meta.fields;
  return [[latticeOf(ui, learned, label), 1], [latticeOf(ui, exact, label), -1]];
}

/** D(sigma, x, out) for terms, or for a function sigma -> terms; keeps the last slice. */
function denoiser(ui, terms) {
  const geometry = ui.meta.geometry, page = new Float32Array(2 * geometry.size ** 2);
  const at = typeof terms === "function" ? terms : () => terms;
  let last = null;
  return (sigma, x, out) => {
    if (sigma !== last) slice(geometry, at(sigma), (last = sigma), page);
    return denoise(geometry, at(sigma), page, sigma, x, out);
  };
}

/** Remember make() until the key changes. */
function memory() {
  let known = null, value = null;
  return (key, make) => {
    if (key !== known) [known, value] = [key, make()];
    return value;
  };
}

const lowest = (ui) => ui.meta.low ?? 0.01;

/** Density behind, data points, in the frame's coordinates. */
function backdrop(ui, g, pane, sigma, frame, label) {
  const c = scales[frame](sigma), { values, arrays, colours } = ui;
  if (values.density && arrays.means) {
    const widest = Math.hypot(ui.meta.narrow, sigma) * c, n = Math.round(Math.min(140, Math.max(48, (2.2 * pane.half) / widest)));
    ui.sheet ??= memory(); // panes at one level share it
    const sheet = ui.sheet([sigma, frame, label, n, pane.half, pane.centre, ui.root.dataset.theme].join(), () => {
      const share = new Float32Array(n * n), peak = density(mixtureOf(ui), sigma, label, zoom(pane.centre, 1 / c), pane.half / c, n, share);
      return sheetOf(share, n, colours.density, peak / (peak + 0.05 * c * c)); // thin densities fade
    });
    g.imageSmoothingEnabled = true;
    g.imageSmoothingQuality = "high";
    g.drawImage(sheet, pane.x, pane.y, pane.w, pane.w);
  }
  if (values.points && arrays.data) dots(g, pane, zoom(dataOf(ui, label), c), Math.max(1.2, ui.unit * 0.11), colours.data, 0.85);
}

function mixtureOf(ui) {
  const { means, std, weight, label } = ui.arrays;
  return (ui.mixture ??= { means: means.data, std: std.data, weight: weight.data, label: label.data });
}

function dataOf(ui, label) {
  const { data, dataLabel } = ui.arrays;
  if (label < 0) return data.data;
  ui.byLabel ??= {};
  return (ui.byLabel[label] ??= data.data.filter((_, i) => dataLabel.data[i >> 1] === label));
}

/** Particles at the real step p of a walk with comet tails, in the frame's coordinates. */
function swarm(ui, g, pane, walk, p, frame, rule, D, colour = ui.colours.sample) {
  const k = Math.min(walk.sigmas.length - 2, Math.floor(p)), part = Math.min(1, p - k);
  const scale = (j) => scales[frame](walk.sigmas[j]), few = 2 * Math.min(walk.n, 250), past = [];
  const next = walkTo(walk, k + 1, rule, D), here = walk.xs[k], a = (1 - part) * scale(k), b = part * scale(k + 1);
  const y = here.map((v, i) => a * v + b * next[i]);
  const tail = rule.sampler === "ddim" || rule.sampler === "heun" ? 7 : 2; // noise would scribble
  if (!ui.calm) for (let j = Math.max(0, k - tail); j <= k; j++) past.push(zoom(walk.xs[j].subarray(0, few), scale(j)));
  trails(g, pane, [...past, y.subarray(0, few)], colour, Math.max(0.8, ui.unit * 0.07));
  dots(g, pane, y, Math.max(1.5, pane.w * 0.0042), colour);
  return y;
}

const show2 = (x) => x.toFixed(2).replace("-", "\u2212");
const show3 = (x) => (x < 0.0995 ? x.toPrecision(2) : x.toPrecision(3));

function clockRows(ui, sigma) {
  ui.steps1000 ??= ddpmLevels();
  const alphaBar = clocks.alphaBar(sigma);
  return [
    ["\u1FB1 = 1/(1+\u03C3\u00B2)".replace("\u1FB1", "\u03B1\u0304"), alphaBar < 1e-3 ? alphaBar.toExponential(1).replace("-", "\u2212") : alphaBar.toFixed(4)],
    ["DDPM step of 1000", stepOf(sigma, ui.steps1000).toFixed(0)],
    ["flow t = \u03C3/(1+\u03C3)", clocks.flow(sigma).toFixed(3)],
  ];
}

const EPS = { words: "|\u03B5\u0302|, predicted noise in units of \u03C3", c: 1, ticks: [0, 0.5, 1, 2, 5, Infinity] };
const ERROR = { words: "|\u03B5\u0302 \u2212 \u03B5*|, error in units of \u03C3", c: 0.2, ticks: [0, 0.1, 0.2, 0.5, 1, Infinity] };

/** Arrows of -eps_hat (towards the data) of the terms on n x n places of the pane. */
function arrows(ui, g, pane, terms, sigma, frame, { c = 1, paints = ui.colours.ramp, sign = -1, n } = {}) {
  n ??= Math.max(11, Math.min(25, Math.round(pane.w / 21)));
  const y = cells(pane, n), x = zoom(y, 1 / scales[frame](sigma)), eps = new Float32Array(x.length);
  denoiser(ui, terms)(sigma, x, eps);
  noiseOf(terms, sigma, x, eps, eps);
  field(g, pane, y, zoom(eps, sign), c, paints, n);
}

/** A point to look at, in frame coordinates, moved by the pointer or by shift and arrows. */
function probeOf(ui, panes) {
  const probe = { y: null };
  probe.touch = (px, py) => {
    const pane = panes().find((p) => px >= p.x && px <= p.x + p.w && py >= p.y && py <= p.y + p.w);
    if (pane) probe.y = unplace(pane, px, py);
  };
  probe.move = (dx, dy) => {
    const pane = panes()[0], [x, y] = probe.y ?? pane.centre, by = pane.half / 20;
    probe.y = [x + dx * by, y + dy * by];
  };
  return probe;
}

/** The real step of a walk at level sigma. */
function placeOn(sigmas, sigma) {
  const n = sigmas.length - 1;
  if (sigma <= sigmas[n - 1] * 1.0001) return n;
  let k = 0;
  while (k < n - 1 && sigmas[k + 1] > sigma) k++;
  return Math.max(0, k + Math.log(sigmas[k] / sigma) / Math.log(sigmas[k] / sigmas[k + 1]));
}

const scenes = {};

// ---- field: the arrows at one noise level, exact and learned -----------------------------------

scenes.field = (ui) => {
  const { meta, values } = ui;
  const names = meta.linked ? meta.fields : [null], recall = names.map(() => memory());
  let panes = [], sampling = false, shown = null;
  const probe = probeOf(ui, () => panes);
  const nameOf = (i) => names[i] ?? values.show;

  function particles(i) {
    const name = nameOf(i) === "error" ? meta.fields[1] : nameOf(i), { label, seed } = values;
    return recall[i](`${name} ${label} ${seed}`, () => ({
      walk: startWalk(grid("log-linear", meta.steps, lowest(ui), meta.high), meta.n, seed),
      D: denoiser(ui, termsOf(ui, name, label)), rule: { sampler: "ddim", eta: 0, noise: 1 },
    }));
  }

  function drawPane(g, pane, i) {
    const { sigma, frame, label } = values, name = nameOf(i), terms = termsOf(ui, name, label);
    aim(ui, pane, frame);
    within(g, pane, () => {
      backdrop(ui, g, pane, sigma, frame, label);
      if (values.arrows) arrows(ui, g, pane, terms, sigma, frame, name === "error" ? { c: ERROR.c, sign: 1 } : {});
      if (sampling) {
        const { walk, D, rule } = particles(i);
        swarm(ui, g, pane, walk, placeOn(walk.sigmas, sigma), frame, rule, D);
      }
      if (probe.y) shown = weights(g, pane, terms, name);
    });
    frameOf(g, pane, ui, meta.linked ? name : "");
  }

  /** The posterior weights on the data at the probe, and the mean they make. */
  function weights(g, pane, terms, name) {
    const { sigma, frame, label } = values, c = scales[frame](sigma), [x, y] = zoom(probe.y, 1 / c);
    const { means } = mixtureOf(ui), { accent, background, ink, sample } = ui.colours, from = place(pane, probe.y);
    const { weights: r, mean, effective } = posterior(mixtureOf(ui), sigma, label, x, y), top = Math.max(...r);
    const few = Math.min(1, 60 / effective); // many points: each one lighter
    for (let k = 0; k < r.length; k++) {
      if (r[k] < top * 0.02) continue;
      const to = place(pane, [c * means[2 * k], c * means[2 * k + 1]]);
      g.globalAlpha = (0.15 + 0.6 * (r[k] / top)) * few;
      curve(g, [from, to], accent, 1);
      g.globalAlpha = 1;
      disc(g, to, 1 + ui.unit * 0.28 * Math.sqrt((few * r[k]) / top), accent);
    }
    const said = denoiser(ui, terms)(sigma, [x, y], [0, 0]), target = name === "error" ? mean : said;
    arrow(g, from, place(pane, zoom(target, c)), ink, Math.max(2.5, ui.unit * 0.24));
    disc(g, place(pane, zoom(mean, c)), ui.unit * 0.42, accent, background);
    disc(g, from, ui.unit * 0.38, background, ink);
    return { mean: target, effective };
  }

  return {
    arrange(width, room) {
      const laid = squares(ui, width, room, names.length);
      panes = laid.panes;
      return laid.height;
    },
    draw(g) {
      shown = null;
      panes.forEach((pane, i) => drawPane(g, pane, i));
    },
    readouts() {
      const { sigma } = values, rows = clockRows(ui, sigma), cos = crossover(ui, sigma);
      if (cos !== null) rows.push(["arrows aim at", cos > Math.SQRT1_2 ? "the mean" : "data nearby"], ["cosine to the mean", show2(cos)]);
      if (shown) rows.push(["x\u0302\u2080 at the point", `(${show2(shown.mean[0])}, ${show2(shown.mean[1])})`], ["data points that count", shown.effective.toFixed(1)]);
      if (sampling && sigma <= lowest(ui) * 1.01) names.forEach((_, i) => rows.push(...ended(ui, particles(i), names.length > 1 ? `${nameOf(i)}: ` : "")));
      if (sampling) rows.push(["seed", String(values.seed)]);
      return rows;
    },
    describe() {
      const { sigma, frame } = values, cos = crossover(ui, sigma);
      const aimed = cos === null ? "" : ` On average they point ${cos > Math.SQRT1_2 ? "to the mean of the data" : "to the data nearby"}.`;
      return `Arrows show where ${names[0] ? names.join(" and ") : `the ${values.show} model`} moves a noisy point at sigma ${show3(sigma)}, frame ${frame}.${aimed}`
        + (sampling ? ` ${meta.n} particles follow them.` : "");
    },
    legend() {
      const { data, sample, accent } = ui.colours;
      const marks = [[data, "data"], [sample, "particles (press play)"], [accent, "p(data | point): click the picture"]];
      return { scale: values.show === "error" && !meta.linked ? ERROR : EPS, marks };
    },
    fresh: () => !sampling,
    begin() { sampling = true; },
    reset() { sampling = false; probe.y = null; },
    changed(role) { if (role === "playing" && values.playing) sampling = true; },
    points() {
      const { walk, D, rule } = particles(0);
      return Array.from(walkTo(walk, Math.round(placeOn(walk.sigmas, values.sigma)), rule, D));
    },
    touch: (px, py) => probe.touch(px, py),
    move: (dx, dy) => probe.move(dx, dy),
  };
};

/** The mean cosine between the arrows and the way to the data's mean, measured in Python. */
function crossover(ui, sigma) {
  const table = ui.arrays.crossover?.data;
  if (!table) return null;
  const place = (Math.log(sigma / 0.01) / Math.log(1000)) * (table.length - 1), i = Math.max(0, Math.min(table.length - 2, Math.floor(place)));
  const part = Math.max(0, Math.min(1, place - i));
  return table[i] * (1 - part) + table[i + 1] * part;
}

function ended(ui, { walk, D, rule }, prefix) {
  const m = measures(walkTo(walk, walk.sigmas.length - 1, rule, D), dataOf(ui, ui.values.label));
  return [[`${prefix}spread of the samples`, m.spread.toFixed(2)], [`${prefix}coverage`, m.coverage.toFixed(2)], [`${prefix}distance to the data`, m.distance.toFixed(3)]];
}

// ---- walk: sampling step by step, side by side from the same noise -----------------------------

const RULES = {
  ddpm: (v) => ({ sampler: "ddpm", noise: v.noise, eta: 0 }),
  "no noise": () => ({ sampler: "ddpm", noise: 0, eta: 0 }),
  ddim: (v) => ({ sampler: "ddim", noise: 1, eta: v.eta }),
  heun: () => ({ sampler: "heun", noise: 1, eta: 0 }),
  sde: (v) => ({ sampler: "sde", noise: v.noise, eta: 0 }),
};
const NAMES = { ddpm: "DDPM", ddim: "DDIM", heun: "Heun (ODE)", sde: "reverse SDE" };

function nameOfRule({ sampler, noise, eta }) {
  if (sampler === "ddpm" && noise === 0) return "DDPM without noise";
  if (sampler === "ddim" && eta > 0) return `DDIM, \u03B7 = ${show2(eta)}`;
  if ((sampler === "ddpm" || sampler === "sde") && noise !== 1) return `${NAMES[sampler]}, noise \u00D7 ${show2(noise)}`;
  return NAMES[sampler];
}

scenes.walk = (ui) => {
  const { meta, values } = ui, many = meta.samplers.length > 1;
  const lanes = meta.samplers.map((name) => ({ name, recall: memory(), score: memory(), chart: memory() }));
  let panes = [], followed = 0, below = 0;

  const ruleOf = (lane) => RULES[lane.name ?? values.sampler](values);
  const level = (walk, p) => {
    const k = Math.min(walk.sigmas.length - 2, Math.floor(p)), a = walk.sigmas[k], b = walk.sigmas[k + 1] || a / 3;
    return Math.max(lowest(ui) / 2, a * (b / a) ** (p - k));
  };

  function run(lane) {
    const rule = ruleOf(lane), { show, label, steps, schedule, seed } = values;
    return lane.recall(JSON.stringify([rule, show, label, steps, schedule, seed]), () => {
      const sigmas = grid(schedule, steps, ...(schedule === "karras" ? [0.002, 80] : [lowest(ui), meta.high]));
      const D = denoiser(ui, termsOf(ui, show, label)), walk = startWalk(sigmas, meta.n, seed);
      walkTo(walk, steps, rule, D);
      return { walk, D, rule, key: Math.random() };
    });
  }

  function drawLane(g, pane, lane) {
    const { walk, D, rule, key } = run(lane), p = Math.min(values.step, walk.sigmas.length - 1);
    const { frame, show, label } = values, sigma = level(walk, p);
    aim(ui, pane, frame);
    within(g, pane, () => {
      backdrop(ui, g, pane, sigma, frame, label);
      if (values.arrows) { g.globalAlpha = 0.4; arrows(ui, g, pane, termsOf(ui, show, label), sigma, frame, { n: Math.min(15, Math.round(pane.w / 24)) }); g.globalAlpha = 1; }
      swarm(ui, g, pane, walk, p, frame, rule, D);
      path(g, pane, walk, Math.floor(p + 1e-6), frame);
    });
    frameOf(g, pane, ui, nameOfRule(rule));
    spreadChart(g, pane, lane, walk, p, key);
  }

  /** The followed particle: where it came from, and its last step as predicted part and random part. */
  function path(g, pane, walk, k, frame) {
    const { ink, background, predicted, random } = ui.colours, i = 2 * followed, unit = ui.unit;
    const at = (x, j) => place(pane, zoom([x[i], x[i + 1]], scales[frame](walk.sigmas[j])));
    for (let j = 1; j <= k; j++) {
      const faint = j === k ? 1 : 0.75, thick = j === k ? unit * 0.26 : unit * 0.13;
      const from = at(walk.xs[j - 1], j - 1), mean = at(walk.means[j], j), to = at(walk.xs[j], j);
      if (Math.hypot(to[0] - mean[0], to[1] - mean[1]) > 0.5) arrow(g, mean, to, random, thick, faint);
      arrow(g, from, mean, predicted, thick, faint);
    }
    disc(g, at(walk.xs[k], k), unit * 0.36, background, ink);
  }

  /** Below a pane: the cloud's spread over what it should be, against the step. */
  function spreadChart(g, pane, lane, walk, p, key) {
    const s = moments(dataOf(ui, values.label)).std, steps = walk.sigmas.length - 1, { sample, faint, accent } = ui.colours;
    const ratio = lane.chart(key, () => walk.xs.map((x, k) => moments(x).std / Math.hypot(s, walk.sigmas[k])));
    const box = { x: pane.x, y: pane.y + pane.w + (many ? 5.8 : 4.2) * ui.unit, w: pane.w, h: 4 * ui.unit };
    const m = score(lane, walk, Math.round(p), key);
    const at = chart(g, box, ui, {
      title: "spread of the cloud / what it should be", x: [0, steps], y: [0, 1.3],
      xs: [[0, "0"], [steps / 2, "step"], [steps, String(steps)]], ys: [[0, "0"], [1, "1"]],
    });
    curve(g, ratio.map((r, k) => at(k, r)), faint, 2);
    curve(g, ratio.slice(0, Math.round(p) + 1).map((r, k) => at(k, r)), sample, 2.5);
    disc(g, at(Math.round(p), ratio[Math.round(p)]), ui.unit * 0.35, accent);
    if (many) {
      const words = `spread ${m.spread.toPrecision(2)} \u00B7 coverage ${m.coverage.toFixed(2)} \u00B7 distance ${m.distance.toPrecision(2)}`;
      const look = { size: ui.unit * 0.9, colour: ui.colours.ink, align: "center", base: "top", weight: 600, max: pane.w };
      write(g, words, pane.x + pane.w / 2, pane.y + pane.w + 2.1 * ui.unit, look);
    }
  }

  const score = (lane, walk, k, key) => lane.score(`${key} ${k}`, () => measures(walk.xs[k], dataOf(ui, values.label)));
  const sizeNow = () => { const { walk } = run(lanes[0]); return level(walk, Math.min(values.step, walk.sigmas.length - 1)); };

  return {
    arrange(width, room) {
      below = (many ? 10.2 : 8.6) * ui.unit;
      const laid = squares(ui, width, room, lanes.length, below);
      panes = laid.panes;
      return laid.height;
    },
    draw(g) { panes.forEach((pane, i) => drawLane(g, pane, lanes[i])); },
    readouts() {
      const { walk, key } = run(lanes[0]), k = Math.min(Math.round(values.step), walk.sigmas.length - 1);
      const rows = [["noise level \u03C3", k === walk.sigmas.length - 1 ? "0" : show3(walk.sigmas[k])]];
      if (many) return [...rows, ["seed", String(values.seed)]];
      const m = score(lanes[0], walk, k, key);
      return [...rows, ["spread / data's", m.spread.toFixed(2)], ["coverage of the data", m.coverage.toFixed(2)], ["mean distance to data", m.distance.toFixed(3)], ["seed", String(values.seed)]];
    },
    describe() {
      const said = lanes.map((lane) => {
        const { walk, rule, key } = run(lane), k = Math.min(Math.round(values.step), walk.sigmas.length - 1), m = score(lane, walk, k, key);
        return `${nameOfRule(rule)}: spread ${m.spread.toFixed(2)} of the data's, coverage ${m.coverage.toFixed(2)}, mean distance ${m.distance.toFixed(3)}`;
      });
      return `Step ${Math.round(values.step)} of ${values.steps}, sigma ${show3(sizeNow())}. ${said.join(". ")}.`;
    },
    legend() {
      const { data, sample, predicted, random } = ui.colours;
      return { marks: [[data, "data"], [sample, "particles"], [predicted, "predicted part of a step", "line"], [random, "random part", "line"]] };
    },
    reset() { followed = 0; },
    points() { const { walk } = run(lanes[0]); return Array.from(walk.xs[Math.min(Math.round(values.step), walk.sigmas.length - 1)]); },
    touch(px, py) {
      const j = panes.findIndex((q) => px >= q.x && px <= q.x + q.w && py >= q.y && py <= q.y + q.w);
      if (j < 0) return;
      const { walk } = run(lanes[j]), k = Math.min(Math.round(values.step), walk.sigmas.length - 1), c = scales[values.frame](walk.sigmas[k]);
      const [x, y] = zoom(unplace(panes[j], px, py), 1 / c), far = (i) => Math.hypot(walk.xs[k][2 * i] - x, walk.xs[k][2 * i + 1] - y);
      for (let i = 0, best = Infinity; i < walk.n; i++) if (far(i) < best) [best, followed] = [far(i), i];
    },
  };
};

// ---- forward: data dissolving ------------------------------------------------------------------

scenes.forward = (ui) => {
  const { meta, values } = ui, recall = memory();
  let pane = null, graph = null, pixels = null, followed = 0;

  const plan = () => meta.schedules.find((s) => s.name === values.schedule);
  const table = (name = values.schedule) => ui.arrays[`S/${name}`].data; // increasing levels 1..T
  function sigmaAt(share, levels = table()) {
    const i = share * levels.length - 1;
    if (i <= 0) return Math.max(0, levels[0] * (i + 1));
    const k = Math.min(levels.length - 2, Math.floor(i));
    return levels[k] * (levels[k + 1] / levels[k]) ** Math.min(1, i - k);
  }
  const noise = () => recall(values.seed, () => normals(values.seed, 0, dataOf(ui, -1).length / 2));

  function cloud(sigma, c) {
    const x0 = dataOf(ui, -1), z = noise();
    return x0.map((x, i) => c * (x + sigma * z[i]));
  }

  function drawCloud(g, sigma, frame) {
    const { sample, data, accent, background, classes } = ui.colours, c = scales[frame](sigma), y = cloud(sigma, c), r = Math.max(1.8, pane.w * 0.0052);
    aim(ui, pane, frame);
    within(g, pane, () => {
      backdrop(ui, g, pane, Math.max(sigma, 0.004), frame, -1);
      if (meta.classes === 1) dots(g, pane, y, r, sample);
      for (let k = 0; k < meta.classes && meta.classes > 1; k++) {
        dots(g, pane, y.filter((_, i) => ui.arrays.dataLabel.data[i >> 1] === k), r, classes[k % classes.length]);
      }
      const clean = zoom(point(0, 1), c), noised = point(sigma, c);
      curve(g, [place(pane, clean), place(pane, noised)], accent, 2);
      disc(g, place(pane, clean), ui.unit * 0.3, background, accent);
      disc(g, place(pane, noised), ui.unit * 0.42, accent, background);
    });
    frameOf(g, pane, ui, `${frame} frame`);
  }

  const point = (sigma, c) => [0, 1].map((a) => c * (dataOf(ui, -1)[2 * followed + a] + sigma * noise()[2 * followed + a]));

  function drawCurves(g, sigma) {
    const { faint, exact, accent } = ui.colours, snr = (s) => -2 * Math.log10(Math.max(s, 1e-6));
    const at = chart(g, graph, ui, {
      title: "signal-to-noise ratio \u03B1\u0304/(1\u2212\u03B1\u0304) = 1/\u03C3\u00B2", x: [0, 1], y: [-5, 5],
      xs: [[0, "data"], [0.5, "half-way"], [1, "noise"]], ys: [[4, "10\u2074"], [2, "100"], [0, "1"], [-2, "0.01"], [-4, "10\u207B\u2074"]],
    });
    const line = (name) => Array.from({ length: 101 }, (_, i) => at(i / 100, snr(sigmaAt(i / 100, table(name)))));
    for (const { name } of meta.schedules) if (name !== values.schedule) curve(g, line(name), faint, 1.5);
    curve(g, line(values.schedule), exact, 3);
    disc(g, at(values.time, snr(sigma)), ui.unit * 0.5, accent, ui.colours.background);
  }

  /** The point read as a picture of two pixels: coordinate -1.2 is black, 1.2 is white. */
  function drawPixels(g, sigma, c) {
    const { faint, ink } = ui.colours, { x, y, w } = pixels, size = ui.unit * 0.85;
    [[point(0, 1), "clean point as 2 pixels"], [point(sigma, c), "noisy point as 2 pixels"]].forEach(([values2, words], j) => {
      const left = x + j * (2 * w + 1.4 * ui.unit);
      write(g, words, left, y - size * 0.6, { size, colour: ink, max: 2 * w });
      values2.forEach((v, a) => {
        const grey = Math.round(255 * Math.min(1, Math.max(0, (v + 1.2) / 2.4)));
        g.fillStyle = `rgb(${grey},${grey},${grey})`;
        g.fillRect(left + a * w, y, w, w);
      });
      g.strokeStyle = faint;
      g.strokeRect(left, y, 2 * w, w);
    });
  }

  return {
    arrange(width, room) {
      const narrow = width < 560, laid = squares(ui, narrow ? width : width * 0.54, room, 1);
      pane = laid.panes[0];
      const left = narrow ? 3.2 * ui.unit : width * 0.54 + 3.8 * ui.unit, w = width - left - 1.2 * ui.unit;
      const top = narrow ? laid.height + 1.4 * ui.unit : pane.y + ui.unit;
      const pixel = Math.min((w - 1.4 * ui.unit) / 4, pane.w * 0.27), rest = laid.height - top - pixel - 6 * ui.unit;
      graph = { x: left, y: top, w, h: Math.min(narrow ? 180 : Math.max(60, Math.min(pane.w * 0.56, rest)), 0.85 * w) };
      pixels = { x: left, y: top + graph.h + 5 * ui.unit, w: pixel };
      return Math.max(laid.height, pixels.y + pixels.w + ui.unit);
    },
    draw(g) {
      const sigma = sigmaAt(values.time), { frame } = plan();
      drawCloud(g, sigma, frame);
      drawCurves(g, sigma);
      drawPixels(g, sigma, scales[frame](sigma));
    },
    readouts() {
      const sigma = sigmaAt(values.time), a = clocks.alphaBar(sigma), last = clocks.alphaBar(sigmaAt(1));
      const small = (v) => (v < 1e-3 && v > 0 ? v.toExponential(1).replace("-", "\u2212") : v.toFixed(3));
      return [
        ["\u03C3", show3(sigma)], ["\u03B1\u0304", small(a)], ["signal \u221A\u03B1\u0304", small(Math.sqrt(a))],
        ["noise \u221A(1\u2212\u03B1\u0304)", small(Math.sqrt(1 - a))], ["\u03B1\u0304 at the end", small(last)], ["seed", String(values.seed)],
      ];
    },
    describe() {
      const sigma = sigmaAt(values.time);
      return `The data at ${(100 * values.time).toFixed(0)} percent of the ${values.schedule} schedule: sigma ${show3(sigma)}, alpha bar ${clocks.alphaBar(sigma).toPrecision(2)}.`;
    },
    legend() {
      const { sample, data, accent, exact, faint } = ui.colours;
      return { marks: [[sample, "noisy points"], [data, "data"], [accent, "the point whose pixels are shown (click another)"], [exact, "this schedule", "line"], [faint, "the others", "line"]] };
    },
    reset() { followed = 0; },
    points: () => Array.from(cloud(sigmaAt(values.time), 1)),
    touch(px, py) {
      const sigma = sigmaAt(values.time), y = cloud(sigma, scales[plan().frame](sigma));
      const far = (i) => Math.hypot(...place(pane, [y[2 * i], y[2 * i + 1]]).map((v, a) => v - [px, py][a]));
      for (let i = 0, best = Infinity; i < y.length / 2; i++) if (far(i) < best) [best, followed] = [far(i), i];
    },
  };
};

// ---- guidance: extrapolating from one field to another -----------------------------------------

scenes.guidance = (ui) => {
  const { meta, values } = ui, ends = memory(), judged = memory();
  let panes = [], below = 0;
  const probe = probeOf(ui, () => panes);
  const lattice = (label) => latticeOf(ui, values.show, label);

  /** The guided field as weights of the lattices; outside the interval of levels it is the conditional one. */
  function guide(sigma) {
    const { label, guidance, avoid, push, form, low, high } = values;
    if (sigma < low * 0.9999 || sigma > high * 1.0001) return [[lattice(label), 1]];
    if (avoid >= 0 && avoid !== label) return negative(lattice(-1), lattice(label), lattice(avoid), guidance, push, form);
    return guided(lattice(-1), lattice(label), guidance);
  }

  function run() {
    const { show, label, guidance, avoid, push, form, low, high, seed } = values;
    return ends(JSON.stringify([show, label, guidance, avoid, push, form, low, high, seed]), () => ({
      walk: startWalk(grid("log-linear", meta.steps, lowest(ui), meta.high), meta.n, seed), key: Math.random(),
      D: denoiser(ui, guide), rule: { sampler: "ddim", noise: 1, eta: 0 },
    }));
  }

  function judge() {
    const { walk, D, rule, key } = run();
    return judged(key, () => {
      const x = walkTo(walk, meta.steps, rule, D), own = classOf(mixtureOf(ui), meta.classes, x), m = measures(x, dataOf(ui, values.label));
      return { ...m, share: own.reduce((n, c) => n + (c === values.label), 0) / own.length, own };
    });
  }

  function drawSamples(g, pane) {
    const { walk, D, rule } = run(), { frame, sigma } = values, { classes } = ui.colours;
    if (values.playing) return swarm(ui, g, pane, walk, placeOn(walk.sigmas, sigma), frame, rule, D, classes[values.label]);
    const x = walkTo(walk, meta.steps, rule, D), { own } = judge();
    for (let c = 0; c < meta.classes; c++) dots(g, pane, x.filter((_, i) => own[i >> 1] === c), Math.max(1.6, pane.w * 0.0045), classes[c % classes.length]);
  }

  /** The three arrows at pixel-scale `size` per unit of noise: unconditional, conditional, and their difference, s times. */
  function three(g, pane, y, size, thick) {
    const { sigma, frame, label } = values, { data, classes, accent, ink } = ui.colours, x = zoom(y, 1 / scales[frame](sigma));
    const eps = (terms) => noiseOf(terms, sigma, x, denoiser(ui, terms)(sigma, x, new Float32Array(x.length)), new Float32Array(x.length));
    const free = eps([[lattice(-1), 1]]), own = eps([[lattice(label), 1]]), all = eps(guide(sigma));
    for (let i = 0; i < x.length; i += 2) {
      const longest = Math.max(...[free, own, all].map((e) => Math.hypot(e[i], e[i + 1]))), k = size / (1 + longest / 3);
      const from = place(pane, [y[i], y[i + 1]]), tip = (e) => [from[0] - k * e[i], from[1] + k * e[i + 1]];
      arrow(g, from, tip(all), ink, thick);
      arrow(g, tip(free), tip(all), accent, thick * 0.8);
      arrow(g, from, tip(own), classes[label % classes.length], thick);
      arrow(g, from, tip(free), data, thick);
    }
  }

  function drawBars(g, pane) {
    const m = judge(), { label } = values, gap = 1.6 * ui.unit, w = (pane.w - 2 * gap) / 3, y = pane.y + pane.w + 4 * ui.unit, h = 0.75 * ui.unit;
    const colour = ui.colours.classes[label % ui.colours.classes.length], at = (j) => ({ x: pane.x + j * (w + gap), y, w, h });
    bar(g, at(0), ui, "own class", m.share, colour, `${(100 * m.share).toFixed(0)} %`);
    bar(g, at(1), ui, "coverage", m.coverage, colour, m.coverage.toFixed(2));
    bar(g, at(2), ui, "spread", m.spread / 1.5, colour, m.spread.toFixed(2));
  }

  return {
    arrange(width, room) {
      below = 4.4 * ui.unit;
      const laid = squares(ui, width, room, 1, below);
      panes = laid.panes;
      return laid.height;
    },
    draw(g) {
      const [pane] = panes, { sigma, frame, label } = values;
      aim(ui, pane, frame);
      within(g, pane, () => {
        backdrop(ui, g, pane, sigma, frame, label);
        if (values.vectors === "guided") arrows(ui, g, pane, guide(sigma), sigma, frame);
        drawSamples(g, pane);
        if (values.vectors === "three") three(g, pane, cells(pane, Math.round(Math.max(6, pane.w / 62))), pane.w / 20, Math.max(1.6, ui.unit * 0.13));
        if (probe.y) {
          three(g, pane, probe.y, pane.w / 9, ui.unit * 0.3);
          disc(g, place(pane, probe.y), ui.unit * 0.36, ui.colours.background, ui.colours.ink);
        }
      });
      frameOf(g, pane, ui, "");
      drawBars(g, pane);
    },
    readouts() {
      const s = values.guidance, sign = (v) => v.toFixed(1).replace("-", "\u2212");
      return [
        ["samples", `${meta.n}, DDIM, ${meta.steps} steps`], ["mean distance to class", judge().distance.toFixed(3)], ["seed", String(values.seed)],
        ...meta.conventions.map(([name, shift]) => [name, sign(s + shift)]),
      ];
    },
    describe() {
      const { label, guidance, sigma } = values, m = judge();
      return `Guidance s = ${guidance.toFixed(1)} towards class ${label}: ${(100 * m.share).toFixed(0)} percent of the samples are of the class, they cover ${(100 * m.coverage).toFixed(0)} percent of it. Arrows at sigma ${show3(sigma)}.`;
    },
    legend() {
      const { data, accent, ink, classes } = ui.colours, own = classes[values.label % classes.length];
      const marks = [[data, "unconditional", "line"], [own, "conditional", "line"], [accent, "s \u00D7 their difference", "line"], [ink, "guided", "line"], ...meta.names.map((name, c) => [ui.colours.classes[c % 8], `class ${name}`])];
      return { scale: EPS, marks };
    },
    reset() { probe.y = null; },
    points() { const { walk, D, rule } = run(); return Array.from(walkTo(walk, meta.steps, rule, D)); },
    touch: (px, py) => probe.touch(px, py),
    move: (dx, dy) => probe.move(dx, dy),
  };
};

// ---- density: one law, three processes ---------------------------------------------------------

scenes.density = (ui) => {
  const { meta, values } = ui, recall = memory();
  let panes = [];
  const up = grid("log-linear", meta.steps, lowest(ui), meta.high).slice(0, -1).reverse();
  const D = denoiser(ui, termsOf(ui, meta.fields[0], -1));
  const rules = { reverse: { sampler: "sde", noise: 1, eta: 0 }, ode: { sampler: "heun", noise: 1, eta: 0 } };

  /** The cloud's path by increasing level: forward from the data, or backward from noise. */
  const path = () => recall(`${values.process} ${values.seed}`, () => {
    if (values.process === "forward") {
      const x0 = dataOf(ui, -1);
      return noiseUp(x0, [0, ...up], values.seed).slice(1);
    }
    const walk = startWalk([...up].reverse(), meta.n, values.seed);
    walkTo(walk, up.length - 1, rules[values.process], D);
    return walk.xs.slice().reverse();
  });

  function cloud() {
    const { sigma, frame } = values, xs = path(), c = scales[frame];
    const p = Math.max(0, Math.min(up.length - 1, (Math.log(sigma / up[0]) / Math.log(up.at(-1) / up[0])) * (up.length - 1)));
    const k = Math.min(up.length - 2, Math.floor(p)), a = c(up[k]), b = c(up[k + 1]), t = p - k;
    return xs[k].map((v, i) => (1 - t) * a * v + t * b * xs[k + 1][i]);
  }

  /** The frame's own drift per unit of ln sigma, y dln(scale)/dln(sigma): a pull to the origin, whatever the data. */
  function drift(g, pane, n) {
    const { sigma, frame } = values, shift = pane.half / n, edge = pane.half * (1 - 1 / n);
    const below = (v, axis) => v - pane.centre[axis] < edge;
    const y = cells(pane, n).map((v) => v + shift) // between the score's arrows
      .filter((v, i, all) => below(v, i % 2) && below(all[i ^ 1], 1 - (i % 2)));
    const pull = { VE: 0, VP: -(sigma ** 2) / (1 + sigma ** 2), flow: -sigma / (1 + sigma) }[frame];
    field(g, pane, y, zoom(y, pull), 1, Array(16).fill(ui.colours.predicted), n);
  }

  return {
    arrange(width, room) {
      const laid = squares(ui, width, room, 1);
      panes = laid.panes;
      return laid.height;
    },
    draw(g) {
      const [pane] = panes, { sigma, frame, show } = values, n = Math.max(11, Math.min(19, Math.round(pane.w / 30)));
      aim(ui, pane, frame);
      within(g, pane, () => {
        backdrop(ui, g, pane, sigma, frame, -1);
        if (show === "score" || show === "both") arrows(ui, g, pane, termsOf(ui, meta.fields[0], -1), sigma, frame, { n, paints: Array(16).fill(ui.colours.accent) });
        if (show === "drift" || show === "both") drift(g, pane, n);
        dots(g, pane, cloud(), Math.max(1.5, pane.w * 0.0042), ui.colours.sample, 0.9);
      });
      frameOf(g, pane, ui, "");
    },
    readouts() {
      const { sigma, frame } = values, s = moments(dataOf(ui, -1)).std, c = scales[frame](sigma);
      return [...clockRows(ui, sigma), ["spread of the cloud", moments(cloud()).std.toFixed(3)], ["spread of the density", (c * Math.hypot(s, sigma)).toFixed(3)], ["seed", String(values.seed)]];
    },
    describe() {
      const { sigma, process } = values, names = { forward: "forward SDE", reverse: "reverse SDE", ode: "probability-flow ODE" };
      return `${meta.n} particles of the ${names[process]} over the exact density at sigma ${show3(sigma)}.`;
    },
    legend() {
      const { sample, accent, predicted, data } = ui.colours;
      return { marks: [[sample, "particles"], [data, "data"], [accent, "score (times \u03C3)", "line"], [predicted, "drift of the forward SDE", "line"]] };
    },
    play: () => (values.process === "forward" ? { ...meta.play, from: lowest(ui), to: meta.high } : meta.play),
    points: () => Array.from(cloud()),
  };
};

// ---- training: field and loss as they evolve ---------------------------------------------------

scenes.training = (ui) => {
  const { meta, values } = ui, recall = memory();
  let panes = [], graph = null;
  const count = () => ui.arrays.loss?.data.length ?? 0;
  const now = () => Math.max(0, Math.min(count() - 1, Math.round(values.snapshot)));
  const reload = () => { values.last = Math.max(0, count() - 1); };
  reload();
  const learned = () => refined(ui, ui.arrays[`T/${now()}`]);
  const exact = () => refined(ui, ui.arrays["F/exact/-1"]);

  function samples() {
    return recall(`${now()} ${count()} ${values.seed}`, () => {
      const walk = startWalk(grid("log-linear", 25, 0.01, 10), 400, values.seed);
      return walkTo(walk, 25, { sampler: "ddim", noise: 1, eta: 0 }, denoiser(ui, [[learned(), 1]]));
    });
  }

  function drawPane(g, pane, title, terms, look, cloud) {
    const { sigma } = values;
    aim(ui, pane, "VE");
    within(g, pane, () => {
      backdrop(ui, g, pane, sigma, "VE", -1);
      if (values.arrows) arrows(ui, g, pane, terms, sigma, "VE", look);
      if (cloud) dots(g, pane, cloud, Math.max(1.6, pane.w * 0.005), ui.colours.sample);
    });
    frameOf(g, pane, ui, title);
  }

  function drawLoss(g) {
    const loss = ui.arrays.loss.data, steps = ui.arrays.step.data, top = Math.max(...loss), low = Math.min(...loss), last = Math.log(steps.at(-1) + 1);
    const { learned: hue, accent } = ui.colours, at = chart(g, graph, ui, {
      title: "training loss (mean since the dot before) against the step, log axis", x: [0, last || 1], y: [low - 0.15 * (top - low || top), top],
      xs: [...new Set([0, 10, 100, 1000, 10000].filter((s) => Math.log(s + 1) <= last * 0.92))].map((s) => [Math.log(s + 1), String(s)]).concat([[last, String(steps.at(-1))]]),
      ys: [[low, low.toFixed(2)], [top, top.toFixed(2)]],
    });
    const line = Array.from(loss, (v, i) => at(Math.log(steps[i] + 1), v));
    curve(g, line, hue, 2.5);
    line.forEach((p, i) => disc(g, p, i === now() ? ui.unit * 0.45 : 2.2, i === now() ? accent : hue));
  }

  return {
    arrange(width, room) {
      const laid = squares(ui, width, room - 9.7 * ui.unit, 2);
      panes = laid.panes;
      graph = { x: panes[0].x + ui.unit, y: laid.height + 2 * ui.unit, w: panes.at(-1).x + panes.at(-1).w - panes[0].x - 2 * ui.unit, h: 5.5 * ui.unit };
      return graph.y + graph.h + 2.2 * ui.unit;
    },
    draw(g) {
      if (!count()) return write(g, "waiting for the training", ui.width / 2, ui.height / 2, { size: 1.3 * ui.unit, colour: ui.colours.ink, align: "center" });
      drawPane(g, panes[0], `learned field after ${ui.arrays.step.data[now()]} steps, and what it samples`, [[learned(), 1]], {}, samples());
      drawPane(g, panes[1], "its error (arrows five times as sensitive)", [[learned(), 1], [exact(), -1]], { c: ERROR.c, sign: 1 });
      drawLoss(g);
    },
    readouts() {
      if (!count()) return [];
      const m = measures(samples(), dataOf(ui, -1));
      return [["step", String(ui.arrays.step.data[now()])], ["loss", ui.arrays.loss.data[now()].toFixed(3)], ["spread", m.spread.toFixed(2)], ["coverage", m.coverage.toFixed(2)], ["distance", m.distance.toFixed(3)], ["seed", String(values.seed)]];
    },
    describe() {
      if (!count()) return "Waiting for the training to begin.";
      return `After ${ui.arrays.step.data[now()]} training steps the loss is ${ui.arrays.loss.data[now()].toFixed(3)}; arrows at sigma ${show3(values.sigma)}.`;
    },
    legend() {
      const { sample, data } = ui.colours;
      return { scale: EPS, marks: [[data, "data"], [sample, "samples of the model as it was then"]] };
    },
    reload,
    points: () => Array.from(samples()),
  };
};

// ---- frames: precomputed pictures under one slider or two --------------------------------------

scenes.frames = (ui) => {
  const { meta, values } = ui, recall = memory();
  const [rows, columns, h, w, channels] = ui.arrays.images.shape;
  const at = () => [values.step, values.second].map((v, a) => Math.max(0, Math.min([rows, columns][a] - 1, Math.round(v))));

  function sheet() {
    const [i, j] = at();
    return recall(`${i} ${j}`, () => {
      const canvas = Object.assign(document.createElement("canvas"), { width: w, height: h }), pen = canvas.getContext("2d");
      const image = pen.createImageData(w, h), raw = ui.arrays.images.data, start = (i * columns + j) * h * w * channels;
      for (let p = 0; p < h * w; p++) {
        for (let c = 0; c < 3; c++) image.data[4 * p + c] = raw[start + p * channels + (channels === 3 ? c : 0)];
        image.data[4 * p + 3] = 255;
      }
      pen.putImageData(image, 0, 0);
      return canvas;
    });
  }
  const caption = () => meta.captions[at()[0] * columns + at()[1]] ?? meta.captions[at()[0]] ?? "";

  return {
    arrange: (width, room) => Math.min(room, (width * h) / w + (meta.captions.length ? 2.2 * ui.unit : 0)),
    draw(g) {
      const room = ui.height - (meta.captions.length ? 2.2 * ui.unit : 0), scale = Math.min(ui.width / w, room / h);
      g.imageSmoothingEnabled = scale < 2;
      g.drawImage(sheet(), (ui.width - scale * w) / 2, 0, scale * w, scale * h);
      write(g, caption(), ui.width / 2, room + 0.5 * ui.unit, { size: ui.unit, colour: ui.colours.ink, align: "center", base: "top" });
    },
    readouts: () => [],
    describe: () => `${meta.axes.map((name, a) => `${name} ${at()[a] + 1} of ${[rows, columns][a]}`).join(", ")}. ${caption()}`,
    legend: () => ({}),
  };
};
