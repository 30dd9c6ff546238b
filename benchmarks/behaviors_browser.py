"""The page of behaviors in a real browser at 1,000,000 instances × 5 models × 10 classes, and what its server holds.

Run it from the root of the repository after `make ui`:

    python benchmarks/behaviors_browser.py [share of the instances, e.g. 0.1]

It serves the project with the real server, opens the page in headless Chromium ($CHROMIUM, else /usr/bin/chromium), and
measures the first view, a sort, a filter, a change to classes, frames and the longest task while scrolling, the largest
response, the heap of scripts after garbage collection, and the server's memory above idle. Each is printed beside its
limit.
"""

from __future__ import annotations

import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from behaviors import fill
from peaks import Peak
from playwright.sync_api import Page, Response, sync_playwright

QUERY = "sel=m0&sel=m1&sel=m2&sel=m3&sel=m4&sel=m5"
SCROLL = """async () => {
  const box = document.querySelector('[role="grid"]');
  const frames = [];
  let before = performance.now();
  for (let k = 0; k < 180; k += 1) {
    box.scrollTop += 240;
    await new Promise((done) => requestAnimationFrame(done));
    const now = performance.now();
    frames.push(now - before);
    before = now;
  }
  return frames;
}"""
WATCH = """() => {
  window.longest = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
  }).observe({ type: "longtask", buffered: true });
}"""
PATIENCE_S = 120


def report(what: str, value: float, unit: str, limit: float) -> None:
    """One line: the value, and its ratio to the limit."""
    print(f"{what:44s}{value:10,.1f} {unit:3s}  {value / limit:6.2f} × the limit of {limit:,g} {unit}", flush=True)


def waited(page: Page, act: object, ready: str) -> float:
    """Milliseconds from an act to what it shows."""
    start = time.perf_counter()
    act()  # type: ignore[operator]
    # The page forbids what `wait_for_function` does with a text, which is to make a function of it inside the page.
    while not page.evaluate(ready):
        if time.perf_counter() - start > PATIENCE_S:
            raise TimeoutError(f"Not seen in {PATIENCE_S} s: {ready}")
        page.wait_for_timeout(5)
    return (time.perf_counter() - start) * 1e3


def measure(page: Page, address: str, pid: int) -> None:
    """Everything that a person does first, and the memory that the server takes for it."""
    page.goto(address)
    page.get_by_role("tree", name="Models by provenance").wait_for()
    page.evaluate(WATCH)
    time.sleep(1)
    with Peak(pid) as peak:
        act(page)
    report("server's memory above idle, at most", peak.above / 1e6, "MB", 1_000)


def act(page: Page) -> None:
    """What a person does first, step by step."""
    sizes: list[int] = []

    def answered(response: Response) -> None:
        if "/api/" in response.url:
            sizes.append(int(response.headers.get("content-length", 0)))

    page.on("response", answered)
    rows = 'document.querySelectorAll(\'[role="grid"] [role="gridcell"]\').length > 20'
    first = waited(page, lambda: page.evaluate(f"location.hash = '#/behaviors?{QUERY}'"), rows)
    report("first view in the browser, cold", first, "ms", 3_000)
    sorted_by = 'document.querySelector(\'[role="columnheader"][aria-sort="ascending"]\') !== null'
    settled = f"{sorted_by} && !document.querySelector('[role=\"grid\"].loading')"
    heading = page.get_by_role("grid").get_by_role("button", name="label")
    report("sort by the label", waited(page, heading.click, settled), "ms", 300)
    page.get_by_role("button", name="Only changed").click()
    frames = sorted(page.evaluate(SCROLL))
    report("frame while scrolling, median", statistics.median(frames), "ms", 1000 / 60 + 1)
    report("frame while scrolling, 95th percentile", frames[int(0.95 * len(frames))], "ms", 33)
    classes = "document.querySelector('[aria-label=\"Table of classes\"] tbody tr') !== null"
    button = page.get_by_role("button", name="Classes", exact=True)
    report("classes", waited(page, button.click, classes), "ms", 300)
    report("longest task of the tab", page.evaluate("window.longest"), "ms", 200)
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.enable")
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}
    report("heap of scripts", metrics["JSHeapUsedSize"] / 1e6, "MB", 150)
    report("largest answer of the server", sorted(sizes)[-1] / 1e3, "kB", 300)


def main() -> None:
    """Fill, serve, open, measure."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "project"
        fill(path, int(1_000_000 * share), 10)
        tool = [sys.executable, "-c", "from compress_compare.cli import main; main()"]
        command = [*tool, "serve", str(path), "--no-browser", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
            assert server.stdout is not None
            address = re.search(r"http\S+", server.stdout.readline())
            assert address is not None
            try:
                options = ["--no-sandbox", "--disable-gpu"]
                browser = playwright.chromium.launch(
                    executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=options
                )
                measure(browser.new_page(viewport={"width": 1280, "height": 720}), address[0], server.pid)
                browser.close()
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
