// Dark or light, and code shown or not: kept by the browser where it keeps anything for files.

const root = document.documentElement;

/** @param {"light" | "dark"} name */
function setTheme(name) {
  root.dataset.theme = name;
  document.body.dataset.jpThemeLight = String(name === "light"); // the views follow what JupyterLab would say
  try { localStorage.setItem("theme", name); } catch { /* kept nowhere */ }
}

function firstTheme() {
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* as above */ }
  return kept ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
}

export const otherTheme = () => setTheme(root.dataset.theme === "dark" ? "light" : "dark");

export function startTheme() {
  setTheme(firstTheme());
  document.getElementById("theme").onclick = otherTheme;
  const code = document.getElementById("code");
  code.onclick = () => (code.textContent = document.body.classList.toggle("nocode") ? "Show code" : "Hide code");
  if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".menu").open = false;
}
