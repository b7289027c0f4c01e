// A ballot: statements, a choice for each, and on request the verdicts beside the votes. Needs no kernel.

const node = (tag, attributes = {}, ...children) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
};

let serial = 0;

function render({ model, el }) {
  const id = `tcv${++serial}`, statements = model.get("statements"), choices = model.get("choices");
  const rows = statements.map((text, i) => row(model, `${id}-${i}`, text, i, choices));
  const status = node("span", { role: "status" }), title = model.get("title");
  const compare = node("button", { type: "button", "data-role": "compare" }, "Compare with the measurements");
  const foot = node("div", { class: "tc-foot" }, compare, status);
  const root = node("div", { class: "tc-view tc-ballot", role: "group", "aria-label": title });
  root.append(node("div", { class: "tc-title" }, title), ...rows.map((r) => r.node), foot);
  root.tcStats = { frames: 1, drawMs: 0 };
  el.append(root);
  const show = () => {
    const votes = model.get("votes"), open = model.get("compared"), verdicts = model.get("verdicts");
    rows.forEach((r, i) => r.show(votes[i], open));
    const cast = votes.filter((v) => v >= 0).length, right = votes.filter((v, i) => v === verdicts[i]).length;
    compare.textContent = open ? "Hide the verdicts" : "Compare with the measurements";
    status.textContent = `${cast} of ${votes.length} voted${open ? `, ${right} as measured` : ""}`;
  };
  compare.onclick = () => put(model, "compared", !model.get("compared")); // the model tells `show`
  const dress = () => paint(root, model.get("palette"));
  const watcher = new MutationObserver(dress), wish = matchMedia("(prefers-color-scheme: dark)");
  for (const place of [document.body, document.documentElement]) watcher.observe(place, { attributes: true });
  wish.addEventListener("change", dress);
  for (const name of ["change:votes", "change:compared"]) model.on(name, show);
  root.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab would take the keys as its own
  dress();
  show();
  return () => {
    watcher.disconnect();
    wish.removeEventListener("change", dress);
    for (const name of ["change:votes", "change:compared"]) model.off(name, show);
  };
}

function put(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

function row(model, id, text, i, choices) {
  const group = node("div", { class: "tc-choice" });
  const inputs = choices.map((words, k) => {
    const input = node("input", { type: "radio", name: id, id: `${id}-${k}`, "data-role": `vote-${i + 1}`, value: k });
    input.onchange = () => put(model, "votes", model.get("votes").map((v, j) => (j === i ? k : v)));
    group.append(input, node("label", { for: input.id }, words));
    return input;
  });
  const verdict = node("p", { class: "tc-verdict" });
  const box = node("fieldset", { class: "tc-statement" }, node("legend", {}, `${i + 1}. ${text}`), group, verdict);
  const show = (vote, open) => {
    inputs.forEach((input, k) => { input.checked = k === vote; });
    const known = model.get("verdicts")[i];
    verdict.hidden = !open;
    verdict.textContent = open ? `${vote === known ? "✓" : "→"} ${choices[known]}. ${model.get("reasons")[i]}` : "";
  };
  return { node: box, show };
}

/** The course's colours, light or dark as the page says. */
function paint(root, palette) {
  const { body, documentElement: page } = document, said = body.dataset.jpThemeLight ?? page.dataset.jpThemeLight;
  const word = page.dataset.theme ?? body.dataset.vscodeThemeKind ?? "";
  const wish = matchMedia("(prefers-color-scheme: dark)").matches;
  const dark = said ? said === "false" : word ? /dark/.test(word) : wish;
  for (const [name, value] of Object.entries(palette[dark ? "dark" : "light"])) {
    if (typeof value === "string") root.style.setProperty(`--tc-${name}`, value);
  }
  root.dataset.theme = dark ? "dark" : "light";
}

export default { render };
