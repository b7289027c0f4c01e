// The playground: draw the data, see the exact field, train a network beside it.

import { percent, significant } from "../format.js";
import { placeOn } from "../maths/levels.js";
import { border, headline } from "../paint/chart.js";
import { arrowField, cells, dots, ring } from "../paint/marks.js";
import { aim, around, carried, place, within } from "../paint/pane.js";
import { backdrop, EPS, ERROR, swarm } from "../plane.js";
import { attach } from "../play/attach.js";
import { penDown, penMove, penUp } from "../play/drawing.js";
import { layer } from "../play/layer.js";
import { crowd } from "../play/measure.js";
import {
  drawCross, drawError, drawGuess, drawHeld, drawLoss, drawNearest, drawPoints, drawPosterior, drawText,
} from "../play/pictures.js";
import { places } from "../play/places.js";
import { paced, troubleOf } from "../play/runner.js";
import { Session } from "../play/session.js";
import { noise } from "../play/world.js";
import { mixtureOf } from "../fields.js";
import { widget } from "../widget/widget.js";

/** @import { Denoiser, Legend, Mark, Pair, Pane, Row, Run, Scene, Ui, View } from "../types.js" */
/** @import { PlayMeta } from "../play/session.js" */
/** @typedef {CanvasRenderingContext2D} Pen */

const WALK = 3, REST = 1.2; // seconds
const TITLES = ["your data, and the exact field", "what the network has learned", "its error, 5 \u00D7 as long"];
const SHORT = ["your data", "learned", "error, 5 \u00D7"]; // for small panes

/** @implements {Scene} */
class Playground {
  /** @param {View<PlayMeta>} view */
  constructor(view) {
    this.view = view;
    this.frame = view.meta.frames[0];
    this.session = new Session(view);
    this.backdrop = backdrop(view);
    this.layers = Array.from({ length: 6 }, layer); // the grounds of the panes, arrows of two of them, the curves
    this.paces = [90, 65, 85].map(paced); // of the curves, and of either field that learns: rarely in one frame
    this.places = places(view.look, 900, 500, 0);
    this.front = 0; // the large pane of a narrow screen
    this.seed = view.values.seed;
    this.last = 0; // the time of the frame before
    /** @type {Pair | null} where the pointer is, in the plane */
    this.pointer = null;
    /** @type {Pair | null} where the pen of the keyboard is */
    this.cross = null;
    /** @type {Run[]} the walks of the exact field's and of the network's particles */
    this.walks = [];
    this.show = () => {};
  }

  get panes() {
    return this.places.panes;
  }

  /** @param {Ui} ui */
  attach(ui) {
    this.ui = ui;
    this.show = attach(ui, this.session, {
      panes: () => this.panes,
      look: (at) => {
        this.pointer = at;
        ui.ask();
      },
      tap: (at, pane) => this.tap(at, pane),
    });
    this.session.fetch();
  }

  /** A tap beside the drawing: a guess, or another pane comes to the front. @param {Pair} at @param {number} pane */
  tap(at, pane) {
    if (!this.places.wide && pane !== this.front) this.front = pane;
    else if (pane === 1 && !this.session.run.net) this.session.guess = at;
    this.ui?.resize();
  }

  /** @param {number} width @param {number} room */
  arrange(width, room) {
    this.places = places(this.view.look, width, room, this.front);
    return this.places.height;
  }

  picture() {
    return around(this.places.wide ? this.panes.slice(0, 2) : [this.panes[this.front]]);
  }

  // ---- time

  /** Let the particles walk; returns how far they are, in steps. */
  tick() {
    const { session, session: { run }, view: { values, look } } = this, now = performance.now() / 1000;
    const dt = Math.min(0.1, now - this.last);
    this.last = now;
    if (values.playing) return placeOn(this.walks[0].walk.sigmas, values.sigma);
    session.since += dt;
    if (session.since > WALK + REST && run.running) session.since = 0;
    if (session.since < dt || !this.walks.length) this.begin();
    const walking = run.net && session.since < WALK && !look.calm;
    if (run.running || walking) this.ui?.ask();
    const steps = this.walks[0].walk.sigmas.length - 1;
    return look.calm ? steps : Math.min(1, session.since / WALK) * steps;
  }

  /** Particles start again; with another seed, so does the training. */
  begin() {
    const { session, view: { values: { seed }, meta: { rule } } } = this;
    this.walks = [session.world.exact, session.learned].map((D) => crowd(seed, D, rule));
    if (seed === this.seed) return;
    this.seed = seed;
    session.reseeded();
  }

