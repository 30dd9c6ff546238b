"""Imports from tracking servers over HTTP: the same preview and job, of servers that were named at the start alone."""

import os

import pytest

import compress_compare as cc
from compress_compare.engines.local import of_tracker
from compress_compare.errors import InvalidValue
from compress_compare.importers.addresses import server_of
from compress_compare.server.app import Reach
from compress_compare.server.serving import ServerOptions
from tests.importers.mlflow_answers import serving

from .running import running
from .test_releasing import ended


@pytest.fixture
def project(tmp_path):
    (tmp_path / "index.html").write_text("<p>page</p>")
    with cc.open(tmp_path / "project") as project:
        yield project


@pytest.fixture
def pages(project, tmp_path):
    """A client of a server that may ask the tracking server whose address and requests come with it."""
    with serving() as (address, heard):
        reach = Reach(import_from=frozenset({server_of(address)}))
        with (
            running(project, static=tmp_path, reach=reach) as server,
            server.client(headers=server.bearer) as client,
        ):
            yield client, address, heard


def test_a_tracking_server_is_previewed_and_imported_as_a_job(pages, project):
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    client, address, _ = pages
    known = client.get("/api/v1/import/sources").json()
    assert known["servers"] == [address] and {"mlflow", "wandb", "csv"} <= set(known["sources"])
    ask = {"address": f"{address}/#/experiments/1"}
    found = client.post("/api/v1/import/preview", json=ask).json()
    assert (found["source"], found["num_models"]) == ("mlflow", 2) and "3.17.2" in found["recognized_by"]
    assert [(one["id"], one["base"]) for one in found["models"]] == [("cnn", None), ("cnn-w4", "cnn")]
    assert list(project.models()["id"]) == []
    job = ended(client, client.post("/api/v1/import", json=ask))
    assert (job["state"], job["message"]) == ("done", "imported 2 models, 2 of them new"), job
    assert project.model("cnn-w4").metrics["accuracy"][0].value == 0.25


def test_the_job_alone_that_asks_a_server_has_its_key(pages, monkeypatch):
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    client, address, heard = pages
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "a-key")
    monkeypatch.setenv("OTHER_TOKEN", "canary")
    job = ended(client, client.post("/api/v1/import", json={"address": address, "source": "mlflow"}))
    assert (job["state"], heard.keys) == ("done", {"Bearer a-key"})
    request = {"kind": "import", "paths": ["/data/runs.csv"]}
    assert of_tracker(os.environ, request) == {} == of_tracker(os.environ, {**request, "kind": "ship"})
    assert "OTHER_TOKEN" not in of_tracker(os.environ, {**request, "paths": [address]})


@pytest.mark.parametrize("source", [None, "mlflow", "wandb", "csv"])
def test_no_other_server_is_asked(pages, source):
    client, address, _ = pages
    with serving() as (canary, heard):
        port = canary.rpartition(":")[2]
        decimal, mapped = f"http://2130706433:{port}", f"http://[::ffff:127.0.0.1]:{port}"
        places = [canary, f"{canary}/#{address}", f"http://localhost:{port}", f"http://127.1:{port}", decimal, mapped]
        places += [f"http://0.0.0.0:{port}", f"{address}@127.0.0.1:{port}/", "http://169.254.169.254/latest/meta-data"]
        places += [f"{address}.nip.io:{port}", "wandb://team/digits", "https://wandb.ai/team/digits", "file:///etc/x"]
        places += [f"http://127.0.0.1\\@{canary[7:]}", "sqlite:////etc/x", f"gopher://127.0.0.1:{port}/", "/etc/x", ""]
        for place in places:
            for route in ("preview", ""):
                answer = client.post(f"/api/v1/import/{route}".rstrip("/"), json={"address": place, "source": source})
                told = answer.json()
                assert answer.status_code == 422, place
                assert told["code"] in ("import.server_not_allowed", "import.address"), place
        assert heard == []
    assert client.get("/api/v1/jobs").json()["jobs"] == []


def test_nothing_is_asked_where_the_start_names_no_server(project, tmp_path):
    with serving() as (address, heard):
        with running(project, static=tmp_path) as server, server.client(headers=server.bearer) as client:
            assert client.get("/api/v1/import/sources").json()["servers"] == []
            told = client.post("/api/v1/import/preview", json={"address": address}).json()
            assert told["code"] == "import.server_not_allowed"
            assert f"--import-from {address}" in told["hint"]
        assert heard == []


def test_a_redirect_leads_nowhere(project, tmp_path):
    pytest.importorskip("mlflow", reason="mlflow-skinny is not installed")
    with serving() as (canary, heard), serving(moved=canary) as (address, _):
        reach = Reach(import_from=frozenset({server_of(address)}))
        with (
            running(project, static=tmp_path, reach=reach) as server,
            server.client(headers=server.bearer) as client,
        ):
            for source, code in ((None, "import.not_recognized"), ("mlflow", "import.server")):
                told = client.post("/api/v1/import/preview", json={"address": address, "source": source}).json()
                assert told["code"] == code
        assert heard == []


def test_what_the_start_names_must_be_a_server():
    assert ServerOptions(import_from=["wandb://"]).reach().import_from == {"https://wandb.ai:443"}
    with pytest.raises(InvalidValue) as caught:
        ServerOptions(import_from=["file:///data"]).reach()
    assert caught.value.code == "import.address"
