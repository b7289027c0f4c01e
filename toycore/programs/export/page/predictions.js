// Questions and answers: "Predict. ..." is a paragraph of its own; what follows is its answer, folded until asked for.

export function markPredictions(main) {
  for (const strong of main.querySelectorAll(":scope > p > strong")) {
    if (strong.textContent.startsWith("Predict")) markQuestion(strong);
  }
}

function markQuestion(strong) {
  const question = split(strong);
  question.classList.add("predict");
  let next = question.nextElementSibling;
  if (next?.matches("ul, ol")) { // the choices
    next.classList.add("choices");
    next = next.nextElementSibling;
  }
  const answer = [];
  for (; next && !endsAnswer(next); next = next.nextElementSibling) answer.push(next);
  for (const node of answer) node.classList.add("answer");
  if (answer.length) fold(answer);
}

/** Hide an answer behind a button; the browser's own search finds it all the same, and a link into it opens it. */
function fold(answer) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "guess" });
  button.textContent = "I have made a guess. Show the answer";
  const show = () => {
    for (const node of answer) node.removeAttribute("hidden");
    button.remove();
  };
  for (const node of answer) {
    node.setAttribute("hidden", "until-found");
    node.addEventListener("beforematch", show);
  }
  button.onclick = show;
  answer[0].before(button);
  if (answer.some((node) => location.hash && node.contains(document.getElementById(location.hash.slice(1))))) show();
}

/** Show all answers, for paper and slides, which have their own ways to hide them. */
export function showAnswers() {
  document.querySelectorAll(".guess").forEach((button) => /** @type {HTMLElement} */ (button).click());
}

const endsAnswer = (node) => node.matches("h1, h2, h3, footer, .predict, .stub")
  || [...node.children].some((part) => part.matches("strong") && part.textContent.startsWith("Predict"));

/** The question as a paragraph; what stands before it keeps its own. */
function split(strong) {
  const paragraph = strong.parentElement, before = document.createRange();
  before.setStart(paragraph, 0);
  before.setEndBefore(strong);
  if (!before.toString().trim()) return paragraph;
  const first = document.createElement("p");
  first.append(before.extractContents());
  paragraph.before(first);
  return paragraph;
}
