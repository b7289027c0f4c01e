// The buttons, and the note on keys.

import { make } from "./dom.js";
import { icon, ICONS } from "./icons.js";

/** @import { Meta } from "../types.js" */

/** The lecturer's tools, in every view. */
export const TOOLS = ["keep", "compare", "pen", "picture", "clip", "notes", "theme", "smaller", "larger"];

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
    [true, "F", "full screen and back"], [true, "< >", "slower, faster"], [true, "L", "play again and again"],
    [true, "A", "keep what is shown as A"], [true, "C held", "show A"], [true, "P", "a pen that fades"],
    [true, "shift + N", "lecturer's notes"], [true, "T", "dark or light"], [true, "+ \u2212", "larger, smaller type"],
    [true, "?", "show or hide this"],
  ];
  return keys.filter(([there]) => there).map(([, key, action]) => [key, action]);
}
