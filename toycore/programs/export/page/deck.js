// The deck: pieces dealt out to slides, one idea each, so that nothing is larger than the screen.

import { ballotSlides } from "./hands.js";
import { piecesOf } from "./pieces.js";

/** @import { Piece } from "./pieces.js" */

/**
 * A slide: its node, the code of its pieces, and what it still hides.
 *
 * @typedef {{ node: HTMLElement, inner: HTMLElement, code: Element[], pieces: Piece[], reveal?: () => void }} Slide
 */

const ALONE = ["figure", "view", "ballot", "predict"]; // each has a slide for itself
const PROSE = 420; // characters of text that one slide takes
const SMALLEST = 0.35, LARGEST = 1.5; // how much smaller and larger than the usual type a slide may be drawn

/** @param {HTMLElement} main @param {HTMLElement} deck @returns {Slide[]} */
export function deal(main, deck) {
  const slides = [];
  let heading = null, question = null, current = null;
  for (const piece of piecesOf(main)) {
    if (piece.kind === "heading") {
      [heading, question, current] = [piece, null, open(deck, slides, piece, null)];
      continue;
    }
    if (piece.kind === "ballot") {
      slides.push(...ballotSlides(piece, deck));
      current = null;
      continue;
    }
    if (!current || !accepts(current, piece)) current = open(deck, slides, heading, question, current);
    if (piece.kind === "predict") question = piece;
    else if (question) question = null;
    put(current, piece);
    if (tooTall(current) && current.pieces.length > 1) {
      take(current);
      current = open(deck, slides, heading, null);
      put(current, piece);
    }
  }
  return slides.filter((slide) => slide.pieces.length || slide.node.querySelector("h1, h2, h3, .hands"));
}

/** Whether a slide may hold one more piece. @param {Slide} slide @param {Piece} piece */
function accepts({ pieces }, piece) {
  if (!pieces.length) return true;
  if (piece.kind === "formula") return pieces.at(-1).kind === "text";
  if (ALONE.includes(piece.kind) || pieces.some(({ kind }) => ALONE.includes(kind))) return false;
  if (piece.kind !== "measured" && pieces.at(-1).kind === "measured") return false;
  return pieces.concat(piece).reduce((sum, { nodes }) => sum + nodes[0].textContent.length, 0) < PROSE;
}

/** A new slide under its heading: large where it stands first, small on those after it. */
function open(deck, slides, heading, question) {
  const node = document.createElement("section"), inner = document.createElement("div");
  inner.className = "inner";
  node.append(inner);
  const first = heading && !slides.some((slide) => slide.heading === heading);
  if (heading) inner.append(first ? heading.nodes[0] : small(heading.nodes[0], "kicker"));
  if (question) {
    node.classList.add("reveal");
    inner.append(small(question.nodes[0], "recall"));
  }
  const slide = { node, inner, heading, code: [], pieces: [] };
  deck.append(node);
  slides.push(slide);
  return slide;
}

/** A copy of a heading or a question, to stand above what belongs to it. */
function small(node, name) {
  const copy = document.createElement("p");
  copy.className = name;
  copy.append(...node.cloneNode(true).childNodes);
  return copy;
}

function put(slide, piece) {
  slide.pieces.push(piece);
  slide.code.push(...piece.code);
  slide.node.classList.add(`with-${piece.kind}`);
  slide.inner.append(...piece.nodes);
}

function take(slide) {
  const piece = slide.pieces.pop();
  slide.code = slide.code.filter((code) => !piece.code.includes(code));
  for (const node of piece.nodes) node.remove();
}

/** Whether a slide's content is taller than the slide, measured as it would be shown. */
function tooTall({ node, inner }) {
  node.classList.add("now");
  const tall = overflow(node, inner);
  node.classList.remove("now");
  return tall;
}

/** Whether anything stands out below or beside. */
const overflow = (node, inner) => inner.scrollHeight > room(node, inner) + 1
  || inner.scrollWidth > inner.clientWidth + 1;

const room = (node, inner) => (node.clientHeight - 2 * Number.parseFloat(getComputedStyle(node).paddingTop))
  / Number(inner.style.zoom || 1);

/** Draw what is too large smaller, and a few words larger. @param {Slide} slide */
export function fit({ node, inner }) {
  const view = inner.querySelector(".view");
  inner.style.zoom = "1";
  if (view && fitView(node, inner, view)) return;
  if (overflow(node, inner)) shrink(node, inner);
  else if (!view && !inner.querySelector("img")) grow(node, inner);
}

/** Make a view narrower until it is low enough: drawn at another size it would mistake where a click was. */
function fitView(node, inner, view) {
  for (let share = 1; share > 0.4; share -= 0.06) {
    view.style.width = `${100 * share}%`;
    if (!overflow(node, inner)) return true;
  }
  view.style.width = "";
  return false;
}

function shrink(node, inner) {
  for (let zoom = 1; overflow(node, inner) && zoom > SMALLEST; zoom *= 0.96) inner.style.zoom = String(zoom);
}

/** Larger by half at most, as long as a fifth of the height stays free. */
function grow(node, inner) {
  for (let zoom = 1.05; zoom < LARGEST; zoom += 0.05) {
    inner.style.zoom = String(zoom);
    if (!overflow(node, inner) && inner.scrollHeight < 0.8 * room(node, inner)) continue;
    inner.style.zoom = String(zoom - 0.05);
    return;
  }
}
