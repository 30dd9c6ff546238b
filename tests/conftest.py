"""What every test can use: the browser of this machine."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("tests.e2e.walking")

LONG = (
    *("engines/test_ray", "engines/test_supervisor.py", "test_quickstart.py", "e2e/test_language_model.py"),
    *("server/test_killed.py", "e2e/", "packaging/", "engines/", "demos/", "operations/"),
)
"""Files that take long begin first, so that none is left alone at the end of a run on several cores."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long files first, each in its own order; a run in one process keeps the order of the command line."""
    if config.getoption("numprocesses", None) is None and not hasattr(config, "workerinput"):
        return

    def order(item: pytest.Item) -> int:
        place = item.path.relative_to(Path(__file__).parent).as_posix()
        return next((rank for rank, start in enumerate(LONG) if place.startswith(start)), len(LONG))

    items.sort(key=order)


@pytest.fixture(scope="session", autouse=True)
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a user who has allowed nothing yet; those of whoever runs the tests stay out of it."""
    folder = tmp_path_factory.mktemp("settings")
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    return folder


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
