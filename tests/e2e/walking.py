"""What the journeys do on the page, by role and name as a person or a screen reader would."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import parse_qs, quote, urlsplit

from playwright.sync_api import Locator, Page


def model_map(page: Page) -> Locator:
    return page.get_by_role("tree", name="Models by provenance")


def here(page: Page) -> str:
    """The id of the model that the keyboard is on."""
    return page.get_by_role("treeitem").inner_text().split(";")[0]


def selected(page: Page) -> list[str]:
    """The selection, as the address has it."""
    return parse_qs(urlsplit(page.url).fragment.partition("?")[2]).get("sel", [])


def expect_selected(page: Page, ids: Iterable[str]) -> None:
    wanted = sorted(ids)
    for _ in range(100):
        if sorted(selected(page)) == wanted:
            return
        page.wait_for_timeout(50)
    assert sorted(selected(page)) == wanted


def link(page: Page, ids: Iterable[str], **state: str) -> str:
    """An address of the page with these models selected."""
    pairs = [*state.items(), *(("sel", id) for id in ids)]
    return page.url.split("#")[0] + "#/overview?" + "&".join(f"{key}={quote(value)}" for key, value in pairs)


def walk_to(page: Page, id: str) -> None:
    """Go to a model one or two steps from the root with the arrow keys alone: to its column, then down."""
    tree = model_map(page)
    tree.focus()
    seen = set()
    for steps in (1, 2):
        tree.press("Home")
        for key in ("ArrowRight",) * steps + ("ArrowUp",) * 12 + ("ArrowDown",) * 12:
            tree.press(key)
            seen.add(here(page))
            if here(page) == id:
                return
    raise AssertionError(f"{id} was not reached; seen: {sorted(seen)}")


def drag(page: Page, area: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over ``area``, from and to given as shares of its width and height."""
    box = area.bounding_box()
    assert box is not None
    points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in (start, end)]
    page.mouse.move(*points[0])
    page.mouse.down()
    page.mouse.move(*points[1], steps=8)
    page.mouse.up()
