// A ballot before a room: one statement a slide, a counter of raised hands for each answer, then the verdict.

import { stateOf } from "./views.js";

const counted = {}; // hands by ballot and statement, kept while the page is open

/** @param {import("./pieces.js").Piece} piece @param {HTMLElement} deck */
export function ballotSlides(piece, deck) {
  const { model } = piece.nodes[0].dataset, state = stateOf(model);
  counted[model] ??= state.statements.map(() => state.choices.map(() => 0));
  return state.statements.map((_, i) => slideOf(state, i, counted[model][i], deck, piece));
}

function slideOf(state, i, hands, deck, piece) {
  const node = make("section", "with-ballot"), inner = make("div", "inner hands");
  const verdict = make("p", "verdict", `${state.choices[state.verdicts[i]]}. ${state.reasons[i]}`);
  const rows = state.choices.map((choice, k) => counter(choice, k, hands, () => show()));
  const show = () => rows.forEach((row) => row.show(Math.max(1, hands.reduce((a, b) => a + b))));
  verdict.hidden = true;
  inner.append(make("p", "kicker", `${state.title}: ${i + 1} of ${state.statements.length}`),
    make("h2", "statement", state.statements[i]), ...rows.map((row) => row.node), verdict);
  node.append(inner);
  deck.append(node);
  show();
  const reveal = () => {
    verdict.hidden = false;
    rows[state.verdicts[i]].node.classList.add("right");
  };
  return { node, inner, code: [...piece.code], pieces: [], reveal, hand: (k, by) => rows[k]?.count(by) };
}

function counter(choice, k, hands, changed) {
  const node = make("div", "hand"), number = make("output", "count"), bar = make("span", "bar");
  const count = (by) => {
    hands[k] = Math.max(0, hands[k] + by);
    changed();
  };
  const less = button("\u2212", `one hand less: ${choice}`, () => count(-1));
  const more = button("+", `one hand more: ${choice} (key ${k + 1})`, () => count(1));
  node.append(make("span", "choice", choice), less, number, more, bar);
  const show = (sum) => {
    number.textContent = String(hands[k]);
    bar.style.setProperty("--share", String(hands[k] / sum));
  };
  return { node, count, show };
}

function button(text, label, act) {
  const node = make("button", "", text);
  node.type = "button";
  node.title = label;
  node.setAttribute("aria-label", label);
  node.onclick = act;
  return node;
}

function make(tag, name, text = "") {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.textContent = text;
  return node;
}
