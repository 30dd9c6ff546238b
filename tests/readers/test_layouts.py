"""Codes with scales beside them are read as numbers."""

import json

import numpy as np
import pytest
from safetensors.numpy import save_file

from compress_compare.readers.checkpoint import read

CODES = np.arange(-6, 6, dtype=np.int8).reshape(3, 4)


def numbers(tmp_path, tensors):
    save_file(tensors, tmp_path / "m.safetensors")
    return read("safetensors", {"m.safetensors": tmp_path / "m.safetensors"}).tensors["w"].values.whole()


@pytest.mark.parametrize("scale", [np.array([0.5], np.float32), np.array([0.5, 0.25, 2.0], np.float32)])
def test_codes_are_multiplied_by_their_scales(tmp_path, scale):
    expected = np.array([[float(code) * float(scale[row % len(scale)]) for code in CODES[row]] for row in range(3)])
    assert np.array_equal(numbers(tmp_path, {"w": CODES, "w_scale": scale}), expected)


def test_codes_whose_scales_do_not_fit_have_no_numbers(tmp_path):
    save_file({"w": CODES, "w_scale": np.ones(2, np.float32)}, tmp_path / "m.safetensors")
    found = read("safetensors", {"m.safetensors": tmp_path / "m.safetensors"})
    assert list(found.tensors) == ["w"]
    assert (found.tensors["w"].values, found.tensors["w"].num_bytes) == (None, 12 + 8)
    assert found.unread == {"i8 codes with scales of an unknown kind": 1}


def test_other_numbers_are_left_alone(tmp_path):
    weights = CODES.astype(np.float32)
    assert np.array_equal(numbers(tmp_path, {"w": weights, "w_scale": np.full(3, 9, np.float32)}), weights)


def words(codes, bits):
    """Codes of each row bit after bit, lowest first, in 32-bit words: by integers of Python."""
    packed = []
    for row in codes:
        whole = sum(int(code) << (bits * place) for place, code in enumerate(row))
        count = -(-len(row) * bits // 32)
        packed.append([(whole >> (32 * word)) & 0xFFFFFFFF for word in range(count)])
    return np.array(packed, np.uint32).view(np.int32)


def opened(tmp_path, tensors, config=None):
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, tmp_path / "model.safetensors")
    files = {"model.safetensors": tmp_path / "model.safetensors"}
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps({"quantization_config": config}))
        files["config.json"] = tmp_path / "config.json"
    return read("huggingface", files)


def rounded(tmp_path, tensors, config=None):
    weights = opened(tmp_path, tensors, config)
    return {name: stored.values.whole() for name, stored in weights.tensors.items()}, weights.tensors


