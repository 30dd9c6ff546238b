"""What was logged is changed on the page: told to all open pages, kept in the history, and taken back."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import BrowserContext, Page, expect

import compress_compare as cc
from tests.e2e.walking import walk_to


def change(page: Page, what: str) -> None:
    page.get_by_role("button", name="Change ▾").click()
    page.get_by_role("menuitem", name=what).click()


def at(page: Page, address: str, model: str = "p50") -> None:
    page.goto(address.split("#")[0] + f"#/overview?sel={model}&tab=selection")
    expect(page.get_by_role("button", name="Change ▾")).to_be_visible()


def correct(page: Page, value: str) -> None:
    change(page, "Correct a value…")
    page.get_by_label("It should be").fill(value)
    page.get_by_label("Why").fill("a typo")


def test_a_value_is_corrected_once_and_another_page_that_is_late_is_told(
    overview: Page, project: Path, context: BrowserContext
) -> None:
    other = context.new_page()
    for page in (overview, other):
        at(page, overview.url)
        correct(page, "0.93")
    overview.get_by_role("button", name="Correct", exact=True).click()
    expect(overview.get_by_text("Top-1 Accuracy of p50 is 93.0% now; it was 97.2%.")).to_be_visible()
    other.get_by_role("button", name="Correct", exact=True).click()
    expect(other.get_by_role("alert")).to_contain_text("is 0.93 now, and no longer 0.972")
    other.get_by_role("button", name="Cancel").click()
    for page in (overview, other):
        page.get_by_role("button", name="corrected").click()
        expect(page.get_by_text("It was 97.2% until")).to_contain_text("“a typo”")
    overview.get_by_role("button", name="Undo", exact=True).click()
    expect(other.get_by_role("button", name="corrected")).to_have_count(0)
    other.close()
    with cc.open(project, read_only=True) as opened:
        (value,) = opened.model("p50").metrics["Top-1 Accuracy"]
        assert value.value == 0.972


def test_a_model_is_renamed_deleted_and_restored(overview: Page, project: Path) -> None:
    walk_to(overview, "p50")
    at(overview, overview.url)
    change(overview, "Rename…")
    overview.get_by_label("New id").fill("half")
    overview.get_by_role("button", name="Rename", exact=True).click()
    expect(overview.get_by_role("heading", name="half")).to_be_visible()
    change(overview, "Delete…")
    expect(overview.get_by_role("dialog")).to_contain_text("1 model comes from it: p50-ft.")
    overview.get_by_label("Delete it too").check()
    overview.get_by_role("button", name="Delete 2 models").click()
    expect(overview.get_by_role("banner").get_by_title("compression, 8 models")).to_be_visible()
    overview.get_by_role("tab", name="History").click()
    overview.get_by_text("2 deleted models").click()
    overview.get_by_role("button", name="Restore half").click()
    expect(overview.get_by_role("banner").get_by_title("compression, 10 models")).to_be_visible()
    row = overview.get_by_role("row").filter(has_text="Renamed p50")
    expect(row).to_contain_text("p50 → half")
    with cc.open(project, read_only=True) as opened:
        assert "half" in opened and opened.model("p50-ft").base == "half"
        assert [one.action for one in opened.history("half")] == ["restore", "delete", "rename", "undo", "correct"]


def test_a_model_is_checked_shipped_and_another_tools_table_imported(
    overview: Page, project: Path, tmp_path: Path
) -> None:
    at(overview, overview.url, "half")
    overview.get_by_role("button", name="Release ▾").click()
    overview.get_by_role("menuitem", name="Check against rules…").click()
    overview.get_by_label("Rules").fill('rules:\n  - {metric: "Model Size", max: 300 kB}\n')
    overview.get_by_role("button", name="Check", exact=True).click()
    expect(overview.get_by_role("row").filter(has_text="Model Size: max 300 kB")).to_contain_text("pass")
    overview.get_by_role("button", name="Keep these rules in the project").click()
    expect(overview.get_by_text("Rules, as the project keeps them")).to_be_visible()
    overview.get_by_role("button", name="Check", exact=True).click()
    expect(overview.get_by_role("button", name="Check", exact=True)).to_be_enabled()
    overview.keyboard.press("Escape")
    expect(overview.get_by_role("dialog")).to_have_count(0)
    expect(overview.get_by_role("button", name="Change ▾")).to_be_visible()
    file = tmp_path / "runs.csv"
    file.write_text('model,parent,method,bits,top1\nnet,,train,,"76.13%"\nnet-w8,net,quantize,8,"76.01%"\n')
    overview.get_by_role("button", name="Import", exact=True).click()
    overview.locator("input[type=file]").first.set_input_files(file)
    overview.get_by_role("button", name="Import 2 models").click()
    expect(overview.get_by_text("imported 2 models, 2 of them new")).to_be_visible(timeout=120_000)
    with cc.open(project, read_only=True) as opened:
        assert opened.model("net-w8").base == "net"
        assert opened.gate("half", base="cnn").passed


def test_the_project_is_downloaded_as_one_file(overview: Page, project: Path, tmp_path: Path) -> None:
    overview.get_by_role("button", name="What can be done with the project").click()
    with overview.expect_download() as started:
        overview.get_by_role("menuitem", name="Download all of it (.ccz)").click()
    assert started.value.suggested_filename == f"{project.name}.ccz"
    started.value.save_as(tmp_path / "sent.ccz")
    with cc.open(project, read_only=True) as opened, cc.unpack(tmp_path / "sent.ccz", tmp_path / "copy") as copy:
        assert copy.models().to_pylist() == opened.models().to_pylist()
