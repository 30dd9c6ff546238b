"""What part of the map and of the scatterplot is in view is in the address."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.e2e.walking import model_map


def parameter(page: Page, name: str) -> list[float]:
    found = re.search(rf"[?&]{name}=([^&]*)", page.url)
    return [float(part) for part in found.group(1).replace("%7E", "~").split("~")] if found else []


def ctrl_wheel(page: Page, over: Locator, by: int) -> None:
    over.hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, by)
    page.keyboard.up("Control")


def test_the_zoom_of_the_map_is_in_the_address(overview: Page) -> None:
    fit = overview.get_by_role("button", name="Fit")
    expect(fit).to_be_disabled()
    ctrl_wheel(overview, model_map(overview), -300)
    expect(overview).to_have_url(re.compile("zoom="))
    shown = parameter(overview, "zoom")
    overview.reload()
    expect(fit).to_be_enabled()
    assert parameter(overview, "zoom") == shown
    model_map(overview).press("0")
    expect(overview).not_to_have_url(re.compile("zoom="))
    expect(fit).to_be_disabled()


def test_a_zoom_of_the_map_can_be_typed(overview: Page) -> None:
    overview.goto(overview.url.partition("#")[0] + "#/overview?zoom=150~40~0~0")
    expect(overview.get_by_role("button", name="Fit")).to_be_enabled()
    overview.goto(overview.url.partition("#")[0] + "#/overview?zoom=0~40~nonsense")
    expect(overview.get_by_role("button", name="Fit")).to_be_disabled()


def test_the_zoom_of_the_scatterplot_is_in_the_address(overview: Page) -> None:
    plot = overview.get_by_role("application")
    reset = overview.get_by_role("button", name="Reset zoom")
    expect(reset).to_be_hidden()
    ctrl_wheel(overview, plot, -200)
    expect(overview).to_have_url(re.compile("within="))
    x0, x1, y0, y1 = parameter(overview, "within")
    assert x0 < x1 and y0 < y1 and x1 - x0 < 400_000
    overview.reload()
    expect(reset).to_be_visible()
    plot.dblclick(position={"x": 200, "y": 100})
    expect(overview).not_to_have_url(re.compile("within="))
    ctrl_wheel(overview, plot, -200)
    expect(reset).to_be_visible()
    # other axes are another picture
    overview.get_by_role("button", name="Log horizontal axis").click()
    expect(reset).to_be_hidden()
