"""Shipping and importing as jobs over HTTP: done whole in a worker, inside of bounds, and not for strangers."""

from __future__ import annotations

import base64
import json
import time

import numpy as np
import pytest
from click.testing import CliRunner

import compress_compare as cc
from compress_compare.cli.main import cli
from compress_compare.engines.queue import Queue
from compress_compare.engines.releasing import ship_folder, submit_import
from compress_compare.errors import Conflict
from compress_compare.importers import ImportHow
from compress_compare.server.uploads import Uploads

from .running import asked

TABLE = 'model,parent,method,bits,top1\nnet,,train,,"76.13%"\nnet-w8,net,quantize,8,"76.01%"\n'


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("releasing") / "project"
    weights = {"fc.weight": np.arange(12, dtype=np.float32).reshape(3, 4)}
    with cc.open(folder) as project:
        project.log_model("cnn", operation=cc.Operation("train"), checkpoint=weights)
    return folder


@pytest.fixture(scope="module")
def pages(folder, tmp_path_factory):
    with cc.open(folder) as project, asked(project, tmp_path_factory.mktemp("static")) as client:
        yield client


def ended(pages, answer):
    assert answer.status_code == 201, answer.text
    for _ in range(2400):
        (job,) = [one for one in pages.get("/api/v1/jobs").json()["jobs"] if one["id"] == answer.json()["id"]]
        if job["state"] not in ("queued", "running"):
            return job
        time.sleep(0.05)
    raise AssertionError("the job does not end")


def send(pages, path, content, **more):
    body = {"path": path, "offset": 0, "content": base64.b64encode(content).decode(), **more}
    return pages.post("/api/v1/import/files", json=body)


def test_a_model_is_shipped_into_the_project_and_logged_as_a_child(folder, pages):
    formats = pages.get("/api/v1/ship/formats").json()
    assert {"packed", "safetensors", "onnx"} <= {one["name"] for one in formats["formats"]}
    assert formats["roots"] == []
    job = ended(pages, pages.post("/api/v1/jobs", json={"kind": "ship", "model": "cnn", "format": "safetensors"}))
    assert (job["state"], job["model"]) == ("done", "cnn"), job
    shipped = folder / "shipped" / "cnn-safetensors"
    assert (shipped / "README.md").is_file()
    assert f"in {shipped}" in job["message"]
    (child,) = [one for one in pages.get("/api/v1/models").json()["models"] if one["base"] == "cnn"]
    assert (child["operation"], child["parameters"]) == ("ship", {"format": "safetensors"})
    unknown = pages.post("/api/v1/jobs", json={"kind": "ship", "model": "cnn", "format": "zip"})
    assert (unknown.status_code, unknown.json()["code"]) == (422, "ship.unknown_format")


def test_the_folder_of_a_shipped_model_stays_inside_whatever_it_is_called(tmp_path):
    found = ship_folder(tmp_path, "../../etc/pass wd", format="packed")
    assert found == tmp_path / "shipped" / "etc-pass-wd-packed"
    found.mkdir(parents=True)
    assert ship_folder(tmp_path, "etc pass wd", format="packed").name == "etc-pass-wd-packed-2"
    assert ship_folder(tmp_path, "...", format="...").name == "model"


