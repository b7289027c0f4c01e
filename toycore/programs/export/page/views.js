// Views: a widget's stored state and the module that it came with. A view's still stands in its place until it lives.

const widgets = JSON.parse(document.getElementById("widgets").textContent);
const bytes = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));

/** An array that pages share, unpacked. */
async function shared(name) {
  const stream = new Blob([bytes(window.tcBytes[name])]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Response(stream).arrayBuffer();
}

/** A buffer from its parts, as Python sent it. */
async function bufferOf({ parts }) {
  const arrays = await Promise.all(parts.map((part) => (part.shared ? shared(part.shared) : bytes(part.data))));
  return new DataView(await new Blob(arrays).arrayBuffer());
}

/** What anywidget's render asks of a model. */
async function makeModel({ state, buffers }) {
  const values = structuredClone(state), listeners = {};
  for (const buffer of buffers) {
    const { path } = buffer, holder = path.slice(0, -1).reduce((place, key) => place[key], values);
    holder[path.at(-1)] = await bufferOf(buffer);
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
const moduleOf = (name) => (modules[name] ??= window.tcModules[name]());

/** The state of a widget as Python left it. */
export const stateOf = (id) => widgets[id].state;

async function show(place, id, key) {
  const { state } = widgets[id] ?? {};
  if (state?._esm) {
    const module = moduleOf(state._esm), model = await modelOf(id);
    const here = place.appendChild(document.createElement("div"));
    here.dataset.address = key; // the view's name in links to this page
    await module.initialize?.({ model });
    await module.render({ model, el: here });
  } else if (state?.children) await showBox(place, state, key);
}

async function showBox(place, state, key) {
  const box = place.appendChild(document.createElement("div"));
  box.className = state._model_name === "HBoxModel" ? "row" : "column";
  for (const [i, child] of state.children.entries()) {
    await show(box, child.replace("IPY_MODEL_", ""), `${key}-${i + 1}`);
  }
}

export function showViews() {
  document.querySelectorAll(".view").forEach((place, i) => {
    show(place, place.dataset.model, `v${i + 1}`).then(() => place.classList.add("alive"));
  });
}
