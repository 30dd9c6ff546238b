"""Projects on a live server, and clients of them."""

from __future__ import annotations

import pytest

import compress_compare as cc
from compress_compare.server.app import Reach
from compress_compare.server.projects import Directory
from compress_compare.server.tokens import Tokens
from tests.server.running import running


@pytest.fixture(autouse=True)
def own_folders(tmp_path, monkeypatch):
    """What is cached and what waits stays out of the folders of whoever runs the tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("COMPRESS_COMPARE_TOKEN", raising=False)


@pytest.fixture(scope="module")
def tokens(tmp_path_factory):
    return Tokens(tmp_path_factory.mktemp("tokens"))


@pytest.fixture(scope="module")
def hub_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("hub")


@pytest.fixture(scope="module")
def hub(hub_folder, tokens, tmp_path_factory):
    with running(Directory(hub_folder), static=tmp_path_factory.mktemp("no page"), reach=Reach(named=tokens)) as server:
        yield server


@pytest.fixture
def address(hub, request):
    name = "".join(letter if letter.isalnum() else "-" for letter in request.node.name)[:60].strip("-")
    return f"{hub.address}/p/{name}"


@pytest.fixture
def remote(hub, address):
    with cc.open(address, token=hub.token) as opened:
        yield opened
