// Search: every section of the course, best matches first.

export function startSearch() {
  const found = document.getElementById("found");
  document.getElementById("search").oninput = ({ target }) => {
    const words = target.value.toLowerCase().split(/\s+/).filter(Boolean);
    found.replaceChildren(...(words.length ? search(words) : []).map(hit));
  };
}

function search(words) {
  const count = (text, word) => text.toLowerCase().split(word).length - 1;
  const score = (s) => {
    const each = words.map((w) => 10 * count(s.heading, w) + count(s.text, w));
    return Math.min(...each) > 0 ? each.reduce((a, b) => a + b) : 0;
  };
  return window.tcSections.map((s) => ({ ...s, score: score(s), words })).filter((s) => s.score)
    .sort((a, b) => b.score - a.score).slice(0, 8);
}

function hit(s) {
  const [item, link, small] = ["li", "a", "small"].map((tag) => document.createElement(tag));
  link.href = `${s.page}#${s.id}`;
  link.textContent = s.heading;
  const at = Math.max(0, s.text.toLowerCase().indexOf(s.words[0]) - 30);
  small.textContent = `${at ? "…" : ""}${s.text.slice(at, at + 90)}…`;
  item.append(link, small);
  return item;
}
