"""GGUF and compressed-tensors: rows, blocks, zero points and words, read back by the libraries of the formats."""

import gguf
import numpy as np
import pytest
import torch

import compress_compare as cc
from compress_compare.operations import Quantize
from compress_compare.readers.checkpoint import read
from tests.shipping.networks import made, task

LINEAR = ("Linear",)


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        opened.log_model("llama", checkpoint=made("small llama"))
        yield opened


def log(project, operation):
    net = operation(made("small llama"))
    project.log_model("small", base="llama", operation=operation, checkpoint=net)
    return net.state_dict()


@pytest.mark.parametrize(
    ("operation", "kind"),
    [
        (Quantize(bits=8, targets=LINEAR), "Q8_0"),
        (Quantize(bits=4, targets=LINEAR), "Q4_0"),
        (Quantize(bits=4, symmetric=False, strategy="group", group_size=32, targets=LINEAR), "Q4_1"),
        (Quantize(bits=8, symmetric=False, targets=LINEAR), "F32"),
    ],
)
def test_blocks_of_gguf_hold_the_numbers_with_scales_of_16_bits(project, tmp_path, operation, kind):
    state = log(project, operation)
    project.ship("small", tmp_path / "out", format="gguf", task=task("small llama"))
    tensors = {one.name: one for one in gguf.GGUFReader(str(tmp_path / "out" / "model.gguf")).tensors}
    down = tensors["blk.0.ffn_down.weight"]
    assert down.tensor_type.name == kind
    own = state["model.layers.0.mlp.down_proj.weight"].numpy()
    found = gguf.quants.dequantize(down.data, down.tensor_type)
    assert np.abs(found - own).max() <= (0 if kind == "F32" else 2**-10) * np.abs(own).max()


def test_rows_of_queries_alternate_as_llama_cpp_has_them(project, tmp_path):
    state = log(project, Quantize(bits=4, targets=("lm_head",)))
    project.ship("small", tmp_path / "out", format="gguf", sample=0, task=task("small llama"))
    tensors = {one.name: one for one in gguf.GGUFReader(str(tmp_path / "out" / "model.gguf")).tensors}
    for name, other, heads in (("q_proj", "attn_q", 4), ("k_proj", "attn_k", 2)):
        own = state[f"model.layers.1.self_attn.{name}.weight"].numpy()
        # As convert_hf_to_gguf permutes them.
        permuted = own.reshape(heads, 2, own.shape[0] // heads // 2, own.shape[1]).swapaxes(1, 2).reshape(own.shape)
        assert np.array_equal(tensors[f"blk.1.{other}.weight"].data, permuted)


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("group", [None, 32])
def test_words_of_compressed_tensors_are_unpacked_by_the_library(project, tmp_path, bits, group):
    pytest.importorskip("compressed_tensors", reason="compressed-tensors is not installed")
    strategy = "channel" if group is None else "group"
    operation = Quantize(bits=bits, strategy=strategy, group_size=group, targets=LINEAR)
    state = log(project, operation)
    found = project.ship("small", tmp_path / "out", format="compressed-tensors", task=task("small llama"))
    assert (found.proof.max_difference, found.proof.agreement) == (0, 1)
    files = {name: tmp_path / "out" / name for name in ("model.safetensors", "config.json")}
    there = read("huggingface", files).tensors["model.layers.0.mlp.down_proj.weight"]
    assert there.packing is not None and there.packing.bits == bits
    assert torch.equal(torch.from_numpy(there.values.whole()), state["model.layers.0.mlp.down_proj.weight"])
