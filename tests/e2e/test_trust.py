"""A project that somebody sent, in the browser: what it names to be run is shown first, and runs when allowed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

import compress_compare as cc

from .serving import TOOL, serving

pytestmark = pytest.mark.usefixtures("settings")
TASK = "compress_compare.demos.digits:task"


@pytest.fixture
def sent(tmp_path: Path) -> Path:
    with cc.open(tmp_path / "sent") as project:
        project.log_model("cnn", checkpoint={"w": np.ones((4, 4), "f4")})
    connection = sqlite3.connect(tmp_path / "sent" / "compress-compare.db")
    row = ("cnn", TASK, '{"seed": 3}', "[]")
    connection.execute("INSERT INTO tasks (root, path, options, folders) VALUES (?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    return tmp_path / "sent"


def test_what_would_run_is_shown_and_asked_about(page: Page, sent: Path) -> None:
    with serving(TOOL, sent, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as address:
        page.goto(f"{address}#/overview?sel=cnn")
        measure = page.get_by_role("button", name="Measure what is missing")
        dialog = page.get_by_role("dialog", name="Run this task")
        measure.click()
        expect(dialog).to_contain_text(TASK)
        expect(dialog).to_contain_text('{"seed":3}')
        dialog.get_by_role("button", name="Do not run it").click()
        expect(page.get_by_role("alert")).to_contain_text("have not allowed")
        with cc.open(sent) as project:
            assert project.jobs() == []
        measure.click()
        dialog.get_by_role("button", name="Run it, and do not ask again").click()
        expect(dialog).not_to_be_visible()
        expect(page.get_by_text("Measuring:")).to_be_visible()
        with cc.open(sent) as project:
            (job,) = project.jobs()
            assert job.kind == "measure"
