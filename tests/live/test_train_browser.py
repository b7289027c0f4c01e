"""A training in a real browser, from a disk: in a worker or on the page, with WebAssembly or without, as the page's
policy allows."""

import pytest

from tests.support import browser as b
from toycore.live import modules

TRAIN = modules.ROOT / "train"
PAGE = """<!doctype html><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'unsafe-inline' {wasm}; {worker}">
<script type="module">
{text}
const x = Float32Array.from({{ length: 200 }}, (_, i) => (i % 2 ? Math.sin : Math.cos)((i >> 1) / 8) * (i + 50) / 250);
let frames = 0;
const frame = () => {{
  frames += 1;
  if (!window.end) requestAnimationFrame(frame);
}};
requestAnimationFrame(frame);
const beside = $train_beside.trainBeside((report) => {{
  if (report.running) return;
  const {{ learned, ...rest }} = report, out = new Float32Array(200);
  const net = $train_trainer.receive(learned, null);
  $train_network.denoise(net, 1e-3, x, out);
  const off = Math.max(...out.map((v, i) => Math.abs(v - x[i])));
  window.end = {{ ...rest, where: beside.where, off, frames }};
  document.documentElement.className = "ended";
}});
const changes = {{ width: 32, depth: 2, features: 32, lr: 0.03, steps: 200 }};
beside.ask({{ start: {{ job: 1, data: {{ x, std: 0 }}, seed: 0, changes }} }});
</script>"""


@pytest.mark.parametrize("wasm", ["'wasm-unsafe-eval'", ""])
@pytest.mark.parametrize("worker", ["worker-src blob:", "worker-src 'none'"])
def test_it_trains_as_the_policy_allows(browser, tmp_path, wasm, worker):
    path = tmp_path / "page.html"
    path.write_text(PAGE.format(wasm=wasm, worker=worker, text=modules.joined(TRAIN / "beside.js")))
    with b.page_of(browser, offline=True) as page:
        page.goto(path.as_uri())
        page.wait_for_selector("html.ended", timeout=60_000, state="attached")
        end = page.evaluate("window.end")
    assert end["where"] == ("worker" if "blob" in worker else "page")
    assert end["kernels"] in (("simd", "fma") if wasm else ("js",))
    assert end["step"] == 200 and end["problem"] == "" and end["error"] < 0.3 and end["off"] < 0.05
    assert end["frames"] > 3, "the page drew while it trained"
    assert all(url.startswith(("file:", "blob:")) for url in page.requests)