  /** Play begins with the noise, wherever the arrows' level stands. */
  fresh() {
    return true;
  }

  // ---- the picture

  /** @param {Pen} g */
  draw(g) {
    const { view, session, places: { graphs }, panes } = this, { sigma, playing } = view.values, p = this.tick();
    this.show();
    for (const pane of panes) aim(view.meta, pane, this.frame, sigma, playing ? sigma : 0);
    this.drawExact(g, panes[0], p);
    this.drawLearned(g, panes[1], p);
    this.drawBeside(g, panes[2]);
    if (!graphs.length) return;
    const { look, look: { colours, unit } } = view, { run } = session, keys = [run.job, run.steps, colours, unit];
    this.layers[5](g, this.places.column, [this.paces[0](run), ...keys], (own) => {
      drawLoss(own, graphs[0], look, run);
      drawError(own, graphs[1], look, run);
    });
  }

  /**
   * The ground of a pane, and on it the arrows of a field that learns.
   *
   * @param {Pen} g @param {number} i @param {unknown} beside the network, where it is not the page's own
   * @param {() => Float32Array} eps @param {string} colour
   */
  drawField(g, i, beside, eps, colour, sign = -1, c = 1) {
    const { panes: { [i]: pane }, session: { run } } = this;
    this.layers[2 + i](g, pane, [...this.keys(pane), this.paces[i](run), run.job, beside, colour], (own) => {
      this.drawGround(own, i, false);
      this.drawArrows(own, pane, eps(), colour, sign, c);
    });
  }

  /**
   * What does not move in a pane: density and points, and the exact arrows.
   *
   * @param {Pen} g @param {number} i @param {boolean} exact
   */
  drawGround(g, i, exact) {
    const { view, session: { world }, panes } = this, pane = panes[i], { values: { sigma, arrows }, look } = view;
    this.layers[i](g, pane, this.keys(pane), (own) => {
      own.fillStyle = look.colours.background;
      own.fillRect(pane.x, pane.y, pane.w, pane.w);
      if (!world.n) return;
      this.backdrop(own, pane, sigma, this.frame, -1);
      const eps = exact && arrows ? world.exactNoise(pane, sigma, this.grid(pane)) : null;
      if (eps) this.drawArrows(own, pane, eps, look.colours.exact);
      own.globalAlpha = exact ? 1 : 0.5;
      drawPoints(own, pane, world, Math.max(1.6, pane.w * (world.n > 600 ? 0.003 : 0.0055)));
    });
  }

  /** What the ground of a pane hangs on. @param {Pane} pane @returns {unknown[]} */
  keys({ half, centre }) {
    const { values: { sigma, density, arrows, label, guidance }, look: { colours, unit } } = this.view;
    return [this.session.world.data, sigma, density, arrows, label, guidance, colours, unit, half, ...centre];
  }

  /** The places of a pane's arrows. @param {Pane} pane */
  grid(pane) {
    return cells(pane, Math.max(11, Math.min(25, Math.round(pane.w / 21))));
  }

  /**
   * Arrows of -eps_hat, or of a difference (sign 1).
   *
   * @param {Pen} g @param {Pane} pane @param {Float32Array} eps @param {string} colour
   */
  drawArrows(g, pane, eps, colour, sign = -1, c = 1) {
    const at = this.grid(pane);
    g.globalAlpha = 0.75;
    arrowField(g, pane, at, eps.map((v) => sign * v), c, colour, Math.round(Math.sqrt(at.length / 2)));
    g.globalAlpha = 1;
  }

  /** What a pane is called, as far as there is room. @param {number} i */
  title(i) {
    return (this.panes[i].w < 0.54 * this.view.look.unit * TITLES[i].length ? SHORT : TITLES)[i];
  }

  /** @param {Pen} g @param {Pane} pane @param {number} p */
  drawExact(g, pane, p) {
    const { view, session: { world, drawing }, pointer } = this, { sigma, playing } = view.values, { look } = view;
    within(g, pane, () => {
      this.drawGround(g, 0, true);
      if (playing && world.n) swarm(view, g, pane, this.walks[0], p, this.frame, sigma);
      else if (pointer && world.n) drawPosterior(g, pane, mixtureOf(view), sigma, pointer, look);
      if (this.cross) drawCross(g, pane, this.cross, look.colours.accent, 0.7 * look.unit);
      const invitation = ["Draw here", "a line, taps, a word: anything"];
      if (!world.n) drawText(g, pane, invitation, look.colours.ink, 1.3 * look.unit);
    });
    border(g, pane, look, this.title(0));
    if (world.n) headline(g, pane, look, `\u03C3 = ${significant(sigma)}`, drawing.down ? `${world.n} points` : "");
  }

