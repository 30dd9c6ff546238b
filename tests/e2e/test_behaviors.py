"""Journeys through the page of behaviors: from a difference of accuracy to single inputs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.conftest import XSS
from tests.e2e.serving import TOOL, serving
from tests.e2e.watching import Watched

COUNT, CLASSES = 400, 5
LABELS = np.arange(COUNT) % CLASSES
HURT = np.flatnonzero((LABELS == 3) & (np.arange(COUNT) < 200))
"""What the small model reads as 4."""


def answers(hurt: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Predictions that are right but for the first instance and ``hurt``, and sure of themselves."""
    predictions = LABELS.copy()
    predictions[0] = 1
    predictions[hurt] = 4
    probabilities = np.full((COUNT, CLASSES), 0.05, dtype=np.float32)
    probabilities[np.arange(COUNT), predictions] = 0.8
    return predictions, probabilities


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A base, a model that reads some 3 as 4, a model without outputs; then texts that would like to run."""
    folder = tmp_path_factory.mktemp("e2e") / "behaviors"
    random = np.random.default_rng(5)
    with cc.open(folder) as project:
        project.log_model("cnn")
        project.log_model("small", base="cnn")
        project.log_model("silent", base="cnn")
        images = list(random.integers(0, 255, (COUNT, 8, 8), dtype=np.uint8))
        ids = np.arange(COUNT)
        project.log_dataset("digits", ids=ids, labels=LABELS, images=images, metadata={"half": ids < 200})
        for name, hurt in (("cnn", HURT[:0]), ("small", HURT)):
            predictions, probabilities = answers(hurt)
            vectors = {"probabilities": probabilities}
            project.log_outputs(name, "digits", ids=ids, predictions=predictions, vectors=vectors)
        labels = list(XSS)
        project.log_dataset("hostile", ids=labels, labels=labels, texts=labels, metadata={XSS[0]: labels})
        for name, said in (("cnn", labels), ("small", labels[::-1])):
            project.log_outputs(name, "hostile", ids=labels, predictions=said, texts=said)
        sounds = [(np.sin(np.arange(800) / 9), 8000), b"no sound"]
        project.log_dataset("spoken", ids=["a", "b"], tokens=[list(XSS), ["x"]], audio=sounds)
        for name, worse in (("cnn", 0.0), ("small", 2.0)):
            numbers = {"log_probability": [[-1.0 - worse] + [-1.0] * (len(XSS) - 1), [-0.5]]}
            project.log_outputs(name, "spoken", ids=["a", "b"], tokens=numbers)
    return folder


@pytest.fixture
def behaviors(page: Page, address: str) -> Iterator[Page]:
    """The page of behaviors with nothing selected. The test fails on any error or policy violation."""
    watched = Watched(page)
    page.goto(address)
    page.get_by_role("button", name="Behaviors").click()
    yield page
    assert watched.problems == []


def go(page: Page, query: str) -> None:
    page.goto(f"{page.url.split('#')[0]}#/behaviors?{query}")


def listed(page: Page) -> list[str]:
    """The ids of the rows in view."""
    rows = page.get_by_role("grid", name="Examples").get_by_role("row")
    return [row.get_by_role("gridcell").nth(1).inner_text() for row in rows.all()[1:]]


def test_from_nothing_selected_to_the_inputs_that_went_wrong(behaviors: Page) -> None:
    expect(behaviors.get_by_role("heading", name="Select two or more models to compare")).to_be_visible()
    behaviors.get_by_role("button", name=re.compile("^Compare cnn")).click()
    sentence = f"small gets {len(HURT)} wrong that cnn gets right, most often 3 read as 4"
    expect(behaviors.get_by_role("heading", name=sentence)).to_be_visible()
    behaviors.get_by_role("button", name=f"small: right → wrong, {len(HURT)} examples").click()
    expect(behaviors.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_visible()
    behaviors.get_by_role("grid", name="Examples").get_by_role("gridcell", name=str(HURT[1]), exact=True).click()
    panel = behaviors.get_by_role("complementary", name="Example")
    expect(panel.get_by_role("row", name=re.compile("^predicts 3 4"))).to_be_visible()
    expect(panel.get_by_role("row", name=re.compile("^4 5.0 80.0"))).to_be_visible()
    assert panel.locator("img").evaluate("image => image.naturalWidth") == 8

    behaviors.reload()
    expect(panel).to_be_visible()
    expect(behaviors.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_visible()
    assert listed(behaviors)[:3] == [str(id) for id in HURT[:3]]
    behaviors.keyboard.press("Escape")
    expect(panel).to_be_hidden()
    behaviors.go_back()
    expect(panel).to_be_visible()


def test_classes_brushes_search_and_sorting(behaviors: Page) -> None:
    go(behaviors, "sel=cnn&sel=small&level=classes")
    table = behaviors.get_by_role("region", name="Table of classes")
    expect(table.get_by_role("row", name=re.compile("^3 80 100.0%.*4 ×40"))).to_be_visible()
    expect(behaviors.get_by_text("small hits class 3 harder than the rest")).to_be_visible()
    table.get_by_role("button", name="3", exact=True).click()
    expect(behaviors.get_by_text(f"80 of {COUNT} examples")).to_be_visible()

    go(behaviors, "sel=cnn&sel=small&level=slices")
    behaviors.get_by_role("button", name="label 3, half").click()
    expect(behaviors.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_visible()

    go(behaviors, "sel=cnn&sel=small&metric=nll&rel=1")
    least = behaviors.get_by_role("slider", name="Least Loss (NLL) of small")
    least.focus()
    for _ in range(30):
        least.press("ArrowRight")
    expect(behaviors.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_visible()
    behaviors.get_by_role("button", name="Show all").click()
    behaviors.get_by_role("searchbox", name="Search the examples").fill("399")
    expect(behaviors.get_by_text(f"1 of {COUNT} examples")).to_be_visible()
    behaviors.get_by_role("button", name="Remove the search").click()
    heading = behaviors.get_by_role("columnheader", name="id")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "ascending")
    heading.get_by_role("button").click()
    expect(heading).to_have_attribute("aria-sort", "descending")
    expect(behaviors.get_by_role("gridcell", name="399")).to_be_visible()
    behaviors.get_by_role("grid", name="Examples").focus()
    behaviors.keyboard.press("End")
    expect(behaviors.get_by_role("gridcell", name="0", exact=True).first).to_be_visible()


def test_exemplars_and_calibration(behaviors: Page) -> None:
    go(behaviors, "sel=cnn&sel=small&level=exemplars")
    table = behaviors.get_by_role("region", name="Table of exemplars")
    expect(table.get_by_role("row")).to_have_count(1 + len(HURT), timeout=30_000)
    table.get_by_role("button", name=str(HURT[0]), exact=True).click()
    expect(behaviors.get_by_role("complementary", name="Example")).to_be_visible()
    behaviors.get_by_role("button", name="Calibration", exact=True).click()
    right, sure = 1 - (len(HURT) + 1) / COUNT, 0.8
    assert right - sure == pytest.approx(0.0975)
    drawn = behaviors.get_by_role("img", name=re.compile(r"^small: .* error 0\.09[78]\d* \([\d.–]+\), underconfident"))
    expect(drawn).to_be_visible()


def test_tokens_and_sounds(behaviors: Page) -> None:
    go(behaviors, "sel=cnn&sel=small&data=spoken&id=a")
    panel = behaviors.get_by_role("complementary", name="Example")
    expect(panel.get_by_text(XSS[1]).first).to_be_visible()
    worse = panel.get_by_title(re.compile("Log-probability per token −3, −2 against the base"))
    assert worse.evaluate("token => getComputedStyle(token).boxShadow") != "none"
    play = panel.get_by_role("button", name="Play")
    expect(play).to_be_enabled()
    assert panel.get_by_role("img", name="The shape of the sound").locator("path").get_attribute("d")
    go(behaviors, "sel=cnn&sel=small&data=spoken&id=b")
    expect(panel.get_by_text("cannot play the logged bytes as a sound")).to_be_visible()
    assert behaviors.evaluate("window.pwned") is None


def test_what_is_shown_is_exported(behaviors: Page, tmp_path: Path) -> None:
    go(behaviors, "sel=cnn&sel=small&changed=1&sort=-id")
    expect(behaviors.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_visible()
    behaviors.get_by_text("Export").click()
    with behaviors.expect_download() as download:
        behaviors.get_by_role("menuitem", name="Examples, Parquet").click()
    download.value.save_as(tmp_path / "file")
    assert pq.read_table(tmp_path / "file")["id"].to_pylist() == HURT[::-1].tolist()


@pytest.mark.parametrize(("level", "link"), [("exemplars", "Exemplars, CSV"), ("calibration", "Calibration, CSV")])
def test_what_a_level_lists_is_exported(behaviors: Page, tmp_path: Path, level: str, link: str) -> None:
    go(behaviors, f"sel=cnn&sel=small&level={level}")
    behaviors.get_by_text("Export").click()
    with behaviors.expect_download() as download:
        behaviors.get_by_role("menuitem", name=link).click()
    download.value.save_as(tmp_path / "file")
    header, *rows = (tmp_path / "file").read_text().splitlines()
    assert header.split(",")[0].strip('"') == {"exemplars": "id", "calibration": "model"}[level]
    assert rows


def test_two_tabs_at_once_each_get_their_own_answers(behaviors: Page) -> None:
    other = behaviors.context.new_page()
    other.goto(behaviors.url)
    go(behaviors, "sel=cnn&sel=small&metric=nll")
    go(other, "sel=cnn&sel=small&metric=correct&changed=1")
    for page, metric in ((behaviors, "nll"), (other, "correct")):
        page.bring_to_front()
        expect(page.locator("label", has_text="Metric").locator("select")).to_have_value(metric)
    expect(other.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_visible()
    expect(behaviors.get_by_text(f"{len(HURT)} of {COUNT} examples")).to_be_hidden()
    other.close()


def test_says_what_is_missing(behaviors: Page) -> None:
    go(behaviors, "sel=cnn&sel=silent")
    expect(behaviors.get_by_text("silent has no predictions on digits.")).to_be_visible()
    go(behaviors, "sel=cnn&sel=small&sel=silent")
    expect(behaviors.get_by_text("1 selected model has no outputs on digits")).to_be_visible()


def test_nothing_runs(behaviors: Page) -> None:
    for query in ("metric=exact_match", "level=classes", f"per={XSS[0]}&level=classes", "rel=1&metric=token_f1"):
        go(behaviors, f"sel=cnn&sel=small&data=hostile&{query}")
        expect(behaviors.get_by_role("region", name="Models", exact=True)).to_be_visible()
        behaviors.wait_for_timeout(200)
    go(behaviors, "sel=cnn&sel=small&data=hostile")
    behaviors.get_by_role("grid", name="Examples").get_by_role("row").nth(2).click()
    expect(behaviors.get_by_role("complementary", name="Example")).to_contain_text("window.pwned=1")
    assert behaviors.evaluate("window.pwned") is None


def test_what_takes_long_says_how_far_it_is_and_can_be_cancelled(page: Page, tmp_path: Path) -> None:
    random = np.random.default_rng(7)
    written = [" ".join(map(str, random.integers(0, 50, 150))) for _ in range(6_000)]
    with cc.open(tmp_path / "written") as project:
        project.log_dataset("texts", ids=range(6_000), labels=written)
        for name in ("base", "small"):
            project.log_model(name, base=None if name == "base" else "base")
            project.log_outputs(name, "texts", ids=range(6_000), predictions=written[::-1])
    with serving(TOOL, tmp_path / "written", PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        page.goto(f"{printed}#/behaviors?sel=base&sel=small&metric=edit_distance")
        expect(page.get_by_role("progressbar", name="Comparing texts")).to_be_visible()
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("alert")).to_contain_text("The comparison was cancelled.")
        expect(page.get_by_role("progressbar")).to_be_hidden()
