// A model without a kernel: what `render` asks of anywidget's model, over a plain object.
function modelOf(state) {
  const bytes = Uint8Array.from(atob(state.buffer), (c) => c.charCodeAt(0));
  const values = { ...state, buffer: new DataView(bytes.buffer) }, acts = new Map();
  return {
    get: (name) => values[name],
    set: (name, value) => { values[name] = value; },
    save_changes: () => {},
    on: (name, act) => acts.set(name, act),
    off: (name) => acts.delete(name),
  };
}
