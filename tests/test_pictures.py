"""Every picture of the documentation is made by `scripts/screenshots`, and shown."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from PIL import Image

from compress_compare.demos.digits.experiments import experiments

ROOT = Path(__file__).parent.parent
IMAGES = ROOT / "docs" / "images"
SHOWN = re.compile(r"!\[([^\]]+)\]\((?:\.\./)*images/([\w-]+)\.png\)")
IN_THE_TERMINAL = {"ask-an-agent", "fix-a-mistake", "gate-a-release", "team", "two-machines"}
"""Pages of the guide about commands alone: there is nothing to see."""
GUIDE = [
    page for page in sorted((ROOT / "docs" / "guide").glob("*.md")) if page.stem not in {"README", *IN_THE_TERMINAL}
]
LARGEST = 150_000


@pytest.fixture(scope="module")
def projects() -> dict[str, dict[str, str]]:
    """What the script makes: by project, name and address."""
    pictures: dict[str, dict[str, str]] = runpy.run_path(str(ROOT / "scripts" / "screenshots"))["PICTURES"]
    return pictures


@pytest.fixture(scope="module")
def table(projects: dict[str, dict[str, str]]) -> dict[str, str]:
    """The pictures of all projects."""
    return {name: shown for pictures in projects.values() for name, shown in pictures.items()}


def shown(page: Path) -> list[str]:
    return [name for _, name in SHOWN.findall(page.read_text(encoding="utf-8"))]


def test_the_pictures_shown_are_those_that_the_script_makes(table: dict[str, str]) -> None:
    pages = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    assert {name for page in pages for name in shown(page)} == set(table)
    assert {path.stem for path in IMAGES.iterdir()} == set(table)


@pytest.mark.parametrize("page", [*GUIDE, ROOT / "docs" / "quickstart.md"], ids=lambda page: page.stem)
def test_every_page_of_the_guide_has_a_picture_of_its_own(page: Path, table: dict[str, str]) -> None:
    assert page.stem in shown(page)


def test_they_show_models_of_the_demo(projects: dict[str, dict[str, str]]) -> None:
    demo = {node.id for node in experiments()}
    selected = {id for address in projects["digits"].values() for id in re.findall(r"sel=([^&]+)", address)}
    assert "cnn-magnitude90" in selected
    assert selected <= demo


def test_they_are_small_and_as_large_as_a_small_screen(table: dict[str, str]) -> None:
    for name in table:
        path = IMAGES / f"{name}.png"
        assert path.stat().st_size <= LARGEST, name
        with Image.open(path) as picture:
            assert picture.size == (1280, 720), name
