// The widget: builds the controls that Python listed, keeps their values in step with the model (on
// release, not per frame), minds theme, size, keys and visibility, and asks a scene to draw.

const make = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") node.textContent = value;
    else if (name in node && typeof value !== "string") node[name] = value;
    else node.setAttribute(name, value);
  }
  node.append(...children);
  return node;
};

let serial = 0;

function render({ model, el }) {
  const ui = { model, id: `tc${++serial}`, values: {}, unit: 14, drag: null, cleanups: [] };
  ui.meta = model.get("meta");
  ui.arrays = unpack(ui.meta.index, model.get("buffer"));
  ui.calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  for (const role of ui.meta.traits) ui.values[role] = model.get(role);
  build(ui, el);
  ui.scene = scenes[ui.meta.kind](ui);
  connect(ui);
  resize(ui);
  sync(ui);
  tell(ui);
  return () => {
    ui.seen = false;
    ui.cleanups.forEach((undo) => undo());
  };
}

// ---- the page ----------------------------------------------------------------------------------

function build(ui, el) {
  const { meta } = ui;
  ui.canvas = make("canvas", { class: "tc-canvas", tabindex: "0", role: "img", "aria-label": meta.title });
  ui.status = make("div", { class: "tc-status", role: "status" });
  ui.readouts = make("dl", { class: "tc-readouts" });
  ui.legend = make("div", { class: "tc-legend" });
  ui.controls = meta.controls.map((control) => ({ control, ...controlOf(ui, control) }));
  ui.help = make("div", { class: "tc-help", hidden: true, role: "note" }, helpText(meta));
  const buttons = make("div", { class: "tc-buttons", role: "group", "aria-label": "actions" }, ...buttonsOf(ui));
  const title = make("div", { class: "tc-title", text: meta.title });
  const panel = make(
    "div", { class: "tc-panel" }, title, buttons, ...grouped(ui.controls), ui.readouts, ui.legend,
  );
  ui.stage = make("div", { class: "tc-stage" }, ui.canvas, ui.help);
  ui.root = make("div", { class: `tc-view tc-${meta.layout}`, role: "group", "aria-label": meta.title, tabindex: "-1" });
  ui.root.append(make("div", { class: "tc-body" }, ui.stage, panel), ui.status);
  ui.root.tcStats = { frames: 0, drawMs: 0 };
  ui.root.tcPoints = () => ui.scene.points?.() ?? [];
  el.append(ui.root);
}

/** The controls' nodes, check boxes together in one row. */
function grouped(controls) {
  const boxes = controls.filter((c) => c.control.type === "toggle").map((c) => c.node);
  const others = controls.filter((c) => c.control.type !== "toggle").map((c) => c.node);
  return boxes.length ? [...others, make("div", { class: "tc-toggles" }, ...boxes)] : others;
}

function controlOf(ui, control) {
  const { role, label, type } = control, id = `${ui.id}-${role}`;
  if (type === "range") return rangeOf(ui, control, id);
  if (type === "toggle") {
    const input = make("input", { type: "checkbox", id, "data-role": role });
    input.onchange = () => put(ui, role, input.checked, true);
    const node = make("label", { class: "tc-toggle", for: id }, input, make("span", { text: label }));
    return { node, show: (value) => (input.checked = value) };
  }
  const inputs = control.options.map(([value, words], i) => {
    const input = make("input", { type: "radio", name: id, id: `${id}-${i}`, "data-role": role, value: String(value) });
    input.onchange = () => put(ui, role, value, true);
    return [value, input, make("label", { for: `${id}-${i}`, text: words })];
  });
  const group = make("div", { class: "tc-choice", role: "radiogroup", "aria-label": label });
  inputs.forEach(([, input, words]) => group.append(input, words));
  const node = make("div", { class: "tc-pick" }, make("span", { class: "tc-label", text: label }), group);
  return { node, show: (value) => inputs.forEach(([own, input]) => (input.checked = own === value)) };
}

