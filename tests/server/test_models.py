"""The streams of all models."""

import gzip
import json

import numpy as np
import pyarrow as pa
import pytest

import compress_compare as cc
from compress_compare.errors import NotFound
from compress_compare.page.snapshot import Snapshots

from .running import running

ARROW = {"Accept": "application/vnd.apache.arrow.stream"}
PLAIN = ARROW | {"Accept-Encoding": "identity"}


def read(answer) -> pa.Table:
    return pa.ipc.open_stream(answer.content).read_all()


def test_single_precision_keeps_seven_digits(client):
    double = read(client.get("/api/v1/models", headers=ARROW))
    single = read(client.get("/api/v1/models", headers=ARROW, params={"precision": "single"}))
    assert {str(single.schema.field(name).type) for name in ("Accuracy", "Size")} == {"float"}
    assert single.column_names == double.column_names
    np.testing.assert_allclose(single["Accuracy"].to_numpy(), double["Accuracy"].to_numpy(), rtol=1e-7)
    assert single["Size"].to_pylist()[3] == float("inf")
    assert client.get("/api/v1/models", params={"precision": "half"}).status_code == 422


@pytest.mark.parametrize("path", ["models", "models?precision=single", "standard-errors"])
def test_a_stream_is_packed_for_those_who_can_unpack_it(client, path):
    url = f"/api/v1/{path}"
    plain = client.get(url, headers=PLAIN)
    assert "content-encoding" not in plain.headers
    packed = client.get(url, headers=ARROW | {"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == plain.headers["vary"] == "Accept, Accept-Encoding"
    assert packed.content == plain.content
    assert int(packed.headers["content-length"]) == len(gzip.compress(plain.content, 5, mtime=0))


def test_streams_have_etags_of_their_own(client):
    paths = ("models", "models?precision=single", "standard-errors")
    etags = [client.get(f"/api/v1/{path}", headers=ARROW).headers["etag"] for path in paths]
    assert len(set(etags)) == 3
    for path, etag in zip(paths, etags, strict=True):
        assert client.get(f"/api/v1/{path}", headers=ARROW | {"If-None-Match": etag}).status_code == 304


def test_all_of_a_count_is_not_certain(tmp_path, static):
    with cc.open(tmp_path / "project") as project:
        project.define_metric("Accuracy", min=0, max=1)
        project.log_model("a", metrics={"Accuracy": cc.MetricValue(1, count=71, standard_error=0)})
        project.log_model("b", metrics={"Accuracy": cc.MetricValue(0.5, count=71, standard_error=0.06)})
        with running(project, static=static) as server, server.client(headers=server.bearer) as client:
            table = read(client.get("/api/v1/standard-errors", headers=ARROW))
    # Half of Wilson's interval, from 71 / (71 + z^2) to 1, in standard errors.
    assert table["Accuracy"].to_pylist() == [pytest.approx(0.0130941, abs=1e-6), 0.06]


def test_standard_errors(tmp_path, static):
    with cc.open(tmp_path / "project") as project:
        project.log_model("a", metrics={"Accuracy": cc.MetricValue(0.9, standard_error=0.01), "Size": 5})
        project.log_model("b", base="a", metrics={"Accuracy": 0.8})
        slices = [cc.MetricValue(0.7, standard_error=0.02), cc.MetricValue(0.1, slice="cat", standard_error=0.5)]
        project.log_model("c", base="a", metrics={"Accuracy": slices})
        devices = [cc.MetricValue(1, device=device, standard_error=se) for device, se in (("cpu", 0.1), ("gpu", 0.2))]
        project.log_model("d", base="a", metrics={"Latency": devices})
        with running(project, static=static) as server, server.client(headers=server.bearer) as client:
            table = read(client.get("/api/v1/standard-errors", headers=ARROW))
    assert table.to_pydict() == {
        "id": ["a", "b", "c", "d"],
        "Accuracy": [0.01, None, 0.02, None],
        "Latency (cpu)": [None, None, None, 0.1],
        "Latency (gpu)": [None, None, None, 0.2],
    }


def test_coverage_names_what_should_not_have_changed(tmp_path, static):
    before = {"conv.weight": np.ones((2, 3), np.float32), "norm.weight": np.ones(2, np.float32)}
    after = {"conv.weight": before["conv.weight"] * [1, 0, 0], "norm.weight": np.array([1, 0.5])}
    same = {name: value.astype(np.float32) for name, value in after.items()}
    with cc.open(tmp_path / "project") as project:
        project.log_model("a", checkpoint=before)
        project.log_model("b", base="a", operation=cc.Operation("magnitude prune", amount=0.5), checkpoint=same)
        project.log_model("c", base="b")
        assert len(project.coverage("a", "b")) == 2
        with running(project, static=static) as server, server.client(headers=server.bearer) as client:
            found = client.get("/api/v1/model/coverage", params={"id": "b"}).json()
            assert found["base"] == "a" and found["counts"] == {"changed": 1, "unexpected": 1}
            assert [(row["tensor"], row["status"], row["changed"]) for row in found["tensors"]] == [
                ("norm.weight", "unexpected", 0.5),
                ("conv.weight", "changed", pytest.approx(2 / 3)),
            ]
            for id, status, code in (("a", 422, "model.no_base"), ("c", 422, "model.no_checkpoint"), ("x", 404, "")):
                answer = client.get("/api/v1/model/coverage", params={"id": id})
                assert answer.status_code == status and code in answer.json()["code"]


def test_effects_are_kept_until_something_is_written(tmp_path, static):
    with cc.open(tmp_path / "kept") as project:
        project.define_metric("Accuracy", higher_is_better=True, primary=True)
        project.log_model("root", operation=cc.Operation("train"), metrics={"Accuracy": 0.75})
        project.log_model("half", base="root", operation=cc.Operation("prune"), metrics={"Accuracy": 0.5})
        snapshots = Snapshots(project)
        first = snapshots.latest().effects("Accuracy", listed=1)
        assert snapshots.latest().effects("Accuracy", listed=1) is first
        assert [row["mean"] for row in json.loads(first)["effects"]] == [-0.25]
        with pytest.raises(NotFound):
            snapshots.latest().effects("nothing", listed=1)
        project.log_model("other", base="root", operation=cc.Operation("quantize"), metrics={"Accuracy": 0.625})
        later = json.loads(snapshots.latest().effects("Accuracy", listed=1))["effects"]
        assert sorted(row["mean"] for row in later) == [-0.25, -0.125]


def test_pages_are_kept_until_something_is_written(tmp_path):
    with cc.open(tmp_path / "pages") as project, cc.open(tmp_path / "pages") as other:
        project.log_model("root", metrics={"a": float("nan")})
        snapshots = Snapshots(project)
        first = snapshots.latest().page(10, 0)
        assert snapshots.latest().page(10, 0) is first
        assert [row["id"] for row in json.loads(first)["models"]] == ["root"]
        assert json.loads(snapshots.latest().page(10, 1))["models"] == []
        other.log_model("more")
        later = json.loads(snapshots.latest().page(10, 0))
        assert [row["id"] for row in later["models"]] == ["root", "more"] and later["total"] == 2


def test_effects_that_are_kept_are_bounded(tmp_path, static, monkeypatch):
    monkeypatch.setattr("compress_compare.page.snapshot.ANSWERS_BYTES", 1)
    with cc.open(tmp_path / "bounded") as project:
        project.log_model("root", metrics={"a": 1.0, "b": 2.0})
        snapshot = Snapshots(project).latest()
        first = snapshot.effects("a", listed=None)
        assert snapshot.effects("a", listed=None) is first
        snapshot.effects("b", listed=None)
        assert snapshot.effects("a", listed=None) is not first


def test_the_stream_names_replicates(tmp_path, static):
    with cc.open(tmp_path / "p") as project:
        project.log_model("root", operation=cc.Operation("train"), metrics={"Accuracy": 0.9})
        for seed in (1, 2):
            operation = cc.Operation("prune", amount=0.5)
            project.log_model(f"s{seed}", base="root", operation=operation, replicate=f"seed {seed}")
        with running(project, static=static) as server, server.client(headers=server.bearer) as client:
            table = read(client.get("/api/v1/models", headers=ARROW))
            assert table.column_names == [
                *("id", "base", "operation", "parameters", "step", "tags", "references", "replicate", "Accuracy")
            ]
            assert table["replicate"].to_pylist() == [None, "seed 1", "seed 2"]
            assert client.get("/api/v1/models").json()["models"][1]["metrics"] == {"Accuracy": None}
