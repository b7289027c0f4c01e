// The buttons' pictures and names.

/**
 * Of every button: its path in a 16 x 16 box, its word, and what it does.
 *
 * @type {Record<string, [path: string, word: string, name: string]>}
 */
export const ICONS = {
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
    + "A2.3 2.3 0 0 0 12 5.7 H9.8 Z M5 7.1 H11 V8.9 H5 Z", "Copy link", "copy link to this picture",
  ],
  help: ["", "Keys", "keys (?)"],
  more: ["M1 3 H15 V4.8 H1 Z M1 7.1 H15 V8.9 H1 Z M1 11.2 H15 V13 H1 Z", "More", "more controls (M)"],
  keep: ["M3 1 H13 V15 L8 11 L3 15 Z", "Keep as A", "keep as A what is shown (A)"],
  compare: [
    "M2 2 H14 V14 H2 Z M3.6 3.6 V12.4 H7.2 V3.6 Z", "Hold for A", "hold for A: it is shown as long (C)",
  ],
  pen: [
    "M11.5 1 L15 4.5 L5.5 14 L1 15 L2 10.5 Z M3.4 11.2 L4.8 12.6 L12.9 4.5 L11.5 3.1 Z", "Pen", "a pen that fades (P)",
  ],
  theme: ["M8 1 A7 7 0 1 0 8 15 A7 7 0 1 0 8 1 Z M8 2.7 A5.3 5.3 0 0 1 8 13.3 Z", "Dark or light", "dark or light (T)"],
  smaller: ["M2 7 H14 V9 H2 Z", "Smaller type", "smaller type (minus)"],
  larger: ["M7 2 H9 V7 H14 V9 H9 V14 H7 V9 H2 V7 H7 Z", "Larger type", "larger type (plus)"],
  picture: [
    "M1 2 H15 V14 H1 Z M2.6 3.6 V10.5 L6 7 L9 10 L11 8.4 L13.4 10.6 V3.6 Z M10.5 4.6 H12.3 V6.4 H10.5 Z",
    "Save picture", "save picture (PNG)",
  ],
  clip: [
    "M8 1 A7 7 0 1 0 8 15 A7 7 0 1 0 8 1 Z M8 4.5 A3.5 3.5 0 1 1 8 11.5 A3.5 3.5 0 1 1 8 4.5 Z",
    "Record", "record play as a film (WebM)",
  ],
  notes: [
    "M2 1 H11 L14 4 V15 H2 Z M4.5 5 V6.4 H11.5 V5 Z M4.5 8 V9.4 H11.5 V8 Z M4.5 11 V12.4 H9 V11 Z",
    "Notes", "the lecturer's notes in a second window (shift + N)",
  ],
};

/** A button's picture. @param {string} name */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = svg.appendChild(document.createElementNS("http://www.w3.org/2000/svg", "path"));
  path.setAttribute("d", ICONS[name][0]);
  path.setAttribute("fill-rule", "evenodd");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  return svg;
}
