// Brushes: each draws one thing on a 2-D canvas context g. A pane is a square {x, y, w} of pixels that
// shows the box |y - centre| < half of a frame. Colours come from Python's style, never from here.

const place = (pane, at) => [
  pane.x + ((at[0] - pane.centre[0]) / pane.half + 1) * (pane.w / 2),
  pane.y + (1 - (at[1] - pane.centre[1]) / pane.half) * (pane.w / 2),
];
/** The same map as numbers, px = kx x + bx and py = by - kx y, for loops over many points. */
const affine = ({ x, y, w, centre, half }) => {
  const k = w / (2 * half);
  return { k, bx: x + w / 2 - k * centre[0], by: y + w / 2 + k * centre[1] };
};
const unplace = (pane, px, py) => [
  pane.centre[0] + ((px - pane.x) / (pane.w / 2) - 1) * pane.half,
  pane.centre[1] + (1 - (py - pane.y) / (pane.w / 2)) * pane.half,
];

function within(g, pane, draw) {
  g.save();
  g.beginPath();
  g.rect(pane.x, pane.y, pane.w, pane.w);
  g.clip();
  draw();
  g.restore();
}

/** Write words at a place, smaller where they would be wider than `max`. */
function write(g, words, x, y, { size, colour, align = "left", base = "alphabetic", weight = 400, max = Infinity }) {
  g.font = `${weight} ${size}px ${FONT}`;
  const shrink = max / g.measureText(words).width;
  if (shrink < 1) g.font = `${weight} ${size * shrink}px ${FONT}`;
  g.fillStyle = colour;
  g.textAlign = align;
  g.textBaseline = base;
  g.fillText(words, x, y);
}
const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif";

/** The pane's border, ticks at round numbers, and its title. */
function frameOf(g, pane, ui, title) {
  const { ink, faint } = ui.colours, size = ui.unit;
  g.strokeStyle = faint;
  g.lineWidth = 1;
  g.strokeRect(pane.x + 0.5, pane.y + 0.5, pane.w - 1, pane.w - 1);
  const tick = pane.half > 2.6 ? 2 : 1;
  for (const value of [-tick, 0, tick]) {
    const [px, py] = place(pane, [value, value]);
    g.beginPath();
    g.moveTo(px, pane.y + pane.w); g.lineTo(px, pane.y + pane.w - 5);
    g.moveTo(pane.x, py); g.lineTo(pane.x + 5, py);
    g.stroke();
    if (pane.ticks) {
      const label = { size: size * 0.8, colour: ink };
      const words = String(value).replace("-", "\u2212");
      write(g, words, px, pane.y + pane.w + 4, { ...label, align: "center", base: "top" });
      write(g, words, pane.x - 5, py, { ...label, align: "right", base: "middle" });
    }
  }
  if (title) {
    write(g, title, pane.x + pane.w / 2, pane.y - size * 0.5, { size, colour: ink, align: "center", weight: 600, max: pane.w });
  }
}

/** Paint shares in [0, 1], rows from the top, through the density ramp on a small sheet; `strength` fades it. */
function sheetOf(share, n, ramp, strength) {
  const sheet = Object.assign(document.createElement("canvas"), { width: n, height: n });
  const pen = sheet.getContext("2d"), image = pen.createImageData(n, n), last = ramp.length - 1;
  for (let i = 0; i < n * n; i++) {
    const v = Math.sqrt(share[i]) * strength, c = ramp[Math.min(last, (v * last) | 0)];
    image.data[4 * i] = c[0];
    image.data[4 * i + 1] = c[1];
    image.data[4 * i + 2] = c[2];
    image.data[4 * i + 3] = 255 * Math.min(1, 3 * v);
  }
  pen.putImageData(image, 0, 0);
  return sheet;
}

/** A ramp of colours [r, g, b] with `n` steps between each two of the given ones. */
function finer(colours, n) {
  const at = (i, t) => colours[i].map((c, k) => c + t * (colours[i + 1][k] - c));
  return colours.slice(1).flatMap((_, i) => Array.from({ length: n }, (_, j) => at(i, j / n))).concat([colours.at(-1)]);
}

/** Dots of radius r in one path, at frame points y (flat). */
function dots(g, pane, y, r, colour, alpha = 1) {
  g.fillStyle = colour;
  g.globalAlpha = alpha;
  g.beginPath();
  const { k, bx, by } = affine(pane);
  for (let i = 0; i < y.length; i += 2) {
    const px = bx + k * y[i], py = by - k * y[i + 1];
    if (px < pane.x - r || px > pane.x + pane.w + r || py < pane.y - r || py > pane.y + pane.w + r) continue;
    g.moveTo(px + r, py);
    g.arc(px, py, r, 0, 6.2832);
  }
  g.fill();
  g.globalAlpha = 1;
}

/** Comet tails: frame points of the last few moments, oldest first; each moment a fainter path. */
function trails(g, pane, moments, colour, width) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  const { k, bx, by } = affine(pane);
  for (let m = 1; m < moments.length; m++) {
    const from = moments[m - 1], to = moments[m];
    g.globalAlpha = 0.5 * (m / moments.length) ** 1.5;
    g.beginPath();
    for (let i = 0; i < to.length; i += 2) {
      const px = bx + k * to[i], py = by - k * to[i + 1];
      if (px < pane.x || px > pane.x + pane.w || py < pane.y || py > pane.y + pane.w) continue;
      g.moveTo(bx + k * from[i], by - k * from[i + 1]);
      g.lineTo(px, py);
    }
    g.stroke();
  }
  g.globalAlpha = 1;
}

