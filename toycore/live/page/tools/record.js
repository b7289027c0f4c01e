// What is seen, as a file: a picture (PNG), and a film (WebM) by the browser's own recorder.

import { write } from "../paint/text.js";
import { make } from "../widget/dom.js";
import { say } from "../widget/note.js";

/** @import { Ui } from "../types.js" */

/** The picture at the screen's resolution, under the view's title and the value of its main slider. @param {Ui} ui */
export function savePicture(ui) {
  const { look: { width, unit, colours }, nodes: { canvas }, meta: { title } } = ui;
  const size = (1.3 * unit * canvas.width) / width, top = Math.round(2.2 * size), room = canvas.width - 2 * size;
  const size2d = { width: canvas.width, height: canvas.height + top };
  const sheet = Object.assign(document.createElement("canvas"), size2d);
  const g = /** @type {CanvasRenderingContext2D} */ (sheet.getContext("2d"));
  g.fillStyle = colours.background;
  g.fillRect(0, 0, sheet.width, sheet.height);
  g.drawImage(canvas, 0, top);
  const style = { size, colour: colours.ink, base: /** @type {const} */ ("middle") };
  write(g, title, [size, top / 2], { ...style, weight: 650, max: 0.6 * room });
  write(g, captionOf(ui), [sheet.width - size, top / 2], { ...style, align: "right", max: 0.36 * room });
  sheet.toBlob((blob) => blob && save(ui, blob, "png"));
}

/** The main slider's name and value; sigma where it is no slider. @param {Ui} ui */
function captionOf({ controls, values }) {
  const [first] = controls, read = (/** @type {string} */ name) => first?.node.querySelector(name)?.textContent ?? "";
  const main = `${read(".tc-label")} ${read(".tc-value")}`.trim();
  return main || values.sigma === undefined ? main : `\u03C3 = ${values.sigma.toPrecision(3)}`;
}

/** The kinds of film, the first that the browser knows is taken. */
const KINDS = ["video/webm;codecs=vp9", "video/webm", "video/mp4"];

/**
 * Record from the start of play to its end, or stop recording.
 *
 * @param {Ui} ui @param {(on: boolean) => void} play starts from the beginning, or stops
 */
export function record(ui, play) {
  if (ui.recorder) return ui.recorder.stop();
  const kind = globalThis.MediaRecorder && KINDS.find((name) => MediaRecorder.isTypeSupported(name));
  if (!kind || !ui.nodes.canvas.captureStream) return say(ui, "This browser cannot record a film; take a picture.");
  if (ui.look.calm) return say(ui, "Your system asks for little motion, so nothing moves that could be recorded.");
  const recorder = new MediaRecorder(ui.nodes.canvas.captureStream(), { mimeType: kind, videoBitsPerSecond: 8e6 });
  const parts = /** @type {Blob[]} */ ([]), { clip } = ui.nodes.buttons;
  recorder.ondataavailable = ({ data }) => parts.push(data);
  recorder.onstop = () => {
    ui.recorder = null;
    clip.setAttribute("aria-pressed", "false");
    play(false);
    save(ui, new Blob(parts, { type: kind }), kind.includes("mp4") ? "mp4" : "webm");
  };
  ui.recorder = recorder;
  clip.setAttribute("aria-pressed", "true");
  say(ui, "Recording until play ends; press Record again to stop.", 3);
  recorder.start();
  play(true);
  watch(ui, recorder);
}

/** Stop a moment after play has ended. @param {Ui} ui @param {MediaRecorder} recorder */
function watch(ui, recorder) {
  if (recorder.state !== "recording") return;
  if (ui.values.playing) setTimeout(() => watch(ui, recorder), 100);
  else setTimeout(() => recorder.state === "recording" && recorder.stop(), 800);
}

/** Hand a file to the browser. @param {Ui} ui @param {Blob} blob @param {string} ending */
function save(ui, blob, ending) {
  const name = `${ui.meta.kind}-${ui.meta.title}`.toLowerCase().replace(/[^a-z0-9]+/g, "-").slice(0, 60);
  const link = make("a", { href: URL.createObjectURL(blob), download: `${name}.${ending}` });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  say(ui, `Saved as ${link.download}, ${Math.ceil(blob.size / 1000)} kB.`);
}
