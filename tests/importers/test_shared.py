"""Files that the tools themselves wrote, with the values that their README gives."""

import math

import pytest

import compress_compare as cc
from compress_compare import importers
from tests.importers.samples import SHARED

pytestmark = pytest.mark.skipif(not SHARED.is_dir(), reason="the shared files of other tools are not on this machine")


def imported(tmp_path, name, **rules):
    """The project after an import of a file or folder whose tool is recognized, and the report."""
    place = SHARED / name
    source = importers.recognize(place).source
    project = cc.open(tmp_path / "p")
    report = importers.write(importers.load(source, place, rules=importers.Rules(**rules)), project)
    return project, report


def value(project, model, metric):
    (found,) = project.model(model).metrics[metric]
    return found


def tree(project):
    return {row["id"]: row["base"] for row in project.models().to_pylist()}


def better(project):
    return {metric.name: metric.higher_is_better for metric in project.metrics()}


def test_olive(tmp_path):
    project, report = imported(tmp_path, "olive-failed")
    assert (report.num_models, len(project)) == (33, 33)
    rows = project.models().to_pylist()
    assert [row["base"] for row in rows].count(None) == 1
    children = [row["id"] for row in rows if row["base"] == "e956c789"]
    assert len(children) == 16
    assert {row["operation"] for row in rows if row["base"] == "e956c789"} == {"onnxdynamicquantization"}
    assert sum(row["base"] in children and row["operation"] == "onnxstaticquantization" for row in rows) == 16
    root = {name: found[0].value for name, found in project.model("e956c789").metrics.items()}
    assert root == {
        "accuracy-accuracy_score": 0.98525470495224,
        "latency-avg": 0.1652,
        "latency-p90": 0.16953,
        "size-bytes": 18576,
    }
    assert all(not project.model(row["id"]).metrics for row in rows if row["base"])
    units = {metric.name: (metric.unit, metric.higher_is_better) for metric in project.metrics()}
    assert units["latency-avg"] == ("ms", False) and units["size-bytes"] == ("B", False)
    assert units["accuracy-accuracy_score"] == ("", True)
    assert "16 models" in report.warnings[0] and "no metric" in report.warnings[0]


def test_olive_parameters_that_vary_are_kept_and_others_are_not(tmp_path):
    project, _ = imported(tmp_path, "olive-failed")
    dynamic = project.model("4ebe6fe5").operation.parameters
    assert dynamic == {"precision": "int8", "per_channel": True, "reduce_range": True, "quant_preprocess": True}
    assert project.model("ec557475").operation == cc.Operation("onnxstaticquantization")


def test_lm_eval_metrics(tmp_path):
    project, report = imported(tmp_path, "lm-eval")
    assert (report.num_models, report.num_datasets, report.num_outputs, report.warnings) == (2, 3, 6, [])
    acc = value(project, "toy", "toy_sounds acc")
    assert (acc.value, acc.count) == (0.95, 60)
    assert acc.standard_error == pytest.approx(0.02837, abs=5e-6)
    assert value(project, "toy", "toy_sounds acc_norm").value == pytest.approx(0.86667, abs=5e-6)
    for filter in ("strict-match", "flexible-extract"):
        found = value(project, "toy", f"toy_sums exact_match,{filter}")
        assert (found.value, found.count) == (0.325, 40)
        assert value(project, "toy-w4", f"toy_sums exact_match,{filter}").value == 0.4
    perplexity = value(project, "toy", "toy_text word_perplexity")
    assert perplexity.value == pytest.approx(14.45881, abs=5e-6) and perplexity.standard_error is None
    assert value(project, "toy", "toy_text byte_perplexity").value == pytest.approx(1.77086, abs=5e-6)
    assert value(project, "toy", "toy_text bits_per_byte").value == pytest.approx(0.82445, abs=5e-6)
    assert value(project, "toy-w4", "toy_sounds acc").value == pytest.approx(0.96667, abs=5e-6)
    assert value(project, "toy-w4", "toy_text word_perplexity").value == pytest.approx(15.15584, abs=5e-6)
    assert value(project, "toy", "toy acc").count == 60
    assert better(project)["toy_text word_perplexity"] is False and better(project)["toy_sounds acc"] is True
    assert acc.dataset == "toy_sounds"
    assert acc.protocol == {"harness": "lm_eval 0.4.13", "version": 1.0, "few-shot": 0, "hash": "fdf1612a61ac"}


def test_lm_eval_documents_are_compared_by_pairs(tmp_path):
    project, _ = imported(tmp_path, "lm-eval", base_pattern=r"^(?P<base>.+)-(?P<operation>w)(?P<bits>\d+)$")
    assert project.model("toy-w4").operation == cc.Operation("w", bits=4)
    assert {one.name: one.num_instances for one in project.datasets()} == {
        "toy_sounds": 60,
        "toy_sums": 40,
        "toy_text": 20,
    }
    (row,) = project.behaviors("toy", "toy-w4", "toy_sounds").summary.to_pylist()
    assert (row["right_to_wrong"], row["wrong_to_right"], row["count"]) == (0, 1, 60)
    assert row["mcnemar_p"] == 1
    assert row["ci_low"] < 0 < row["ci_high"]
    (sums,) = project.behaviors("toy", "toy-w4", "toy_sums").summary.to_pylist()
    assert (sums["base_value"], sums["value"]) == (0.325, 0.4)
    text = project.outputs("toy", "toy_text")["toy_text bits_per_byte"].to_pylist()
    assert len(text) == 20 and all(0 < one < 2 for one in text)


def test_mlflow(tmp_path):
    project, report = imported(tmp_path, "mlflow.db")
    assert tree(project) == {
        "cnn": None,
        "cnn-magnitude50": "cnn",
        "cnn-magnitude50-finetuned": "cnn-magnitude50",
        "cnn-magnitude50-finetuned-w4": "cnn-magnitude50-finetuned",
        "cnn-magnitude90": "cnn",
        "cnn-magnitude90-calibrated": "cnn-magnitude90",
        "cnn-w8": "cnn",
        "cnn-w4": "cnn",
        "cnn-w2": "cnn",
        "cnn-int8": "cnn",
    }
    w2 = {name: found[0].value for name, found in project.model("cnn-w2").metrics.items()}
    assert w2["val_accuracy"] == pytest.approx(0.368633, abs=5e-7)
    assert math.isnan(w2["kl_divergence"]) and w2["val_loss"] == math.inf
    assert project.model("cnn-w2").operation == cc.Operation("quantize", bits=2)
    assert project.model("cnn-w2").note == "made by quantize" and project.model("cnn-w2").tags == ("stage=candidate",)
    assert "kl_divergence" not in project.model("cnn").metrics
    assert [warning.split()[1] for warning in report.warnings] == ["'cnn-crashed'", "'cnn-deleted'"]


def test_trackio(tmp_path):
    project, _ = imported(tmp_path, "trackio-digits.db")
    assert len(project) == 8 and tree(project)["cnn-magnitude50-finetuned"] == "cnn-magnitude50"
    w2 = {name: found[0].value for name, found in project.model("cnn-w2").metrics.items()}
    assert w2["eval/accuracy"] == pytest.approx(0.368633, abs=5e-7)
    assert math.isnan(w2["kl"]) and w2["ratio"] == math.inf
    assert project.model("cnn-magnitude50").operation == cc.Operation("magnitude prune", amount=0.5)
