"""Floats of 8 bits in folders of compressed-tensors, against PyTorch's own numbers and as transformers loads them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

import compress_compare as cc
from compress_compare.recipes import Task
from compress_compare.schemes.scheme import TensorScheme
from compress_compare.shipping.floats8 import fit
from tests.shipping.networks import made

pytestmark = pytest.mark.filterwarnings("ignore")
LAYER = "model.layers.0.mlp.up_proj.weight"


def rounded(weight: torch.Tensor, *, channels: bool = True) -> torch.Tensor:
    """The weight with its largest number at 448, as tools of the field round it to E4M3."""
    scale = (weight.abs().amax(1, keepdim=True) if channels else weight.abs().max()) / 448
    return (weight / scale).to(torch.float8_e4m3fn).float() * scale


@pytest.mark.parametrize("channels", [True, False])
def test_codes_and_scales_are_found_again(channels: bool) -> None:
    weight = torch.randn(16, 48, generator=torch.Generator().manual_seed(1))
    weight[3] = 0
    numbers = rounded(weight, channels=channels).numpy()
    if channels:
        numbers[3] = 0
    scheme = TensorScheme("quantized", 8, strategy="channel" if channels else "tensor")
    found = fit(numbers, scheme)
    assert found is not None and found.scales.shape == ((16, 1) if channels else (1, 1))
    codes = torch.from_numpy(found.codes).view(torch.float8_e4m3fn).float().numpy()
    assert np.array_equal(codes * found.scales, numbers)
    assert fit(weight.numpy(), scheme) is None


def test_a_model_of_8_bit_floats_is_loaded_by_transformers(tmp_path: Path) -> None:
    pytest.importorskip("compressed_tensors")
    transformers = pytest.importorskip("transformers")
    net = made("small llama")
    names = [name for name in net.state_dict() if name.endswith("_proj.weight")]
    with torch.no_grad():
        for name in names:
            net.get_parameter(name).copy_(rounded(net.get_parameter(name)))
    task = Task(lambda: net, lambda _: {}, example={"input_ids": torch.arange(8)[None]})
    with cc.open(tmp_path / "project") as project:
        project.log_model("fp8", checkpoint=net, scheme={"re:.*_proj.weight": cc.Scheme(bits=8)})
        found = project.ship("fp8", tmp_path / "out", format="compressed-tensors", sample=4, task=task)
    assert found.proof.max_difference == 0 and found.proof.agreement == 1 and not found.notes
    config = json.loads((tmp_path / "out" / "config.json").read_text())["quantization_config"]
    assert config["config_groups"]["group_0"]["weights"]["type"] == "float"
    with safe_open(tmp_path / "out" / "model.safetensors", "pt") as file:
        assert file.get_tensor(LAYER).dtype == torch.float8_e4m3fn
    loaded = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    tokens = torch.arange(8)[None]
    with torch.no_grad():
        assert torch.equal(loaded(tokens).logits, net(tokens).logits)


@pytest.mark.parametrize("kind", ["w4 groups", "8-bit floats"])
def test_what_others_packed_is_packed_again(kind: str, tmp_path: Path) -> None:
    """A folder in the layout of compressed-tensors that says nothing to us: its codes are found in its numbers."""
    pytest.importorskip("compressed_tensors")
    pytest.importorskip("transformers")
    net = made("small llama")
    scheme = cc.Scheme(bits=4, group_size=32) if kind == "w4 groups" else cc.Scheme(bits=8)
    with torch.no_grad():
        for name, weight in net.named_parameters():
            if name.endswith("_proj.weight"):
                runs = weight.reshape(-1, 32)
                scale = runs.abs().amax(1, keepdim=True) / 7
                made_of_codes = ((runs / scale).round() * scale).reshape(weight.shape)
                weight.copy_(made_of_codes if kind == "w4 groups" else rounded(weight))
    task = Task(lambda: net, lambda _: {}, example={"input_ids": torch.arange(8)[None]})
    with cc.open(tmp_path / "project") as project:
        project.log_model("ours", checkpoint=net, scheme={"re:.*_proj.weight": scheme})
        first = project.ship("ours", tmp_path / "first", format="compressed-tensors", sample=4, task=task)
        project.log_model("theirs", checkpoint=tmp_path / "first")
        again = project.ship("theirs", tmp_path / "again", format="compressed-tensors", sample=4)
        assert again.num_bytes == pytest.approx(first.num_bytes, rel=0.02) and not again.notes
        packed = project.ship("theirs", tmp_path / "packed", format="packed", sample=0)
        assert bool(packed.notes) == (kind == "8-bit floats")
        assert kind == "8-bit floats" or packed.num_bytes < 1.1 * first.num_bytes