function rangeOf(ui, control, id) {
  const { role, label, low, high, step, log } = control;
  const to = log ? Math.log10 : Number, from = log ? (v) => 10 ** v : Number;
  const input = make("input", {
    type: "range", id, "data-role": role, min: String(to(low)), max: String(to(high) || 1), step: String(step),
  });
  const output = make("output", { for: id, class: "tc-value" });
  const top = () => (high in ui.values ? ui.values[high] : high); // "steps" -> its value
  const read = () => Math.max(low, Math.min(top(), from(Number(input.value))));
  input.oninput = () => { ui.tween = null; put(ui, role, read(), false); };
  input.onchange = () => put(ui, role, read(), true);
  const node = make(
    "div", { class: "tc-control" },
    make("label", { for: id, class: "tc-label", text: label }), output, input,
  );
  const show = (value) => {
    const words = wordsOf(control, value, ui);
    if (high in ui.values) input.max = String(top());
    if (document.activeElement !== input || Math.abs(Number(input.value) - to(value)) > step) input.value = to(value);
    output.textContent = words;
    input.setAttribute("aria-valuetext", `${label} ${words}`);
    input.style.setProperty("--share", `${(100 * (to(value) - to(low))) / (to(top()) - to(low) || 1)}%`);
  };
  return { node, show, input };
}

function wordsOf({ names, digits, log, unit = "" }, value, ui) {
  const known = ui.arrays[names]?.data; // the words for whole values: an array's numbers
  if (names) return String(known?.[Math.max(0, Math.min(known.length - 1, Math.round(value)))] ?? "\u2013");
  const words = log ? Number(value).toPrecision(value < 0.1 ? 2 : 3) : Number(value).toFixed(digits);
  return words.replace("-", "\u2212") + unit;
}

// name: [path in a 16 x 16 box, what it does]
const ICONS = {
  play: ["M4 2 L14 8 L4 14 Z", "play (space)"], pause: ["M3 2 H6.5 V14 H3 Z M9.5 2 H13 V14 H9.5 Z", "pause (space)"],
  back: ["M11 3 L4 8 L11 13 Z M2 3 H3.6 V13 H2 Z", "step back (left arrow)"],
  next: ["M5 3 L12 8 L5 13 Z M12.4 3 H14 V13 H12.4 Z", "step on (right arrow)"],
  reset: ["M8 2.2 A5.8 5.8 0 1 0 13.8 8 H12 A4 4 0 1 1 8 4 V6.6 L12.4 3.1 L8 0 Z", "reset (R)"],
  renew: ["M2 2 H14 V14 H2 Z M3.6 3.6 V12.4 H12.4 V3.6 Z M5 5 H7 V7 H5 Z M9 9 H11 V11 H9 Z M9 5 H11 V7 H9 Z M5 9 H7 V11 H5 Z", "new noise (N)"],
  fullscreen: ["M2 6 V2 H6 V3.6 H3.6 V6 Z M10 2 H14 V6 H12.4 V3.6 H10 Z M14 10 V14 H10 V12.4 H12.4 V10 Z M6 14 H2 V10 H3.6 V12.4 H6 Z", "full screen (F)"],
  help: ["", "keys (?)"],
};

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  path.setAttribute("d", ICONS[name][0]);
  path.setAttribute("fill-rule", "evenodd");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

function buttonsOf(ui) {
  ui.buttons = {};
  return ui.meta.buttons.map((role) => {
    const name = ICONS[role][1];
    const button = make("button", { type: "button", "data-role": role, "aria-label": name, title: name });
    button.append(role === "help" ? "?" : icon(role));
    button.onclick = (event) => {
      actions[role](ui);
      if (event.detail) ui.canvas.focus({ preventScroll: true }); // a mouse's click: space shall play, not click again
    };
    return (ui.buttons[role] = button);
  });
}

