"""What the page of a team's server offers to a reader, a logger, a runner and an admin, each with a token of theirs."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

import compress_compare as cc
from compress_compare.server.roles import Role
from compress_compare.server.tokens import Tokens
from tests.e2e.conftest import fill
from tests.e2e.serving import TOOL, serving
from tests.e2e.watching import Watched


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("team") / "compression"
    fill(folder)
    with serving(TOOL, folder, PYTHONPATH=str(Path(cc.__file__).parent.parent)) as printed:
        yield printed.split("?")[0]


def entered(page: Page, team: str, role: Role) -> Watched:
    """Sign in through the page that asks for a token, and show one model with its details."""
    token = Tokens().create(f"{role} {uuid.uuid4().hex[:8]}", role, user=f"{role}er")
    page.goto(team)
    page.get_by_label("Token").fill(token)
    page.keyboard.press("Enter")
    expect(page.get_by_role("tree", name="Models by provenance")).to_be_visible()
    watched = Watched(page)
    page.goto(f"{team}#/?sel=p50")
    expect(page.get_by_role("textbox", name="Note")).to_be_visible()
    return watched


def refused(control: Locator, needed: Role, has: Role) -> None:
    """A control that is there, does nothing, and says why."""
    expect(control).to_be_disabled()
    why = f"Your token has the role “{has}”; this needs “{needed}”. Ask whoever runs the server for another."
    expect(control).to_have_attribute("title", why)


def test_a_reader_sees_everything_and_is_told_why_nothing_can_be_changed(page: Page, team: str) -> None:
    watched = entered(page, team, "read")
    expect(page.get_by_text("read only", exact=True)).to_be_visible()
    refused(page.get_by_role("textbox", name="Note"), "log", "read")
    refused(page.get_by_role("button", name="Import"), "run", "read")
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("button", name="Activity")).to_have_count(0)
    page.get_by_role("button", name="Views").click()
    expect(page.get_by_role("textbox", name="Name of this view")).to_be_disabled()
    page.goto(f"{team}#/experiments?sel=p50")
    refused(page.get_by_role("button", name="Run", exact=True), "run", "read")
    assert watched.problems == []


def test_a_logger_writes_notes_and_runs_nothing(page: Page, team: str) -> None:
    watched = entered(page, team, "log")
    note = page.get_by_role("textbox", name="Note")
    note.fill("Written by a logger.")
    note.blur()
    expect(page.get_by_role("status").get_by_text("Saved")).to_be_visible()
    refused(page.get_by_role("button", name="Import"), "run", "log")
    page.goto(f"{team}#/experiments?sel=p50")
    refused(page.get_by_role("button", name="Run", exact=True), "run", "log")
    assert watched.problems == []


def test_a_runner_may_import_and_is_not_shown_who_did_what(page: Page, team: str) -> None:
    watched = entered(page, team, "run")
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("dialog", name="Import")).to_be_visible()
    page.keyboard.press("Escape")
    page.get_by_role("tab", name="History").click()
    expect(page.get_by_role("button", name="Activity")).to_have_count(0)
    assert watched.problems == []


def test_an_admin_finds_who_did_what(page: Page, team: str) -> None:
    watched = entered(page, team, "admin")
    expect(page.get_by_text("admin only")).to_have_count(0)
    note = page.get_by_role("textbox", name="Note")
    note.fill("Written by an admin.")
    note.blur()
    expect(page.get_by_role("status").get_by_text("Saved")).to_be_visible()
    page.get_by_role("tab", name="History").click()
    page.get_by_role("button", name="Activity").click()
    page.get_by_label("Search the activity").fill("adminer")
    row = page.get_by_role("region", name="Activity").get_by_role("row").filter(has_text="adminer")
    expect(row).to_contain_text("p50")
    assert watched.problems == []
