"""The open page follows what other processes log."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.e2e.walking import walk_to


def test_a_model_logged_by_another_process_appears(overview: Page, project: Path) -> None:
    walk_to(overview, "p50")
    script = (
        "import sys, compress_compare as cc\n"
        "with cc.open(sys.argv[1]) as project:\n"
        "    project.log_model('newcomer', base='cnn', operation=cc.Operation('magnitude prune', amount=0.99),\n"
        "                      metrics={'Top-1 Accuracy': 0.1, 'Model Size': 4_000})\n"
    )
    subprocess.run([sys.executable, "-c", script, str(project)], check=True)
    expect(overview.get_by_role("banner").get_by_title("compression, 11 models")).to_be_visible(timeout=60_000)
    walk_to(overview, "newcomer")
