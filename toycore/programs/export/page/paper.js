// Paper: the page as it is, or a handout with lines to write on, whose answers stand at the end.

import { showAnswers } from "./predictions.js";

let undo = [];

/** Move the answers behind everything else, each group below the heading of its section. */
function answersLast(main) {
  const last = document.createElement("section");
  last.className = "answers";
  last.append(Object.assign(document.createElement("h2"), { textContent: "Answers" }));
  let heading = null, below = null;
  for (const node of [...main.children]) {
    if (node.matches("h1, h2, h3")) heading = node;
    if (!node.matches(".answer")) continue;
    if (below !== heading) last.append(Object.assign(document.createElement("h3"), { textContent: textOf(heading) }));
    below = heading;
    undo.push([node, node.nextSibling]);
    last.append(node);
  }
  if (undo.length) main.append(last);
}

/** A heading's words, without the formulas' sources. */
function textOf(heading) {
  const copy = heading?.cloneNode(true);
  copy?.querySelectorAll(".katex-mathml").forEach((node) => node.remove());
  return copy?.textContent ?? "";
}

function restore(main) {
  for (const [node, next] of undo.reverse()) main.insertBefore(node, next);
  undo = [];
  main.querySelector(".answers")?.remove();
  document.body.classList.remove("handout");
}

export function startPaper(main) {
  document.getElementById("print").onclick = () => print();
  document.getElementById("handout").onclick = () => {
    document.body.classList.add("handout");
    showAnswers();
    answersLast(main);
    print();
  };
  addEventListener("beforeprint", showAnswers);
  addEventListener("afterprint", () => restore(main));
}
