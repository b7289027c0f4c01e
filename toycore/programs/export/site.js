// The reading site: theme, search, mathematics, and the views, alive without a kernel. No network is used.
"use strict";

const root = document.documentElement;
const dark = () => root.dataset.theme === "dark";

function setTheme(name) {
  root.dataset.theme = name;
  document.body.dataset.jpThemeLight = String(name === "light"); // the views follow what JupyterLab would say
  try { localStorage.setItem("theme", name); } catch { /* some browsers keep nothing for files */ }
}

function firstTheme() {
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* as above */ }
  return kept ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

setTheme(firstTheme());
document.getElementById("theme").onclick = () => setTheme(dark() ? "light" : "dark");
document.getElementById("code").onclick = (event) => {
  const hidden = document.body.classList.toggle("nocode");
  event.target.textContent = hidden ? "Show code" : "Hide code";
};

// ---- search: every section of the course, best matches first -------------------------------------

const found = document.getElementById("found");
document.getElementById("search").oninput = (event) => {
  const words = event.target.value.toLowerCase().split(/\s+/).filter(Boolean);
  found.replaceChildren(...(words.length ? search(words) : []).map(hit));
};

function search(words) {
  const count = (text, word) => text.toLowerCase().split(word).length - 1;
  const score = (s) => {
    const each = words.map((w) => 10 * count(s.heading, w) + count(s.text, w));
    return Math.min(...each) > 0 ? each.reduce((a, b) => a + b) : 0;
  };
  return window.tcSections.map((s) => ({ ...s, score: score(s), words })).filter((s) => s.score)
    .sort((a, b) => b.score - a.score).slice(0, 8);
}

function hit(s) {
  const item = document.createElement("li"), link = document.createElement("a"), small = document.createElement("small");
  link.href = `${s.page}#${s.id}`;
  link.textContent = s.heading;
  const at = Math.max(0, s.text.toLowerCase().indexOf(s.words[0]) - 30);
  small.textContent = `${at ? "…" : ""}${s.text.slice(at, at + 90)}…`;
  item.append(link, small);
  return item;
}

// ---- mathematics ---------------------------------------------------------------------------------

for (const part of document.querySelectorAll("#main, nav .pages")) renderMathInElement(part, {
  delimiters: [{ left: "$$", right: "$$", display: true }, { left: "$", right: "$", display: false }],
  throwOnError: false,
  ignoredTags: ["script", "style", "pre", "code", "textarea"],
});

// ---- slides: one section (##) at a time, turned by the arrow keys; and paper --------------------

const main = document.getElementById("main"), place = document.getElementById("place");
const slides = [];
for (const child of [...main.children]) {
  if (!slides.length || child.tagName === "H2") slides.push(main.insertBefore(document.createElement("section"), child));
  if (child.tagName !== "FOOTER") slides.at(-1).append(child);
}
let at = -1; // the slide shown, -1 outside of the presentation

function turn(to) {
  at = Math.max(-1, Math.min(slides.length - 1, to));
  document.body.classList.toggle("slides", at >= 0);
  slides.forEach((slide, i) => slide.classList.toggle("now", i === at));
  place.hidden = at < 0;
  place.textContent = `${at + 1} / ${slides.length}`;
  scrollTo(0, 0);
}

function first() {
  const top = slides.findIndex((slide) => slide.getBoundingClientRect().bottom > 80);
  turn(Math.max(0, top)); // from where the reader is
}

function leave() {
  const here = slides[at];
  turn(-1);
  here?.scrollIntoView();
}

document.getElementById("slides").onclick = first;
document.getElementById("print").onclick = () => print();

// a handout: words, formulas and figures, with lines to write on below each prediction and each exercise
for (const strong of main.querySelectorAll("p > strong")) {
  if (strong.textContent.startsWith("Predict")) strong.parentElement.classList.add("predict");
}
document.getElementById("handout").onclick = () => { document.body.classList.add("handout"); print(); };
addEventListener("afterprint", () => document.body.classList.remove("handout"));

addEventListener("keydown", (event) => {
  if (at < 0 || event.ctrlKey || event.altKey || event.metaKey || event.target.closest?.("input, .tc-view")) return;
  const step = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 }[event.key];
  if (step) { event.preventDefault(); turn(Math.max(0, at + step)); }
  if (event.key === "Home" || event.key === "End") turn(event.key === "Home" ? 0 : slides.length - 1);
  if (event.key === "Escape") leave();
});

// ---- views: a widget's recorded state and the module that it came with ---------------------------

const widgets = JSON.parse(document.getElementById("widgets").textContent);
const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);

function makeModel({ state, buffers }) {
  const values = structuredClone(state), listeners = {};
  for (const { path, data } of buffers ?? []) {
    const holder = path.slice(0, -1).reduce((place, key) => place[key], values);
    holder[path.at(-1)] = bytes(data);
  }
  const call = (name, ...words) => (listeners[name] ?? []).slice().forEach((f) => f(...words));
  const model = {
    get: (key) => values[key],
    set: (key, value) => { values[key] = value; call(`change:${key}`, model, value); call("change", model); },
    on: (names, f) => names.split(" ").forEach((n) => (listeners[n] ??= []).push(f)),
    off: (names, f) => (names ?? Object.keys(listeners).join(" ")).split(" ")
      .forEach((n) => (listeners[n] = f ? (listeners[n] ?? []).filter((g) => g !== f) : [])),
    save_changes: () => {},
    send: () => {},
  };
  return model;
}

const models = {}, modules = {};
const modelOf = (id) => (models[id] ??= makeModel(widgets[id]));

function moduleOf(hash) {
  return (modules[hash] ??= import(URL.createObjectURL(new Blob([window.tcModules[hash]], { type: "text/javascript" }))));
}

async function showView(place, id) {
  const { state } = widgets[id] ?? {};
  if (state?._esm) {
    const module = (await moduleOf(state._esm)).default;
    const style = document.createElement("style");
    style.textContent = window.tcModules[state._css] ?? "";
    place.append(style);
    const here = document.createElement("div"), model = modelOf(id);
    place.append(here);
    await module.initialize?.({ model });
    await module.render({ model, el: here });
  } else if (state?.children) {
    const row = state._model_name === "HBoxModel";
    place.style.cssText = `display:flex; flex-wrap:wrap; gap:8px; flex-direction:${row ? "row" : "column"}`;
    for (const child of state.children) {
      const part = document.createElement("div");
      part.style.flex = "1 1 20rem";
      place.append(part);
      await showView(part, child.replace("IPY_MODEL_", ""));
    }
  } else {
    place.append("This control needs a running kernel.");
  }
}

for (const place of document.querySelectorAll(".view")) showView(place, place.dataset.model);
