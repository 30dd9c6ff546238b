"""A real project, served by the real server, in a real browser that tolerates no error."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.serving import TOOL, serving
from tests.e2e.watching import Watched

expect.set_options(timeout=30_000)

SIX = tuple(f"p{amount}{suffix}" for amount in (50, 75, 90) for suffix in ("", "-ft"))
XSS = (
    "<img src=x onerror=window.pwned=1>",
    "<script>window.pwned=1</script>",
    '"><svg onload=window.pwned=1>',
    "javascript:window.pwned=1",
    "{{constructor.constructor('window.pwned=1')()}}",
    "<svg><script>window.pwned=1</script></svg>",
    "<svg/onload=window.pwned=1>",
    "<IMG SRC=x OnError=window.pwned=1>",
    "<img/src=x/onerror=window.pwned=1//>",
    "<iframe srcdoc='<script>parent.pwned=1</script>'></iframe>",
    "<iframe src=javascript:parent.pwned=1></iframe>",
    "<a href=javascript:window.pwned=1 autofocus onfocus=window.pwned=1>link</a>",
    "<details open ontoggle=window.pwned=1><summary>x</summary></details>",
    "<input autofocus onfocus=window.pwned=1>",
    "<video><source onerror=window.pwned=1></video>",
    "<math><mi xlink:href='javascript:window.pwned=1'>x</mi></math>",
    "<style>@import 'javascript:window.pwned=1';</style>",
    "<meta http-equiv=refresh content='0;url=javascript:window.pwned=1'>",
    "<base href='javascript:window.pwned=1//'>",
    "</title></textarea></style></script><script>window.pwned=1</script>",
    "<!--><img src=x onerror=window.pwned=1>-->",
    "<noscript><p title='</noscript><img src=x onerror=window.pwned=1>'>",
    "' onmouseover='window.pwned=1' x='",
    "[x](javascript:window.pwned=1) ![x](x onerror=window.pwned=1)",
    "&lt;img src=x onerror=window.pwned=1&gt; %3Cscript%3E ${window.pwned=1}",
)
"""Names that would run as markup, attributes, links, templates or terminal codes; none has to."""


def fill(folder: Path) -> None:
    """Pruning with and without retraining (the six-model case), quantization, and one model without a measurement."""
    with cc.open(folder) as project:
        project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
        project.define_metric("Model Size", unit="B", format=".3s", higher_is_better=False, primary=True, min=0)
        project.log_model("cnn", operation=cc.Operation("train", epochs=3), metrics=measured(0.981, 400_000))
        for amount, accuracy, retrained in ((50, 0.972, 0.98), (75, 0.903, 0.975), (90, 0.412, 0.951)):
            prune = cc.Operation("magnitude prune", amount=amount / 100)
            size = 400_000 * (100 - amount) // 100
            project.log_model(f"p{amount}", base="cnn", operation=prune, metrics=measured(accuracy, size))
            project.log_model(
                f"p{amount}-ft",
                base=f"p{amount}",
                operation=cc.Operation("train", epochs=1),
                metrics=measured(retrained, size),
            )
        for bits in (8, 4):
            quantize = cc.Operation("quantize", bits=bits)
            project.log_model(f"int{bits}", base="cnn", operation=quantize, metrics=measured(0.98, 50_000 * bits))
        project.log_model(
            "unmeasured", base="cnn", operation=cc.Operation("quantize", bits=2), metrics={"Model Size": 99_000}
        )


def measured(accuracy: float, size: int) -> dict[str, Any]:
    return {"Top-1 Accuracy": accuracy, "Model Size": size}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a module's journeys go through; a module that changes it has a project of its own."""
    folder = tmp_path_factory.mktemp("e2e") / "compression"
    fill(folder)
    return folder


@pytest.fixture(scope="module")
def address(project: Path) -> Iterator[str]:
    with serving(TOOL, project, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        yield printed


@pytest.fixture
def overview(page: Page, address: str) -> Iterator[Page]:
    """The page as the printed address opens it. The test fails on any error, failed request or policy violation."""
    watched = Watched(page)
    page.goto(address)
    expect(page.get_by_role("tree", name="Models by provenance")).to_be_visible()
    yield page
    assert watched.problems == []