def test_a_dropped_table_is_previewed_as_the_command_does_and_imported_whole(folder, pages, tmp_path):
    upload = send(pages, "runs.csv", TABLE.encode()).json()["upload"]
    preview = pages.post("/api/v1/import/preview", json={"upload": upload}).json()
    file = tmp_path / "runs.csv"
    file.write_text(TABLE)
    printed = CliRunner().invoke(cli, ["import", str(file), str(folder), "--dry-run", "--json"])
    told = json.loads(printed.stdout)
    assert (preview["source"], preview["recognized_by"]) == (told["source"], told["recognized_by"])
    assert preview["models"] == told["models"]
    assert [(one["name"], one["unit"], one["higher_is_better"], one["reason"]) for one in preview["metrics"]] == [
        (one["name"], one["unit"], one["higher_is_better"], one["reason"]) for one in told["metrics"]
    ]
    mapping = preview["mapping"].replace("top1:", "top1:\n    name: Accuracy")
    ask = {"upload": upload, "mapping": mapping}
    renamed = pages.post("/api/v1/import/preview", json=ask)
    assert [one["name"] for one in renamed.json()["metrics"]] == ["Accuracy"], renamed.text
    job = ended(pages, pages.post("/api/v1/import", json=ask))
    assert (job["state"], job["message"]) == ("done", "imported 2 models, 2 of them new"), job
    there = {one["id"]: one["metrics"]["Accuracy"] for one in pages.get("/api/v1/models").json()["models"]}
    assert there["net-w8"] == pytest.approx(76.01)
    again = pages.post("/api/v1/import/preview", json={"path": str(file)}).json()
    assert (again["num_new"], [one["name"] for one in again["metrics"]]) == (0, ["Accuracy"])


def test_what_cannot_be_read_changes_nothing(pages):
    before = pages.get("/api/v1/models").json()["total"]
    job = ended(pages, pages.post("/api/v1/import", json={"path": "/dev/null/none", "source": "csv"}))
    assert (job["state"], job["error"]["code"]) == ("failed", "import.no_file")
    assert pages.get("/api/v1/models").json()["total"] == before


@pytest.mark.parametrize(
    ("ask", "code"),
    [
        ({}, "import.choice"),
        ({"upload": "x", "path": "/x"}, "import.choice"),
        ({"path": "http://127.0.0.1/x"}, "import.path"),
        ({"path": "runs.csv"}, "import.path"),
        ({"path": "/nowhere/at/all"}, "import.no_file"),
        ({"upload": "0" * 32}, "upload.unknown"),
        ({"upload": "../.."}, "upload.unknown"),
    ],
)
def test_a_wrong_place_is_refused_by_name(pages, ask, code):
    assert pages.post("/api/v1/import/preview", json=ask).json()["code"] == code


@pytest.mark.parametrize("path", ["../x", "/x", "a//b", "a/./b", "a\\b", "a\n", "x" * 300, "a/" * 40 + "b"])
def test_no_path_leads_out_of_an_upload(pages, path):
    assert send(pages, path, b"x").json()["code"] == "upload.path"


def test_a_file_comes_in_pieces_that_fit(tmp_path):
    uploads = Uploads()
    try:
        id = uploads.put(None, "runs/a.csv", offset=0, content=base64.b64encode(b"one").decode())
        with pytest.raises(cc.errors.Conflict, match="3 bytes"):
            uploads.put(id, "runs/a.csv", offset=0, content="")
        uploads.put(id, "runs/a.csv", offset=3, content=base64.b64encode(b"two").decode())
        with pytest.raises(cc.errors.InvalidValue, match="base64"):
            uploads.put(id, "runs/b", offset=0, content="?")
        with pytest.raises(cc.errors.InvalidValue, match="base64"):
            uploads.put(id, "runs/b", offset=0, content="\u202e")
        with pytest.raises(cc.errors.InvalidValue, match="cannot be"):
            uploads.put(id, "runs/a.csv/below", offset=0, content="")
        assert (uploads.place(id).name, (uploads.place(id) / "a.csv").read_bytes()) == ("runs", b"onetwo")
        root = uploads.place(id).parents[1]
    finally:
        uploads.close()
    assert not root.exists()


def test_an_import_that_a_project_came_with_is_not_run(folder):
    mine, other = Queue(folder), Queue(folder)
    try:
        id = submit_import(mine, "import", source="csv", paths=["/etc/passwd"], how=ImportHow().plain())
        mine.check({"kind": "import", "task": None}, id=id)
        with pytest.raises(Conflict, match="before the server was started"):
            other.check({"kind": "import", "task": None}, id=id)
        mine.cancel([id])
        with pytest.raises(Conflict):
            other.retry(id)
    finally:
        mine.close()
        other.close()
