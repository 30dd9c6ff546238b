"""Journeys through the overview, as a person takes them."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.conftest import SIX
from tests.e2e.walking import drag, expect_selected, link, model_map, selected, walk_to

EVERYTHING = ("cnn", *SIX, "int8", "int4", "unmeasured")


def test_the_printed_address_opens_the_page_ready_to_use(overview: Page) -> None:
    expect(overview).to_have_title("compression – Compress and Compare")
    expect(overview.get_by_role("banner")).to_contain_text("compression")
    expect(overview.get_by_role("banner").get_by_role("status")).to_have_text("Live")
    assert "token" not in overview.url


def test_everything_fits_a_small_screen(overview: Page) -> None:
    for name in ("Model map", "Model scatterplot", "Details"):
        region = overview.get_by_role("region", name=name, exact=True)
        expect(region).to_be_visible()
        box = region.bounding_box()
        assert box is not None
        assert box["x"] >= 0 and box["y"] >= 0 and box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720
        assert box["width"] > 300 and box["height"] > 150
    size = overview.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
    assert size == [1280, 720]


def test_the_keyboard_walks_and_selects(overview: Page) -> None:
    walk_to(overview, "p75")
    model_map(overview).press("Space")
    expect(overview.get_by_role("treeitem")).to_have_attribute("aria-selected", "true")
    expect_selected(overview, ["p75"])
    model_map(overview).press("ArrowRight")
    model_map(overview).press("Space")
    expect_selected(overview, ["p75", "p75-ft"])
    model_map(overview).press("Escape")
    expect_selected(overview, [])


def test_a_rectangle_selects_on_the_map(overview: Page) -> None:
    drag(overview, model_map(overview), (0.002, 0.12), (0.998, 0.998))
    expect_selected(overview, EVERYTHING)
    drag(overview, model_map(overview), (0.002, 0.12), (0.22, 0.998))
    expect_selected(overview, ["cnn"])


def test_a_brush_selects_on_the_scatterplot(overview: Page) -> None:
    plot = overview.get_by_role("region", name="Model scatterplot").locator("canvas").last
    drag(overview, plot, (0.11, 0.01), (0.99, 0.91))
    overview.wait_for_timeout(200)
    found = selected(overview)
    assert {"cnn", *SIX} <= set(found)
    assert "unmeasured" not in found


def test_reload_back_and_a_pasted_link_restore_the_view(overview: Page) -> None:
    walk_to(overview, "p50")
    model_map(overview).press("Space")
    expect_selected(overview, ["p50"])
    overview.get_by_role("button", name="By step").click()
    overview.reload()
    expect(overview.get_by_role("button", name="By step")).to_have_attribute("aria-pressed", "true")
    expect_selected(overview, ["p50"])

    walk_to(overview, "p90")
    model_map(overview).press("Space")
    expect_selected(overview, ["p50", "p90"])
    overview.go_back()
    expect_selected(overview, ["p50"])
    overview.go_forward()
    expect_selected(overview, ["p50", "p90"])

    pasted = overview.context.new_page()
    pasted.goto(overview.url)
    expect(pasted.get_by_role("button", name="By step")).to_have_attribute("aria-pressed", "true")
    expect_selected(pasted, ["p50", "p90"])
    details = pasted.get_by_role("region", name="Details", exact=True)
    expect(details).to_contain_text("amount")
    pasted.close()


def test_six_models_become_a_chart_of_amount_by_retraining(overview: Page) -> None:
    overview.goto(link(overview, SIX))
    details = overview.get_by_role("region", name="Details", exact=True)
    expect(details).to_contain_text("amount")
    expect(details).to_contain_text("train 2")
    expect(details).to_contain_text("Top-1 Accuracy")


def test_one_model_shows_its_lineage_and_change(overview: Page) -> None:
    overview.goto(link(overview, ["p90-ft"]))
    details = overview.get_by_role("region", name="Details", exact=True)
    expect(details).to_contain_text("magnitude prune")
    expect(details).to_contain_text("95.1%")


def test_a_missing_value_is_said_and_is_not_zero(overview: Page) -> None:
    overview.get_by_role("button", name="By step").click()
    walk_to(overview, "unmeasured")
    expect(overview.get_by_role("treeitem")).to_contain_text("Top-1 Accuracy missing")


def test_dark_mode(overview: Page) -> None:
    page_is("light", overview)
    overview.emulate_media(color_scheme="dark")
    page_is("dark", overview)
    overview.get_by_role("button", name="Theme: system").click()
    overview.get_by_role("button", name="Theme: light").wait_for()
    page_is("light", overview)
    overview.reload()
    overview.get_by_role("button", name="Theme: light").wait_for()
    page_is("light", overview)


def page_is(theme: str, page: Page) -> None:
    """The theme, by the color behind everything."""
    darkness = "getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).every((part) => part < 60)"
    for _ in range(40):
        if page.evaluate(darkness) is (theme == "dark"):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"the page did not become {theme}")


def test_a_stranger_sees_nothing(overview: Page, browser: Browser) -> None:
    stranger = browser.new_context()
    page = stranger.new_page()
    page.goto(overview.url.split("#")[0])
    expect(page.get_by_role("tree")).to_have_count(0)
    assert "cnn" not in page.content()
    answer = page.request.get(overview.url.split("#")[0].rstrip("/") + "/api/v1/models")
    assert answer.status == 401
    stranger.close()


def test_paths_unfold_to_single_models(overview: Page) -> None:
    """Three models that were quantized are one ribbon; a click lists them, and one more selects one of them."""
    overview.get_by_role("button", name="Paths").click()
    tree = model_map(overview)
    quantized = tree.get_by_role("treeitem", name="quantize 3 models")
    expect(quantized).to_have_attribute("aria-level", "2")
    quantized.click()
    tree.get_by_role("treeitem", name="8 bits").click()
    expect_selected(overview, ["int8"])
    expect(overview).to_have_url(re.compile("by=path.*unfold="))
    tree.get_by_role("treeitem", name="train 10 models").press("Enter")
    expect(tree.get_by_role("treeitem")).to_have_count(1)


def test_a_finger_adds_to_a_selection(browser: Browser, overview: Page) -> None:
    """Where there is no shift key, a button says that taps add."""
    context = browser.new_context(has_touch=True, storage_state=overview.context.storage_state())
    page = context.new_page()
    page.goto(link(overview, [], by="path"))
    tree = model_map(page)
    tree.get_by_role("treeitem", name="quantize 3 models").tap()
    tree.get_by_role("treeitem", name="8 bits").tap()
    expect_selected(page, ["int8"])
    page.get_by_role("button", name="Add by tapping").tap()
    tree.get_by_role("treeitem", name="4 bits").tap()
    expect_selected(page, ["int8", "int4"])
    context.close()
