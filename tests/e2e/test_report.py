"""A report opened from the disk, and the page in a frame as a notebook shows it: no server, no request."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from playwright.sync_api import Page, expect
from safetensors.numpy import save_file

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.report import report
from tests.e2e.conftest import SIX, XSS, fill
from tests.e2e.walking import model_map
from tests.e2e.watching import Watched


@pytest.fixture
def alone(page: Page) -> Iterator[Page]:
    """A page on which nothing may be asked for but the file itself."""
    watched, asked = Watched(page), []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    assert watched.problems == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert len([url for url in asked if url.startswith("file:")]) == 1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The six-model case with answers of two models and a hostile name."""
    folder = tmp_path_factory.mktemp("report") / "compression"
    fill(folder)
    with cc.open(folder) as project:
        project.log_dataset("test", ids=range(8), labels=[0, 1] * 4, texts=[f"{XSS[0]} {k}" for k in range(8)])
        project.log_outputs("cnn", "test", ids=range(8), predictions=[0, 1] * 4)
        project.log_outputs("p90", "test", ids=range(8), predictions=[0, 0] * 4)
        project.log_model(XSS[1], base="cnn", operation=cc.Operation(XSS[0]), metrics={"Top-1 Accuracy": 0.5})
    return folder


def test_a_report_shows_everything_from_the_disk(alone: Page, folder: Path, tmp_path: Path) -> None:
    with cc.open(folder) as project:
        text = report(project, [*SIX, XSS[1]], now=datetime.date(2026, 1, 2))
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    alone.emulate_media(color_scheme="dark")
    alone.goto(path.as_uri())
    expect(alone.get_by_role("heading", name="compression")).to_be_visible()
    expect(alone.locator("html")).to_have_attribute("data-theme", "light")  # it is to be printed
    models = alone.get_by_role("table", name="Models compared")
    expect(models.get_by_role("row")).to_have_count(9)
    expect(models).to_contain_text(XSS[1])
    expect(models.get_by_role("row").filter(has_text="p90-ft")).to_contain_text("95.1%")
    expect(models.get_by_role("row").filter(has_text="p90-ft")).to_contain_text("−3.0 pp")
    expect(alone.get_by_role("heading", name="What differs between the selected models")).to_be_visible()
    behaviors = alone.get_by_role("table", name="Behaviors on test")
    expect(behaviors.get_by_role("row").filter(has_text="prune 0.9")).to_contain_text("50.0%")
    expect(alone.get_by_text(f"{XSS[0]} 1")).to_be_visible()
    expect(alone.get_by_text("magnitude prune").first).to_be_visible()
    assert alone.evaluate("window.pwned") is None


def test_a_report_can_be_walked_and_its_tables_taken_along(alone: Page, folder: Path, tmp_path: Path) -> None:
    with cc.open(folder) as project:
        text = report(project, SIX, now=datetime.date(2026, 1, 2))
    path = tmp_path / "report.html"
    path.write_text(text, encoding="utf-8")
    alone.goto(path.as_uri())
    tree = model_map(alone)
    tree.focus()
    tree.press("Home")
    tree.press("Space")
    alone.get_by_role("button", name="Markdown").first.click()
    markdown = alone.get_by_role("textbox", name="Models compared as Markdown").input_value()
    assert markdown.splitlines()[1].startswith("|---|---|---|---:|")
    alone.get_by_role("button", name="LaTeX").first.click()
    assert "\\begin{tabular}" in alone.get_by_role("textbox", name="Models compared as LaTeX").input_value()
    expect(alone.get_by_role("alert")).to_contain_text("compress-compare serve")
    back = alone.get_by_role("button", name="Back to the models of the report")
    back.click()
    expect(back).to_have_count(0)
    expect(alone.locator("figure figcaption").first).to_contain_text("Top-1 Accuracy")


def test_a_notebook_shows_the_page_in_a_frame(alone: Page, folder: Path, tmp_path: Path) -> None:
    with cc.open(folder) as project:
        shown = project.show(SIX)._repr_html_()
    path = tmp_path / "cell.html"
    path.write_text(f"<!doctype html><meta charset=utf-8>{shown}", encoding="utf-8")
    alone.goto(path.as_uri())
    frame = alone.frame_locator("iframe")
    expect(frame.get_by_role("tree", name="Models by provenance")).to_be_visible()
    expect(frame.get_by_text("6 models differ in amount")).to_be_visible()
    frame.get_by_role("tab", name="Effects").click()
    expect(frame.get_by_text("magnitude prune").first).to_be_visible()


def test_checkpoints_are_compared_in_one_file(alone: Page, tmp_path: Path) -> None:
    weights = {f"{XSS[0]}.{k}.weight": np.random.default_rng(k).normal(size=(8, 8)).astype(np.float32) for k in (0, 1)}
    save_file(weights, tmp_path / "base.safetensors")
    save_file({name: array * (k + 1) for k, (name, array) in enumerate(weights.items())}, tmp_path / "m.safetensors")
    paths = [str(tmp_path / name) for name in ("base.safetensors", "m.safetensors")]
    done = CliRunner().invoke(cli, ["diff", *paths, "--html", str(tmp_path / "d.html")], catch_exceptions=False)
    assert done.exit_code == 0
    alone.goto((tmp_path / "d.html").as_uri())
    expect(alone.get_by_role("heading", name="1 checkpoint compared with base.safetensors")).to_be_visible()
    expect(alone.get_by_text("2 of 2 tensors compared")).to_be_visible()
    alone.get_by_text("0.0 dB").first.wait_for()
    alone.get_by_role("radio", name="Storage").or_(alone.get_by_role("button", name="Storage")).first.click()
    expect(alone.get_by_text("256 B").first).to_be_visible()
    alone.get_by_placeholder("Filter by name").fill("nowhere|1.weight$")
    expect(alone.get_by_text("256 B")).to_have_count(0)
    alone.get_by_text(".*", exact=True).first.click()
    expect(alone.get_by_text("256 B").first).to_be_visible()
    assert alone.evaluate("window.pwned") is None
