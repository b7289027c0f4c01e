// A ballot: statements, a choice for each, and on request the verdicts beside the votes. Needs no kernel.

import { make } from "../widget/dom.js";
import { paintRoot, watchTheme } from "../widget/theme.js";

/** @import { Model, Widget } from "../types.js" */

/**
 * One statement: its node, and how it shows a vote.
 *
 * @typedef {{ node: HTMLElement, show: (vote: number, open: boolean) => void }} Statement
 */

let serial = 0; // sets the ids of ballots on one page apart

/** @type {Widget} */
const ballot = {
  render({ model, el }) {
    const compare = make("button", { type: "button", "data-role": "compare" });
    const status = make("span", { role: "status" });
    const id = `tcv${++serial}`, statements = /** @type {string[]} */ (model.get("statements"));
    const rows = statements.map((text, i) => statementOf(model, `${id}-${i}`, text, i)), title = model.get("title");
    const root = make("div", { class: "tc-view tc-ballot", role: "group", "aria-label": title });
    root.append(make("div", { class: "tc-title", text: title }), ...rows.map(({ node }) => node));
    root.append(make("div", { class: "tc-foot" }, compare, status));
    Object.assign(root, { tcStats: { frames: 1, drawMs: 0 } });
    el.append(root);
    const show = () => showVotes(model, rows, compare, status);
    compare.onclick = () => put(model, "compared", !model.get("compared")); // the model calls `show`
    root.addEventListener("keydown", (event) => event.stopPropagation()); // JupyterLab would take the keys as its own
    const dress = () => paintRoot(root, model.get("palette")), unwatch = watchTheme(dress);
    for (const name of ["change:votes", "change:compared"]) model.on(name, show);
    dress();
    show();
    return () => {
      unwatch();
      for (const name of ["change:votes", "change:compared"]) model.off(name, show);
    };
  },
};

/** @param {Model} model @param {string} name @param {any} value */
function put(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

/**
 * The votes, how many were cast and, with the verdicts open, how many are right.
 *
 * @param {Model} model @param {Statement[]} rows @param {HTMLElement} compare @param {HTMLElement} status
 */
function showVotes(model, rows, compare, status) {
  const votes = /** @type {number[]} */ (model.get("votes")), verdicts = model.get("verdicts");
  const open = model.get("compared");
  rows.forEach((row, i) => row.show(votes[i], open));
  const cast = votes.filter((vote) => vote >= 0).length, right = votes.filter((vote, i) => vote === verdicts[i]).length;
  compare.textContent = open ? "Hide the verdicts" : "Compare with the measurements";
  status.textContent = `${cast} of ${votes.length} voted${open ? `, ${right} as measured` : ""}`;
}

/** @param {Model} model @param {string} id @param {string} text @param {number} i @returns {Statement} */
function statementOf(model, id, text, i) {
  const group = make("div", { class: "tc-choice" }), choices = /** @type {string[]} */ (model.get("choices"));
  const inputs = choices.map((choice, k) => {
    const attributes = { type: "radio", name: id, id: `${id}-${k}`, "data-role": `vote-${i + 1}`, value: String(k) };
    const input = make("input", attributes), votes = () => /** @type {number[]} */ (model.get("votes"));
    input.onchange = () => put(model, "votes", votes().map((vote, j) => (j === i ? k : vote)));
    group.append(input, make("label", { for: input.id, text: choice }));
    return input;
  });
  const verdict = make("p", { class: "tc-verdict" }), heading = make("legend", { text: `${i + 1}. ${text}` });
  return {
    node: make("fieldset", { class: "tc-statement" }, heading, group, verdict),
    show(vote, open) {
      inputs.forEach((input, k) => (input.checked = k === vote));
      const known = model.get("verdicts")[i], sign = vote === known ? "\u2713" : "\u2192";
      verdict.hidden = !open;
      verdict.textContent = open ? `${sign} ${choices[known]}. ${model.get("reasons")[i]}` : "";
    },
  };
}

export default ballot;
