// Questions and answers: "Predict. ..." is a paragraph of its own, and what follows it is marked as its answer.

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
  for (; next && !endsAnswer(next); next = next.nextElementSibling) next.classList.add("answer");
}

const endsAnswer = (node) => node.matches("h1, h2, h3, footer, .predict")
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
