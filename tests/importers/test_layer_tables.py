"""What tools write about the layers and devices of one model."""

import json
import os

import numpy as np
import pytest
import torch
import yaml

import compress_compare as cc
from compress_compare import importers
from compress_compare.errors import UserError
from tests.importers.samples import SAMPLES, SHARED


def imported(tmp_path, source, place):
    project = cc.open(tmp_path / "p")
    report = importers.write(importers.load(source, place), project)
    return project, report


def slices(project, model, metric):
    return {one.slice: one.value for one in project.model(model).metrics[metric]}


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared files of other tools are not on this machine")
def test_the_analysis_of_aimet(tmp_path):
    project, report = imported(tmp_path, "aimet", SHARED / "aimet")
    assert importers.recognize(SHARED / "aimet").source == "aimet"
    enabled = slices(project, "aimet", "score with only this layer quantized")
    assert [round(one, 6) for one in enabled.values()] == [0.986595, 0.985255, 0.983914, 0.979893]
    disabled = slices(project, "aimet", "score with all but this layer quantized")
    assert {name: round(one, 6) for name, one in disabled.items()} == {
        "block1.conv": 0.981233,
        "block2.conv": 0.977212,
        "block3.conv": 0.982574,
        "classifier": 0.982574,
    }
    assert len(slices(project, "aimet", "mse of the layer's output")) == 8
    assert "scores of the whole model are in no file" in report.notices[0]


@pytest.mark.parametrize("version", ["0.6.1", "1.0.0"])
def test_encodings_of_aimet(tmp_path, version):
    if version == "0.6.1":
        weights = {"conv.weight": [{"bitwidth": 4}, {"bitwidth": 4}], "fc.weight": [{"bitwidth": 4}]}
        activations = {"conv": {"output": {"0": {"bitwidth": 8}}}}
    else:
        weights = [{"name": "conv.weight", "bw": 4}, {"name": "fc.weight", "bw": 4}]
        activations = [{"name": "conv", "bw": 8}]
    path = tmp_path / "net.json"
    path.write_text(json.dumps({"version": version, "param_encodings": weights, "activation_encodings": activations}))
    project, _ = imported(tmp_path, "aimet", path)
    assert slices(project, "net", "weight bits") == {"conv.weight": 4, "fc.weight": 4}
    assert project.model("net").operation == cc.Operation("quantize", weight_bits=4, activation_bits=8)


def test_a_log_of_gptqmodel_with_six_names_over_five_values(tmp_path):
    folder = tmp_path / "net-gptq"
    folder.mkdir()
    project, report = imported(tmp_path, "gptqmodel", SAMPLES["gptqmodel"](folder))
    assert slices(project, "net-gptq", "quantization loss") == {"0 mlp.up_proj": 0.25, "1 mlp.up_proj": 0.5}
    assert slices(project, "net-gptq", "damping") == {"0 mlp.up_proj": 0.05, "1 mlp.up_proj": 0.05}
    assert slices(project, "net-gptq", "quantization time") == {"0 mlp.up_proj": 1.5, "1 mlp.up_proj": 1.25}
    assert report.notices == ["The header names the number of samples, and no row has it."]


