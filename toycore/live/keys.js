// A page with one view: its keys work before anything was clicked.
document.addEventListener("keydown", (event) => {
  if (event.target !== document.body) return;
  const heard = document.querySelector(".tc-canvas").dispatchEvent(new KeyboardEvent("keydown", event));
  if (!heard) event.preventDefault();
});
