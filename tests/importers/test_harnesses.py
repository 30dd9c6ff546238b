"""Lighteval and Inspect: names, directions, errors and answers; logs of Inspect in both of its forms."""

import json
import math
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
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


DATE = "2026-11-29T10-00-00"


def with_details(folder, name, chosen, *, more=None, **config):
    """Results of Lighteval 0.13 on four documents, and which of three choices the model finds most likely in each."""
    place = folder / "results" / "srv" / "deep" / "down" / "in" / "the" / "tree" / name
    place.mkdir(parents=True)
    right = [1 if index % 3 == choice else 0 for index, choice in enumerate(chosen)]
    metric = {"metric_name": "acc", "higher_is_better": True}
    document = {
        "config_general": {
            **{"lighteval_sha": "?", "num_fewshot_seeds": 1, "model_name": f"/srv/{name}"},
            "model_config": {"model_name": f"/srv/{name}", "revision": "main", "device": "cuda", **config},
        },
        "results": {"facts|5": {"acc": sum(right) / 4}, "all": {"acc": 0.1}},
        "versions": {},
        "config_tasks": {"facts|5": {"metrics": [metric], "effective_num_docs": -1, "version": 2}},
    }
    (place / f"results_{DATE}.json").write_text(json.dumps(document))
    rows = [
        {
            "doc": {"query": f"q{index}", "choices": ["a", "b", "c"], "gold_index": index % 3, "id": str(index)}
            | {"sampling_methods": ["LOGPROBS"]},
            "metric": {"acc": right[index], "mcc": {"golds": [1], "preds": 2}},
            "model_response": {"logprobs": [-1.0 if at == choice else -2.0 for at in range(3)], "text": []},
        }
        for index, choice in enumerate(chosen)
    ]
    details = folder / "details" / place.relative_to(folder / "results") / DATE
    details.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(more or rows[::-1]), details / f"details_facts|5_{DATE}.parquet")
    return folder


def test_what_models_answered_in_lighteval_is_compared_by_pairs(tmp_path):
    """Right answers are 0, 1, 2, 0. The one has three of them, the other two, of which one is new."""
    with_details(tmp_path / "x", "big", [0, 1, 2, 1])
    with_details(tmp_path / "x", "small", [0, 2, 1, 0])
    read = importers.load(importers.recognize(tmp_path / "x").source, tmp_path / "x")
    protocol = {"harness": "lighteval", "version": 2, "few-shot": 5}
    (value, other) = (one["metrics"]["facts acc"] for one in read.models)
    assert value == cc.MetricValue(0.75, dataset="facts", count=4, protocol=protocol)
    assert (other.value, other.count) == (0.5, 4)
    with cc.open(tmp_path / "p") as project:
        importers.write(read, project)
        (row,) = project.behaviors("big", "small", "facts").summary.to_pylist()
        assert (row["base_value"], row["value"], row["right_to_wrong"], row["wrong_to_right"]) == (0.75, 0.5, 2, 1)
        assert sorted(project.instances("facts")["text"].to_pylist()) == ["q0", "q1", "q2", "q3"]
        again = importers.write(importers.load("lighteval", tmp_path / "x"), project)
        assert (again.num_new_models, again.num_new_values) == (0, 0)


def test_answers_that_were_generated_are_right_where_lighteval_says_so(tmp_path):
    document = {"choices": ["7"], "gold_index": 0, "sampling_methods": ["GENERATIVE"]}
    rows = [
        {
            "doc": {"query": f"{text}?", "id": "0", **document},
            "metric": {"em": right},
            "model_response": {"text": [f" {text}"], "text_post_processed": [text]},
        }
        for text, right in (("7.0", 1), ("8", 0))
    ]
    (outputs,) = importers.load("lighteval", with_details(tmp_path, "big", [0, 1, 2, 1], more=rows)).outputs
    assert outputs["predictions"] == ["7", "8"] and outputs["texts"] == [" 7.0", " 8"]
    assert outputs["metrics"] == {"facts em": [1.0, 0.0]}


def test_another_dtype_in_lighteval_is_another_model_and_an_adapter_has_its_base(tmp_path):
    with_details(tmp_path / "x", "big", [0, 1, 2, 1])
    with_details(tmp_path / "y", "big", [0, 1, 1, 1], dtype="float16", device="cpu", batch_size=4)
    with_details(tmp_path / "z", "tuned", [0, 1, 1, 1], base_model="/srv/big")
    with cc.open(tmp_path / "p") as project:
        for name in "xyz":
            importers.write(importers.load("lighteval", tmp_path / name), project)
        models = project.models()
        assert models["id"].to_pylist() == ["big", "big (dtype=float16)", "tuned"]
        assert models["base"].to_pylist() == [None, None, "big"]
        assert models["facts acc"].to_pylist() == [0.75, 0.5, 0.5]


@pytest.mark.parametrize("damage", ["cut", "other", "link"])
def test_damaged_details_of_lighteval_are_one_sentence_or_left_alone(tmp_path, damage):
    (details,) = with_details(tmp_path / "x", "big", [0, 1, 2, 1]).rglob("*.parquet")
    content = details.read_bytes()
    if damage == "link":
        (tmp_path / "elsewhere.parquet").write_bytes(content)
        details.unlink()
        details.symlink_to(tmp_path / "elsewhere.parquet")
        assert not importers.load("lighteval", tmp_path / "x").outputs
        return
    details.write_bytes(content[: len(content) // 2] if damage == "cut" else b"PAR1 and nothing else PAR1")
    with pytest.raises(UserError) as caught:
        importers.load("lighteval", tmp_path / "x")
    assert caught.value.code == "import.format" and details.name in caught.value.title


@pytest.mark.parametrize(
    ("key", "task", "shots"),
    [("facts|5", "facts", 5), ("suite|facts|5", "suite|facts", 5), ("suite|facts|5|0", "suite|facts", 5)],
)
def test_the_names_of_tasks_in_all_versions_of_lighteval(tmp_path, key, task, shots):
    place = lighteval(tmp_path)
    for path in place.rglob("results_*.json"):
        path.write_text(path.read_text().replace("suite|questions|5", key))
    (model,) = importers.load("lighteval", place).models
    (value,) = model["metrics"].values()
    assert (value.dataset, value.protocol["few-shot"]) == (task, shots)
