// The buttons, and the note on keys.

import { make } from "./dom.js";

/** @import { Meta } from "../types.js" */

/**
 * Of every button: its path in a 16 x 16 box, its word, and what it does.
 *
 * @type {Record<string, [path: string, word: string, name: string]>}
 */
const ICONS = {
  play: ["M4 2 L14 8 L4 14 Z", "Play", "play (space)"],
  pause: ["M3 2 H6.5 V14 H3 Z M9.5 2 H13 V14 H9.5 Z", "Pause", "pause (space)"],
  back: ["M11 3 L4 8 L11 13 Z M2 3 H3.6 V13 H2 Z", "Back", "back one step (left arrow)"],
  next: ["M5 3 L12 8 L5 13 Z M12.4 3 H14 V13 H12.4 Z", "Next", "next step (right arrow)"],
  reset: ["M8 2.2 A5.8 5.8 0 1 0 13.8 8 H12 A4 4 0 1 1 8 4 V6.6 L12.4 3.1 L8 0 Z", "Reset", "reset (R)"],
  renew: [
    "M2 2 H14 V14 H2 Z M3.6 3.6 V12.4 H12.4 V3.6 Z M5 5 H7 V7 H5 Z M9 9 H11 V11 H9 Z M9 5 H11 V7 H9 Z "
    + "M5 9 H7 V11 H5 Z", "New noise", "new noise (N)",
  ],
  fullscreen: [
    "M2 6 V2 H6 V3.6 H3.6 V6 Z M10 2 H14 V6 H12.4 V3.6 H10 Z M14 10 V14 H10 V12.4 H12.4 V10 Z "
    + "M6 14 H2 V10 H3.6 V12.4 H6 Z", "Full screen", "full screen (F)",
  ],
  link: [
    "M6.2 4 H4 A4 4 0 0 0 4 12 H6.2 V10.3 H4 A2.3 2.3 0 0 1 4 5.7 H6.2 Z M9.8 4 H12 A4 4 0 0 1 12 12 H9.8 V10.3 H12 "
    + "A2.3 2.3 0 0 0 12 5.7 H9.8 Z M5 7.1 H11 V8.9 H5 Z", "Copy link", "copy a link to this picture",
  ],
  help: ["", "Keys", "keys (?)"],
  more: ["M1 3 H15 V4.8 H1 Z M1 7.1 H15 V8.9 H1 Z M1 11.2 H15 V13 H1 Z", "More", "more controls (M)"],
};

/** @param {string} name */
function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  path.setAttribute("d", ICONS[name][0]);
  path.setAttribute("fill-rule", "evenodd");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}

/**
 * The buttons by their roles; act(role, byMouse) does what one is for.
 *
 * @param {string[]} roles @param {(role: string, byMouse: boolean) => void} act
 */
export function buttonsOf(roles, act) {
  return Object.fromEntries(roles.map((role) => {
    const [, word, name] = ICONS[role], button = make("button", { type: "button", "data-role": role, title: name });
    button.setAttribute("aria-label", name);
    button.append(role === "help" ? "?" : icon(role), make("span", { text: word }));
    button.onclick = (event) => act(role, event.detail > 0);
    return [role, button];
  }));
}

/**
 * Let the play button show what it would do now.
 *
 * @param {HTMLButtonElement | undefined} button @param {boolean} playing
 */
export function showPlaying(button, playing) {
  const face = playing ? "pause" : "play", [, word, name] = ICONS[face];
  if (!button || button.dataset.face === face) return;
  button.dataset.face = face;
  button.title = name;
  button.setAttribute("aria-label", name);
  button.replaceChildren(icon(face), make("span", { text: word }));
}

/** The note on keys. @param {Meta} meta */
export function helpOf(meta) {
  const list = make("dl");
  for (const [key, action] of keysOf(meta)) list.append(make("dt", { text: key }), make("dd", { text: action }));
  const about = meta.about ? [make("p", { text: meta.about })] : [];
  const box = make("div", {}, make("strong", { text: "Keys" }), list, ...about);
  return make("div", { class: "tc-help", hidden: true, role: "note" }, box);
}

/** Every key, and what it does. @param {Meta} meta @returns {[string, string][]} */
function keysOf({ buttons, probe, presets }) {
  /** @type {[unknown, string, string][]} */
  const keys = [
    [true, "space", "play, pause"], [true, "\u2190 \u2192", "step back, step on"], [true, "R", "reset"],
    [buttons.includes("renew"), "N", "new noise"], [probe, "shift + arrows", "move the point you look at"],
    [presets.length, `1\u2013${presets.length}`, "presets"], [true, "M", "more controls"],
    [true, "F", "full screen and back"],
    [true, "?", "show or hide this"],
  ];
  return keys.filter(([there]) => there).map(([, key, action]) => [key, action]);
}