/** One filled arrow as a path from pixel (px, py) along (dx, dy). */
function arrowPath(g, px, py, dx, dy, thick) {
  const length = Math.hypot(dx, dy);
  if (length < 0.5) return;
  const ux = dx / length, uy = dy / length, head = Math.min(length * 0.6, 3.4 * thick);
  const w = thick / 2, wide = head * 0.55, bx = px + dx - ux * head, by = py + dy - uy * head;
  g.moveTo(px - uy * w, py + ux * w);
  g.lineTo(bx - uy * w, by + ux * w);
  g.lineTo(bx - uy * wide, by + ux * wide);
  g.lineTo(px + dx, py + dy);
  g.lineTo(bx + uy * wide, by - ux * wide);
  g.lineTo(bx + uy * w, by - ux * w);
  g.lineTo(px + uy * w, py - ux * w);
  g.closePath();
}

/** One arrow between two pixels. */
function arrow(g, from, to, colour, thick, alpha = 1) {
  g.fillStyle = colour;
  g.globalAlpha = alpha;
  g.beginPath();
  arrowPath(g, from[0], from[1], to[0] - from[0], to[1] - from[1], thick);
  g.fill();
  g.globalAlpha = 1;
}

/** n places in the middle of n cells, so that no arrow is cut at the border. */
function cells(pane, n) {
  const y = new Float32Array(2 * n * n);
  for (let r = 0, i = 0; r < n; r++) {
    for (let c = 0; c < n; c++, i += 2) {
      y[i] = pane.centre[0] + ((2 * c + 1) / n - 1) * pane.half;
      y[i + 1] = pane.centre[1] + ((2 * r + 1) / n - 1) * pane.half;
    }
  }
  return y;
}

/** A field of arrows centred on their places: length cell m / (m + c), colour by m / (m + c) in 16 bins. */
function field(g, pane, places, vectors, c, paints, n) {
  const cell = (pane.w / n) * 0.98, thick = Math.max(1.1, cell * 0.085), bins = Array.from(paints, () => []);
  for (let i = 0; i < places.length; i += 2) {
    const m = Math.hypot(vectors[i], vectors[i + 1]);
    const share = m / (m + c);
    if (m > 1e-6) bins[Math.min(paints.length - 1, Math.floor(share * paints.length))].push(i, share / m);
  }
  const { k, bx, by } = affine(pane);
  bins.forEach((bin, b) => {
    g.fillStyle = paints[b];
    g.beginPath();
    for (let j = 0; j < bin.length; j += 2) {
      const i = bin[j], px = bx + k * places[i], py = by - k * places[i + 1];
      const dx = vectors[i] * bin[j + 1] * cell, dy = -vectors[i + 1] * bin[j + 1] * cell;
      arrowPath(g, px - dx / 2, py - dy / 2, dx, dy, thick);
    }
    g.fill();
  });
}

/** A curve through (x, y) pairs of pixels. */
function curve(g, points, colour, width, dash = []) {
  g.strokeStyle = colour;
  g.lineWidth = width;
  g.lineJoin = "round";
  g.setLineDash(dash);
  g.beginPath();
  points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.stroke();
  g.setLineDash([]);
}

function disc(g, [px, py], r, colour, edge) {
  g.beginPath();
  g.arc(px, py, r, 0, 6.2832);
  g.fillStyle = colour;
  g.fill();
  if (edge) {
    g.strokeStyle = edge;
    g.lineWidth = 1.5;
    g.stroke();
  }
}

/** A small chart in a box {x, y, w, h}: axes, a title, and a function from data to pixels. */
function chart(g, box, ui, { title, x: [x0, x1], y: [y0, y1], xs = [], ys = [] }) {
  const { ink, faint } = ui.colours, size = ui.unit * 0.8;
  const at = (x, y) => [
    box.x + ((x - x0) / (x1 - x0)) * box.w,
    box.y + box.h - ((Math.max(y0, Math.min(y1, y)) - y0) / (y1 - y0)) * box.h,
  ];
  curve(g, [[box.x, box.y], [box.x, box.y + box.h], [box.x + box.w, box.y + box.h]], faint, 1);
  for (const [value, words] of ys) {
    const [, py] = at(x0, value);
    curve(g, [[box.x, py], [box.x + box.w, py]], faint, 0.5);
    write(g, words, box.x - 5, py, { size, colour: ink, align: "right", base: "middle" });
  }
  for (const [value, words] of xs) {
    write(g, words, at(value, y0)[0], box.y + box.h + 4, { size, colour: ink, align: "center", base: "top" });
  }
  write(g, title, box.x, box.y - size * 0.7, { size: size * 1.1, colour: ink, weight: 600, max: box.w });
  return at;
}

/** A horizontal bar with its share and name. */
function bar(g, box, ui, name, share, colour, words) {
  const { ink, faint } = ui.colours, size = ui.unit * 0.9;
  write(g, name, box.x, box.y - 5, { size, colour: ink, max: box.w * 0.58 });
  write(g, words, box.x + box.w, box.y - 5, { size, colour: ink, align: "right", weight: 600, max: box.w * 0.38 });
  g.fillStyle = faint;
  g.fillRect(box.x, box.y, box.w, box.h);
  g.fillStyle = colour;
  g.fillRect(box.x, box.y, box.w * Math.max(0, Math.min(1, share)), box.h);
}
