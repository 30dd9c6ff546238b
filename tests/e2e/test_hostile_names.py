"""What a project names is text, whatever it says."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.conftest import XSS
from tests.e2e.walking import link, model_map


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root and a child for each payload, which is also its operation, parameter, metric, tag and note."""
    folder = tmp_path_factory.mktemp("e2e") / "hostile"
    with cc.open(folder) as project:
        project.define_metric("Accuracy", format=".1%", higher_is_better=True, primary=True)
        project.log_model("cnn", metrics={"Accuracy": 0.9})
        for number, payload in enumerate(XSS):
            project.define_metric(payload, unit=payload[:8], description=payload, primary=number == 0)
            project.log_model(
                payload,
                base="cnn",
                operation=cc.Operation(payload, **{payload: payload}),
                metrics={"Accuracy": 0.5 + number / 100, payload: number},
                tags=[payload],
                note=payload,
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
