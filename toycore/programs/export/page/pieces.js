// What a page is made of, piece by piece, in reading order: the matter of its slides.

/**
 * A piece: its nodes, what it is, and the code that made it.
 *
 * @typedef {{ nodes: Element[], kind: string, code: Element[] }} Piece
 */

const LINES = 12; // of measured text on one slide

/** @param {Element} main @returns {Piece[]} */
export function piecesOf(main) {
  const pieces = [];
  for (const node of main.children) {
    if (node.matches("footer, script")) continue;
    if (node.matches(".cell")) addCell(pieces, node);
    else if (node.matches(".choices") && pieces.length) pieces.at(-1).nodes.push(node);
    else if (node.textContent.trim()) pieces.push({ nodes: [node], kind: kindOf(node), code: [] });
  }
  return pieces;
}

function kindOf(node) {
  if (node.matches("h1, h2, h3")) return "heading";
  if (node.matches(".predict")) return "predict";
  return isFormula(node) ? "formula" : "text";
}

/** A paragraph that is one displayed formula. */
const isFormula = (node) => node.matches("p") && node.children.length === 1
  && node.firstElementChild.matches(".katex-display, span:has(> .katex-display)")
  && ![...node.childNodes].some((part) => part.nodeType === Node.TEXT_NODE && part.textContent.trim());

/** Pictures take their captions with them; code without an output goes to the piece before it. */
function addCell(pieces, cell) {
  const code = [...cell.querySelectorAll(":scope > .input")], before = pieces.length;
  if (!cell.matches(".stub")) {
    for (const node of cell.querySelector(":scope > .output").children) addOutput(pieces, node, code, before);
  }
  if (pieces.length === before) pieces.at(-1)?.code.push(...code);
}

function addOutput(pieces, node, code, first) {
  const last = pieces.length > first ? pieces.at(-1) : null;
  if (node.matches("details")) return;
  if (node.matches("p") && last?.kind === "figure") last.nodes.push(node);
  else for (const part of partsOf(node)) pieces.push({ nodes: [part], kind: outputKind(part), code: [...code] });
}

/** A long text in pieces of so many lines that a slide shows them large enough to read; anything else as it is. */
function partsOf(node) {
  const lines = node.textContent.trimEnd().split("\n");
  if (!node.matches("pre") || lines.length <= LINES) return [node];
  return Array.from({ length: Math.ceil(lines.length / LINES) }, (_, i) => {
    const part = document.createElement("pre");
    part.textContent = lines.slice(i * LINES, (i + 1) * LINES).join("\n");
    return part;
  });
}

function outputKind(node) {
  if (node.matches("img")) return "figure";
  if (node.matches(".view")) return node.querySelector(".tc-ballot") ? "ballot" : "view";
  return node.matches("pre") ? "measured" : "text";
}
