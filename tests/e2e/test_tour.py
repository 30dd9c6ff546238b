"""The guided tour: offered at a first visit, out of the way, over once dismissed, there again when asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.e2e.walking import expect_selected, link, model_map
from tests.e2e.watching import Watched

BY_HAND = "Object.defineProperty(Navigator.prototype, 'webdriver', { get: () => false })"
"""The tour does not offer itself to a browser that a program drives."""
TITLES = ["The map", "The scatterplot", "The details", "Behaviors", "Layers", "Experiments", "Keep what you see"]


@pytest.fixture
def visit(browser: Browser, address: str) -> Iterator[Page]:
    """The first visit of a person who asked for reduced motion. The test fails on any error or policy violation."""
    context = browser.new_context(viewport={"width": 1280, "height": 720}, reduced_motion="reduce")
    context.add_init_script(BY_HAND)
    page = context.new_page()
    watched = Watched(page)
    page.goto(address)
    expect(model_map(page)).to_be_visible()
    yield page
    assert watched.problems == []
    context.close()


def strip(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Tour")


def ringed(page: Page) -> list[str | None]:
    marked = page.locator("[data-ringed]").all()
    return [part.get_attribute("aria-label") or part.evaluate("part => part.localName") for part in marked]


def test_a_first_visit_is_led_through_every_part_with_the_keyboard(visit: Page) -> None:
    expect(strip(visit)).to_contain_text("1 of 7")
    assert visit.evaluate("document.activeElement.localName") == "body"
    assert ringed(visit) == ["Model map"]
    assert visit.evaluate("document.getAnimations().length") == 0
    strip(visit).get_by_role("button", name="Next").focus()
    seen, places = [], []
    for number in range(1, 8):
        expect(strip(visit)).to_contain_text(f"{number} of 7")
        seen.append(strip(visit).locator("b").inner_text())
        places.append(ringed(visit))
        visit.keyboard.press("ArrowRight" if number % 2 else "Enter")
    assert seen == TITLES
    assert places == [["Model map"], ["Model scatterplot"], ["Details"], *[["button"]] * 3, ["header"]]
    expect(strip(visit)).to_have_count(0)
    assert ringed(visit) == []
    expect(visit.get_by_role("button", name="Keys")).to_be_focused()
    visit.reload()
    expect(model_map(visit)).to_be_visible()
    expect(strip(visit)).to_have_count(0)


def test_it_is_in_nobodys_way(visit: Page) -> None:
    for name in ("Model map", "Model scatterplot", "Details"):
        box = visit.get_by_role("region", name=name, exact=True).bounding_box()
        below = strip(visit).bounding_box()
        assert box is not None
        assert below is not None
        assert box["height"] > 150
        assert box["y"] + box["height"] <= below["y"]
    tree = model_map(visit)
    tree.focus()
    tree.press("Home")
    tree.press("Space")
    expect_selected(visit, ["cnn"])
    tree.press("Escape")
    expect_selected(visit, [])
    expect(strip(visit)).to_contain_text("1 of 7")


def test_a_link_leads_where_it_should_and_the_tour_goes_on(visit: Page) -> None:
    for _ in range(3):
        strip(visit).get_by_role("button", name="Next").click()
    expect(strip(visit)).to_contain_text("4 of 7")
    expect(visit).to_have_url(re.compile("#/behaviors"))
    visit.goto(link(visit, ["p50"]))
    visit.reload()
    expect(model_map(visit)).to_be_visible()
    expect_selected(visit, ["p50"])
    expect(strip(visit)).to_contain_text("4 of 7")
    strip(visit).get_by_role("button", name="Back").click()
    expect(strip(visit)).to_contain_text("The details")
    assert ringed(visit) == ["Details"]


def test_dismissed_it_stays_away_until_it_is_asked_for(visit: Page) -> None:
    strip(visit).get_by_role("button", name="End the tour").focus()
    visit.keyboard.press("Escape")
    expect(strip(visit)).to_have_count(0)
    visit.get_by_role("button", name="Layers").click()
    visit.keyboard.press("?")
    visit.get_by_role("dialog", name="Keys").get_by_role("button", name="Take the tour").click()
    expect(strip(visit)).to_contain_text("The map")
    expect(visit).to_have_url(re.compile("#/overview"))
    expect(strip(visit).get_by_role("button", name="Next")).to_be_focused()


def test_programs_see_it_only_when_they_ask(overview: Page) -> None:
    expect(strip(overview)).to_have_count(0)
    overview.get_by_role("button", name="Take the tour").click()
    expect(strip(overview)).to_contain_text("1 of 7")
