"""The steps of the guide and of the digits case study, done on the demo as they are written."""

from __future__ import annotations

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.walking import expect_selected, link, model_map
from tests.e2e.watching import Watched

PRUNED, HARDER = "cnn-magnitude70-finetuned", "cnn-magnitude90-finetuned"
SLICE = "label 1, lean left"
SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "screenshots"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits demo without two families that neither the guide nor a picture shows."""
    pytest.importorskip("sklearn", reason="the digits are scikit-learn's")
    from compress_compare.demos.digits import run_digits
    from compress_compare.demos.digits.experiments import experiments

    folder = tmp_path_factory.mktemp("e2e") / "digits"
    shown = [node for node in experiments(0) if "random" not in node.id and "iterative" not in node.id]
    run_digits(folder, nodes=shown).close()
    return folder


@pytest.fixture
def demo(page: Page, address: str) -> Iterator[Page]:
    """The overview with nothing selected. The test fails on any error or policy violation."""
    watched = Watched(page)
    page.goto(address)
    expect(model_map(page)).to_be_visible()
    yield page
    assert watched.problems == []


def test_from_a_model_that_looks_fine_to_whom_it_fails(demo: Page, project: Path) -> None:
    with cc.open(project, create=False) as opened:
        found = opened.behaviors("cnn", [PRUNED, HARDER], "digits-test")
        overall = {row["model"]: row for row in found.summary.to_pylist()}
        slices = {(row["model"], row["slice"]): row["same_as"] for row in found.slices.to_pylist()}
        rows = opened.instances("digits-test").to_pylist()
    slanted = {str(row["id"]) for row in rows if row["label"] == 1 and row["lean"] == "left"}
    assert len(slanted) == 41
    assert overall[PRUNED]["value"] > 0.94

    demo.goto(link(demo, ["cnn", PRUNED, HARDER]))
    expect_selected(demo, ["cnn", PRUNED, HARDER])
    demo.get_by_role("button", name="Behaviors").click()
    models = demo.get_by_role("region", name="Models", exact=True)
    expect(models).to_contain_text(f"{overall[PRUNED]['value']:.1%}")
    lost = overall[HARDER]["right_to_wrong"]
    demo.get_by_role("button", name=f"{HARDER}: right → wrong, {lost} examples").click()
    expect(demo.get_by_text(f"{lost} of 746 examples")).to_be_visible()

    demo.get_by_role("button", name="Slices", exact=True).click()
    table = demo.get_by_role("region", name="Table of slices")
    expect(table.get_by_role("row")).to_have_count(1 + min(100, list(slices.values()).count(None)))
    finding = slices[HARDER, SLICE]
    if finding is not None:
        found_first = (
            table.get_by_role("row").filter(has=demo.get_by_title(HARDER, exact=True)).filter(has_text=finding).first
        )
        found_first.get_by_role("button", name=re.compile("alike$")).click()
    table.get_by_role("row").filter(has=demo.get_by_title(HARDER, exact=True)).get_by_role(
        "button", name=SLICE, exact=True
    ).click()
    expect(demo.get_by_text("41 of 746 examples")).to_be_visible()
    listed = demo.get_by_role("grid", name="Examples").get_by_role("row").all()[1:]
    assert {row.get_by_role("gridcell").nth(1).inner_text() for row in listed} <= slanted
    demo.get_by_role("grid", name="Examples").get_by_role("row").nth(1).click()
    panel = demo.get_by_role("complementary", name="Example")
    assert panel.locator("img").evaluate("image => image.naturalWidth") == 8


def test_which_layer_hurt(demo: Page) -> None:
    demo.goto(link(demo, ["cnn", "cnn-magnitude90"]))
    demo.get_by_role("button", name="Layers").click()
    headline = re.compile(r"^block\d\.conv changed most in prune 0\.9 against cnn: SQNR")
    said = demo.get_by_role("heading", name=headline)
    expect(said).to_be_visible()
    worst = said.inner_text().split()[0]
    demo.get_by_role("button", name=re.compile(f"^{re.escape(worst)}")).first.click()
    expect(demo.get_by_role("complementary", name="Layer").get_by_role("heading", level=2)).to_have_text(worst)


def test_pick_a_model_under_a_budget(demo: Page, project: Path) -> None:
    with cc.open(project, create=False) as opened:
        rows = {row["id"]: row for row in opened.models().to_pylist()}
        frontier = opened.frontier(x="Packed Size", y="Top-1 Accuracy")
    within = [id for id in rows if rows[id]["Packed Size"] <= 2500]
    best = max((id for id in frontier if id in within), key=lambda id: rows[id]["Top-1 Accuracy"])
    demo.goto(link(demo, [], x="Packed Size", logx="1", keep="0~2500~Packed Size"))
    expect(demo.get_by_text(f"{len(within)} of {len(rows)} left").first).to_be_visible()
    scatter = demo.get_by_role("region", name="Model scatterplot")
    scatter.get_by_role("button", name=re.compile("^Frontier")).click()
    scatter.get_by_title(best).first.click()
    expect_selected(demo, [best])
    expect(demo.get_by_role("region", name="Details", exact=True)).to_contain_text(best)


def test_is_it_noise(demo: Page, project: Path) -> None:
    names = ("cnn-magnitude50-calibrated", "cnn-magnitude90-calibrated")
    with cc.open(project, create=False) as opened:
        rows = opened.behaviors("cnn", list(names), "digits-test").summary.to_pylist()
    ties = [row["ci_low"] <= 0 <= row["ci_high"] for row in rows]
    demo.goto(link(demo, ["cnn", *names]))
    demo.get_by_role("button", name="Behaviors").click()
    for name, tie in zip(names, ties, strict=True):
        row = (
            demo.get_by_role("region", name="Models", exact=True)
            .get_by_role("row")
            .filter(has=demo.get_by_title(name, exact=True))
        )
        expect(row).to_be_visible()
        assert ("tie" in row.inner_text()) is tie


def test_every_picture_of_the_documentation_can_be_taken(demo: Page) -> None:
    pictures = runpy.run_path(str(SCRIPT))["PICTURES"]["digits"]
    addresses = [shown for shown in pictures.values() if shown.startswith("/")]
    assert len(addresses) > 5
    for shown in addresses:
        demo.goto(f"{demo.url.split('#')[0]}#{shown}")
        demo.reload()
        expect(demo.locator("main :is(section, [role=treegrid])").first).to_be_visible()
        expect(demo.get_by_role("alert")).to_have_count(0)
