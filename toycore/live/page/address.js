// A view's state in a page's address, so that a link is an experiment:
//
//     page.html#sigma=0.3&frame=VP&density=on&seed=4&at=0.25,-1&points=~Ag4C&hide=noise,more
//
//     write(state, box) -> text             state -> "sigma=0.3&frame=VP&..."
//     read(text, box) -> {state, refused}   and back; what cannot be read is left out, and `refused` says why, in words
//     join(hash, key, text) -> hash         the address with this text for the view `key`; other views keep theirs
//     part(hash, key) -> text               the text of the view `key`, "" where the address has none
//
// A state is a record of plain values: true and false ("on", "off"), numbers, strings, short lists of numbers
// ("0.25,-1"), and points as a Float32Array x0 y0 x1 y1 ..., kept to a thousandth of the box's side. A box is
// {centre: [x, y], half}. The key of a page's only view is "", and of several v1, v2, ...: "v2.sigma=0.3".
//
// Nothing here knows a page or a view: whether a value is allowed is asked by whoever takes it (widget/state.js).

/** @import { Pair, State } from "./types.js" */
/** @typedef {{ centre: Pair, half: number }} Square */

const NAME = /^[A-Za-z][\w-]*$/;
const NUMBER = "-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?";
const ONE = new RegExp(`^${NUMBER}$`), LIST = new RegExp(`^(?:${NUMBER},)+(?:${NUMBER})?$`);
const PARTS = 1000; // of the box's side: what points are kept to
const MOST = 20_000; // points in an address
/** @type {Square} */
const UNIT = { centre: [0, 0], half: 1 };

/** A state as text. @param {State} state @param {Square} [box] of its points */
export function write(state, box = UNIT) {
  return Object.entries(state).map(([name, value]) => `${name}=${writeValue(value, box)}`).join("&");
}

/** A text as a state. @param {string} text @param {Square} [box] of its points */
export function read(text, box = UNIT) {
  /** @type {State} */
  const state = {};
  const refused = /** @type {string[]} */ ([]);
  for (const piece of text.split("&").filter(Boolean)) {
    const [name, value] = halves(piece);
    try {
      if (!NAME.test(name) || value === null) throw new Error("is not name=value");
      if (Object.hasOwn(state, name)) throw new Error("stands there twice");
      state[name] = readValue(value, box);
    } catch (error) {
      refused.push(`\u201C${shortened(piece)}\u201D ${/** @type {Error} */ (error).message}`);
    }
  }
  return { state, refused };
}

/** The text of one view in an address. @param {string} hash @param {string} key */
export const part = (hash, key) => pieces(hash).filter((piece) => keyOf(piece) === key)
  .map((piece) => piece.slice(key ? key.length + 1 : 0)).join("&");

/** The address with this text for one view. @param {string} hash @param {string} key @param {string} text */
export function join(hash, key, text) {
  const others = pieces(hash).filter((piece) => keyOf(piece) !== key);
  const own = pieces(text).map((piece) => (key ? `${key}.${piece}` : piece));
  return `#${[...others, ...own].join("&")}`;
}

/** What stands between the ampersands; an address without "=" is the anchor of a heading. @param {string} hash */
const pieces = (hash) => (hash.includes("=") ? hash.replace(/^#/, "").split("&").filter(Boolean) : []);

/** The view that a piece belongs to. @param {string} piece */
const keyOf = (piece) => /^([A-Za-z][\w-]*)\.[^=]*=/.exec(piece)?.[1] ?? "";

/** What stands before and after the first "=". @param {string} piece @returns {[string, string | null]} */
function halves(piece) {
  const at = piece.indexOf("=");
  return at < 0 ? [piece, null] : [piece.slice(0, at), piece.slice(at + 1)];
}

/** @param {string} text */
const shortened = (text) => (text.length > 40 ? `${text.slice(0, 37)}...` : text);

// ---- one value

/** @param {State[string]} value @param {Square} box */
function writeValue(value, box) {
  if (typeof value === "boolean") return value ? "on" : "off";
  if (value instanceof Float32Array) return `~${pack(value, box)}`;
  if (Array.isArray(value)) return `${value.join(",")}${value.length > 1 ? "" : ","}`;
  if (typeof value === "number") return String(value);
  const plain = value === "on" || value === "off" || /^['~]/.test(value) || ONE.test(value) || LIST.test(value);
  return encodeURIComponent(plain ? `'${value}` : value).replaceAll("%2C", ",");
}

/** @param {string} raw @param {Square} box @returns {State[string]} */
function readValue(raw, box) {
  const text = decoded(raw);
  if (text === "on" || text === "off") return text === "on";
  if (ONE.test(text)) return finite(text);
  if (LIST.test(text)) return text.replace(/,$/, "").split(",").map(finite);
  if (text.startsWith("~")) return unpack(text.slice(1), box);
  return text.startsWith("'") ? text.slice(1) : text;
}

/** @param {string} raw */
function decoded(raw) {
  try {
    return decodeURIComponent(raw);
  } catch {
    throw new Error("has a percent sign that stands for no letter");
  }
}

/** @param {string} text */
function finite(text) {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new Error("is too large a number");
  return value;
}

// ---- points

/**
 * Points as base64url: their count, then each one's difference to the one before, in thousandths of the box's side, as
 * variable-length integers (seven bits a byte, the sign in the lowest bit).
 *
 * @param {Float32Array} points @param {Square} box
 */
export function pack(points, { centre, half }) {
  const bytes = /** @type {number[]} */ ([]), last = [0, 0];
  put(bytes, points.length >> 1);
  points.forEach((v, i) => {
    const q = Math.round(((v - centre[i % 2]) / (2 * half)) * PARTS), d = q - last[i % 2];
    if (!(Math.abs(q) < 1e6)) throw new RangeError(`a point at ${v} is not near the box around ${centre}`);
    put(bytes, d < 0 ? -2 * d - 1 : 2 * d);
    last[i % 2] = q;
  });
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** The points of such a text. @param {string} text @param {Square} box */
export function unpack(text, { centre, half }) {
  const bytes = bytesOf(text), at = { i: 0 }, n = take(bytes, at), last = [0, 0];
  if (n > MOST) throw new Error(`has ${n} points; ${MOST} are the most`);
  const points = new Float32Array(2 * n);
  for (let i = 0; i < points.length; i++) {
    const z = take(bytes, at), q = (last[i % 2] += z % 2 ? -(z + 1) / 2 : z / 2);
    points[i] = centre[i % 2] + (2 * half * q) / PARTS;
  }
  if (at.i < bytes.length) throw new Error("goes on after its last point");
  return points;
}

/** @param {string} text */
function bytesOf(text) {
  if (!/^[\w-]*$/.test(text)) throw new Error("has a sign that points are not written with");
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  } catch {
    throw new Error("is cut short");
  }
}

/** Append a whole number, seven bits a byte. @param {number[]} bytes @param {number} v */
function put(bytes, v) {
  for (; v > 127; v = Math.floor(v / 128)) bytes.push((v % 128) + 128);
  bytes.push(v);
}

/** Take the next whole number. @param {Uint8Array} bytes @param {{ i: number }} at */
function take(bytes, at) {
  for (let v = 0, unit = 1; unit < 2 ** 32; unit *= 128) {
    if (at.i >= bytes.length) throw new Error("is cut short");
    const byte = bytes[at.i++];
    v += (byte % 128) * unit;
    if (byte < 128) return v;
  }
  throw new Error("has a number without an end");
}