def test_a_log_of_gptqmodel_with_a_value_for_each_name(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("layer,module,loss,samples,damp,time\n0,up,0.25,128,0.05,1.5\n0,down,0.5,,0.05,1.5\n")
    project, _ = imported(tmp_path, "gptqmodel", path)
    assert slices(project, "log", "quantization loss") == {"0 up": 0.25, "0 down": 0.5}


def test_a_numeric_gap_and_a_profile_of_executorch(tmp_path):
    project, _ = imported(tmp_path, "executorch", SAMPLES["executorch"](tmp_path))
    assert slices(project, "net", "numeric gap") == {"a b": 0.25, "c": 0.5}
    path = tmp_path / "profile.csv"
    rows = ["event_block_name,event_name,avg (ms),p90 (ms)", "Execute,conv,1.5,2", "Execute,conv,0.5,1"]
    path.write_text("\n".join([*rows, "Execute,Method::execute,2.5,3"]))
    importers.write(importers.load("executorch", path), project)
    assert slices(project, "profile", "event time, avg") == {None: 2.5, "conv": 1.5, "conv #2": 0.5}


def test_components_of_ai_hub_add_up(tmp_path):
    def measured(ms, most):
        return {"inference_time_milliseconds": ms, "estimated_peak_memory_range_mb": {"min": 0, "max": most}}

    parts = {"encoder": (1.5, 10), "decoder": (2.5, 30)}
    components = {name: {"performance_metrics": {"a phone": {"tflite": measured(*one)}}} for name, one in parts.items()}
    folder = tmp_path / "whisper"
    folder.mkdir()
    (folder / "perf.yaml").write_text(yaml.safe_dump({"precisions": {"float": {"components": components}}}))
    project, report = imported(tmp_path, "ai-hub", folder / "perf.yaml")
    (latency,) = project.model("whisper float").metrics["latency"]
    assert (latency.value, latency.device) == (pytest.approx(0.004), "a phone, tflite")
    assert project.model("whisper float").metrics["peak memory"][0].value == 30 * 2**20
    assert "decoder, encoder add up" in report.notices[0]


def test_an_older_file_of_ai_hub_is_in_microseconds_and_bytes(tmp_path):
    run = {"inference_time": 250.0, "estimated_peak_memory_range": {"min": 0, "max": 4096}}
    entry = {"torchscript_onnx_tflite": run, "reference_device_info": {"name": "a phone"}}
    path = tmp_path / "net.yaml"
    path.write_text(yaml.safe_dump({"models": [{"name": "net", "performance_metrics": [entry]}]}))
    project, _ = imported(tmp_path, "ai-hub", path)
    (latency,) = project.model("net").metrics["latency"]
    assert (latency.value, latency.device) == (pytest.approx(0.00025), "a phone, torchscript_onnx_tflite")
    assert project.model("net").metrics["peak memory"][0].value == 4096


def test_a_search_of_model_optimizer(tmp_path):
    place = SAMPLES["modelopt"](tmp_path)
    assert importers.recognize(place).source == "modelopt"
    project, report = imported(tmp_path, "modelopt", place)
    assert slices(project, "search", "summed KL divergence with INT4") == {
        "layers.0.q_proj, v_proj": 0.5,
        "layers.0.o_proj": 0.5,
    }
    assert list(slices(project, "search", "summed KL divergence with FP8").values()) == [0.25, 0.25]
    assert {(one.name, one.unit, one.higher_is_better) for one in project.metrics()} == {
        ("summed KL divergence with INT4", "nat", False),
        ("summed KL divergence with FP8", "nat", False),
    }
    operation = cc.Operation("auto quantize", method="kl_div", effective_bits=6.5)
    assert project.model("search").operation == operation
    assert report.warnings == []


def test_a_search_of_model_optimizer_is_read_and_never_run(tmp_path):
    class Command:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path / 'canary'}",))

    stats = {"fc": {"formats": ["INT4(effective-bits: 4.0)", Command()], "scores": [0.5, Command()]}, "bad": Command()}
    torch.save({"candidate_stats": stats, "method": Command()}, tmp_path / "search.pt")
    _, report = imported(tmp_path, "modelopt", tmp_path / "search.pt")
    assert not (tmp_path / "canary").exists()
    assert [one.partition(":")[0] for one in report.warnings] == ["Layer 'fc'", "Layer 'bad'"]


