"""One project, three people: one mends a typo, one comes back with a copy of their own, one decides what ships."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc
from tests.e2e.conftest import measured
from tests.e2e.serving import TOOL
from tests.e2e.walking import link, walk_to


@pytest.fixture(scope="module")
def copy(project: Path) -> Path:
    """The copy that Bo took home: three seeds of one step, a number that he corrected too, and a note."""
    folder = project.parent / "of Bo"
    shutil.copytree(project, folder)
    with cc.open(folder) as opened:
        prune = cc.Operation("magnitude prune", amount=0.6)
        for seed, accuracy in enumerate((0.962, 0.968, 0.97)):
            opened.log_model(
                f"p60-{seed}",
                base="cnn",
                operation=prune,
                replicate=f"seed {seed}",
                metrics=measured(accuracy, 160_000),
            )
        opened.correct("p75", {"Top-1 Accuracy": 0.91}, reason="measured again")
        opened.set_note("p90", "Too much.")
    return folder


def change(page: Page, what: str) -> None:
    page.get_by_role("button", name="Change ▾").click()
    page.get_by_role("menuitem", name=what).click()


def test_ada_mends_a_typo_and_looks_at_who_did_what(overview: Page, copy: Path) -> None:
    overview.goto(link(overview, ["p75"], tab="selection"))
    change(overview, "Correct a value…")
    overview.get_by_label("It should be").fill("0.93")
    overview.get_by_label("Why").fill("read from the wrong row")
    overview.get_by_role("button", name="Correct", exact=True).click()
    expect(overview.get_by_text("Top-1 Accuracy of p75 is 93.0% now; it was 90.3%.")).to_be_visible()
    overview.get_by_role("tab", name="History").click()
    expect(overview.get_by_role("row").filter(has_text="p75")).to_contain_text("read from the wrong row")


def test_bo_brings_his_copy_and_they_decide_what_differs(overview: Page, project: Path, copy: Path) -> None:
    packed = copy.parent / "bo.ccz"
    subprocess.run([*TOOL, "pack", str(copy), "-o", str(packed)], check=True, capture_output=True)
    overview.get_by_role("button", name="Import", exact=True).click()
    overview.locator("input[type=file]").first.set_input_files(packed)
    dialog = overview.get_by_role("dialog")
    expect(dialog).to_contain_text("3 of 13 models are new. 1 conflict.")
    expect(dialog.get_by_role("button", name="Merge", exact=True)).to_be_disabled()
    row = dialog.get_by_role("row").filter(has_text="p75")
    expect(row).to_contain_text("0.93")
    row.get_by_role("combobox").select_option("here")
    dialog.get_by_role("button", name="Merge", exact=True).click()
    expect(overview.get_by_text("1 conflict decided")).to_be_visible()
    expect(overview.get_by_role("banner").get_by_title("compression, 13 models")).to_be_visible()
    with cc.open(project, read_only=True) as opened:
        assert opened.model("p75").metrics["Top-1 Accuracy"][0].value == 0.93
        assert opened.model("p90").note == "Too much."
        assert [opened.model(f"p60-{seed}").replicate for seed in range(3)] == ["seed 0", "seed 1", "seed 2"]


def test_cy_sees_three_seeds_as_one_and_checks_what_is_to_ship(overview: Page) -> None:
    walk_to(overview, "p60-0")
    expect(overview.get_by_role("treeitem")).to_contain_text(
        "3 replicates: mean, smallest and largest; Top-1 Accuracy 96.67% (96.20–97.00), −1.4 pp; Model Size 160 kB,"
    )
    overview.goto(link(overview, ["p60-0"], tab="selection"))
    overview.get_by_role("button", name="Release ▾").click()
    overview.get_by_role("menuitem", name="Check against rules…").click()
    overview.get_by_label("Rules").fill('rules:\n  - {metric: "Model Size", max: 100 kB}\n')
    overview.get_by_role("button", name="Check", exact=True).click()
    expect(overview.get_by_role("row").filter(has_text="Model Size: max 100 kB")).to_contain_text("fail")


def test_the_build_server_asks_the_same(project: Path, tmp_path: Path) -> None:
    rules = tmp_path / "gate.yaml"
    rules.write_text("rules:\n  - {metric: Model Size, max: 100 kB}\n")
    asked = {
        "p60-0": (3, "fail"),
        "p75": (0, "pass"),
    }
    for model, (code, outcome) in asked.items():
        command = [*TOOL, "gate", str(project), model, "--base", "cnn", "--rules", str(rules), "--json"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert (done.returncode, json.loads(done.stdout)["outcome"]) == (code, outcome)
