// The state in the address: what is written is read back, and nothing that is read breaks a page.
import assert from "node:assert/strict";
import test from "node:test";
import { join, pack, part, read, unpack, write } from "../../../toycore/live/page/address.js";
import { normals, uniforms } from "../../../toycore/live/page/maths/noise.js";
import { restore, stateOf } from "../../../toycore/live/page/widget/state.js";

const box = { centre: [3, -2], half: 4 };

test("every kind of value comes back as it was, strings also where they look like something else", () => {
  const state = {
    sigma: 0.31622776601683794, seed: 2 ** 53 - 1, step: -0, tiny: -1e-30, density: true, points: false,
    at: [0.1 + 0.2, -1e21], one: [5], frame: "VP", odd: "a b&c=d#%\u03C3", hide: "noise,more",
    s1: "on", s2: "1", s3: "1,2", s4: "~x", s5: "'", s6: "",
  };
  const text = write(state);
  assert.deepEqual(read(text), { state: { ...state, step: 0 }, refused: [] });
  assert.ok(text.includes("hide=noise,more") && text.includes("frame=VP"), "and can be typed by hand");
  assert.match(`#${text}`, /^#[!$-;=?-Z_a-z~]*$/, "an address needs no further quoting");
});

test("points come back to half a thousandth of the box's side, and then exactly", () => {
  for (let seed = 0; seed < 40; seed++) {
    const drawn = normals(seed, 0, Math.floor(300 * uniforms(seed, 1, 1)[0])).map((z, i) => box.centre[i % 2] + 3 * z);
    const once = unpack(pack(drawn, box), box), twice = unpack(pack(once, box), box);
    assert.equal(once.length, drawn.length);
    once.forEach((v, i) => assert.ok(Math.abs(v - drawn[i]) <= 0.0005 * 8 + 1e-6, `${v} for ${drawn[i]}`));
    assert.deepEqual(twice, once);
    assert.deepEqual(read(write({ points: drawn }, box), box).state.points, once);
  }
});

test("a drawn stroke takes three bytes a point at most", () => {
  const stroke = Float32Array.from({ length: 400 }, (_, i) => (i % 2 ? Math.sin : Math.cos)((i >> 1) * 0.03));
  assert.ok(pack(stroke, { centre: [0, 0], half: 1.3 }).length < (200 * 3 * 4) / 3);
});

test("views of one page have their own part, and leave the others theirs", () => {
  const hash = join(join("", "v1", "sigma=0.3&frame=VP"), "v2", "sigma=2");
  assert.equal(hash, "#v1.sigma=0.3&v1.frame=VP&v2.sigma=2");
  assert.deepEqual(["v1", "v2", "v3", ""].map((key) => part(hash, key)), ["sigma=0.3&frame=VP", "sigma=2", "", ""]);
  assert.equal(join(hash, "v1", "sigma=1"), "#v2.sigma=2&v1.sigma=1");
  assert.equal(part("#sigma=0.3", ""), "sigma=0.3");
  assert.equal(part("#the-score-exactly", ""), "", "the anchor of a heading");
  assert.equal(part(join("#the-score-exactly", "v1", "a=1"), "v1"), "a=1");
});

test("what is broken is refused in words, and the rest is read", () => {
  const cases = {
    "sigma": "not name=value", "=3": "not name=value", "__proto__=1": "not name=value", "a=%zz": "percent sign",
    "a=1e999": "too large", "points=~AgI": "cut short", "points=~AQICAg": "goes on", "points=~A*": "written with",
    "points=~________": "without an end", "points=~____Bw": "are the most",
  };
  for (const [text, why] of Object.entries(cases)) {
    const { state, refused } = read(`frame=VP&${text}&seed=4`);
    assert.deepEqual([state, refused.length], [{ frame: "VP", seed: 4 }, 1], text);
    assert.ok(refused[0].includes(why), refused[0]);
  }
  assert.match(read("a=1&a=2").refused[0], /twice/);
});

test("whatever is typed, reading it does not throw, and what was read is written and read alike", () => {
  const signs = "ab1.-,~'%=&+#e9 \u03C3_/", rng = uniforms(3, 0, 60_000);
  for (let i = 0, k = 0; i < 2000; i++) {
    const length = Math.floor(rng[k++] * 25);
    const text = Array.from({ length }, () => signs[Math.floor(rng[k++] * signs.length)]).join("");
    const { state } = read(text);
    assert.deepEqual(read(write(state)).state, state, text);
  }
});

// ---- what a view takes of it

function viewOf() {
  const range = { type: "range", low: 0, high: 1, log: false };
  const controls = [
    { ...range, role: "step", high: "steps" }, { ...range, role: "steps", low: 1, high: 200, whole: true },
    { type: "choice", role: "label", options: [[-1, "all"], [0, "0"]] }, { type: "toggle", role: "points" },
  ];
  const values = { step: 3, steps: 50, label: -1, points: true, seed: 0, playing: false, kind: "x" };
  const own = { at: null, chosen: 0 };
  const buttons = { more: {}, play: {} };
  return {
    meta: { controls, traits: Object.keys(values) }, values, concealed: [], nodes: { buttons },
    scene: { kept: () => own, restore: (kept) => Object.assign(own, { at: null, chosen: 0 }, kept) },
  };
}

test("a view gives its state back; the last step is where the link's own steps end", () => {
  const from = viewOf(), to = viewOf();
  Object.assign(from.values, { steps: 80, step: 80, label: 0, points: false, seed: 7 });
  from.scene.restore({ at: [0.5, -1], chosen: 4 });
  from.concealed = ["steps", "more"];
  assert.deepEqual(restore(to, read(write(stateOf(from))).state), []);
  assert.deepEqual(stateOf(to), stateOf(from));
  assert.ok(to.nodes.buttons.more.hidden && !to.nodes.buttons.play.hidden);
  restore(to, { steps: 80 });
  assert.deepEqual([to.scene.kept().at, to.nodes.buttons.more.hidden], [null, false]);
});

test("a view refuses what it has not or cannot be, in words, and keeps what it showed", () => {
  const view = viewOf(), before = stateOf(view);
  const wrong = {
    step: 51, steps: 2.5, label: 3, points: 1, seed: -1, kind: "y", at: [1, 2, 3], chosen: "a", hide: "moon", moon: 1,
    constructor: 1,
  };
  const said = restore(view, wrong);
  assert.deepEqual(stateOf(view), before);
  assert.equal(said.length, Object.keys(wrong).length, said.join("; "));
  assert.ok(said.includes("label = 3 is none of -1, 0") && said.includes("step = 51 is not between 0 and 50"));
});
