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


def test_wandb(tmp_path):
    project, report = imported(tmp_path, "wandb")
    assert tree(project) == {"cnn": None, "cnn-magnitude50": "cnn"} and report.warnings == []
    assert value(project, "cnn", "eval/accuracy").value == pytest.approx(0.985255, abs=5e-7)
    assert value(project, "cnn-magnitude50", "eval/accuracy").value == pytest.approx(0.971850, abs=5e-7)
    assert value(project, "cnn", "size_bytes").value == 18984
    operation = project.model("cnn-magnitude50").operation
    assert operation == cc.Operation("magnitude prune", **{"compression.amount": 0.5})
    assert {one.name: one.num_instances for one in project.datasets()} == {"predictions": 2}
    assert project.outputs("cnn", "predictions").to_pylist() == [{"id": 0, "prediction": 3}, {"id": 1, "prediction": 3}]
    assert project.instances("predictions")["label"].to_pylist() == [3, 5]


def test_tensorboard(tmp_path):
    project, _ = imported(tmp_path, "tensorboard")
    assert tree(project) == {"cnn": None, "cnn-magnitude50": "cnn", "cnn-magnitude90": "cnn", "cnn-w8": "cnn"}
    assert value(project, "cnn", "eval/accuracy").value == pytest.approx(0.985255, abs=5e-7)
    assert value(project, "cnn", "hparam/size_bytes").value == 18984
    assert project.model("cnn-magnitude50").operation == cc.Operation("magnitude prune", amount=0.5)


def test_a_trainers_folder_of_hugging_face(tmp_path):
    project, report = imported(tmp_path, "hf-trainer")
    assert tree(project) == {"toy-p50": None, "toy-p50-ft": "toy-p50"}
    assert value(project, "toy-p50-ft", "eval_loss").value == pytest.approx(1.63591, abs=5e-6)
    assert project.model("toy-p50-ft").operation == cc.Operation("finetune", epochs=3, steps=12)
    assert "at step 12; the best, 1.63591, was at step 12" in " ".join(report.notices)
    assert not project.model("toy-p50").metrics


def test_results_of_hugging_face_whose_unit_nobody_states(tmp_path):
    project, report = imported(tmp_path, "hf-eval-results")
    assert tree(project) == {"example-org/toy": None, "toy-w4": "example-org/toy"}
    assert project.model("toy-w4").operation.name == "quantize"
    assert value(project, "toy-w4", "sounds acc").value == 0.95
    assert value(project, "toy-w4", "sums exact_match").value == 0.325
    assert value(project, "toy-w4", "toy-benchmark sounds").value == 95.0
    assert value(project, "toy-w4", "toy-benchmark sums").value == 0.325
    units = {metric.name: (metric.unit, metric.higher_is_better) for metric in project.metrics()}
    assert units["toy-benchmark sounds"] == ("", None) and units["sounds acc"] == ("", True)
    told = " ".join(report.warnings)
    assert "'95.0 ± 2.8', text without a unit" in told
    assert told.count("per cent or a fraction") == 2


def test_a_checkpoint_of_llm_compressor_says_how_it_was_made(tmp_path):
    project, _ = imported(tmp_path, "llm-compressor")
    assert project.model("FP8_DYNAMIC").operation == cc.Operation(
        "quantize", scheme="FP8_DYNAMIC", targets=["Linear"], ignore=["lm_head"]
    )
    importers.write(importers.load("huggingface", SHARED / "toy"), project)
    rows = {
        f"{row['module']}.{row['parameter']}": row for row in project.layers("toy", "FP8_DYNAMIC").table.to_pylist()
    }
    assert rows["model.embed_tokens.weight"]["sqnr_db"] == math.inf
    # Worked out from the two files with their scales, in double precision.
    assert rows["model.layers.0.mlp.down_proj.weight"]["sqnr_db"] == pytest.approx(31.80091, abs=1e-4)


def test_llama_bench(tmp_path):
    project, _ = imported(tmp_path, "llama.cpp/bench.json")
    (id,) = tree(project)
    assert id == "Qwen2.5-7B-Instruct-Q4_K_M"
    prompt, generated = value(project, id, "throughput, prompt of 512"), value(project, id, "throughput, 128 generated")
    assert (prompt.value, prompt.count, prompt.device) == (7100.002165, 5, "NVIDIA GeForce RTX 4080, CUDA")
    assert prompt.standard_error == pytest.approx(140.34152 / 5**0.5)
    assert (generated.value, generated.standard_error) == (118.881588, pytest.approx(1.041811 / 5**0.5))
    assert value(project, id, "model size").value == 4_677_120_000
    assert value(project, id, "number of parameters").value == 7_615_616_512
    assert better(project)["throughput, prompt of 512"] is True


def test_llama_perplexity(tmp_path):
    project, report = imported(tmp_path, "llama.cpp/perplexity-kld.txt")
    found = {name: one[0] for name, one in project.model("perplexity-kld").metrics.items()}
    assert (found["perplexity"].value, found["perplexity"].standard_error) == (10.910139, 0.080259)
    base = found["perplexity of the base"]
    assert (base.value, base.standard_error) == (10.517647, 0.077374)
    assert (found["KL divergence, mean"].value, found["KL divergence, mean"].standard_error) == (0.042532, 0.000364)
    assert found["KL divergence, median"].value == 0.023195 and found["KL divergence, maximum"].value == 10.214425
    assert found["KL divergence, minimum"].value == -0.000021 and found["KL divergence, 99.0%"].value == 0.324855
    assert (found["same top token"].value, found["same top token"].standard_error) == (89.938, 0.078)
    units = {metric.name: metric.unit for metric in project.metrics()}
    assert units["KL divergence, mean"] == "nat" and units["same top token"] == "%"
    assert report.warnings == []


def test_model_explorer(tmp_path):
    """Eleven tensors, each under two names; the numbers are those of the file."""
    project, report = imported(tmp_path, "model-explorer-node-data.json")
    assert (report.num_models, report.warnings) == (1, [])
    values = project.model("cnn-magnitude90").metrics["relative_error"]
    found = {one.slice: one.value for one in values}
    assert len(found) == 11 and not [name for name in found if name.startswith("p_")]
    changed = {name: round(one, 4) for name, one in found.items() if one}
    assert changed == {
        "block1.conv.weight": 0.2931,
        "block2.conv.weight": 0.8058,
        "block3.conv.weight": 0.8775,
        "classifier.weight": 0.4055,
    }
    assert better(project) == {"relative_error": False}
