// The front page: its view plays by itself while it is on the screen, until the reader takes over.

const PAUSE = 3500; // between the end of a walk and the next, in ms

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

export function startFront() {
  const place = document.querySelector(".hero .view");
  if (!place || calm()) return;
  let seen = false, mine = true, ended = -Infinity;
  new IntersectionObserver(([entry]) => (seen = entry.isIntersecting)).observe(place);
  for (const touch of ["pointerdown", "keydown"]) place.addEventListener(touch, () => (mine = false), true);
  const timer = setInterval(() => {
    if (!mine || calm()) return clearInterval(timer);
    const play = place.querySelector("button[data-role=play]"), now = performance.now();
    if (!play || !seen) return undefined;
    if (/pause/i.test(play.getAttribute("aria-label"))) ended = now;
    else if (now - ended >= PAUSE) play.click();
  }, 250);
}
