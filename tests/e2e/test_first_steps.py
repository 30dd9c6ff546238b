"""What a person meets first: no model, one model, and models whose metrics do not say which way is better."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.serving import TOOL, serving
from tests.e2e.watching import Watched


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cc.open(tmp_path / "project").close()
    return tmp_path / "project"


def test_every_page_of_an_empty_project_says_what_to_do(page: Page, folder: Path) -> None:
    with serving(TOOL, folder, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        watched = Watched(page)
        page.goto(printed)
        for name in ("Overview", "Models", "Layers", "Plan"):
            page.get_by_role("navigation", name="Pages").get_by_role("button", name=name).click()
            expect(page.get_by_role("heading", name="No models yet")).to_be_visible()
        for name, heading in (("Behaviors", "No dataset yet"), ("Experiments", "magnitude prune")):
            page.get_by_role("navigation", name="Pages").get_by_role("button", name=name).click()
            expect(page.get_by_role("heading", name=heading)).to_be_visible()
        assert watched.problems == []


def test_of_one_model_how_it_was_made_comes_first(page: Page, folder: Path) -> None:
    with cc.open(folder) as project:
        project.log_model("solo", operation=cc.Operation("train", epochs=3), metrics={"Accuracy": 0.9})
    with serving(TOOL, folder, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        page.goto(printed)
        expect(page.locator("#details-panel")).to_contain_text("train (epochs=3)")


def test_all_metrics_are_asked_for_their_better_way_at_once(page: Page, folder: Path) -> None:
    with cc.open(folder) as project:
        project.log_model("base", metrics={"top1": 0.9, "size": 1000})
        project.log_model("small", base="base", operation=cc.Operation("prune"), metrics={"top1": 0.8, "size": 500})
    with serving(TOOL, folder, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        watched = Watched(page)
        page.goto(printed)
        page.get_by_role("button", name="Which way is better? 2 metrics").click()
        asked = page.get_by_role("dialog", name="Which way is better?")
        asked.get_by_role("combobox", name="Which top1 is better").select_option("higher")
        asked.get_by_role("combobox", name="Which size is better").select_option("lower")
        asked.get_by_role("button", name="Keep the answers").click()
        expect(asked).to_be_hidden()
        expect(page.get_by_role("button", name="Frontier 2")).to_be_visible()
        assert watched.problems == []
