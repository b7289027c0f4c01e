// Slides: the page as a deck that keys and a clicker turn.

import { deal, fit } from "./deck.js";
import { showAnswers } from "./predictions.js";
import { otherTheme } from "./theme.js";

const STEPS = { ArrowRight: 1, PageDown: 1, " ": 1, ArrowLeft: -1, PageUp: -1 };
const HINT = "→ next · ← back · C code · D dark or light · Esc leave";

let slides = [], at = -1, home = [], deck = null, place = null; // at: the slide shown, -1 outside of the presentation

/** Remember where every node stands, so that the page can be put together again. @param {Element} main */
function remember(main) {
  home = [main, ...main.querySelectorAll(".cell > .output")].map((parent) => [parent, [...parent.childNodes]]);
}

function build(main) {
  remember(main);
  deck = document.createElement("main");
  deck.id = "deck";
  place = Object.assign(document.createElement("p"), { id: "place" });
  place.setAttribute("role", "status");
  document.body.append(deck);
  document.body.classList.add("slides");
  deck.tabIndex = -1;
  slides = deal(main, deck);
  deck.append(place);
}

function turn(to) {
  slides[at]?.node.querySelector(".code")?.remove();
  at = Math.max(0, Math.min(slides.length - 1, to));
  slides.forEach(({ node }, i) => node.classList.toggle("now", i === at));
  place.textContent = `${at + 1} / ${slides.length}${at ? "" : `   ${HINT}`}`;
  watcher.disconnect();
  watcher.observe(slides[at].inner);
  fit(slides[at]);
  deck.focus({ preventScroll: true });
}

const watcher = new ResizeObserver(() => at >= 0 && requestAnimationFrame(() => fitNow()));
let fitted = "";

/** Fit again what grew after it was shown, once for each size. */
function fitNow() {
  const slide = slides[at];
  if (!slide) return;
  const size = `${at} ${innerWidth} ${innerHeight} ${slide.inner.scrollHeight}`;
  if (size === fitted) return;
  fit(slide);
  fitted = `${at} ${innerWidth} ${innerHeight} ${slide.inner.scrollHeight}`;
}

function start(main) {
  if (at >= 0) return;
  showAnswers();
  const top = [...main.children].find((node) => node.getBoundingClientRect().bottom > 80);
  build(main);
  const here = slides.findIndex(({ node }) => top && (node.contains(top) || top.contains(node)));
  turn(Math.max(0, here));
}

function leave() {
  if (at < 0) return;
  const here = slides[at].heading?.nodes[0];
  for (const { inner } of slides) inner.querySelectorAll(".view").forEach((view) => (view.style.width = ""));
  for (const [parent, nodes] of home) parent.replaceChildren(...nodes);
  watcher.disconnect();
  deck.remove();
  document.body.classList.remove("slides");
  [at, slides, home] = [-1, [], []];
  here?.scrollIntoView();
}

/** Reveal what a slide still hides, then go on. @param {number} by */
function go(by) {
  const slide = slides[at];
  if (by > 0 && slide.reveal) {
    slide.reveal();
    slide.reveal = undefined;
    fit(slide);
  } else turn(at + by);
}

/** The code of a slide, over it. */
function toggleCode() {
  const { node, code } = slides[at], shown = node.querySelector(".code");
  if (shown || !code.length) return shown?.remove();
  const box = document.createElement("div");
  box.className = "code";
  box.tabIndex = 0;
  box.append(...code.map((part) => part.cloneNode(true)));
  node.append(box);
  return box.focus();
}

const LETTERS = {
  c: toggleCode, d: otherTheme, Home: () => turn(0), End: () => turn(slides.length - 1), Escape: leave,
};

/** Page keys turn the slides from anywhere, as a clicker's must; all others are a view's while it has the focus. */
function keydown(event) {
  if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
  const paging = event.key === "PageDown" || event.key === "PageUp";
  if (!paging && event.target.closest?.("input, .tc-view")) return;
  if (event.key === " " && event.target.closest?.("button")) return;
  const act = STEPS[event.key] ? () => go(STEPS[event.key]) : LETTERS[event.key] ?? raised(event);
  if (!act) return;
  event.preventDefault();
  event.stopPropagation();
  act();
}

/** A digit counts a hand of that answer; with shift, one less. */
function raised({ code, shiftKey }) {
  const digit = /^(?:Digit|Numpad)([1-9])$/.exec(code)?.[1], hand = slides[at].hand;
  return digit && hand ? () => hand(digit - 1, shiftKey ? -1 : 1) : null;
}

export function startSlides(main) {
  document.getElementById("slides").onclick = () => start(main);
  addEventListener("keydown", keydown, true);
  addEventListener("beforeprint", leave);
}
