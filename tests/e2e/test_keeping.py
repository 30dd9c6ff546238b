"""What a person takes away from the overview, or leaves in it: files, named views, the direction of a metric."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.conftest import SIX, fill
from tests.e2e.walking import expect_selected, link, model_map

EVIL = "=cmd|' /C calc'!A0"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("e2e") / "keeping"
    fill(folder)
    with cc.open(folder) as opened:
        opened.log_model(EVIL, base="cnn", operation=cc.Operation("train", epochs=9), metrics={"Epochs": 9})
    return folder


def save(page: Page, menu: str, item: str, folder: Path) -> Path:
    page.get_by_role("button", name=menu).click()
    with page.expect_download() as started:
        page.get_by_role("menuitem", name=item).click()
    path = folder / started.value.suggested_filename
    started.value.save_as(path)
    return path


@pytest.mark.parametrize(
    ("menu", "says"),
    [
        ("Map menu", "magnitude prune"),
        ("Export the scatterplot", "Model Size"),
        ("Export the details", "train 2"),
    ],
)
def test_pictures(overview: Page, tmp_path: Path, menu: str, says: str) -> None:
    overview.goto(link(overview, SIX))
    expect(overview.get_by_role("region", name="Details", exact=True)).to_contain_text("amount")
    drawn = save(overview, menu, "Export SVG", tmp_path).read_text()
    assert drawn.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    words = re.sub(r"<[^>]*>", " ", drawn).split()
    assert set(says.split()) <= set(words)
    assert drawn.count("<path") + drawn.count("<rect") > 10
    png = save(overview, menu, "Export PNG", tmp_path).read_bytes()
    assert png.startswith(PNG)
    assert len(png) > 10_000


def test_tables_open_in_a_spreadsheet_without_running_anything(overview: Page, tmp_path: Path) -> None:
    path = save(overview, "Map menu", "Export CSV: models", tmp_path)
    assert path.name == "keeping models.csv"
    rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
    assert [row["id"] for row in rows][-1] == f"'{EVIL}"
    by_id = {row["id"]: row for row in rows}
    assert (by_id["p50"]["Top-1 Accuracy"], by_id["p50"]["Model Size"]) == ("0.972", "200000")
    assert by_id["unmeasured"]["Top-1 Accuracy"] == ""


def test_a_view_is_named_and_found_again(overview: Page) -> None:
    overview.goto(link(overview, ["p50", "p75"], by="step"))
    overview.get_by_role("button", name="Views").click()
    overview.get_by_label("Name of this view").fill("Half and three quarters")
    overview.get_by_role("button", name="Save", exact=True).click()
    expect(overview.get_by_role("button", name="Half and three quarters", exact=True)).to_be_visible()
    overview.goto(link(overview, []))
    expect_selected(overview, [])
    overview.get_by_role("button", name="Half and three quarters", exact=True).click()
    expect_selected(overview, ["p50", "p75"])
    expect(overview.get_by_role("button", name="By step")).to_have_attribute("aria-pressed", "true")
    overview.get_by_role("button", name="Views").click()
    overview.get_by_role("button", name="Delete the view Half and three quarters").click()
    expect(overview.get_by_text("There are no saved views yet.")).to_be_visible()


def test_the_way_a_selection_is_shown_is_in_the_address(overview: Page) -> None:
    overview.goto(link(overview, SIX))
    overview.get_by_label("Variable on x").select_option("train 2")
    overview.get_by_role("button", name="Table", exact=True).click()
    overview.get_by_role("button", name="Top-1 Accuracy", exact=True).click()
    overview.reload()
    expect(overview.get_by_role("button", name="Table", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(overview.get_by_role("columnheader", name="Top-1 Accuracy")).to_have_attribute("aria-sort", "descending")
    overview.get_by_role("button", name="Table", exact=True).click()
    expect(overview.get_by_label("Variable on x")).to_have_value("train 2")


def test_the_page_asks_which_direction_is_better(overview: Page) -> None:
    overview.goto(link(overview, [], x="Epochs"))
    scatter = overview.get_by_role("region", name="Model scatterplot")
    scatter.get_by_role("button", name="lower").click()
    expect(scatter.get_by_role("group", name="Direction of Epochs")).to_have_count(0)
    answer = overview.request.get(overview.url.split("#")[0].rstrip("/") + "/api/v1/project")
    assert {m["name"]: m["higher_is_better"] for m in answer.json()["metrics"]}["Epochs"] is False


def test_the_map_offers_what_can_be_done(overview: Page) -> None:
    box = model_map(overview).bounding_box()
    assert box is not None
    overview.mouse.click(box["x"] + box["width"] - 6, box["y"] + box["height"] - 6, button="right")
    menu = overview.get_by_role("menu", name="Model map")
    expect(menu).to_contain_text("Select all")
    menu.get_by_role("menuitem", name="Select all").click()
    expect(overview.get_by_role("heading", name="11 of 11 models selected")).to_be_visible()
    expect(menu).to_have_count(0)
