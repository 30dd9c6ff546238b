"""Lighteval and Inspect: names, directions, errors and answers; logs of Inspect in both of its forms."""

import json
import math
import zipfile

import pyarrow as pa
import pytest

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import UserError
from compress_compare.importers import inspect_log
from tests.importers.samples import inspect, lighteval


def test_results_of_lighteval(tmp_path):
    (model,) = importers.load("lighteval", lighteval(tmp_path)).models
    assert model["id"] == "org/big"
    assert model["metrics"] == {
        "suite|questions acc": cc.MetricValue(
            0.75,
            dataset="suite|questions",
            count=40,
            standard_error=0.1,
            protocol={"harness": "lighteval a1b2", "version": 1, "few-shot": 5},
        )
    }


def test_directions_of_lighteval_are_those_of_the_task_and_nan_is_kept(tmp_path):
    place = lighteval(tmp_path)
    (path,) = place.rglob("results_*.json")
    document = json.loads(path.read_text())
    document["results"]["suite|questions|5"] = {"ppl": math.nan, "em": None, "acc": 0.5, "acc_stderr": math.nan}
    metrics = [{"metric_name": ["ppl", "acc"], "higher_is_better": {"ppl": False, "acc": True}}]
    document["config_tasks"]["suite|questions"]["metrics"] = metrics
    path.write_text(json.dumps(document))
    read = importers.load("lighteval", place)
    assert {one.name: one.higher_is_better for one in read.metrics} == {
        "suite|questions ppl": False,
        "suite|questions acc": True,
    }
    (model,) = read.models
    assert math.isnan(model["metrics"]["suite|questions ppl"].value)
    assert model["metrics"]["suite|questions acc"].standard_error is None
    assert "suite|questions em is no number (None)" in read.warnings[0]


def test_logs_of_inspect_are_compared_by_pairs(tmp_path):
    with cc.open(tmp_path / "p") as project:
        source = tmp_path / "logs"
        source.mkdir()
        importers.write(importers.load("inspect", inspect(source, grown=True, accuracy=0.25)), project)
        (value,) = project.model("org/big").metrics["sums match accuracy"]
        assert (value.value, value.count, value.standard_error, value.dataset) == (0.75, 4, 0.25, "sums")
        assert value.protocol == {"harness": "inspect_ai 0.3.285", "version": 0, "epochs": 1}
        (row,) = project.behaviors("org/big", "org/small", "sums").summary.to_pylist()
        assert (row["base_value"], row["value"], row["right_to_wrong"], row["wrong_to_right"]) == (0.75, 0.25, 2, 0)
        assert project.outputs("org/small", "sums")["sums score"].to_pylist() == [1.0, 0.0, 0.0, 0.0]


def test_an_answer_that_looks_right_and_is_counted_wrong_is_told_apart(tmp_path):
    place = inspect(tmp_path)
    log = json.loads((place / "big.json").read_text())
    log["samples"][0]["scores"]["match"] = {"value": "I", "answer": "2"}
    log["samples"][1]["scores"]["match"] = {"value": "C", "answer": "two"}
    (place / "big.json").write_text(json.dumps(log))
    (outputs,) = importers.load("inspect", place).outputs
    assert outputs["predictions"] == ["2 (counted wrong)", "2", "2", "3"]


def packed(path, log, *, kind):
    """An archive as Inspect writes it; members packed by zstd are put in by hand, as ``zipfile`` cannot."""
    header = json.dumps({name: value for name, value in log.items() if name != "samples"}).encode()
    members = {"header.json": header} | {
        f"samples/{one['id']}_epoch_1.json": json.dumps(one).encode() for one in log["samples"]
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED if kind == "deflated" else zipfile.ZIP_STORED) as archive:
        for name, content in members.items():
            whole = pa.Codec("zstd").compress(content, asbytes=True) if kind == "zstd" else content
            archive.writestr(name, whole)
    if kind == "zstd":
        _as_zstd(path, {name: len(content) for name, content in members.items()})


def _as_zstd(path, sizes):
    content = bytearray(path.read_bytes())
    at = content.find(b"PK\x01\x02")
    while at >= 0:
        length = int.from_bytes(content[at + 28 : at + 30], "little")
        name = content[at + 46 : at + 46 + length].decode()
        content[at + 10 : at + 12] = inspect_log.ZSTD.to_bytes(2, "little")
        content[at + 24 : at + 28] = sizes[name].to_bytes(4, "little")
        at = content.find(b"PK\x01\x02", at + 1)
    path.write_bytes(content)


@pytest.mark.parametrize("kind", ["stored", "deflated", "zstd"])
def test_an_archive_of_inspect_is_read_like_its_json(tmp_path, kind):
    place = inspect(tmp_path)
    packed(tmp_path / "big.eval", json.loads((place / "big.json").read_text()), kind=kind)
    expected = importers.load("inspect", place / "big.json")
    found = importers.load("inspect", tmp_path / "big.eval")
    assert importers.recognize(tmp_path / "big.eval").source == "inspect"
    assert (found.models, found.datasets, found.outputs) == (expected.models, expected.datasets, expected.outputs)


def test_an_archive_that_is_cut_anywhere_or_states_other_sizes_is_refused(tmp_path):
    place = inspect(tmp_path)
    path = tmp_path / "big.eval"
    packed(path, json.loads((place / "big.json").read_text()), kind="zstd")
    content = path.read_bytes()
    for cut in range(0, len(content), len(content) // 25):
        path.write_bytes(content[:cut])
        with pytest.raises(UserError) as caught:
            importers.load("inspect", path)
        assert caught.value.code.startswith("import.")
    at = content.find(b"PK\x01\x02")
    path.write_bytes(content[: at + 24] + (2**31).to_bytes(4, "little") + content[at + 28 :])
    with pytest.raises(UserError, match="unpacks to more than"):
        importers.load("inspect", path)


def test_logs_that_did_not_succeed_are_no_models(tmp_path):
    place = inspect(tmp_path, grown=True)
    log = json.loads((place / "small.json").read_text())
    (place / "small.json").write_text(json.dumps({**log, "status": "error"}))
    read = importers.load("inspect", place)
    assert [one["id"] for one in read.models] == ["org/big"]
    assert read.warnings == ["'small.json' ended with 'error', not success; it is left out."]
