"""Packings of other tools: every number worked out here code by code, in plain Python, from the tool's formula."""

import json
import math

import numpy as np
import pytest
from safetensors.numpy import save_file

from compress_compare.readers.checkpoint import read

RNG = np.random.default_rng(11)
E2M1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6]
NF4 = [-1.0, -0.7, -0.5, -0.4, -0.3, -0.2, -0.1, 0.0, 0.08, 0.16, 0.25, 0.34, 0.44, 0.56, 0.72, 1.0]


def opened(tmp_path, tensors, config=None):
    save_file({name: np.ascontiguousarray(array) for name, array in tensors.items()}, tmp_path / "model.safetensors")
    files = {"model.safetensors": tmp_path / "model.safetensors"}
    if config is not None:
        (tmp_path / "config.json").write_text(json.dumps(config))
        files["config.json"] = tmp_path / "config.json"
    return read("huggingface", files)


def only(weights, name="l.weight"):
    assert list(weights.tensors) == [name]
    stored = weights.tensors[name]
    values = stored.values.whole()
    middle = stored.values.numbers(values.size // 3, values.size - 5)
    assert np.array_equal(middle, values.reshape(-1)[values.size // 3 : values.size - 5])
    return stored, values


def pairs(codes, *, high_first=False):
    """Codes of four bits, two to a byte, row by row."""
    return np.array(
        [
            [
                (row[at] << 4 | row[at + 1]) if high_first else (row[at] | row[at + 1] << 4)
                for at in range(0, len(row), 2)
            ]
            for row in codes.tolist()
        ],
        np.uint8,
    )


@pytest.mark.parametrize("name", ["l.weight_scale_inv", "l.weight_scale"])
def test_int8_in_blocks_of_128_with_a_cut_edge(tmp_path, name):
    codes, scales = RNG.integers(-127, 128, (200, 300)).astype(np.int8), RNG.uniform(1, 2, (2, 3)).astype(np.float32)
    stored, values = only(opened(tmp_path, {"l.weight": codes, name: scales}))
    expected = [[int(codes[i, j]) * float(scales[i // 128, j // 128]) for j in range(300)] for i in range(200)]
    assert values == pytest.approx(np.array(expected), rel=1e-6)
    assert (stored.packing.bits, stored.packing.group_size, stored.num_bytes) == (8, 128, 60_000 + 24)


def test_int8_of_bitsandbytes(tmp_path):
    codes, peaks = RNG.integers(-127, 128, (3, 8)).astype(np.int8), RNG.uniform(1, 2, 3).astype(np.float32)
    tensors = {"l.weight": codes, "l.SCB": peaks, "l.weight_format": np.array(0, np.uint8)}
    stored, values = only(opened(tmp_path, tensors))
    expected = [[int(code) * float(peak) / 127 for code in row] for row, peak in zip(codes, peaks, strict=True)]
    assert values == pytest.approx(np.array(expected), rel=1e-6)
    assert stored.num_bytes == 24 + 12 + 1


def test_a_row_of_scales_beside_a_square_matrix_is_not_guessed(tmp_path):
    tensors = {"l.weight": np.ones((4, 4), np.int8), "l.weight_scale": np.ones((1, 4), np.float32)}
    weights = opened(tmp_path, tensors)
    assert weights.tensors["l.weight"].values is None
    assert sum(weights.unread.values()) == 1


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("kind", ["nf4", "fp4"])
def test_four_bits_of_bitsandbytes(tmp_path, kind, nested):
    codes = RNG.integers(0, 16, (8, 128))
    state = {"quant_type": kind, "blocksize": 64, "dtype": "float32", "shape": [8, 128]}
    peaks = RNG.uniform(0.5, 1, 16).astype(np.float32)
    tensors = {"l.weight": pairs(codes.reshape(1, -1), high_first=True).reshape(-1, 1)}
    tensors["l.weight.quant_map"] = np.array(NF4, np.float32)
    if nested:
        levels, short = np.linspace(-1, 1, 256).astype(np.float32), RNG.integers(0, 256, 16).astype(np.uint8)
        state |= {"nested_blocksize": 8, "nested_offset": 0.25}
        outer = np.array([0.5, 0.75], np.float32)
        tensors |= {"l.weight.absmax": short, "l.weight.nested_absmax": outer, "l.weight.nested_quant_map": levels}
        peaks = np.array([float(levels[short[i]]) * float(outer[i // 8]) + 0.25 for i in range(16)])
    else:
        tensors["l.weight.absmax"] = peaks
    content = np.frombuffer(json.dumps(state).encode(), np.uint8)
    tensors[f"l.weight.quant_state.bitsandbytes__{kind}"] = content
    stored, values = only(opened(tmp_path, tensors))
    expected = [[NF4[codes[i, j]] * float(peaks[(i * 128 + j) // 64]) for j in range(128)] for i in range(8)]
    assert values == pytest.approx(np.array(expected), rel=1e-5, abs=1e-7)
    assert (stored.packing.bits, stored.packing.group_size) == (4, 64)


@pytest.mark.parametrize("state", [b"\0" * 79, b"[]", b'{"shape": [8, 128]}', b'{"shape": [9, 9], "blocksize": 64}'])
def test_a_state_that_says_nothing_leaves_the_weight_unread(tmp_path, state):
    tensors = {
        "l.weight": np.zeros((512, 1), np.uint8),
        "l.weight.absmax": np.ones(16, np.float32),
        "l.weight.quant_map": np.array(NF4, np.float32),
        "l.weight.quant_state.bitsandbytes__nf4": np.frombuffer(state, np.uint8),
    }
    weights = opened(tmp_path, tensors)
    assert list(weights.tensors) == ["l.weight"]
    assert (weights.tensors["l.weight"].values, weights.unread) == (None, {"bitsandbytes": 1})


def eight(code):
    """The number behind a positive code of E4M3."""
    power, fraction = code >> 3, (code & 7) / 8
    return 2.0 ** (power - 7) * (1 + fraction) if power else fraction * 2.0**-6


@pytest.mark.parametrize("form", ["compressed-tensors", "ModelOpt"])
def test_nvfp4(tmp_path, form):
    codes, scales = RNG.integers(0, 16, (4, 64)), RNG.integers(1, 0x7E, (4, 4)).astype(np.uint8)
    e4m3 = [[eight(code) for code in row] for row in scales.tolist()]
    overall = 0.125
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save

    shared = {"l.weight_scale": torch.from_numpy(scales).view(torch.float8_e4m3fn)}
    packed = torch.from_numpy(pairs(codes))
    if form == "ModelOpt":
        tensors = {"l.weight": packed, "l.weight_scale_2": torch.tensor(overall), "l.input_scale": torch.tensor(1.0)}
    else:
        tensors = {"l.weight_packed": packed, "l.weight_global_scale": torch.tensor([1 / overall])}
    save({**tensors, **shared}, tmp_path / "m.safetensors")
    stored, values = only(read("safetensors", {"m.safetensors": tmp_path / "m.safetensors"}))
    expected = [[E2M1[codes[i, j]] * e4m3[i][j // 16] * overall for j in range(64)] for i in range(4)]
    assert values == pytest.approx(np.array(expected), rel=1e-6)
    assert (stored.packing.bits, stored.packing.group_size) == (4, 16)


def test_mxfp4_of_compressed_tensors_and_gpt_oss(tmp_path):
    codes, powers = RNG.integers(0, 16, (6, 64)), RNG.integers(120, 130, (6, 2)).astype(np.uint8)
    expected = [[E2M1[codes[i, j]] * 2.0 ** (int(powers[i, j // 32]) - 127) for j in range(64)] for i in range(6)]
    _, values = only(opened(tmp_path, {"l.weight_packed": pairs(codes), "l.weight_scale": powers}))
    assert np.array_equal(values, np.array(expected, np.float32))
    blocks = pairs(codes).reshape(2, 3, 2, 16)
    tensors = {"e.gate_up_proj_blocks": blocks, "e.gate_up_proj_scales": powers.reshape(2, 3, 2)}
    stored, values = only(opened(tmp_path, tensors), "e.gate_up_proj")
    assert np.array_equal(values, np.array(expected, np.float32).reshape(2, 3, 64))
    assert stored.num_bytes == 6 * 32 + 12


@pytest.mark.parametrize(("kind", "extra", "is_read"), [("F8", False, True), ("F8", True, False), ("U8", False, False)])
def test_floats_of_four_bits_with_something_that_is_not_known_are_not_guessed(tmp_path, kind, extra, is_read):
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file as save

    scales = torch.full((4, 4), 0x38, dtype=torch.uint8)
    tensors = {"l.weight": torch.zeros(4, 32, dtype=torch.uint8), "l.weight_scale_2": torch.tensor(0.5)}
    tensors["l.weight_scale"] = scales.view(torch.float8_e4m3fn) if kind == "F8" else scales
    if extra:
        tensors["l.pre_quant_scale"] = torch.ones(64)
    save(tensors, tmp_path / "m.safetensors")
    stored = read("safetensors", {"m.safetensors": tmp_path / "m.safetensors"}).tensors["l.weight"]
    assert (stored.values is not None and stored.dtype != "U8") is is_read


@pytest.mark.parametrize(("bits", "said"), [(2, True), (4, True), (8, True), (4, False)])
def test_mlx(tmp_path, bits, said):
    codes = RNG.integers(0, 1 << bits, (16, 128))
    codes[:, ::64], codes[:, 1::64] = 0, (1 << bits) - 1  # every group reaches the ends of its codes
    whole = [sum(int(code) << (bits * at) for at, code in enumerate(row)) for row in codes]
    words = np.array([[(row >> (32 * at)) & 0xFFFFFFFF for at in range(128 * bits // 32)] for row in whole], np.uint32)
    scales, biases = RNG.uniform(0.1, 1, (16, 2)).astype(np.float32), RNG.normal(size=(16, 2)).astype(np.float32)
    config = {"quantization": {"group_size": 64, "bits": bits}} if said else None
    tensors = {"l.weight": words, "l.scales": scales, "l.biases": biases}
    stored, values = only(opened(tmp_path, tensors, config))
    expected = [
        [codes[i, j] * float(scales[i, j // 64]) + float(biases[i, j // 64]) for j in range(128)] for i in range(16)
    ]
    assert values == pytest.approx(np.array(expected), rel=1e-5, abs=1e-6)
    assert (stored.packing.bits, stored.packing.group_size) == (bits, 64)


def e4m3(code):
    """A float of 8 bits by its definition: four bits of exponent, three of fraction, bias 7."""
    sign, power, fraction = -1 if code >> 7 else 1, code >> 3 & 15, code & 7
    return sign * (fraction / 8 * 2.0**-6 if power == 0 else (1 + fraction / 8) * 2.0 ** (power - 7))


@pytest.mark.parametrize(
    ("mode", "bits", "group"), [("mxfp4", 4, 32), ("nvfp4", 4, 16), ("mxfp8", 8, 32)], ids=lambda one: str(one)
)
@pytest.mark.parametrize("said", [True, False])
def test_mlx_floats(tmp_path, mode, bits, group, said):
    codes = RNG.integers(0, 127 if bits == 8 else 16, (6, 64))
    scales = RNG.integers(*((56, 80) if mode == "nvfp4" else (120, 130)), (6, 64 // group)).astype(np.uint8)
    words = [[sum(int(code) << (bits * at) for at, code in enumerate(row[j : j + 32 // bits]))
              for j in range(0, 64, 32 // bits)] for row in codes]  # fmt: skip
    number = e4m3 if bits == 8 else E2M1.__getitem__
    factor = e4m3 if mode == "nvfp4" else lambda power: 2.0 ** (power - 127)
    config = {"quantization": {"group_size": group, "bits": bits, "mode": mode}} if said else None
    tensors = {"l.weight": np.array(words, np.uint32), "l.scales": scales}
    stored, values = only(opened(tmp_path, tensors, config))
    expected = [[number(int(codes[i, j])) * factor(int(scales[i, j // group])) for j in range(64)] for i in range(6)]
    assert np.array_equal(values, np.array(expected, np.float32))
    assert (stored.packing.bits, stored.packing.group_size) == (bits, group)
    assert stored.num_bytes == 6 * 64 * bits // 8 + scales.size


def test_mlx_floats_of_a_mode_that_is_not_known_are_not_guessed(tmp_path):
    tensors = {"l.weight": np.zeros((4, 8), np.uint32), "l.scales": np.full((4, 2), 120, np.uint8)}
    config = {"quantization": {"group_size": 32, "bits": 4, "mode": "mxfp4-next"}}
    weights = opened(tmp_path, tensors, config)
    assert weights.tensors["l.weight"].values is None
    assert sum(weights.unread.values()) == 1


@pytest.mark.parametrize("how", ["configuration", "powers of two"])
def test_pairs_of_floats_in_signed_bytes(tmp_path, how):
    codes, powers = RNG.integers(0, 16, (6, 64)), RNG.integers(-7, 3, (6, 2))
    scales = 2.0 ** powers.astype(np.float32) if how == "configuration" else (powers + 127).astype(np.uint8)
    config = {"quantization_config": {"quant_method": "fp8"}} if how == "configuration" else None
    tensors = {"l.weight": pairs(codes).view(np.int8), "l.weight_scale_inv": scales}
    stored, values = only(opened(tmp_path, tensors, config))
    expected = [[E2M1[codes[i, j]] * 2.0 ** int(powers[i, j // 32]) for j in range(64)] for i in range(6)]
    assert np.array_equal(values, np.array(expected, np.float32))
    assert (stored.packing.bits, stored.packing.group_size) == (4, 32)


def test_two_outputs_in_a_byte_of_model_optimizer(tmp_path):
    codes, scales = RNG.integers(-8, 8, (6, 32)), RNG.uniform(0.5, 2, (6, 2)).astype(np.float32)
    bytes_ = [[(codes[2 * i, j] & 15) | (codes[2 * i + 1, j] & 15) << 4 for j in range(32)] for i in range(3)]
    tensors = {"l.weight": np.array(bytes_, np.uint8), "l.weight_scale": scales}
    stored, values = only(opened(tmp_path, tensors))
    expected = [[int(codes[i, j]) * float(scales[i, j // 16]) for j in range(32)] for i in range(6)]
    assert np.array_equal(values, np.array(expected, np.float32))
    assert (stored.packing.bits, stored.packing.group_size, stored.num_bytes) == (4, 16, 96 + 48)
    awq = {**tensors, "l.pre_quant_scale": np.ones(32, np.float32)}
    assert opened(tmp_path, awq).tensors["l.weight"].values is None


def test_blocks_of_model_optimizer_keep_the_dimensions_within_them(tmp_path):
    codes, scales = RNG.integers(-127, 128, (256, 384)).astype(np.int8), RNG.uniform(1, 2, (2, 1, 3, 1))
    _, values = only(opened(tmp_path, {"l.weight": codes, "l.weight_scale": scales.astype(np.float32)}))
    expected = codes * np.repeat(np.repeat(scales[:, 0, :, 0].astype(np.float32), 128, 0), 128, 1)
    assert np.array_equal(values, expected)


def test_whole_numbers_with_a_scale_for_each_16_stay_whole_numbers(tmp_path):
    codes, scales = RNG.integers(-127, 128, (6, 32)).astype(np.int8), RNG.uniform(1, 2, (6, 2)).astype(np.float32)
    stored, values = only(opened(tmp_path, {"l.weight": codes, "l.weight_scale_inv": scales}))
    expected = [[int(codes[i, j]) * float(scales[i, j // 16]) for j in range(32)] for i in range(6)]
    assert values == pytest.approx(np.array(expected), rel=1e-6)
    assert stored.packing.bits == 8


@pytest.mark.parametrize("name", ["l.weight", "l"])
def test_sparse_bitmask(tmp_path, name):
    dense = RNG.normal(size=(5, 19)).astype(np.float32)
    dense[RNG.random((5, 19)) < 0.6] = 0
    mask = [
        [sum((dense[i, 8 * b + k] != 0) << k for k in range(8) if 8 * b + k < 19) for b in range(3)] for i in range(5)
    ]
    tensors = {
        f"{name}.compressed": dense[dense != 0],
        f"{name}.bitmask": np.array(mask, np.uint8),
        f"{name}.shape": np.array([5, 19]),
        f"{name}.row_offsets": np.zeros(5, np.int64),
    }
    _, values = only(opened(tmp_path, tensors))
    assert np.array_equal(values, dense)


def test_a_mask_that_is_pending_is_applied(tmp_path):
    weight, mask = RNG.normal(size=(4, 6)).astype(np.float32), (RNG.random((4, 6)) < 0.5).astype(np.float32)
    stored, values = only(opened(tmp_path, {"l.weight_orig": weight, "l.weight_mask": mask}))
    assert np.array_equal(values, np.where(mask == 1, weight, 0))
    assert (stored.rule, stored.packing) == ("mask", None)


@pytest.mark.parametrize(
    "names", [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")]
)
def test_weight_norm(tmp_path, names):
    g, v = RNG.uniform(1, 2, (4, 1)).astype(np.float32), RNG.normal(size=(4, 6)).astype(np.float32)
    stored, values = only(opened(tmp_path, {f"l.{names[0]}": g, f"l.{names[1]}": v}))
    lengths = [math.sqrt(sum(float(x) ** 2 for x in row)) for row in v]
    assert values == pytest.approx(np.array([v[i] * float(g[i, 0]) / lengths[i] for i in range(4)]), rel=1e-6)
    assert stored.rule == "weight norm"


def test_spectral_norm(tmp_path):
    torch = pytest.importorskip("torch")
    torch.manual_seed(0)
    layer = torch.nn.utils.spectral_norm(torch.nn.Linear(6, 4, bias=False)).eval()
    state = {f"l.{name}": tensor.detach().numpy() for name, tensor in layer.state_dict().items()}
    layer(torch.zeros(1, 6))
    _, values = only(opened(tmp_path, state))
    assert values == pytest.approx(layer.weight.detach().numpy(), rel=1e-5)


@pytest.mark.parametrize(
    ("tensors", "tool"),
    [
        ({"l.W_q": np.zeros((4, 4), np.uint8), "l.scale": np.ones((4, 1), np.float32), "l.nbits": np.array(4)}, "HQQ"),
        (
            {"l.weight._data": np.zeros((4, 4), np.int8), "l.weight._scale": np.ones((3, 1), np.float32)},
            "optimum-quanto",
        ),
        ({"l.codes": np.zeros((4, 4, 1), np.int16), "l.codebooks": np.ones((1, 4, 1, 8), np.float32)}, "AQLM"),
        ({"l.q_weight": np.zeros((4, 4), np.int32), "l.q_scale": np.zeros((4, 1), np.int32)}, "ExLlamaV2"),
        ({"l.parametrizations.weight.original": np.ones((4, 4), np.float32)}, "a parametrization"),
    ],
)
def test_a_packing_that_is_known_by_name_alone_is_said(tmp_path, tensors, tool):
    weights = opened(tmp_path, {**tensors, "norm.weight": np.ones(4, np.float32)})
    assert sorted(weights.tensors) == ["l.weight", "norm.weight"]
    assert weights.unread == {tool: 1}
    assert weights.tensors["l.weight"].num_bytes == sum(tensor.nbytes for tensor in tensors.values())