function helpText(meta) {
  const rows = [
    ["space", "play, pause"], ["\u2190 \u2192", "step back, step on"], ["R", "reset"],
    ...(meta.buttons.includes("renew") ? [["N", "new noise"]] : []),
    ...(meta.probe ? [["shift + arrows", "move the point you look at"]] : []),
    ...(meta.presets.length ? [[`1\u2013${meta.presets.length}`, "presets"]] : []),
    ["F", "full screen and back"], ["?", "show or hide this"],
  ];
  const list = make("dl");
  rows.forEach(([key, what]) => list.append(make("dt", { text: key }), make("dd", { text: what })));
  const about = (meta.about ? [make("p", { text: meta.about })] : []);
  const box = make("div", {}, make("strong", { text: "Keys" }), list, ...about);
  return box;
}

// ---- values ------------------------------------------------------------------------------------

/** Set a value here; with `release`, tell the model (and so Python) too. */
function put(ui, role, value, release) {
  ui.values[role] = value;
  if (release && ui.legend) ui.legend.replaceChildren(...legendOf(ui)); // error has a scale of its own
  if (release) commit(ui, [role]);
  sync(ui);
}

function commit(ui, roles) {
  const spec = Object.fromEntries(ui.meta.controls.map((c) => [c.role, c]));
  for (const role of roles) {
    const whole = spec[role]?.whole;
    ui.model.set(role, whole ? Math.round(ui.values[role]) : ui.values[role]);
  }
  ui.model.save_changes();
  ui.status.textContent = tell(ui);
}

/** Say in words what is seen: the picture's name for those who do not see it. */
function tell(ui) {
  const words = ui.scene.describe();
  ui.canvas.setAttribute("aria-label", `${ui.meta.title}. ${words}`);
  return words;
}

/** Bring the controls up to the values, hide what does not apply, and ask for a frame. */
function sync(ui) {
  for (const { control, node, show } of ui.controls) {
    show(ui.values[control.role]);
    const when = control.when ?? {};
    node.hidden = !Object.entries(when).every(([role, allowed]) => allowed.includes(ui.values[role]));
  }
  const playing = ui.values.playing;
  if (ui.buttons.play) {
    const face = playing ? "pause" : "play", button = ui.buttons.play;
    if (button.dataset.face !== face) button.replaceChildren(icon((button.dataset.face = face)));
    button.setAttribute("aria-label", ICONS[face][1]);
  }
  ask(ui);
}

// ---- what keys and buttons do ------------------------------------------------------------------

const actions = {
  play(ui) {
    const { values } = ui, play = playOf(ui);
    values.playing = !values.playing;
    ui.tween = null;
    if (values.playing) {
      if (near(ui, play.to) || ui.scene.fresh?.()) values[play.role] = play.from;
      ui.scene.begin?.();
      if (ui.calm) Object.assign(values, { [play.role]: end(ui, play.to), playing: false });
    }
    commit(ui, ["playing", play.role]);
    sync(ui);
  },
  back: (ui) => nudge(ui, -1),
  next: (ui) => nudge(ui, 1),
  reset(ui) {
    Object.assign(ui.values, ui.meta.start, { playing: false });
    ui.tween = null;
    ui.scene.reset?.();
    commit(ui, Object.keys(ui.meta.start).concat("playing"));
    sync(ui);
  },
  renew(ui) {
    ui.values.seed += 1;
    ui.scene.begin?.();
    commit(ui, ["seed"]);
    sync(ui);
  },
  fullscreen(ui) {
    if (document.fullscreenElement === ui.root) document.exitFullscreen();
    else ui.root.requestFullscreen?.().catch(() => (ui.status.textContent = "full screen is not allowed here"));
  },
  help: (ui) => (ui.help.hidden = !ui.help.hidden),
};

const end = (ui, value) => (value in ui.values ? ui.values[value] : value); // "steps" -> its value
const playOf = (ui) => ui.scene.play?.() ?? ui.meta.play;
const spanOf = (ui) => ui.meta.controls.find((c) => c.role === playOf(ui).role);
const scaled = (ui, value) => (spanOf(ui).log ? Math.log(value) : value);

function near(ui, to) {
  const { role, from } = playOf(ui), all = Math.abs(scaled(ui, end(ui, to)) - scaled(ui, from));
  return Math.abs(scaled(ui, ui.values[role]) - scaled(ui, end(ui, to))) < 1e-4 * all;
}

