// Mathematics: what stands between dollars becomes a formula.

const OPTIONS = {
  delimiters: [{ left: "$$", right: "$$", display: true }, { left: "$", right: "$", display: false }],
  throwOnError: false,
  ignoredTags: ["script", "style", "pre", "code", "textarea"],
};

export function typeset() {
  for (const part of document.querySelectorAll("#main, nav .pages")) window.renderMathInElement(part, OPTIONS);
}
