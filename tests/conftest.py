"""What every test can use: the browser of this machine."""

from __future__ import annotations

import os
import shutil
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.e2e.walking")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The Chromium of the system, asking nothing of the network."""
    return {**browser_type_launch_args, **chromium()}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 720}, "color_scheme": "light"}


def chromium() -> dict[str, Any]:
    candidates = [os.environ.get("CHROMIUM") or "chromium", "chromium-browser", "google-chrome"]
    found = next((path for name in candidates if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("No Chromium was found; `make browser` installs it or says how.", pytrace=False)
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": found, "args": [*sandbox, "--disable-gpu", "--disable-quic", *quiet]}
