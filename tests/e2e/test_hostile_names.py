"""What a project names is text, whatever it says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.conftest import XSS
from tests.e2e.walking import link, model_map


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root and a child for each payload, which is also its operation, parameter, metric, tag, note and a tensor."""
    folder = tmp_path_factory.mktemp("e2e") / "hostile"
    with cc.open(folder) as project:
        project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True)
        tensors = {f"{payload}.weight": np.arange(4.0, dtype=np.float32).reshape(2, 2) for payload in XSS}
        project.log_model("cnn", metrics={"Accuracy": 0.9}, checkpoint=tensors)
        for number, payload in enumerate(XSS):
            project.define_metric(payload, unit=payload[:8], description=payload, primary=number == 0)
            project.log_model(
                payload,
                base="cnn",
                operation=cc.Operation(payload, **{payload: payload}),
                metrics={"Accuracy": 0.5 + number / 100, payload: number},
                tags=[payload],
                note=payload,
                checkpoint={name: tensor * 0.5 for name, tensor in tensors.items()} if number == 0 else None,
            )
    return folder


def test_nothing_runs(overview: Page) -> None:
    tree = model_map(overview)
    tree.focus()
    tree.press("Home")
    tree.press("ArrowRight")
    for _ in XSS:
        tree.press("Space")
        tree.press("ArrowDown")
    for ids in ([XSS[0]], list(XSS)):
        overview.goto(link(overview, ids, color=XSS[0], x=XSS[0], y="Accuracy"))
        expect(overview.get_by_role("region", name="Details", exact=True)).to_contain_text(XSS[0])
        for tab in overview.get_by_role("tab").all():
            tab.click()
            overview.wait_for_timeout(100)
    assert overview.evaluate("window.pwned") is None


def test_nothing_runs_in_layers(overview: Page) -> None:
    overview.goto(link(overview, ["cnn", XSS[0]]).replace("#/overview", "#/layers"))
    for arrangement in ("Flat", "Tree"):
        overview.get_by_role("button", name=arrangement, exact=True).click()
        expect(overview.get_by_text("onerror=window.pwned=1>").first).to_be_visible()
    overview.get_by_role("treegrid").get_by_role("row").nth(2).click()
    overview.wait_for_timeout(300)
    assert overview.evaluate("window.pwned") is None
