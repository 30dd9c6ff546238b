"""What is claimed, what it costs and why: on the digits network, compressed in five ways, measured in both runtimes."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import compress_compare as cc
from compress_compare import operations as ops
from compress_compare.analysis.reality import KEPT, SAME_TIME
from compress_compare.evaluation.cost import measure_cost
from compress_compare.evaluation.latency import LatencySettings
from compress_compare.evaluation.onnx_runtime import Exports
from compress_compare.store.artifacts import Artifacts

MADE = {
    "masked": ops.MagnitudePrune(amount=0.9),
    "int8": ops.QuantizeStatic(),
    "w4": ops.Quantize(bits=4),
    "palette": ops.Palettize(bits=4),
    "narrow": ops.ChannelPrune(amount=0.5),
}


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[cc.Project]:
    for module in ("sklearn", "onnxruntime", "onnxscript", "torch_pruning", "torchao"):
        pytest.importorskip(module)
    from compress_compare.demos.digits import task

    digits = task()
    timing, exports = LatencySettings(warm_up=10, runs=50), Exports()
    with cc.open(tmp_path_factory.mktemp("reality") / "digits") as project:

        def log(id: str, base: str | None, operation: Any, model: torch.nn.Module) -> None:
            found = measure_cost(model, digits.instance(), timing=timing, exports=exports)
            assert found.problems == ()
            project.log_model(id, base=base, operation=operation, metrics=found.values, checkpoint=model)

        cnn = digits.create()
        log("cnn", None, None, cnn)
        for id, operation in MADE.items():
            data = digits.batches if operation.data_requirement != "none" else None
            log(id, "cnn", operation, operation(cnn, data=data))
        yield project


def row(project: cc.Project, id: str) -> dict[str, Any]:
    (found,) = project.reality(id).to_pylist()
    return found


def file_of(project: cc.Project, id: str) -> Path:
    checkpoint = project.model(id).checkpoint
    assert checkpoint is not None
    return Artifacts(project.storage).path(checkpoint.files[0].sha256)


def slow(found: dict[str, Any]) -> bool:
    """Whether a time is not shorter than the root's, in either runtime."""
    return min(found["latency_ratio"], found["onnx_latency_ratio"]) < SAME_TIME


def test_a_root_claims_nothing(project: cc.Project) -> None:
    found = row(project, "cnn")
    assert (found["agrees"], found["causes"], found["missing"]) == (None, [], [])
    assert (found["bits"], found["stored_ratio"], found["latency_ratio"]) == (32, 1, 1)


def test_masked_pruning_is_dense_in_the_file_and_in_time(project: cc.Project) -> None:
    found = row(project, "masked")
    weights = [tensor for tensor in load_file(file_of(project, "masked")).values() if tensor.ndim > 1]
    zeros = sum(int((tensor == 0).sum()) for tensor in weights) / sum(tensor.size for tensor in weights)
    assert found["sparsity"] == pytest.approx(zeros)
    assert zeros == pytest.approx(0.9, abs=0.001)
    assert found["stored_bytes"] == file_of(project, "masked").stat().st_size
    assert found["stored_ratio"] < 1.05 < 4 < found["packed_ratio"]
    assert found["macs_ratio"] == 1
    assert "zeros_stored" in found["causes"]
    assert ("no_sparse_kernel" in found["causes"]) == slow(found)
    assert found["agrees"] is False


@pytest.mark.parametrize("id", ["w4", "palette"])
def test_few_bits_are_floats_in_the_file_and_when_run(project: cc.Project, id: str) -> None:
    found = row(project, id)
    assert found["bits"] == 4
    assert all(tensor.dtype == np.float32 for tensor in load_file(file_of(project, id)).values() if tensor.ndim > 1)
    assert found["stored_ratio"] < 1.05 < 5 < found["packed_ratio"]
    assert found["integer_products"] == found["onnx_integer_products"] == 0
    assert "codes_stored_as_floats" in found["causes"]
    assert ("dequantized_at_load" in found["causes"]) == slow(found)
    assert "Weights are still stored as 32-bit floats" in found["reason"]


def test_int8_is_small_and_on_integers_where_there_is_a_kernel(project: cc.Project) -> None:
    found = row(project, "int8")
    assert found["bits"] == 8
    assert found["stored_ratio"] > KEPT * found["packed_ratio"] > 2.5
    assert "zeros_stored" not in found["causes"]
    assert "codes_stored_as_floats" not in found["causes"]
    assert found["integer_products"] == 0
    assert found["onnx_integer_products"] == 0.75
    assert ("dequantized_at_run" in found["causes"]) == (found["latency_ratio"] < SAME_TIME)
    assert ("conversions_cost_more" in found["causes"]) == (found["onnx_latency_ratio"] < SAME_TIME)
    assert "operator_fell_back" in found["causes"]
    assert "fell back to floating point for 1 of 4" in found["reason"]


def test_fewer_channels_are_fewer_everywhere_but_calls_take_their_time(project: cc.Project) -> None:
    found = row(project, "narrow")
    assert found["macs_ratio"] > 2
    assert found["stored_ratio"] > 1.5
    assert "zeros_stored" not in found["causes"]
    assert "codes_stored_as_floats" not in found["causes"]
    speed = min(found["latency_ratio"], found["onnx_latency_ratio"])
    assert ("calls_dominate" in found["causes"]) == (speed < KEPT * found["macs_ratio"])


def test_every_time_says_how_it_was_taken(project: cc.Project) -> None:
    for found in project.reality().to_pylist():
        for name, runtime in (("latency", "PyTorch"), ("onnx_latency", "ONNX Runtime")):
            assert found[f"{name}_device"].startswith(f"cpu ({runtime} ")
            assert found[f"{name}_device"].endswith(", 1 thread, batch 1, warm-up 10, runs 50, 5 processes)")
            assert found[f"{name}_s"] > 0
            assert found[f"{name}_iqr_s"] >= 0
        assert found["peak_memory_bytes"] > 0


def test_of_a_checkpoint_alone_everything_that_needs_no_run_is_told(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    dense = {"embed.weight": generator.normal(size=(500, 16)).astype(np.float32)}
    pruned = {name: np.where(np.abs(tensor) < 1.6, 0, tensor) for name, tensor in dense.items()}
    for name, tensors in (("dense", dense), ("pruned", pruned)):
        save_file(tensors, tmp_path / f"{name}.safetensors")
    with cc.open(tmp_path / "p") as project:
        project.log_model("dense", checkpoint=tmp_path / "dense.safetensors")
        prune = cc.Operation("magnitude prune", amount=0.9)
        project.log_model("pruned", base="dense", operation=prune, checkpoint=tmp_path / "pruned.safetensors")
        project.log_model("nothing", base="dense", operation=prune)
        found, nothing = project.reality(["pruned", "nothing"]).to_pylist()
    assert found["sparsity"] == pytest.approx(float((pruned["embed.weight"] == 0).mean()))
    assert found["gzip_bytes"] == len(gzip.compress((tmp_path / "pruned.safetensors").read_bytes(), 6, mtime=0))
    assert (found["bits"], found["stored_ratio"]) == (32, 1)
    assert found["missing"] == ["macs", "peak_memory_bytes", "latency_s", "onnx_latency_s"]
    assert nothing["stored_bytes"] is None
    assert "stored_bytes" in nothing["missing"]
    assert nothing["agrees"] is None


def test_an_unknown_model_is_an_error(project: cc.Project) -> None:
    from compress_compare.errors import NotFound

    with pytest.raises(NotFound):
        project.reality("no such model")
