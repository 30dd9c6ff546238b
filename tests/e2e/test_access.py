"""The overview without a pointer and without eyes: names of all controls, order of focus, what is said of pictures."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.walking import expect_selected, link

FOUR = ["p50", "p75", "p50-ft", "p75-ft"]
STATES: dict[str, tuple[list[str], dict[str, str]]] = {
    "nothing selected": ([], {}),
    "filters": ([], {"tab": "filters"}),
    "effects": ([], {"tab": "effects"}),
    "several models and the frontier": (FOUR, {"list": "frontier"}),
    "one model": (["p50"], {}),
}
FOCUSED = """() => {
  const e = document.activeElement;
  if (e === document.body) return null;
  const texts = [e.getAttribute('aria-label'), e.labels?.[0]?.textContent, e.textContent, e.title];
  const panel = e.closest('section[aria-label], [role=separator]') ?? e.closest('header');
  return {
    name: (texts.find((text) => text?.trim()) ?? '').trim(),
    panel: panel?.getAttribute('aria-label') ?? panel?.tagName ?? '',
    ring: e.matches(':focus-visible'),
  };
}"""
MOST_STOPS = 150


def stops(page: Page) -> list[dict[str, str]]:
    """Where the Tab key leads from the top of the page to its end."""
    found: list[dict[str, str]] = []
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        here = page.evaluate(FOCUSED)
        if here is None:
            return found
        found.append(here)
    raise AssertionError(f"after {MOST_STOPS} stops there is no end: {found[-5:]}")


@pytest.mark.parametrize("name", STATES)
def test_the_tab_key_meets_every_panel_in_turn_and_every_stop_has_a_name(overview: Page, name: str) -> None:
    ids, state = STATES[name]
    overview.goto(link(overview, ids, **state))
    expect(overview.get_by_role("tab", selected=True)).to_be_visible()
    overview.wait_for_load_state("networkidle")
    found = stops(overview)
    assert [stop for stop in found if not stop["name"] or not stop["ring"]] == []
    panels = [stop["panel"] for stop in found if stop["panel"] != "Resize panels"]
    in_turn = [panel for k, panel in enumerate(panels) if k == 0 or panels[k - 1] != panel]
    strip = ["Compared models"] if ids else []
    assert in_turn == ["HEADER", *strip, "Model map", "Model scatterplot", "Details"]


def test_the_scatterplot_says_what_the_arrow_keys_come_to(overview: Page) -> None:
    plot = overview.get_by_role("application")
    plot.focus()
    plot.press("ArrowRight")
    said = plot.get_by_role("status")
    expect(said).to_have_text(re.compile(r"^\S+; Model Size .+; Top-1 Accuracy .+"))
    first = said.inner_text()
    plot.press("ArrowRight")
    expect(said).not_to_have_text(first)
    plot.press("Space")
    expect(said).to_have_text(re.compile("; selected$"))
    expect_selected(overview, [said.inner_text().split(";")[0]])


def test_one_stop_for_all_pairs_of_an_effect_and_arrows_between_them(overview: Page) -> None:
    overview.goto(link(overview, [], tab="effects"))
    strip = overview.get_by_role("group", name="Differences of").first
    expect(strip.locator("[tabindex='0']")).to_have_count(1)
    dots = strip.get_by_role("button")
    dots.first.focus()
    dots.first.press("ArrowRight")
    expect(dots.nth(1)).to_be_focused()
    expect(strip.locator("[tabindex='0']")).to_have_count(1)
