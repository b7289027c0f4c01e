// The scenes: what each kind of view draws, from the values of its controls. A scene is an object with
// arrange(width, room) -> height, draw(g), readouts(), describe(), legend(), and what it needs of
// begin, reset, touch, move, changed, reload, points.

// ---- what scenes share -------------------------------------------------------------------------

/** Lay `count` square panes side by side (below each other where that gets too small). */
function squares(ui, width, room, count, below = 0) {
  const top = 2 * ui.unit, foot = 1.7 * ui.unit + below, left = 1.9 * ui.unit, gap = 1.3 * ui.unit;
  const columns = width / count > 190 ? count : 1, rows = Math.ceil(count / columns);
  const fits = (width - columns * left - (columns - 1) * (gap - left / 2)) / columns;
  const w = Math.floor(Math.min(fits, rows > 1 ? fits : room - top - foot));
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
  return Object.assign(pane, { centre: [0, 0], half: Math.max(2.4, wide) });
}

const zoom = (x, c) => x.map((value) => c * value);

/** The lattice of a named field for a label (-1: unconditional). */
function latticeOf(ui, name, label) {
  const known = ui.arrays[`F/${name}/${label}`] ?? ui.arrays[`F/${name}/-1`];
  return known.data;
}

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
    const share = (ui.share ??= new Float32Array(140 * 140));
    const peak = density(mixtureOf(ui), sigma, label, zoom(pane.centre, 1 / c), pane.half / c, n, share.subarray(0, n * n));
    const strength = peak / (c * c) / (peak / (c * c) + 0.05);
    raster(g, pane, share, n, ui, strength);
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
  const seen = (j) => zoom(walkTo(walk, j, rule, D), scales[frame](walk.sigmas[j]));
  const here = seen(k), next = seen(k + 1), y = here.map((v, i) => v + part * (next[i] - v));
  const few = 2 * Math.min(walk.n, 250), past = [];
  if (!ui.calm) for (let j = Math.max(0, k - 7); j <= k; j++) past.push(seen(j).subarray(0, few));
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
    for (let k = 0; k < r.length; k++) {
      if (r[k] < top * 0.02) continue;
      const to = place(pane, [c * means[2 * k], c * means[2 * k + 1]]);
      g.globalAlpha = (0.15 + 0.6 * (r[k] / top)) * Math.min(1, 60 / effective);
      curve(g, [from, to], accent, 1);
      g.globalAlpha = 1;
      disc(g, to, 1 + ui.unit * 0.28 * Math.sqrt(r[k] / top), accent);
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
      if (cos !== null) rows.push(["arrows aim at", `${cos > Math.SQRT1_2 ? "the mean" : "data nearby"}, ${show2(cos)}`]);
      if (shown) rows.push(["x\u0302\u2080 at the point", `(${show2(shown.mean[0])}, ${show2(shown.mean[1])})`], ["data points that count", shown.effective.toFixed(1)]);
      if (sampling && sigma <= lowest(ui) * 1.01) names.forEach((_, i) => rows.push(...ended(ui, particles(i), names.length > 1 ? `${nameOf(i)}: ` : "")));
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
