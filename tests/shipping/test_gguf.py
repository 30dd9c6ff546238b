"""GGUF of other families than Llama: names and rows as the package has them, held against the weights themselves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.operations import Quantize
from compress_compare.recipes import Task

gguf = pytest.importorskip("gguf")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore")
SIZES: dict[str, Any] = {
    "vocab_size": 64, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "max_position_embeddings": 32, "use_cache": False,
}  # fmt: skip


def network(family: str, **more: Any) -> torch.nn.Module:
    torch.manual_seed(0)
    config = getattr(transformers, f"{family}Config")(**SIZES, **more)
    return getattr(transformers, f"{family}ForCausalLM")(config).eval()


def shipped(net: torch.nn.Module, folder: Path, *, operation: Quantize | None = None) -> tuple[Any, Any]:
    """What was shipped, and what the package's own reader finds in it."""
    task = Task(lambda: net, lambda _: {}, example={"input_ids": torch.arange(8)[None]})
    with cc.open(folder / "project") as project:
        project.log_model("net", checkpoint=net)
        id = "net"
        if operation is not None:
            id = "small"
            project.log_model(id, base="net", operation=operation, checkpoint=operation(net))
        found = project.ship(id, folder / "out", format="gguf", sample=4, task=task)
    return found, gguf.GGUFReader(str(folder / "out" / "model.gguf"))


@pytest.mark.parametrize(("family", "name"), [("Qwen2", "qwen2"), ("Qwen3", "qwen3"), ("Mistral", "llama")])
def test_names_rows_and_sizes_are_those_of_the_family(family: str, name: str, tmp_path: Path) -> None:
    net = network(family, tie_word_embeddings=False)
    found, file = shipped(net, tmp_path)
    assert found.proof.max_difference == 0 and found.proof.agreement == 1
    assert file.get_field("general.architecture").contents() == name
    assert file.get_field(f"{name}.attention.head_count_kv").contents() == 2
    assert file.get_field(f"{name}.rope.dimension_count").contents() == net.config.head_dim if family == "Qwen3" else 16
    there = {one.name: np.asarray(one.data) for one in file.tensors}
    state = {key: value.numpy() for key, value in net.state_dict().items()}
    assert np.array_equal(there["blk.1.ffn_down.weight"], state["model.layers.1.mlp.down_proj.weight"])
    query = state["model.layers.0.self_attn.q_proj.weight"]
    # by hand: llama.cpp pairs row i of each head of 16 with row i + 8, where the order is that of Llama
    pairs = [head * 16 + half * 8 + place for head in range(4) for place in range(8) for half in range(2)]
    size = query.shape[0] // 4
    order = pairs if name == "llama" else list(range(4 * size))
    assert np.array_equal(there["blk.0.attn_q.weight"], query[order])
    assert ("blk.0.attn_q.bias" in there) == (family == "Qwen2")
    assert ("blk.0.attn_q_norm.weight" in there) == (family == "Qwen3")


def test_a_tied_head_is_left_out_and_blocks_of_a_qwen_hold_its_codes(tmp_path: Path) -> None:
    net = network("Qwen2", tie_word_embeddings=True)
    operation = Quantize(8, strategy="group", group_size=32, targets=("Linear",), ignore=("lm_head",))
    found, file = shipped(net, tmp_path, operation=operation)
    assert found.proof.relative_difference < 2**-10 and found.proof.agreement == 1
    kinds = {one.name: one.tensor_type.name for one in file.tensors}
    assert kinds["blk.0.attn_k.weight"] == "Q8_0" and "output.weight" not in kinds


def test_scaled_positions_are_refused(tmp_path: Path) -> None:
    net = network("Llama", rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0})
    with pytest.raises(InvalidValue, match="rotary positions that are scaled") as caught:
        shipped(net, tmp_path)
    assert caught.value.code == "ship.cannot_hold"


@pytest.mark.parametrize(("dtype", "kind"), [(torch.bfloat16, "BF16"), (torch.float16, "F16")])
def test_matrices_of_16_bits_stay_so(dtype: torch.dtype, kind: str, tmp_path: Path) -> None:
    network("Llama").to(dtype).save_pretrained(tmp_path / "folder")  # type: ignore[operator]
    with cc.open(tmp_path / "project") as project:
        project.log_model("llama", checkpoint=tmp_path / "folder")
        shipped = project.ship("llama", tmp_path / "out", format="gguf", sample=4)
        graph = project.ship("llama", tmp_path / "graph", format="onnx", sample=4)
    assert shipped.proof.relative_difference == 0 and graph.proof.agreement == 1
    kinds = {len(one.shape): one.tensor_type.name for one in gguf.GGUFReader(tmp_path / "out" / "model.gguf").tensors}
    assert kinds == {1: "F32", 2: kind}