RNG = np.random.default_rng(3)


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("zero", [False, True])
def test_compressed_tensors(tmp_path, bits, zero):
    codes = RNG.integers(-(1 << bits - 1), 1 << bits - 1, (8, 96))
    scales = RNG.uniform(0.1, 2, (8, 3)).astype(np.float32)
    zeros = RNG.integers(-(1 << bits - 1), 1 << bits - 1, (8, 3)) if zero else np.zeros((8, 3), int)
    offset = 1 << bits - 1
    tensors = {
        "l.weight_packed": words(codes + offset, bits),
        "l.weight_scale": scales,
        "l.weight_shape": np.array([8, 96]),
        "l.bias": np.ones(8, np.float32),
    }
    if zero:
        tensors["l.weight_zero_point"] = words((zeros + offset).T, bits).T
    found, stored = rounded(tmp_path, tensors)
    expected = [[(codes[i, j] - zeros[i, j // 32]) * float(scales[i, j // 32]) for j in range(96)] for i in range(8)]
    assert sorted(found) == ["l.bias", "l.weight"]
    assert found["l.weight"] == pytest.approx(np.array(expected), rel=1e-6)
    packing = stored["l.weight"].packing
    assert (packing.bits, packing.group_size, packing.ranges()["num_scales"]) == (bits, 32, 24)
    assert packing.ranges()["code_min"] == codes.min()


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("config", [None, {"quant_method": "gptq", "checkpoint_format": "gptq_v2"}], ids=["v1", "v2"])
@pytest.mark.parametrize("act_order", [False, True])
def test_gptq(tmp_path, bits, config, act_order):
    codes = RNG.integers(0, 1 << bits, (64, 32))  # inputs, outputs
    scales, zeros = RNG.uniform(0.1, 2, (2, 32)).astype(np.float32), RNG.integers(1, 1 << bits, (2, 32))
    groups = RNG.permutation(np.arange(64) // 32) if act_order else np.arange(64) // 32
    tensors = {
        "l.qweight": words(codes.T, bits).T,
        "l.qzeros": words(zeros - (0 if config else 1), bits),
        "l.scales": scales,
        "l.g_idx": groups.astype(np.int32),
    }
    found, _ = rounded(tmp_path, tensors, config)
    expected = [
        [(codes[j, i] - zeros[groups[j], i]) * float(scales[groups[j], i]) for j in range(64)] for i in range(32)
    ]
    assert list(found) == ["l.weight"]
    assert found["l.weight"] == pytest.approx(np.array(expected), rel=1e-6)


def test_awq(tmp_path):
    codes, zeros = RNG.integers(0, 16, (64, 32)), RNG.integers(0, 16, (2, 32))
    scales = RNG.uniform(0.1, 2, (2, 32)).astype(np.float16)
    places = [0, 2, 4, 6, 1, 3, 5, 7]  # which of eight outputs stands in the first, second, … four bits of a word

    def packed(rows):
        return words([[row[8 * (at // 8) + places[at % 8]] for at in range(len(row))] for row in rows], 4)

    weights = opened(tmp_path, {"l.qweight": packed(codes), "l.qzeros": packed(zeros), "l.scales": scales})
    values = weights.tensors["l.weight"].values
    expected = [[(codes[j, i] - zeros[j // 32, i]) * float(scales[j // 32, i]) for j in range(64)] for i in range(32)]
    assert values.whole() == pytest.approx(np.array(expected), rel=1e-6)
    assert np.array_equal(values.numbers(70, 900), values.whole().reshape(-1)[70:900])


@pytest.mark.parametrize("kind", ["int8", "int4", "float8"])
def test_torchao(tmp_path, kind):
    torch, quantization = pytest.importorskip("torch"), pytest.importorskip("torchao.quantization")
    from safetensors.torch import save_file as save
    from torchao.prototype.safetensors.safetensors_support import flatten_tensor_state_dict
    from torchao.quantization.granularity import PerGroup

    config = {
        "int8": lambda: quantization.Int8WeightOnlyConfig(version=2),
        "int4": lambda: quantization.IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=PerGroup(32)),
        "float8": lambda: quantization.Float8WeightOnlyConfig(),
    }[kind]()
    model = torch.nn.Sequential(torch.nn.Linear(64, 16))
    quantization.quantize_(model, config)
    tensors, notes = flatten_tensor_state_dict(model.state_dict())
    save(tensors, tmp_path / "m.safetensors", metadata=notes)
    found = read("safetensors", {"m.safetensors": tmp_path / "m.safetensors"}).tensors
    assert sorted(found) == ["0.bias", "0.weight"]
    expected = model[0].weight.dequantize().detach().numpy()
    assert found["0.weight"].values.whole() == pytest.approx(expected, rel=1e-5, abs=1e-7)
    assert found["0.weight"].packing.group_size == (32 if kind == "int4" else None)


def test_words_that_fit_no_layout_are_one_weight_that_is_not_read(tmp_path):
    tensors = {"l.qweight": np.zeros((3, 5), np.int32), "l.scales": np.ones((2, 7), np.float32)}
    found = opened(tmp_path, tensors | {"l.qzeros": np.zeros((2, 2), np.int32)})
    assert {name: stored.unread for name, stored in found.tensors.items()} == {"l.weight": "GPTQ or AWQ"}
    assert found.tensors["l.weight"].num_bytes == 60 + 56 + 16
