// Light or dark, and the colours of either, which Python sends.

import { finer, rgb } from "../paint/raster.js";

/** @import { Colours, Look, Palette } from "../types.js" */
/** @typedef {{ light: Palette, dark: Palette }} Palettes */

/** JupyterLab and VS Code say it on the body, other pages on the document; elsewhere the system's wish counts. */
export function isDark(/** @type {HTMLElement | undefined} */ root) {
  if (root?.dataset.chosen) return root.dataset.chosen === "dark"; // by hand
  const { body, documentElement } = document;
  const lab = body.dataset.jpThemeLight ?? documentElement.dataset.jpThemeLight;
  if (lab) return lab === "false";
  const kind = body.dataset.vscodeThemeKind ?? body.className;
  if (/vscode/.test(kind)) return /dark|high-contrast(?!-light)/.test(kind);
  const page = documentElement.getAttribute("theme") ?? documentElement.dataset.theme;
  if (page) return page === "dark";
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** A palette with its density ramp as fine as a canvas can show it. @param {Palette} palette @returns {Colours} */
export const coloursOf = (palette) => ({ ...palette, density: finer(palette.density.map(rgb), 8) });

/**
 * Dress a view: its colours, and those of the style sheet's variables.
 *
 * @param {HTMLElement} root @param {Palettes} palettes @param {Look} look
 */
export function dress(root, palettes, look) {
  look.dark = paintRoot(root, palettes);
  look.colours = coloursOf(palettes[look.dark ? "dark" : "light"]);
}

/**
 * Set the style sheet's variables; return whether they are dark.
 *
 * @param {HTMLElement} root @param {Palettes} palettes
 */
export function paintRoot(root, palettes) {
  const dark = isDark(root), palette = palettes[dark ? "dark" : "light"];
  root.dataset.theme = dark ? "dark" : "light";
  for (const name of /** @type {const} */ (["background", "ink", "faint", "accent", "exact", "sample"])) {
    root.style.setProperty(`--tc-${name}`, palette[name]);
  }
  return dark;
}

/** Call act() whenever the theme may have changed; returns what ends this. @param {() => void} act */
export function watchTheme(act) {
  const watcher = new MutationObserver(act), wish = matchMedia("(prefers-color-scheme: dark)");
  for (const place of [document.body, document.documentElement]) watcher.observe(place, { attributes: true });
  wish.addEventListener("change", act);
  return () => {
    watcher.disconnect();
    wish.removeEventListener("change", act);
  };
}
