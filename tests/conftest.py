"""What every test can use: the browser of this machine, and projects on a database server with an object store."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from tests import servers

pytest.register_assert_rewrite("tests.e2e.walking")
hypothesis.settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy machine")

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


def pytest_collection_finish() -> None:
    """What lives from now on to the end of the tests is not looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def settings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The settings of a user who has allowed nothing yet; those of whoever runs the tests stay out of it."""
    folder = tmp_path_factory.mktemp("settings")
    os.environ["XDG_CONFIG_HOME"] = str(folder)
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[servers.Postgres]:
    """A database server, one for this process of the tests."""
    with servers.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def object_store() -> Iterator[dict[str, str]]:
    """The environment of an object store, one for this process of the tests."""
    with servers.object_store() as environment:
        yield environment


@pytest.fixture
def team(
    postgres: servers.Postgres, object_store: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> str:
    """The address of a database server, with the environment of somebody who may use it and the object store."""
    return _enter(postgres, object_store, monkeypatch=monkeypatch, folder=tmp_path)


@pytest.fixture(params=["directory", "server"])
def each_backend(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The test twice: with projects in directories, and with every path standing for a project of its own on
    PostgreSQL with its files in an object store.
    """
    kind: str = request.param
    if kind == "server":
        _redirect(request.getfixturevalue("team"), monkeypatch)
    return kind


@pytest.fixture(params=["SQLite", "PostgreSQL"])
def each_database(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The test twice: with records on SQLite, and on PostgreSQL; the files are in folders."""
    kind: str = request.param
    if kind == "PostgreSQL":
        url = _enter(request.getfixturevalue("postgres"), {}, monkeypatch=monkeypatch, folder=tmp_path)
        _redirect(url, monkeypatch, artifacts=str(tmp_path / "files of the team"))
    return kind


@pytest.fixture(scope="module", params=["directory", "server"])
def each_backend_of_module(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The same for all tests of a file, one after the other."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        if request.param == "server":
            found = [request.getfixturevalue(name) for name in ("postgres", "object_store")]
            folder = tmp_path_factory.mktemp("user")
            _redirect(_enter(found[0], found[1], monkeypatch=monkeypatch, folder=folder), monkeypatch)
        yield request.param


def _enter(
    server: servers.Postgres, object_store: dict[str, str], *, monkeypatch: pytest.MonkeyPatch, folder: Path
) -> str:
    for name, value in {**object_store, "PGPASSWORD": servers.PASSWORD}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_STATE_HOME", str(folder / "state of the user"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder / "cache of the user"))
    return server.url


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Name a failure when it happens, and not only at the end: a run may be cut off."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        sys.stderr.write(f"\n{report.outcome}: {report.nodeid}\n")


def _redirect(team: str, monkeypatch: pytest.MonkeyPatch, *, artifacts: str = "s3://tests/projects") -> None:
    """Have every path stand for a project on the server, but those of directories that hold a project."""
    from compress_compare.store import address, store

    place_of = store._place

    def place(path: Any, create: bool, **more: Any) -> Any:
        given = Path(path)
        is_directory = given.name.startswith(".") or (given / "compress-compare.db").exists()
        if is_directory or address.is_server(path) or address.of_directory(given) is not None:
            return place_of(path, create, **more)
        name = hashlib.sha256(str(given.absolute()).encode()).hexdigest()[:20]
        return place_of(f"{team}?project=t{name}", create, **{**more, "artifacts": artifacts})

    monkeypatch.setattr(store, "_place", place)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The Chromium of the system, asking nothing of the network."""
    return {**browser_type_launch_args, **chromium()}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 720}, "color_scheme": "light"}


def chromium() -> dict[str, Any]:
    known = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    candidates = [os.environ["CHROMIUM"]] if os.environ.get("CHROMIUM") else known
    found = next((path for name in candidates if (path := shutil.which(name))), None)
    if found is None:
        pytest.fail("No Chromium was found; `make browser` installs it or says how.", pytrace=False)
    quiet = ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
    return {"executable_path": found, "args": [*sandbox, "--disable-gpu", "--disable-quic", *quiet]}