def test_errors_of_activations_of_onnx_runtime(tmp_path):
    place = SAMPLES["onnx-runtime"](tmp_path)
    assert importers.recognize(place).source == "onnx-runtime"
    project, report = imported(tmp_path, "onnx-runtime", place)
    assert slices(project, "net", "SQNR of activations when quantized") == {"conv": 30.5, "fc": 40.5}
    assert slices(project, "net", "SQNR of activations between the models") == {"conv": 20.25}
    assert {(one.unit, one.higher_is_better) for one in project.metrics()} == {("dB", True)}
    assert "does not say by which function" in report.notices[0]


def test_errors_that_onnx_runtime_computes(tmp_path):
    from onnxruntime.quantization import qdq_loss_debug

    exact, rounded = np.array([1.0, 2.0, 2.0], np.float32), np.array([1.0, 2.0, 2.3], np.float32)
    match = {"conv": {"pre_qdq": [exact], "post_qdq": [rounded], "float": [exact]}}
    decibels = pytest.approx(20, abs=0.01)  # a norm of 3 over one of 0.3
    (tmp_path / "net.json").write_text(json.dumps(qdq_loss_debug.compute_activation_error(match)))
    assert importers.recognize(tmp_path / "net.json").source == "onnx-runtime"
    project, _ = imported(tmp_path, "onnx-runtime", tmp_path / "net.json")
    assert slices(project, "net", "SQNR of activations when quantized") == {"conv": decibels}
    assert slices(project, "net", "SQNR of activations between the models") == {"conv": decibels}
    weights = {"conv.weight": {"float": exact, "dequantized": rounded}}
    (tmp_path / "weights.json").write_text(json.dumps(qdq_loss_debug.compute_weight_error(weights)))
    project, _ = imported(tmp_path / "second", "onnx-runtime", tmp_path / "weights.json")
    assert slices(project, "weights", "SQNR of weights when quantized") == {"conv.weight": decibels}


def test_errors_of_weights_of_onnx_runtime(tmp_path):
    path = tmp_path / "net.json"
    path.write_text('{"conv.weight": 30.5, "fc.weight": null}')
    project, report = imported(tmp_path, "onnx-runtime", path)
    assert slices(project, "net", "SQNR of weights when quantized") == {"conv.weight": 30.5}
    assert report.warnings == ["Tensor 'fc.weight': SQNR of weights when quantized is no number; it counts as missing."]


@pytest.mark.parametrize("content", ['{"a": 1, "b": [2]}', '{"a": 1, "b": {"qdq_err": 2}}', '{"a": {"error": 1}}'])
def test_what_is_no_errors_of_onnx_runtime(tmp_path, content):
    (tmp_path / "net.json").write_text(content)
    with pytest.raises(UserError) as caught:
        importers.load("onnx-runtime", tmp_path / "net.json")
    assert caught.value.code == "import.format"


def test_node_data_of_several_graphs(tmp_path):
    """As Model Explorer's own builder writes it, with values that are texts, and names that are only nodes' own."""
    path = tmp_path / "net.json"
    graphs = {
        "main": {"results": {"conv": {"value": 1.5, "bgColor": "red"}, "relu": {"value": "slow"}}, "name": "latency"},
        "other": {"results": {"conv": {"value": 2}, "p_conv": {"value": 3}}},
    }
    path.write_text(json.dumps(graphs))
    read = importers.load(importers.recognize(path).source, path)
    (model,) = read.models
    assert model["id"] == "net"
    found = {name: {one.slice: one.value for one in values} for name, values in model["metrics"].items()}
    # Another number under the name of a placeholder is another node's.
    assert found == {"main latency": {"conv": 1.5}, "other value": {"conv": 2.0, "p_conv": 3.0}}
    assert read.warnings[0].startswith("Node 'relu': its main latency is no number")


@pytest.mark.parametrize(
    "content", ['{"results": []}', '{"results": {"a": 1}}', "[]", '{"a": {"results": {}}, "b": 1}']
)
def test_what_is_no_node_data_is_refused(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(UserError) as caught:
        importers.load("model-explorer", tmp_path / "a.json")
    assert caught.value.code == "import.format"
