"""Every page and state, in both themes, without a violation that axe-core finds; and everything in reach at 200%."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.conftest import SIX

AXE = Path(__file__).parents[2] / "ui" / "node_modules" / "axe-core" / "axe.min.js"
SELECTED = "&".join(f"sel={id}" for id in SIX[:4])
STATES = {
    "overview": "/overview",
    "filters": "/overview?tab=filters",
    "effects": "/overview?tab=effects",
    "not tried yet": "/overview?tab=untried",
    "one model": "/overview?sel=p50",
    "several models": f"/overview?{SELECTED}",
    "several models as a table": f"/overview?{SELECTED}&as=table",
    "frontier": f"/overview?{SELECTED}&list=frontier",
    "by step": "/overview?by=step",
    "by path": "/overview?by=path&unfold=%3Dtrain%2Fquantize",
    "behaviors": f"/behaviors?{SELECTED}",
    "layers": f"/layers?{SELECTED}",
    "experiments": "/experiments",
    "plan": "/plan",
    "models": "/models",
}
RUN = """async () => {
  const found = await axe.run(document, {resultTypes: ['violations']});
  return found.violations.map(({id, nodes}) => [id, nodes.map(({html}) => html.slice(0, 160))]);
}"""


def violations(page: Page) -> list[Any]:
    """What axe-core finds; its program goes around the policy of the page, which is for the page's own."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return list(page.evaluate(RUN))


@pytest.mark.skipif(not AXE.exists(), reason="axe-core comes with what the page is built from: make ui")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(overview: Page, theme: Any) -> None:
    overview.emulate_media(color_scheme=theme)
    home = overview.url.partition("#")[0]
    found = {}
    for name, address in STATES.items():
        overview.goto(f"{home}#{address}")
        expect(overview.get_by_role("navigation", name="Pages")).to_be_visible()
        overview.wait_for_load_state("networkidle")
        if said := violations(overview):
            found[name] = said
    assert found == {}


@pytest.mark.parametrize("width", [1440, 1024])
def test_at_twice_the_size_nothing_is_out_of_reach(overview: Page, width: int) -> None:
    """A zoom of 200% halves the pixels of a window."""
    overview.set_viewport_size({"width": width // 2, "height": 450})
    home = overview.url.partition("#")[0]
    for address in STATES.values():
        overview.goto(f"{home}#{address}")
        overview.wait_for_load_state("networkidle")
        for button in overview.get_by_role("navigation", name="Pages").get_by_role("button").all():
            button.scroll_into_view_if_needed()
            box = button.bounding_box()
            assert box is not None and box["x"] >= -1 and box["x"] + box["width"] <= width // 2 + 1, address
        reach = overview.evaluate(
            "() => [...document.querySelectorAll('header button, header input')].every((e) => {"
            " e.scrollIntoView({inline: 'nearest'}); const b = e.getBoundingClientRect();"
            " return b.left >= -1 && b.right <= innerWidth + 1; })"
        )
        assert reach, f"a control of the header is out of reach on {address}"
