"""The page of layers in a real browser at 10,000 modules × 10 models: the fixed cost of a tensor, times 80,000.

Run it from the root of the repository after `make ui`:

    python benchmarks/layers_page.py [share of the modules, e.g. 0.1]

It serves a generated project with the real server, opens the page in headless Chromium ($CHROMIUM, else
/usr/bin/chromium), and measures the first answer of the server cold and kept, the first view in the browser, frames
while the tree and the flat list scroll, a sort, and the size of the answer. Each is printed beside its limit.
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

import httpx
import numpy as np
from behaviors_browser import SCROLL, report, waited
from peaks import Peak
from playwright.sync_api import Page, sync_playwright

import compress_compare as cc

BLOCKS, PARTS, MODELS = 2_000, ("query", "key", "value", "out"), 10
SHAPE = (32, 8)
COLUMNS = [
    *("module", "parameter", "model", "num_parameters", "alignment", "counterpart", "mean_abs", "mean_abs_change"),
    *("relative_error", "sqnr_db", "cosine", "num_distinct", "entropy_bits", "num_nonfinite", "histogram"),
    *("histogram_low", "histogram_high", "change_bands", "num_compared", "num_dead_channels", "channel_norm_change"),
]
TREE_SCROLL = SCROLL.replace('[role="grid"]', '[role="treegrid"]')
ROWS = 'document.querySelectorAll(\'[role="treegrid"] [role="row"]\').length > 10'


def fill(path: Path, share: float) -> list[str]:
    """A base and models with noise of different strengths, logged as safetensors."""
    draw = np.random.default_rng(0)
    names = [f"blocks.{block}.{part}.weight" for block in range(round(BLOCKS * share)) for part in PARTS]
    base = {name: draw.standard_normal(SHAPE, np.float32) for name in names}
    ids = ["base"]
    with cc.open(path) as project:
        project.log_model("base", checkpoint=base)
        for k in range(MODELS - 1):
            noise = np.float32(0.02 * (k + 1))
            changed = {name: array + noise * draw.standard_normal(SHAPE, np.float32) for name, array in base.items()}
            project.log_model(f"m{k}", base="base", operation=cc.Operation("noise", amount=k), checkpoint=changed)
            ids.append(f"m{k}")
    return ids


def answers(address: str, ids: list[str]) -> None:
    """The table as the page asks for it, cold and then kept."""
    home, _, token = address.partition("#")
    found = re.search(r"token=([\w-]+)", address)
    headers = {"authorization": f"Bearer {found[1] if found else token}"}
    body = {"base": ids[0], "models": ids, "what": "weights", "histograms": "heights", "columns": COLUMNS}
    with httpx.Client(base_url=home.partition("?")[0], headers=headers, timeout=600) as client:
        for what, limit in (("first answer, cold", 20_000), ("first answer, kept", 1_000)):
            start = time.perf_counter()
            answer = client.post("api/v1/layers", json=body)
            answer.raise_for_status()
            report(what, (time.perf_counter() - start) * 1e3, "ms", limit)
        report("the answer, as it is", len(answer.content) / 1e6, "MB", 60)


def measure(page: Page, address: str, ids: list[str]) -> None:
    """The first view, scrolling and sorting."""
    page.goto(address)
    page.get_by_role("tree", name="Models by provenance").wait_for()
    query = "&".join(f"sel={id}" for id in ids)
    first = waited(page, lambda: page.evaluate(f"location.hash = '#/layers?{query}&depth=9'"), ROWS)
    report("first view in the browser, answer kept", first, "ms", 5_000)
    for name in ("tree", "flat"):
        if name == "flat":
            page.get_by_role("button", name="Flat").click()
            page.wait_for_timeout(500)
        frames = sorted(page.evaluate(TREE_SCROLL))
        report(f"{name}: frame while scrolling, median", statistics.median(frames), "ms", 1000 / 60 + 1)
        report(f"{name}: frame while scrolling, 95th percentile", frames[int(0.95 * len(frames))], "ms", 33)
    ready = 'document.querySelector(\'[role="columnheader"][aria-sort="ascending"]\') !== null'
    heading = page.get_by_role("columnheader").nth(4).get_by_role("button")
    report("sort by a model", waited(page, heading.click, ready), "ms", 300)


def main() -> None:
    """Fill, serve, ask, open, measure."""
    share = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "project"
        ids = fill(path, share)
        tool = [sys.executable, "-c", "from compress_compare.cli import main; main()"]
        command = [*tool, "serve", str(path), "--no-browser", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server, sync_playwright() as playwright:
            assert server.stdout is not None
            address = re.search(r"http\S+", server.stdout.readline())
            assert address is not None
            try:
                with Peak(server.pid) as peak:
                    answers(address[0], ids)
                report("server's memory above idle, at most", peak.above / 1e6, "MB", 1_500)
                browser = playwright.chromium.launch(
                    executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
                    args=["--no-sandbox", "--disable-gpu"],
                )
                measure(browser.new_page(viewport={"width": 1280, "height": 720}, bypass_csp=True), address[0], ids)
                browser.close()
            finally:
                server.terminate()


if __name__ == "__main__":
    main()