  /** @param {Pen} g @param {Pane} pane @param {number} p */
  drawLearned(g, pane, p) {
    const { view, session: { run, world, guess, ends } } = this, { look, values: { sigma, playing, arrows } } = view;
    within(g, pane, () => {
      if (!run.net || !arrows) this.drawGround(g, 1, false);
      if (!run.net) return this.drawNoise(g, pane);
      const eps = () => noise(this.session.learned, sigma, this.grid(pane));
      if (arrows) this.drawField(g, 1, null, eps, look.colours.learned);
      this.drawCopies(g, pane);
      swarm(view, g, pane, this.walks[1], p, this.frame, playing ? sigma : 0);
      if (guess && !playing) drawGuess(g, pane, guess, ends ? [ends[0], ends[1]] : null, look);
    });
    border(g, pane, look, this.title(1));
    if (run.problem) return this.drawProblem(g, pane);
    if (run.net) headline(g, pane, look, `field error ${significant(run.error)}`, this.verdict());
    else if (world.n && !run.running) headline(g, pane, look, ...this.question(pane));
  }

  /** Why there is no network. @param {Pen} g @param {Pane} pane */
  drawProblem(g, pane) {
    const { session: { run }, view: { look } } = this, why = run.step ? "Training diverged" : "No training";
    drawText(g, pane, [why, ...run.problem.split(/[:;] /)], look.colours.ink, look.unit);
  }

  /** Nearest drawn points and held-out ones, where they are asked for. @param {Pen} g @param {Pane} pane */
  drawCopies(g, pane) {
    const { session: { world, ends }, view: { values: { copies }, look: { colours } } } = this;
    if (!copies || !ends) return;
    drawHeld(g, pane, world.held, Math.max(2, pane.w * 0.006), colours.exact);
    drawNearest(g, pane, ends, world.drawn, colours.sample);
  }

  /**
   * Before a training: the noise that will walk, and the point whose end is to be guessed.
   *
   * @param {Pen} g @param {Pane} pane
   */
  drawNoise(g, pane) {
    const { view, session: { world, guess } } = this, { sample, accent } = view.look.colours;
    if (!world.n || view.values.playing) return;
    const x = carried(view.meta.box, this.walks[1].walk.xs[0], view.meta.high, 0);
    dots(g, pane, x, Math.max(1.5, pane.w * 0.0042), sample);
    ring(g, place(pane, [x[0], x[1]]), 0.55 * view.look.unit, accent);
    if (guess) drawGuess(g, pane, guess, null, view.look);
  }

  /**
   * What is asked before a training; a small pane has to be tapped first.
   *
   * @param {Pane} pane @returns {[string, string]}
   */
  question(pane) {
    const { guess } = this.session, small = pane.w < 16 * this.view.look.unit;
    if (guess) return ["Now train", small ? "" : "Your guess is marked."];
    return ["Guess first", small ? "Tap here." : "Where will the ringed point end? Tap there."];
  }

  /** What the samples say, in short. */
  verdict() {
    const { session } = this, { guess, ends, world } = session, trouble = troubleOf(session.run);
    if (trouble) return trouble;
    if (!ends) return `step ${session.run.step} of ${session.run.steps}`;
    const { copied, by } = session.judge(ends);
    if (guess) return `your guess is ${Math.hypot(guess[0] - ends[0], guess[1] - ends[1]).toFixed(2)} off`;
    return world.held.length ? `copies ${percent(copied)} %, by chance ${percent(by)} %` : "";
  }

  /** The error, or a network beside. @param {Pen} g @param {Pane} pane */
  drawBeside(g, pane) {
    const { view, session: { run, world, rival } } = this, { sigma, arrows, beside } = view.values, { look } = view;
    const kept = beside === "kept" && rival, D = kept ? kept.D : this.session.learned;
    within(g, pane, () => {
      if (kept ? !arrows : !run.net) this.drawGround(g, 2, false);
      if (!kept && !run.net) return;
      const eps = () => noise(/** @type {Denoiser} */ (D), sigma, this.grid(pane));
      if (kept) {
        if (arrows) this.drawField(g, 2, rival, eps, look.colours.learned);
        if (kept.ends) dots(g, pane, kept.ends, Math.max(1.5, pane.w * 0.006), look.colours.sample);
      } else {
        const exact = world.exactNoise(pane, sigma, this.grid(pane));
        this.drawField(g, 2, null, () => eps().map((v, i) => v - exact[i]), look.colours.accent, 1, ERROR.c);
      }
    });
    border(g, pane, look, kept ? kept.title : this.title(2));
    if (!kept) return;
    const error = Number.isFinite(kept.error) ? `error ${significant(kept.error)}` : "";
    headline(g, pane, look, error, this.besideVerdict());
  }

