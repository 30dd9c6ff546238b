"""Every way to a set of models on the overview: headings, kin, folding, steps back, filters, budgets, charts."""

from __future__ import annotations

import re
import struct
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.conftest import SIX
from tests.e2e.walking import expect_selected, link, model_map

PRUNED = ("p50", "p75", "p90")
QUANTIZED = ("int8", "int4", "unmeasured")


def left(page: Page) -> str:
    """How many models pass the filters, as the tab of the filters says."""
    return page.locator("#details-panel").get_by_role("status").inner_text()


def button(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_a_heading_selects_its_models_and_shift_adds(overview: Page) -> None:
    button(overview, "magnitude prune")
    expect_selected(overview, PRUNED)
    overview.get_by_role("button", name="quantize", exact=True).click(modifiers=["Shift"])
    expect_selected(overview, [*PRUNED, *QUANTIZED])


def test_parents_children_ancestors_and_descendants_are_added(overview: Page) -> None:
    overview.goto(link(overview, ["p50-ft"]))
    button(overview, "Add the parents of the selected models")
    expect_selected(overview, ["p50-ft", "p50"])
    button(overview, "Add all ancestors of the selected models")
    expect_selected(overview, ["p50-ft", "p50", "cnn"])
    overview.goto(link(overview, ["p75"]))
    button(overview, "Add the children of the selected models")
    expect_selected(overview, ["p75", "p75-ft"])
    overview.goto(link(overview, ["cnn"]))
    button(overview, "Add all descendants of the selected models")
    expect(overview.get_by_role("heading", name="10 of 10 models selected")).to_be_visible()


def test_steps_back_and_forth(overview: Page) -> None:
    button(overview, "magnitude prune")
    button(overview, "quantize")
    expect_selected(overview, QUANTIZED)
    model_map(overview).focus()
    overview.keyboard.press("Control+z")
    expect_selected(overview, PRUNED)
    overview.keyboard.press("Control+Shift+z")
    expect_selected(overview, QUANTIZED)


def test_a_subtree_is_folded_with_a_count_and_unfolded(overview: Page) -> None:
    overview.goto(link(overview, PRUNED))
    button(overview, "Collapse")
    tree = model_map(overview)
    tree.focus()
    tree.press("Home")
    tree.press("ArrowRight")
    expect(overview.get_by_role("treeitem")).to_have_attribute("aria-expanded", "false")
    button(overview, "Expand")
    tree.focus()
    tree.press("Home")
    tree.press("ArrowRight")
    expect(overview.get_by_role("treeitem")).to_have_attribute("aria-expanded", "true")


def test_filters_are_combined_counted_and_cleared(overview: Page) -> None:
    overview.get_by_role("tab", name="Filters").click()
    assert left(overview).startswith("10 of 10")
    overview.get_by_label("train 4").check()
    assert left(overview).startswith("4 of 10")
    overview.get_by_role("slider", name="Least Top-1 Accuracy").first.focus()
    for _ in range(60):
        overview.keyboard.press("ArrowRight")
        few = int(left(overview).split()[0])
        if few < 4:
            break
    assert 0 < few < 4
    overview.get_by_label("Only the frontier").check()
    assert int(left(overview).split()[0]) <= few
    button(overview, "Select them")
    overview.get_by_role("tab", name="Filters").click()
    button(overview, "Clear filters")
    assert left(overview).startswith("10 of 10")


def test_no_match_is_said_and_is_not_no_filter(overview: Page) -> None:
    overview.goto(link(overview, [], tab="filters", tag="of no model"))
    expect(overview.locator("#details-panel")).to_contain_text("No model passes all filters")
    assert left(overview).startswith("0 of 10")


def test_a_budget_fades_what_is_beyond_it_and_counts_what_is_left(overview: Page) -> None:
    budget = overview.get_by_role("slider", name="Budget: most Model Size")
    budget.focus()
    for _ in range(30):
        budget.press("ArrowLeft")
    expect(budget).to_have_attribute("aria-valuetext", re.compile(r"^≤ .*B, \d of 10 left$"))
    count = int(re.search(r"(\d) of 10 left", budget.get_attribute("aria-valuetext") or "")[1])  # type: ignore[index]
    assert 0 < count < 10
    budget.press("Delete")
    expect(budget).to_have_attribute("aria-valuetext", "no limit")


def test_nothing_is_left_to_try_where_all_like_models_have_the_step(overview: Page) -> None:
    """Each of the pruned models was trained again, and nothing was applied to any of the quantized ones."""
    overview.goto(f"{overview.url.partition('#')[0]}#/overview?tab=untried")
    expect(overview.get_by_text("Nothing is left to try here")).to_be_visible()


def test_candidates_are_saved_as_a_slide(overview: Page) -> None:
    overview.goto(link(overview, SIX[:3]))
    overview.get_by_text("Side by side").click()
    overview.get_by_role("button", name="Export the candidates").click()
    with overview.expect_download() as download:
        overview.get_by_role("menuitem", name="Export a slide").click()
    width, height = struct.unpack(">II", Path(download.value.path()).read_bytes()[16:24])
    assert width * 9 == height * 16 and width > 1920


def test_the_colors_end_where_a_person_says(overview: Page) -> None:
    handle = overview.get_by_role("slider", name="Where the colors of Top-1 Accuracy end")
    handle.focus()
    for _ in range(50):
        handle.press("ArrowRight")
    expect(overview).to_have_url(re.compile("clamp=0"))
    expect(overview.get_by_text("1 worse than")).to_be_visible()  # 41.2% of p90; the others have 90% and more
    overview.reload()
    expect(overview.get_by_text("1 worse than")).to_be_visible()
    handle.dblclick()
    expect(overview.get_by_text("1 worse than")).to_be_hidden()


def test_a_logarithmic_axis_is_in_the_address(overview: Page) -> None:
    """Sizes from 40 to 400 kB span a decade, so the axis is logarithmic until somebody says otherwise."""
    log = overview.get_by_role("button", name="Log horizontal axis")
    expect(log).to_have_attribute("aria-pressed", "true")
    log.click()
    expect(overview).to_have_url(re.compile("logx=0"))
    overview.reload()
    expect(log).to_have_attribute("aria-pressed", "false")


def test_a_value_without_its_models_is_previewed_then_left_out(overview: Page) -> None:
    overview.goto(link(overview, SIX))
    details = overview.get_by_role("region", name="Details", exact=True)
    details.get_by_role("checkbox", name="0.9").click()
    expect_selected(overview, [id for id in SIX if not id.startswith("p90")])


def test_nothing_moves_where_reduced_motion_is_asked_for(overview: Page) -> None:
    overview.emulate_media(reduced_motion="reduce")
    busy = """() => new Promise((done) => {
      const tree = document.querySelector('[role=tree]');
      let moved = false;
      const watching = new MutationObserver(() => (moved ||= tree.getAttribute('aria-busy') === 'true'));
      watching.observe(tree, { attributes: true });
      [...document.querySelectorAll('button')].find((one) => one.textContent.trim() === 'By step').click();
      setTimeout(() => done(moved), 400);
    })"""
    assert overview.evaluate(busy) is False
    overview.emulate_media(reduced_motion="no-preference")
    assert overview.evaluate(busy.replace("By step", "By operation")) is True