/** Move the main slider by one step along the direction of play. */
function nudge(ui, direction) {
  const { role, from, to, by } = playOf(ui), control = spanOf(ui), last = end(ui, to);
  const sign = last > from ? 1 : -1, value = ui.values[role];
  const next = control.log ? value * by ** (sign * direction) : Math.round(value / by + sign * direction) * by;
  ui.values[role] = Math.max(Math.min(from, last), Math.min(Math.max(from, last), next));
  Object.assign(ui.values, { playing: false });
  commit(ui, [role, "playing"]);
  sync(ui);
}

/** Glide to a preset, a lecturer's {role: value, ...}. */
function preset(ui, number) {
  const wanted = ui.meta.presets[number - 1];
  if (!wanted) return false;
  const sliders = Object.fromEntries(ui.meta.controls.filter((c) => c.type === "range").map((c) => [c.role, c]));
  const moves = Object.entries(wanted).filter(([role]) => role in sliders && !ui.calm);
  for (const [role, value] of Object.entries(wanted)) if (!(role in sliders) || ui.calm) ui.values[role] = value;
  ui.tween = {
    share: 0, roles: Object.keys(wanted),
    moves: moves.map(([role, value]) => [role, ui.values[role], value, sliders[role].log]),
  };
  sync(ui);
  return true;
}

function glide(ui, dt) {
  ui.tween.share = Math.min(1, ui.tween.share + dt / 0.7);
  const t = ui.tween.share, ease = t * t * (3 - 2 * t);
  for (const [role, from, to, log] of ui.tween.moves) {
    ui.values[role] = log ? from * (to / from) ** ease : from + (to - from) * ease;
  }
  if (t < 1) return;
  commit(ui, ui.tween.roles);
  ui.tween = null;
}

function keydown(ui, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.key === "Tab") return;
  if (event.key !== "Escape") event.stopPropagation(); // JupyterLab would take a, b, x, dd as its own
  const onSlider = event.target.matches("input"), onButton = event.target.matches("button");
  if (event.key === "Escape") ui.help.hidden = true;
  const arrows = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  let done = true;
  if (arrows && !onSlider && event.shiftKey && ui.scene.move) ui.scene.move(...arrows);
  else if (arrows && !onSlider && arrows[0]) nudge(ui, arrows[0]);
  else if (event.key === " " && !onButton && event.target.type !== "checkbox" && ui.buttons.play) actions.play(ui);
  else if (/^[1-9]$/.test(event.key)) done = preset(ui, Number(event.key));
  else done = shortcut(ui, event.key.toLowerCase());
  if (done) event.preventDefault();
  ask(ui);
}

function shortcut(ui, key) {
  const role = { r: "reset", n: "renew", f: "fullscreen", "?": "help" }[key];
  if (!role || !ui.buttons[role]) return false;
  actions[role](ui);
  return true;
}

// ---- the loop ----------------------------------------------------------------------------------

/** Ask for a frame; frames come only while something changes and the view can be seen. */
function ask(ui) {
  if (ui.asked || !ui.seen || !ui.width) return;
  ui.asked = requestAnimationFrame((now) => {
    ui.asked = 0;
    const dt = Math.min(0.1, (now - (ui.last ?? now)) / 1000);
    const moving = ui.values.playing || ui.tween;
    ui.last = moving ? now : undefined;
    if (ui.values.playing) advancePlay(ui, dt);
    if (ui.tween) glide(ui, dt);
    if (moving) sync(ui);
    draw(ui);
    if (ui.values.playing || ui.tween) ask(ui);
  });
}

function advancePlay(ui, dt) {
  const { role, from, to, seconds } = playOf(ui), a = scaled(ui, from), b = scaled(ui, end(ui, to));
  const now = scaled(ui, ui.values[role]) + ((b - a) * dt) / seconds;
  const over = b > a ? now >= b : now <= b, value = over ? b : now;
  ui.values[role] = spanOf(ui).log ? Math.exp(value) : value;
  if (!over) return;
  ui.values[role] = end(ui, to);
  ui.values.playing = false;
  commit(ui, [role, "playing"]);
}

