// The lecturer's notes in a second window: the guide's section, the time, what comes next.
//
// The sections travel with the page (a script of the type application/json with the id "notes"); the second window is
// this page's own, so it needs no network and works from a disk.

import { make } from "../widget/dom.js";
import { say } from "../widget/note.js";

/** @import { Ui } from "../types.js" */

/**
 * A section of the guide; plan: minutes, and what happens in them.
 *
 * @typedef {{ title: string, aim: string, plan: [number, string][], ask: string[], keys: string, wrong: string,
 *   mistaken: string }} Section
 */
/** @typedef {{ since: number, before: number, runs: boolean }} Clock  milliseconds that ran before `since` */
/** @typedef {Window & { tcClock?: Clock, tcTick?: number }} Notes */

const BLOCKED = "The browser has blocked the second window: allow pop-ups for this page, then press shift + N again.";

/** Open the notes, or bring them to the front. @param {Ui} ui */
export function openNotes(ui) {
  const there = /** @type {Notes | null} */ (window.open("", "tc-notes", "popup,width=720,height=860"));
  if (!there) return say(ui, BLOCKED, 12);
  there.tcClock ??= { since: Date.now(), before: 0, runs: true };
  const list = sections(), choice = make("select", { "aria-label": "section" }), body = make("main");
  choice.append(...list.map(({ title }, i) => make("option", { value: String(i), text: title })));
  choice.hidden = list.length < 2;
  const show = () => body.replaceChildren(...contentOf(ui, list[Number(choice.value)]));
  choice.onchange = show;
  show();
  const { document: page } = there;
  page.documentElement.lang = "en";
  page.head.replaceChildren(make("title", { text: "Notes" }), make("style", { text: styleOf(ui) }));
  page.body.replaceChildren(timeOf(there, choice), body);
  clearInterval(there.tcTick);
  there.tcTick = there.setInterval(() => tick(there), 500);
  tick(there);
  there.focus();
}

/** The sections that this page brings. @returns {Section[]} */
export const sections = () => JSON.parse(document.getElementById("notes")?.textContent || "[]");

/** @param {Clock} clock @param {number} now */
const elapsed = ({ since, before, runs }, now) => before + (runs ? now - since : 0);

/** @param {number} ms */
export const clockText = (ms) => {
  const s = Math.floor(ms / 1000);
  return `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`;
};

/**
 * The time, buttons that stop it and begin anew, and the choice of a section.
 *
 * @param {Notes} there @param {HTMLElement} choice
 */
function timeOf(there, choice) {
  const pause = make("button", { type: "button", text: "Pause" });
  const again = make("button", { type: "button", text: "Start again" });
  const set = (/** @type {number} */ before, /** @type {boolean} */ runs) => {
    there.tcClock = { since: Date.now(), before, runs };
    pause.textContent = runs ? "Pause" : "Go on";
    tick(there);
  };
  const clock = () => /** @type {Clock} */ (there.tcClock);
  pause.onclick = () => set(elapsed(clock(), Date.now()), !clock().runs);
  again.onclick = () => set(0, true);
  const time = make("output", { class: "time" }), next = make("p", { class: "next" });
  return make("header", {}, time, pause, again, next, choice);
}

/** Bring the time up to date, and mark what the plan holds for now. @param {Notes} there */
function tick({ tcClock, document: page }) {
  const time = page.querySelector(".time"), next = page.querySelector(".next");
  if (!tcClock || !time || !next) return;
  const ms = elapsed(tcClock, Date.now()), rows = [...page.querySelectorAll("tr[data-from]")];
  const at = (/** @type {Element} */ row) => 60_000 * Number(/** @type {HTMLElement} */ (row).dataset.from);
  const coming = rows.find((row) => at(row) > ms), now = rows.filter((row) => at(row) <= ms).at(-1);
  for (const row of rows) row.classList.toggle("now", row === now);
  time.textContent = clockText(ms);
  next.textContent = coming ? `in ${clockText(at(coming) - ms)}: ${coming.lastChild?.textContent}` : "";
}

/** What the guide says, and the view's presets. @param {Ui} ui @param {Section | undefined} section */
function contentOf({ meta }, section) {
  const presets = meta.presets.map((preset, i) => {
    const values = Object.entries(preset).map(([role, value]) => `${role} = ${value}`).join(", ");
    return make("li", {}, make("b", { text: `${i + 1}` }), ` ${values}`);
  });
  const own = presets.length ? [make("h2", { text: `Presets of "${meta.title}"` }), make("ul", {}, ...presets)] : [];
  if (!section) return [...own, make("p", { text: "The lecturer's guide has no section for this page." })];
  const { title, aim, plan, ask, keys, wrong, mistaken } = section;
  const texts = { "Views and keys": keys, "What goes wrong": wrong, "What students believe": mistaken };
  return [
    make("h1", { text: title }), make("p", {}, ...marked(aim)), planOf(plan), make("h2", { text: "Ask first" }),
    make("ul", {}, ...ask.map((question) => make("li", {}, ...marked(question)))), ...own,
    ...Object.entries(texts).flatMap(([name, text]) => [make("h2", { text: name }), make("p", {}, ...marked(text))]),
  ];
}

/** The plan with the minute at which each part begins. @param {[number, string][]} plan */
function planOf(plan) {
  let from = 0;
  const rows = plan.map(([minutes, what]) => {
    const row = make("tr", { "data-from": String(from) }, make("td", { text: `${from}\u2013${from + minutes}` }));
    from += minutes;
    row.append(make("td", {}, ...marked(what)));
    return row;
  });
  return make("table", {}, make("tbody", {}, ...rows));
}

/** A text whose `code` and *emphasis* are set as such. @param {string} text @returns {(Node | string)[]} */
function marked(text) {
  return text.split(/(`[^`]+`|\*[^*]+\*)/).map((part) => {
    if (/^`.+`$/.test(part)) return make("code", { text: part.slice(1, -1) });
    return /^\*.+\*$/.test(part) ? make("em", { text: part.slice(1, -1) }) : part;
  });
}

/** @param {Ui} ui */
const styleOf = ({ look: { dark, colours: { background, ink, faint, accent } } }) => `
  :root { color-scheme: ${dark ? "dark" : "light"}; }
  body { max-width: 44rem; margin: 0 auto; padding: 0 1.2rem 2rem; background: ${background}; color: ${ink};
    font: 1.1rem/1.45 system-ui, "Noto Sans", "DejaVu Sans", sans-serif; }
  header { position: sticky; top: 0; padding: 0.8rem 0; background: ${background}; border-bottom: 1px solid ${faint}; }
  .time { margin-right: 1rem; font-size: 2.6rem; font-weight: 700; font-variant-numeric: tabular-nums; }
  .next { margin: 0; min-height: 1.45em; font-weight: 600; }
  h1 { font-size: 1.4rem; } h2 { margin-bottom: 0; font-size: 1.1rem; } p, ul { margin-top: 0.3rem; }
  table { font: inherit; }
  button, select { margin-right: 0.4rem; padding: 0.3rem 0.7rem; font: inherit; }
  td { padding: 0.2rem 0.8rem 0.2rem 0.5rem; vertical-align: top; border-left: 4px solid transparent; }
  tr.now td { font-weight: 650; } tr.now td:first-child { border-color: ${accent}; }`;