  /** Copies of the network beside. */
  besideVerdict() {
    const { session: { rival, world }, session } = this;
    if (!rival?.ends || !world.held.length) return "";
    return `copies ${percent(session.judge(rival.ends).copied)} %`;
  }

  // ---- in words and numbers

  /** @returns {Row[]} */
  readouts() {
    const { session, session: { run, world, ends }, view: { values } } = this;
    const rows = /** @type {Row[]} */ ([["points", String(world.n)], ["seed", String(values.seed)]]);
    if (!run.net) return rows;
    const { step, steps, loss, floor, error, msPerStep, kernels } = run;
    rows.push(
      ["step", `${step} of ${steps}`], ["loss, and the exact answer's", `${loss.toFixed(2)}, ${floor.toFixed(2)}`],
      ["field error", significant(error)], ["a step takes", `${msPerStep.toFixed(2)} ms (${kernels})`],
    );
    if (!ends) return rows;
    const { copied, by, distance } = session.judge(ends), share = `${percent(copied)} % (by chance ${percent(by)} %)`;
    rows.push(["distance to the nearest drawn point", distance.toFixed(3)]);
    return world.held.length ? [...rows, ["nearer to a drawn than to a held-out point", share]] : rows;
  }

  describe() {
    const { session: { run, world }, view: { values: { sigma } } } = this;
    const arrows = `arrows of the exact field at sigma ${significant(sigma)}`;
    const data = world.n ? `${world.n} points are drawn; ${arrows}.` : "Nothing is drawn yet.";
    if (run.problem) return `${data} ${run.problem}.`;
    if (!run.net) return `${data} No network is trained yet.`;
    const error = `After ${run.step} of ${run.steps} steps the field error is ${significant(run.error)}.`;
    return `${data} ${error} ${this.verdict()}.`;
  }

  /** @returns {Legend} */
  legend() {
    const { view: { look: { colours: c }, values }, session: { run, world } } = this;
    const nameOf = (/** @type {number} */ drawn) => `class ${["blue", "green", "purple"][drawn]}`;
    const data = world.used.length > 1
      ? world.used.map((drawn) => /** @type {Mark} */ ([world.hue(drawn), nameOf(drawn)]))
      : [/** @type {Mark} */ ([c.data, "data"])];
    return {
      scale: values.arrows ? EPS : undefined,
      marks: [
        ...data, [c.exact, "exact", "line"], [c.learned, "learned", "line"],
        [c.sample, "particles, the far ones drawn nearer"],
        ...(values.copies && run.net ? [/** @type {Mark} */ ([c.exact, "held out"])] : []),
      ],
    };
  }

  reset() {
    this.cross = this.pointer = null;
    this.walks = [];
    this.seed = this.view.values.seed;
    this.session.restart();
  }

  points() {
    return Array.from(this.session.ends ?? []);
  }

  // ---- the keyboard's pen

  /** @param {number} dx @param {number} dy */
  move(dx, dy) {
    const [x, y] = this.cross ?? [0, 0], by = 0.04, at = /** @type {Pair} */ ([x + dx * by, y + dy * by]);
    this.cross = this.pointer = at;
    penMove(this.session.drawing, ...at);
  }

  /** @param {string} key */
  key(key) {
    const { drawing } = this.session;
    if (key === "t" || key === "T") this.session.train();
    else if (key === "Enter") {
      this.cross ??= [0, 0];
      if (drawing.down) penUp(drawing);
      else penDown(drawing, ...this.cross);
      if (drawing.tool === "erase") penUp(drawing);
    } else return false;
    this.ui?.refresh();
    return true;
  }

  /** What a link holds besides the values. */
  kept() {
    return this.session.kept();
  }

  /** @param {Record<string, any>} kept */
  restore(kept) {
    this.session.restore(kept);
  }
}

export default widget((/** @type {View<PlayMeta>} */ view) => new Playground(view));