function draw(ui) {
  const start = performance.now(), g = ui.canvas.getContext("2d");
  g.setTransform(ui.ratio, 0, 0, ui.ratio, 0, 0);
  g.fillStyle = ui.colours.background;
  g.fillRect(0, 0, ui.width, ui.height);
  ui.scene.draw(g);
  readouts(ui, ui.scene.readouts());
  ui.root.tcStats.frames += 1;
  ui.root.tcStats.drawMs = performance.now() - start;
}

function readouts(ui, rows) {
  const words = JSON.stringify(rows);
  if (words === ui.shown) return;
  ui.shown = words;
  if (ui.readouts.children.length !== rows.length) {
    ui.readouts.replaceChildren(...rows.map(() => make("div", {}, make("dt"), make("dd"))));
    requestAnimationFrame(() => ui.root.scrollHeight > ui.root.clientHeight + 1 && resize(ui)); // a full screen too full
  }
  rows.forEach(([name, value], i) => {
    const [dt, dd] = ui.readouts.children[i].children;
    dt.textContent = name;
    dd.textContent = value;
  });
}

// ---- theme, size, events -----------------------------------------------------------------------

/** JupyterLab and VS Code say it on the body; elsewhere the system's wish counts. */
function isDark() {
  const { body, documentElement } = document;
  const said = body.dataset.jpThemeLight ?? documentElement.dataset.jpThemeLight;
  if (said) return said === "false";
  const kind = body.dataset.vscodeThemeKind ?? body.className;
  if (/vscode/.test(kind)) return /dark|high-contrast(?!-light)/.test(kind);
  const page = documentElement.getAttribute("theme") ?? documentElement.dataset.theme;
  if (page) return page === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

function dress(ui) {
  const theme = ui.meta.palette[isDark() ? "dark" : "light"];
  ui.colours = { ...theme, density: finer(theme.density.map(rgb), 8) };
  ui.root.dataset.theme = isDark() ? "dark" : "light";
  for (const name of ["background", "ink", "faint", "accent", "exact", "sample"]) {
    ui.root.style.setProperty(`--tc-${name}`, theme[name]);
  }
  ui.legend.replaceChildren(...legendOf(ui));
}

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

/** Colour scale with units, and what each colour and mark means. */
function legendOf(ui) {
  const { scale, marks = [] } = ui.scene?.legend?.() ?? {};
  const parts = marks.map(([colour, words, shape = "dot"]) => {
    const key = make("i", { class: `tc-${shape}` });
    key.style.setProperty("--key", colour);
    return make("span", { class: "tc-mark" }, key, make("span", { text: words }));
  });
  const line = make("div", { class: "tc-marks" }, ...parts);
  if (!scale) return [line];
  const strip = make("div", { class: "tc-strip" });
  strip.style.background = `linear-gradient(90deg, ${ui.colours.ramp.join(",")})`;
  const ticks = make("div", { class: "tc-ticks" }, ...scale.ticks.map((value) => {
    const tick = make("span", { text: value === Infinity ? "\u221E" : String(value) });
    tick.style.left = `${value === Infinity ? 100 : (100 * value) / (value + scale.c)}%`;
    return tick;
  }));
  return [make("div", { class: "tc-scale" }, make("span", { text: scale.words }), strip, ticks), line];
}

function resize(ui) {
  const full = document.fullscreenElement === ui.root;
  ui.root.classList.toggle("tc-full", full);
  const width = ui.root.clientWidth;
  if (!width) return;
  ui.root.classList.toggle("tc-narrow", width < 640);
  const unit = full ? Math.max(16, Math.min(innerWidth / 70, innerHeight / 42)) : width < 420 ? 12 : width > 1000 ? 15 : 14;
  let panel = typeset(ui, full, unit);
  const most = innerHeight * (isBeside(ui) ? 0.96 : 0.28); // on a full screen the picture comes first
  while (full && panel > most && ui.unit > 12) panel = typeset(ui, full, ui.unit * 0.94);
  const room = full ? Math.max(200, innerHeight - 2 * ui.unit - (isBeside(ui) ? 0 : panel + ui.unit)) : roomOf();
  fill(ui, Math.floor(ui.stage.clientWidth), Math.floor(ui.scene.arrange(Math.floor(ui.stage.clientWidth), room)));
}

/** The height for a picture on a page that scrolls. */
const roomOf = () => Math.min(620, Math.max(320, innerHeight * 0.72));
const isBeside = (ui) => ui.meta.layout === "side" && ui.root.clientWidth >= 640;

/** Set the size of the type, and the picture's width beside its panel; returns the panel's height. */
function typeset(ui, full, unit) {
  ui.unit = unit;
  ui.root.style.setProperty("--tc-unit", `${unit}px`);
  const room = full ? innerHeight - 2 * unit : roomOf();
  ui.stage.style.flex = isBeside(ui) ? `0 1 ${Math.round(room * ui.meta.aspect)}px` : "";
  return ui.root.querySelector(".tc-panel").offsetHeight;
}

/** Give the canvas its pixels, and draw at once where it is seen: a new size wipes it. */
function fill(ui, width, height) {
  const ratio = Math.min(2, devicePixelRatio || 1), size = [width, height, ratio, ui.unit].join();
  if (size === ui.size) return ask(ui);
  Object.assign(ui, { width, height, ratio, size });
  ui.canvas.width = width * ratio;
  ui.canvas.height = height * ratio;
  ui.canvas.style.height = `${height}px`;
  if (ui.seen) draw(ui);
}

function connect(ui) {
  dress(ui);
  const on = (target, name, act) => {
    target.addEventListener(name, act);
    ui.cleanups.push(() => target.removeEventListener(name, act));
  };
  const watch = (observer, ...what) => {
    observer.observe(...what);
    ui.cleanups.push(() => observer.disconnect());
  };
  const retheme = () => { dress(ui); ask(ui); };
  on(ui.root, "keydown", (event) => keydown(ui, event));
  on(document, "fullscreenchange", () => resize(ui));
  on(window, "resize", () => resize(ui)); // also another zoom, which may leave the view's own size as it is
  on(matchMedia("(prefers-color-scheme: dark)"), "change", retheme);
  watch(new MutationObserver(retheme), document.body, { attributes: true });
  watch(new MutationObserver(retheme), document.documentElement, { attributes: true });
  watch(new ResizeObserver(() => resize(ui)), ui.root);
  watch(new IntersectionObserver(([entry]) => { ui.seen = entry.isIntersecting; ask(ui); }), ui.root);
  pointer(ui, on);
  follow(ui);
}

function pointer(ui, on) {
  const at = (event) => {
    const box = ui.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };
  const touch = (event) => { ui.scene.touch?.(...at(event)); ask(ui); };
  on(ui.canvas, "pointerdown", (event) => { ui.canvas.setPointerCapture(event.pointerId); ui.drag = true; touch(event); });
  on(ui.canvas, "pointermove", (event) => ui.drag && touch(event));
  for (const end of ["pointerup", "pointercancel"]) on(ui.canvas, end, () => { ui.drag = null; ui.status.textContent = tell(ui); });
}

/** The model changed (Python, jslink or another view of it): follow. */
function follow(ui) {
  const { model } = ui, listen = (name, act) => {
    model.on(name, act);
    ui.cleanups.push(() => model.off(name, act));
  };
  for (const role of ui.meta.traits) {
    listen(`change:${role}`, () => { ui.values[role] = model.get(role); ui.scene.changed?.(role); sync(ui); });
  }
  listen("change:news", () => {
    const { index, buffer } = model.get("news");
    Object.assign(ui.arrays, unpack(index, buffer));
    ui.scene.reload?.();
    sync(ui);
  });
  listen("change:buffer", () => {
    ui.meta = model.get("meta");
    ui.arrays = unpack(ui.meta.index, model.get("buffer"));
    ui.scene.reload?.();
    sync(ui);
  });
}

export default { render };
