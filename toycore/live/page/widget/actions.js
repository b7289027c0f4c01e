// What buttons and keys do, and how the main slider moves by itself: play, steps, presets.

import { keep } from "../tools/compare.js";
import { changeType, otherTheme } from "../tools/look.js";
import { openNotes } from "../tools/notes.js";
import { changeSpeed, REST, toggleLoop } from "../tools/pace.js";
import { togglePen } from "../tools/pen.js";
import { record, savePicture } from "../tools/record.js";
import { link } from "./link.js";
import { byName, commit, controlFor, limit } from "./values.js";

/** @import { Play, Ui } from "../types.js" */

/** @type {Record<string, (ui: Ui) => void>} */
export const actions = {
  play(ui) {
    const { values, scene } = ui, play = playOf(ui);
    values.playing = !values.playing;
    ui.glide = null;
    if (values.playing) {
      if (isOver(ui, play) || scene.fresh?.()) byName(ui)[play.role] = play.from;
      scene.begin?.();
      if (ui.look.calm) Object.assign(values, { [play.role]: limit(ui, play.to), playing: false });
    }
    commit(ui, ["playing", play.role]);
    ui.refresh();
  },
  back: (ui) => nudge(ui, -1),
  next: (ui) => nudge(ui, 1),
  reset(ui) {
    Object.assign(ui.values, ui.meta.start, { playing: false });
    ui.glide = null;
    ui.scene.reset?.();
    commit(ui, [...Object.keys(ui.meta.start), "playing"]);
    ui.refresh();
  },
  renew(ui) {
    ui.values.seed += 1;
    ui.scene.begin?.();
    commit(ui, ["seed"]);
    ui.refresh();
  },
  fullscreen({ nodes: { root, status } }) {
    const refused = () => (status.textContent = "full screen is not allowed here");
    if (document.fullscreenElement === root) document.exitFullscreen();
    else root.requestFullscreen?.().catch(refused);
  },
  more(ui) {
    const { drawer, buttons } = ui.nodes;
    drawer.hidden = !drawer.hidden;
    buttons.more?.setAttribute("aria-expanded", String(!drawer.hidden));
    ui.resize();
  },
  link(ui) {
    if (ui.values.playing) actions.play(ui); // a moving picture has no link
    link(ui);
  },
  help({ nodes: { help } }) {
    help.hidden = !help.hidden;
  },
  keep,
  compare() {}, // is held, not clicked
  pen: togglePen,
  picture: savePicture,
  clip: (ui) => record(ui, (on) => playFromStart(ui, on)),
  notes: openNotes,
  theme: otherTheme,
  smaller: (ui) => changeType(ui, -1),
  larger: (ui) => changeType(ui, 1),
  slower: (ui) => changeSpeed(ui, -1),
  faster: (ui) => changeSpeed(ui, 1),
  loop: toggleLoop,
};

/** Play from the beginning, or stop. @param {Ui} ui @param {boolean} on */
function playFromStart(ui, on) {
  if (ui.values.playing) actions.play(ui);
  if (!on) return;
  byName(ui)[playOf(ui).role] = playOf(ui).from;
  actions.play(ui);
}

/**
 * A hand is on this slider: nothing else moves it.
 *
 * @param {Ui} ui @param {string} role
 */
export function hold(ui, role) {
  ui.glide = null;
  if (!ui.values.playing || playOf(ui).role !== role) return;
  ui.values.playing = false;
  commit(ui, ["playing", role]);
  ui.refresh();
}

/** What play moves. @param {Ui} ui */
const playOf = (ui) => ui.scene.play?.() ?? ui.meta.play;

/** A value on its slider's axis, linear or logarithmic, and back. @param {Ui} ui @param {string} role */
function axisOf(ui, role) {
  const same = (/** @type {number} */ v) => v, log = controlFor(ui, role)?.log ?? false;
  return { log, to: log ? Math.log : same, from: log ? Math.exp : same };
}

/** Whether the main slider stands at the end of play. @param {Ui} ui @param {Play} play */
function isOver(ui, { role, from, to }) {
  const axis = axisOf(ui, role), end = axis.to(limit(ui, to)), way = Math.abs(end - axis.to(from));
  return Math.abs(axis.to(byName(ui)[role]) - end) < 1e-4 * way;
}

/** Move the main slider by one step along the direction of play. @param {Ui} ui @param {number} direction */
export function nudge(ui, direction) {
  const { role, from, to, by } = playOf(ui), end = limit(ui, to), values = byName(ui), value = values[role];
  const sign = (end > from ? 1 : -1) * direction;
  const next = axisOf(ui, role).log ? value * by ** sign : Math.round(value / by + sign) * by;
  values[role] = Math.max(Math.min(from, end), Math.min(Math.max(from, end), next));
  values.playing = false;
  commit(ui, [role, "playing"]);
  ui.refresh();
}

/**
 * Glide to a preset, a lecturer's {role: value, ...}; returns whether there is one.
 *
 * @param {Ui} ui @param {number} number
 */
export function preset(ui, number) {
  const wanted = ui.meta.presets[number - 1];
  if (!wanted) return false;
  const values = byName(ui), roles = Object.keys(wanted);
  const glides = (/** @type {string} */ role) => !ui.look.calm && controlFor(ui, role)?.type === "range";
  for (const role of roles) if (!glides(role)) values[role] = wanted[role];
  const moves = roles.filter(glides).map((role) => ({ role, from: values[role], to: wanted[role] }));
  ui.glide = { share: 0, roles, moves };
  ui.refresh();
  return true;
}

/** Whether anything moves by itself; nothing does while A is shown. @param {Ui} ui */
export const isMoving = (ui) => (ui.values.playing || ui.glide !== null) && !ui.compared.b;

/** Let so many seconds pass. @param {Ui} ui @param {number} dt */
export function advance(ui, dt) {
  if (ui.values.playing) advancePlay(ui, dt);
  if (ui.glide) advanceGlide(ui, ui.glide, dt);
  ui.refresh();
}

/** @param {Ui} ui @param {number} dt */
function advancePlay(ui, dt) {
  const { role, from, to, seconds } = playOf(ui), axis = axisOf(ui, role), values = byName(ui);
  const a = axis.to(from), b = axis.to(limit(ui, to)), speed = ui.pace.speed / seconds;
  const now = axis.to(values[role]) + (b - a) * dt * speed;
  values[role] = axis.from(now);
  if (b > a ? now < b : now > b) return;
  values[role] = limit(ui, to);
  if (ui.pace.loop && !ui.recorder) return rest(ui, dt);
  values.playing = false;
  commit(ui, [role, "playing"]);
}

/** A loop stays at its end for a moment, and begins again. @param {Ui} ui @param {number} dt */
function rest(ui, dt) {
  ui.pace.rest += dt;
  if (ui.pace.rest < REST) return;
  const { role, from } = playOf(ui);
  ui.pace.rest = 0;
  byName(ui)[role] = from;
  ui.scene.begin?.();
}

/** @param {Ui} ui @param {NonNullable<Ui["glide"]>} glide @param {number} dt */
function advanceGlide(ui, glide, dt) {
  const t = (glide.share = Math.min(1, glide.share + dt / 0.7)), ease = t * t * (3 - 2 * t);
  for (const { role, from, to } of glide.moves) {
    const axis = axisOf(ui, role), a = axis.to(from);
    byName(ui)[role] = t < 1 ? axis.from(a + (axis.to(to) - a) * ease) : to;
  }
  if (t < 1) return;
  commit(ui, glide.roles);
  ui.glide = null;
}
