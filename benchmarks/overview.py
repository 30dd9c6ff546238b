"""How fast the overview is in a real browser, on generated projects of up to 10,000 models with 20 metrics.

Run it from the root of the repository after `make ui` (or with `--static` naming another build):

    python benchmarks/overview.py [--models 100 1000 5000 10000]

It serves each project with the real server, opens it in headless Chromium ($CHROMIUM, else /usr/bin/chromium) at
1920 × 1080, and measures the page load until the map is painted, a path that unfolds, frames while panning, zooming and
hovering, a change of color, a rearrangement with its layout, a selection of 500 models until their comparison is shown,
a dragged budget, the effects on one metric, the heap of scripts, and the bytes that came over the wire. The figures of
the research system Compress and Compare, measured once on such a machine, stand beside them where there are any.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Page, sync_playwright

import compress_compare as cc

SIZES = (100, 1_000, 5_000, 10_000)
METRICS = 20
TARGETS: dict[str, tuple[float, str]] = {
    "page load to painted map": (2_000, "ms"),
    "pan frame, 95th percentile": (33, "ms"),
    "zoom frame, 95th percentile": (33, "ms"),
    "hover on the map, 95th percentile": (33, "ms"),
    "hover on the scatterplot, 95th percentile": (33, "ms"),
    "budget drag, 95th percentile": (33, "ms"),
    "unfolding a path": (100, "ms"),
    "color change": (100, "ms"),
    "rearranging with layout": (500, "ms"),
    "500 models selected to charts": (300, "ms"),
    "effects on one metric shown": (2_000, "ms"),
    "page heap": (200, "MB"),
    "overview payload, compressed": (1, "MB"),
}
RESEARCH_SYSTEM: dict[tuple[int, str], float] = {
    (1_000, "pan frame, 95th percentile"): 67,
    (1_000, "hover on the scatterplot, 95th percentile"): 50,
    (1_000, "color change"): 90,
    (1_000, "rearranging with layout"): 336,
    (5_000, "pan frame, 95th percentile"): 333,
    (5_000, "hover on the scatterplot, 95th percentile"): 300,
    (5_000, "color change"): 735,
    (5_000, "rearranging with layout"): 4_350,
}
SERVE = (
    "import sys, pathlib, compress_compare.server.app as app\nif sys.argv[2]: app.STATIC = pathlib.Path(sys.argv[2])\n"
)
SERVE += "from compress_compare.cli import main\n"
SERVE += "sys.argv = ['compress-compare', 'serve', sys.argv[1], '--port', '0', '--no-browser']\nmain()"
STEPS: tuple[tuple[str, str, tuple[Any, ...]], ...] = (
    ("magnitude prune", "amount", (0.3, 0.5, 0.7, 0.9)),
    ("quantize", "bits", (2, 4, 8)),
    ("palettize", "clusters", (4, 16, 64)),
    ("finetune", "epochs", (1, 3, 10)),
    ("calibrate", "batches", (1, 4)),
    ("gradient prune", "amount", (0.25, 0.75)),
)
PERCENTILE = 0.95
FRAMES = 60
WATCH = """
window.__first = null;
new MutationObserver(() => {
  if (window.__first !== null || !document.querySelector('[role=tree] canvas, [role=tree] [role=treeitem]')) return;
  requestAnimationFrame(() => requestAnimationFrame(() => (window.__first ??= performance.now())));
}).observe(document, { childList: true, subtree: true });
// Milliseconds of work for one event: until what it causes has been drawn and the next frame can begin.
window.__after = (act) => new Promise((done) => {
  requestAnimationFrame(() => {
    const start = performance.now();
    act();
    requestAnimationFrame(() => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => done(performance.now() - start);
      channel.port2.postMessage(0);
    });
  });
});
"""


PAINTED = "async () => { while (!window.__first) await new Promise(requestAnimationFrame); return window.__first; }"


def generate(folder: Path, count: int) -> None:
    """A tree of `count` models, each a step on a random earlier one, with `METRICS` metrics of full precision."""
    choose = random.Random(count)
    with cc.open(folder) as project:
        project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        project.define_metric("Model Size", unit="B", format=".3s", higher_is_better=False, primary=True, min=0)
        for k in range(2, METRICS):
            project.define_metric(f"Metric {k}", higher_is_better=k % 2 == 0, primary=k < 4)
        project.log_models(rows(choose, count))


def rows(choose: random.Random, count: int) -> Iterator[dict[str, Any]]:
    """The models in the order of logging: bases first, lineages of at most six steps."""
    depth, open_ends = [0], [0]
    quality, size = [0.93], [4e7]
    yield {"id": "base", "operation": cc.Operation("train", epochs=90), "metrics": metrics(choose, 0.93, 4e7)}
    for i in range(1, count):
        parent = choose.choice(open_ends)
        name, parameter, values = choose.choice(STEPS)
        depth.append(depth[parent] + 1)
        if depth[i] < 6:
            open_ends.append(i)
        quality.append(quality[parent] * choose.uniform(0.85, 1))
        size.append(size[parent] * choose.uniform(0.4, 1))
        yield {
            "id": f"model-{i:05d}",
            "base": "base" if parent == 0 else f"model-{parent:05d}",
            "operation": cc.Operation(name, **{parameter: choose.choice(values)}),
            "metrics": metrics(choose, quality[i], size[i]),
        }


def metrics(choose: random.Random, quality: float, size: float) -> dict[str, float]:
    """Every metric of one model; two depend on what was done, the others are noise, which compresses worst."""
    noise = {f"Metric {k}": choose.gauss(0, 1) for k in range(2, METRICS)}
    return {"Top-1 Accuracy": quality, "Model Size": float(int(size))} | noise


@contextmanager
def serving(folder: Path, static: str) -> Iterator[str]:
    """The address that the real server prints."""
    command = [sys.executable, "-c", SERVE, str(folder), static]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        for _ in range(600):
            ready, _, _ = select.select([process.stdout], [], [], 0.1)
            found = re.search(r"http://\S+", process.stdout.readline()) if ready else None
            if found:
                yield found.group()
                return
        raise RuntimeError("the server printed no address")
    finally:
        process.terminate()
        process.wait(timeout=10)


class Browser:
    """One page under measurement."""

    def __init__(self, page: Page, address: str, count: int) -> None:
        self.page = page
        self.count = count
        self.session = page.context.new_cdp_session(page)
        self.session.send("Network.enable")
        self.bytes: dict[str, float] = {}
        self.paths: dict[str, str] = {}
        self.session.on("Network.responseReceived", self._received)
        self.session.on("Network.loadingFinished", self._finished)
        page.add_init_script(WATCH)
        page.goto(address)
        page.evaluate(PAINTED)

    def _received(self, event: dict[str, Any]) -> None:
        self.paths[event["requestId"]] = event["response"]["url"].split("?")[0]

    def _finished(self, event: dict[str, Any]) -> None:
        path = self.paths.get(event["requestId"], "").rpartition("/api/v1/")[2]
        self.bytes[path] = event["encodedDataLength"]

    def load(self) -> float:
        """A reload with a warm server and a cold cache, from the start of the navigation to the painted map."""
        self.session.send("Network.setCacheDisabled", {"cacheDisabled": True})
        self.page.reload()
        painted = float(self.page.evaluate(PAINTED))
        self.page.wait_for_timeout(800)
        return painted

    def frames(self, act: str) -> float:
        """95th percentile of the work per event; `act` is JavaScript on the index `k` of the event."""
        times = self.page.evaluate(
            f"async () => {{ const all = []; for (let k = 0; k < {FRAMES}; k++)"
            f" all.push(await __after(() => {{ {act} }}));"
            " return all; }"
        )
        self.page.wait_for_timeout(300)
        return float(sorted(times)[int(PERCENTILE * FRAMES)])

    def once(self, act: str, until: str = "true") -> float:
        """Milliseconds from one action to the frame that shows what it asked for."""
        script = f"""async () => {{
          const start = performance.now();
          {act};
          for (;;) {{
            await new Promise(requestAnimationFrame);
            if ({until}) break;
          }}
          await new Promise((done) => {{
            const channel = new MessageChannel();
            channel.port1.onmessage = done;
            channel.port2.postMessage(0);
          }});
          return performance.now() - start;
        }}"""
        spent = float(self.page.evaluate(script))
        self.page.wait_for_timeout(500)
        return spent

    def heap(self) -> float:
        """MB after a collection."""
        self.session.send("HeapProfiler.collectGarbage")
        used = self.session.send("Runtime.getHeapUsage")["usedSize"]
        return float(used) / 1e6


MAP = "const box = document.querySelector('[role=tree] canvas:last-of-type'); const r = box.getBoundingClientRect();"
PLOT = "const box = document.querySelector('[role=application]'); const r = box.getBoundingClientRect();"
MOVE = """box.dispatchEvent(new PointerEvent('pointermove', { bubbles: true, pointerId: 1,
  clientX: r.left + r.width * (0.1 + 0.8 * ((k * 37) % 60) / 60),
  clientY: r.top + r.height * (0.15 + 0.7 * ((k * 23) % 60) / 60) }));"""
WHEEL = """box.dispatchEvent(new WheelEvent('wheel', {{ bubbles: true, cancelable: true, ctrlKey: {ctrl},
  deltaY: {by}, clientX: r.left + r.width / 2, clientY: r.top + r.height / 2 }}));"""
BUDGET = """const grip = document.querySelector('[role=slider][aria-label^="Budget"][aria-orientation=horizontal]');
  const s = grip.ownerSVGElement.getBoundingClientRect();
  const at = (x) => ({ bubbles: true, pointerId: 1, clientX: s.left + x, buttons: 1 });
  const to = (type, x) => grip.dispatchEvent(new PointerEvent(type, at(x)));
  grip.setPointerCapture = () => {};
  if (k === 0) to('pointerdown', s.width - 24);
  to('pointermove', s.width - 24 - k * 4);
  if (k === 59) to('pointerup', 0);"""
COLOR = """const choice = document.querySelector('select[aria-label="Color of models"]');
  choice.value = '{name}'; choice.dispatchEvent(new Event('change', {{ bubbles: true }}))"""
UNFOLD = """document.querySelector('svg[role=tree] [aria-expanded=false]')
  .dispatchEvent(new MouseEvent('click', { bubbles: true }))"""
PRESS = "[...document.querySelectorAll('button')].find((button) => button.textContent.trim() === '{label}').click()"


def measure(browser: Browser) -> Iterator[tuple[str, float]]:
    """Every figure by the name of its target."""
    yield "page load to painted map", min(browser.load() for _ in range(3))
    yield "overview payload, compressed", (browser.bytes["models"] + browser.bytes["project"]) / 1e6
    browser.once(PRESS.format(label="Paths"), "document.querySelector('svg[role=tree] [role=treeitem]')")
    yield "unfolding a path", middle(lambda _: browser.once(UNFOLD))
    browser.once(PRESS.format(label="By operation"), "document.querySelector('[role=tree] canvas')")
    yield "color change", middle(lambda k: browser.once(COLOR.format(name=("Model Size", "Top-1 Accuracy")[k % 2])))
    label = itertools.cycle(("By step", "By operation"))
    yield "rearranging with layout", middle(lambda _: rearranged(browser, next(label)))
    yield "hover on the map, 95th percentile", browser.frames(MAP + MOVE)
    yield "hover on the scatterplot, 95th percentile", browser.frames(PLOT + MOVE)
    yield "zoom frame, 95th percentile", browser.frames(MAP + WHEEL.format(ctrl="true", by="k < 30 ? -60 : 40"))
    yield "pan frame, 95th percentile", browser.frames(MAP + WHEEL.format(ctrl="false", by="k < 30 ? 40 : -40"))
    yield "500 models selected to charts", middle(lambda k: compared(browser, k))
    yield "budget drag, 95th percentile", browser.frames(BUDGET)
    yield "effects on one metric shown", browser.once(PRESS.format(label="Effects"), EFFECTS)
    yield "page heap", browser.heap()


EFFECTS = "document.querySelector('#details-panel ol li')"
COMPARED = "document.querySelector('#details-panel table, #details-panel figure')"


def compared(browser: Browser, turn: int) -> float:
    """Until the comparison of 500 models is shown where nothing was selected; others are selected at each turn."""
    size = min(500, browser.count - 1)
    ids = (f"model-{1 + (turn * size + i) % (browser.count - 1):05d}" for i in range(size))
    address = "history.replaceState(null, '', '#/overview?by=step{}'); dispatchEvent(new PopStateEvent('popstate'))"
    browser.once(address.format(""), f"!{COMPARED}")
    return browser.once(address.format("".join(f"&sel={quote(id)}" for id in ids)), COMPARED)


def rearranged(browser: Browser, label: str) -> float:
    """Until models stand at their new places: layout, then a motion of 250 ms."""
    return browser.once(PRESS.format(label=label), "!document.querySelector('[role=tree][aria-busy=true]')")


def middle(act: Callable[[int], float], times: int = 5) -> float:
    """The median of some runs."""
    return sorted(act(k) for k in range(times))[times // 2]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--models", type=int, nargs="+", default=SIZES)
    parser.add_argument("--static", default="", help="the built interface; that of the package if not given")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    found = {}
    with tempfile.TemporaryDirectory() as scratch, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=["--no-sandbox"]
        )
        for count in arguments.models:
            folder = Path(scratch) / str(count)
            start = time.perf_counter()
            generate(folder, count)
            generated = time.perf_counter() - start
            with serving(folder, arguments.static) as address:
                page = chromium.new_page(viewport={"width": 1920, "height": 1080})
                figures = dict(measure(Browser(page, address, count)))
                page.close()
            found[count] = figures | {"load average": os.getloadavg()[0]}
            if not arguments.json:
                report(count, figures, generated)
        chromium.close()
    if arguments.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")


def report(count: int, figures: dict[str, float], generated: float) -> None:
    """One table for one project."""
    lines = [
        f"{count:,} models × {METRICS} metrics (logged in {generated:.1f} s; load average {os.getloadavg()[0]:.1f})"
    ]
    for name, (target, unit) in TARGETS.items():
        value = figures[name]
        verdict = "met" if value <= target else "MISSED"
        known = RESEARCH_SYSTEM.get((count, name))
        beside = f"  research system {known:,.0f} {unit}" if known else ""
        lines.append(f"  {name:<44} {value:8.3g} {unit:<2}  target {target:,g} {unit:<2} {verdict:<7}{beside}")
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
