"""Packings of other tools: what a layer must have to be read, tensors of more dimensions, all that belongs to one."""

from dataclasses import replace

import numpy as np
import pytest

from compress_compare.analysis.layers.values import Values
from compress_compare.readers.layouts import unpacked
from compress_compare.readers.weights import StoredTensor

from .made import RNG, normal, weights
from .test_packings import E2M1, pairs
from .test_strided import hqq


def one(tensors, name="l.weight", **extra):
    """The weight that these tensors are."""
    return unpacked(weights(tensors, **extra)).tensors[name]


def is_read(tensors, name="l.weight", **extra):
    found = unpacked(weights(tensors, **extra)).tensors.get(name)
    return found is not None and found.values is not None and found.packing is not None


def floats(*shape):
    return RNG.uniform(0.5, 2, shape).astype(np.float32)


HQQ = hqq(RNG.integers(0, 16, (16, 8)), 4, 1, (4, 32), floats(16, 1), normal(16, 1))


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({}, True),
        ({"l.nbits": np.array([4, 4])}, False),
        ({"l.nbits": np.array(np.nan, np.float32)}, False),
        ({"l.nbits": np.array(3)}, False),
        ({"l.axis": np.array(2)}, False),
        ({"l.shape": np.array([128])}, False),
        ({"l.shape": np.array([2, 2, 2, 2, 2, 2, 2, 1])}, True),
        ({"l.shape": np.array([2, 2, 2, 2, 2, 2, 2, 1, 1])}, False),
        ({"l.shape": np.array([[4, 32]])}, False),
        ({"l.shape": np.array([128, 1])}, True),
        ({"l.shape": np.array([1, 128])}, True),
        ({"l.shape": np.array([-4, -32])}, False),
        ({"l.shape": np.array([1 << 40, 0])}, False),
        ({"l.shape": np.array([4.0, np.inf], np.float32)}, False),
        ({"l.shape": np.array([4, 31])}, False),
        ({"l.shape": np.array([4, 34])}, False),
        ({"l.quant_zero": np.array(1)}, False),
        ({"l.quant_scale": np.array(0), "l.quant_zero": np.array(0)}, True),
        ({"l.scale": floats(1, 16)}, False),
        ({"l.scale": np.ones((16, 1), np.int64)}, False),
        ({"l.zero": normal(1, 1)}, True),
        ({"l.zero": np.array(2, np.float32)}, True),
        ({"l.zero": normal(8, 1)}, False),
        ({"l.zero": np.ones((16, 1), np.int64)}, False),
        ({"l.W_q": np.zeros(64, np.uint8)}, False),
        ({"l.W_q": np.zeros((8, 8), np.int64)}, False),
        ({"l.W_q": np.zeros((8, 8), np.int8)}, True),
        ({"l.W_q": np.zeros((8, 2), np.float32)}, True),
        ({"l.W_q": np.zeros((0, 8), np.uint8)}, False),
    ],
)
def test_what_a_layer_of_hqq_must_say(wrong, expected):
    assert is_read(HQQ | wrong) is expected


def test_hqq_with_one_zero_for_all_and_with_a_shape_of_more_than_eighty():
    codes, scales = RNG.integers(0, 16, (4, 100)), floats(4, 1)
    found = one(hqq(codes, 4, 1, (4, 100), scales, np.array([[7]], np.float32)))
    assert found.values.whole() == pytest.approx((codes - 7) * scales) and found.shape == (4, 100)
    total = sum(tensor.nbytes for tensor in HQQ.values())
    assert one(HQQ).num_bytes == total  # every tensor of the layer counts


@pytest.mark.parametrize("axis", [0, 1])
def test_hqq_of_three_bits_has_ten_codes_in_a_word(axis):
    codes, table = RNG.integers(0, 8, (16, 8)), (16, 1) if axis else (1, 8)
    scales, zeros = floats(*table), normal(*table)
    tensors = hqq(codes, 3, axis, (4, 32), scales, zeros)
    words = np.ascontiguousarray(tensors.pop("l.W_q").astype(np.int32))
    made = weights(tensors)
    made.tensors["l.W_q"] = StoredTensor("I32", words.shape, words.nbytes, Values.of(words))
    stored = unpacked(made).tensors["l.weight"]
    assert stored.values.whole() == pytest.approx(((codes - zeros) * scales).reshape(4, 32), rel=1e-5)
    assert (stored.dtype, stored.packing.bits) == ("uint3", 3)
    assert not is_read(tensors | {"l.W_q": words.astype(np.int64)}) and not is_read(
        tensors | {"l.W_q": words.astype(np.uint8)}
    )


PACKED, GROUPS = RNG.integers(0, 256, (16, 8)).astype(np.uint8), (32, 1)
QUANTO = {"l.weight._data._data": PACKED, "l.weight._scale": floats(*GROUPS), "l.weight._shift": normal(*GROUPS)}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({}, True),
        ({"l.weight._data._data": PACKED.view(np.int8)}, False),
        ({"l.weight._data._data": PACKED.reshape(-1)}, False),
        ({"l.weight._data._data": PACKED[:15]}, False),
        ({"l.weight._data._data": PACKED[:8]}, True),
        ({"l.weight._data._data": PACKED[:, :0]}, False),
        ({"l.weight._scale": floats(16, 2)}, False),
        ({"l.weight._scale": floats(32)}, False),
        ({"l.weight._shift": normal(1, 1)}, False),
        ({"l.weight._scale": None}, False),
        ({"l.weight._shift": None}, False),
    ],
)
def test_what_a_layer_of_quanto_in_groups_must_have(wrong, expected):
    tensors = {name: tensor for name, tensor in (QUANTO | wrong).items() if tensor is not None}
    assert is_read(tensors) is expected


def test_quanto_counts_all_that_belongs_to_a_layer():
    stored = one(QUANTO)
    assert (stored.dtype, stored.shape, stored.num_bytes) == ("uint4", (32, 8), 128 + 2 * 128)
    assert (stored.packing.bits, stored.packing.group_size, stored.is_grouped) == (4, 8, True)
    zeros = QUANTO["l.weight._shift"] / QUANTO["l.weight._scale"]  # what is taken off, in codes
    assert stored.packing.ranges()["zero_point_max"] == pytest.approx(zeros.max(), rel=1e-5)
    assert one(QUANTO | {"l.weight._data._data": PACKED[:8]}).dtype == "uint2"


EIGHT = {"l.weight._data": RNG.integers(-127, 128, (4, 6)).astype(np.int8), "l.weight._scale": floats(4, 1)}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({}, True),
        ({"l.weight._scale": floats(4)}, True),
        ({"l.weight._scale": floats(3, 1)}, False),
        ({"l.weight._scale": np.ones((4, 1), np.int64)}, False),
        ({"l.weight._shift": normal(4, 1)}, False),
        ({"l.weight._data": np.zeros((4, 6), np.uint8)}, False),
    ],
)
def test_what_a_layer_of_quanto_of_eight_bits_must_have(wrong, expected):
    assert is_read(EIGHT | wrong) is expected
    if not wrong:
        stored = one(EIGHT)
        assert (stored.dtype, stored.packing.bits, stored.num_bytes) == ("I8", 8, 24 + 16)


def test_eight_bits_of_bitsandbytes_are_eight_bits():
    tensors = {"l.weight": EIGHT["l.weight._data"], "l.SCB": floats(4)}
    stored = one(tensors)
    assert (stored.packing.bits, stored.packing.group_size, stored.num_bytes) == (8, None, 24 + 16)
    assert not is_read(tensors | {"l.SCB": floats(3)}) and not is_read(
        tensors | {"l.weight": np.zeros((4, 6), np.uint8)}
    )
    assert not is_read(tensors | {"l.weight": np.zeros((4, 2, 3), np.int8)})


BYTES, FACTORS = RNG.integers(0, 256, (2, 3, 8)).astype(np.uint8), floats(2, 6, 2)


def test_model_optimizer_packs_the_outputs_of_each_expert():
    stored = one({"l.weight": BYTES, "l.weight_scale": FACTORS, "l.input_scale": floats(1)})
    halves = np.stack([BYTES & 15, BYTES >> 4], axis=2).reshape(2, 6, 8).astype(int)
    codes = np.where(halves > 7, halves - 16, halves)
    assert stored.values.whole() == pytest.approx(codes * np.repeat(FACTORS, 4, axis=2))
    assert (stored.dtype, stored.num_bytes, stored.packing.group_size) == ("int4", 48 + 96 + 4, 4)
    assert stored.values.numbers(13, 50) == pytest.approx(stored.values.whole().reshape(-1)[13:50])


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({}, True),
        ({"l.weight": BYTES[0, 0], "l.weight_scale": floats(16)}, False),
        ({"l.weight": BYTES.view(np.int8)}, False),
        ({"l.weight_scale": FACTORS[:, :3]}, False),
        ({"l.weight_scale": floats(2, 6, 3)}, False),
        ({"l.weight_scale": floats(2, 6, 8)}, True),
        ({"l.weight_scale": floats(2, 6, 0)}, False),
        ({"l.weight_scale": np.ones((2, 6, 2), np.int64)}, False),
        ({"l.pre_quant_scale": floats(8)}, False),
        ({"l.weight_scale_2": floats(1)}, False),
    ],
)
def test_what_four_bits_of_model_optimizer_must_have(wrong, expected):
    assert (is_read({"l.weight": BYTES, "l.weight_scale": FACTORS} | wrong)) is expected


def test_nvfp4_takes_the_scale_of_its_inputs_with_it():
    codes = RNG.integers(0, 16, (4, 32))
    tensors = {"l.weight_packed": pairs(codes), "l.weight_global_scale": np.array([4], np.float32)}
    tensors["l.input_global_scale"] = np.ones(1, np.float32)
    made = weights(tensors)
    scales = np.full((4, 2), 0x40, np.uint8)  # two, as E4M3
    made.tensors["l.weight_scale"] = StoredTensor("F8_E4M3", (4, 2), 8, Values.of(np.full((4, 2), 2, np.float32)))
    found = unpacked(made)
    assert list(found.tensors) == ["l.weight"] and scales.shape == (4, 2)
    assert found.tensors["l.weight"].values.whole() == pytest.approx(np.array(E2M1)[codes] * 2 / 4)
    assert found.tensors["l.weight"].num_bytes == 64 + 4 + 4 + 8


def words(codes, bits):
    """Codes bit after bit in words of 32, the lowest first."""
    flat = codes.reshape(-1, codes.shape[-1])
    whole = [sum(int(code) << (bits * at) for at, code in enumerate(row)) for row in flat]
    count = codes.shape[-1] * bits // 32
    found = [[(row >> (32 * at)) & 0xFFFFFFFF for at in range(count)] for row in whole]
    return np.array(found, np.uint32).reshape(*codes.shape[:-1], count)


def mlx(tensors, config=None):
    made = weights({name: array for name, array in tensors.items() if array.dtype != np.uint32})
    for name, array in tensors.items():
        if array.dtype == np.uint32:
            made.tensors[name] = StoredTensor("U32", array.shape, array.nbytes, Values.of(array))
    made.extra.update({"quantization_config": config} if config else {})
    return unpacked(made).tensors["l.weight"]


@pytest.mark.parametrize("end", ["lowest", "highest"])
@pytest.mark.parametrize(("bits", "size"), [(8, 32), (6, 64), (5, 32), (4, 16), (4, 64), (3, 32), (2, 64), (4, 128)])
def test_mlx_of_experts_tells_its_bits_by_codes_that_reach_an_end(bits, size, end):
    columns = max(2 * size, 128)
    codes = RNG.integers(1, (1 << bits) - 1, (3, 4, columns))
    codes[..., ::size] = 0 if end == "lowest" else (1 << bits) - 1
    scales, biases = floats(3, 4, columns // size), normal(3, 4, columns // size)
    stored = mlx({"l.weight": words(codes, bits), "l.scales": scales, "l.biases": biases})
    assert stored.values.whole() == pytest.approx(
        codes * scales.repeat(size, 2) + biases.repeat(size, 2), rel=1e-5, abs=1e-5
    )
    assert (stored.dtype, stored.shape, stored.packing.group_size) == (f"uint{bits}", (3, 4, columns), size)
    assert stored.num_bytes == 3 * 4 * columns * bits // 8 + 2 * scales.nbytes


@pytest.mark.parametrize("mode", ["mxfp4", "nvfp4"])
def test_mlx_floats_of_experts(mode):
    size = 32 if mode == "mxfp4" else 16
    powers, codes = RNG.integers(-6, 7, (2, 3, 64 // size)), RNG.integers(0, 16, (2, 3, 64))
    entries = (powers + 127 if mode == "mxfp4" else (powers + 7) << 3).astype(
        np.uint8
    )  # E8M0, and E4M3 without fraction
    stored = mlx({"l.weight": words(codes, 4), "l.scales": entries})
    expected = np.array(E2M1)[codes] * (2.0**powers).repeat(size, 2)
    assert np.array_equal(stored.values.whole(), expected.astype(np.float32))
    assert np.array_equal(stored.values.numbers(70, 300), expected.reshape(-1)[70:300])
    assert (stored.shape, stored.packing.group_size, stored.num_bytes) == ((2, 3, 64), size, 192 + 6 * 64 // size)


WORDS = words(np.tile([0, 15], (4, 32)), 4)
MLX = {"l.weight": WORDS, "l.scales": floats(4, 2), "l.biases": normal(4, 2)}


@pytest.mark.parametrize(
    ("wrong", "config", "bits"),
    [
        ({}, None, 4),
        ({}, {"bits": 4}, 4),
        ({}, {"bits": 2}, 2),
        ({}, {"bits": 8}, 8),
        ({}, {"bits": 7}, 4),
        ({"l.weight": WORDS[0]}, None, None),
        ({"l.scales": floats(4, 3)}, None, None),
        ({"l.scales": floats(4, 3), "l.biases": normal(4, 3)}, None, None),
        ({"l.scales": floats(3, 2), "l.biases": normal(3, 2)}, None, None),
        ({"l.scales": floats(4, 0), "l.biases": normal(4, 0)}, None, None),
        ({"l.scales": np.ones((4, 2), np.int64)}, None, None),
        ({"l.weight": words(np.full((4, 64), 6), 4)}, None, None),
        ({"l.weight": words(np.where(np.arange(64) < 32, np.tile([0, 6], (4, 32)), 6), 4)}, None, 4),
    ],
)
def test_the_bits_of_mlx(wrong, config, bits):
    stored = mlx(MLX | wrong, config)
    assert (None if stored.packing is None else stored.packing.bits) == bits


FLOATS_MLX = {"l.weight": WORDS, "l.scales": np.full((4, 2), 120, np.uint8)}


@pytest.mark.parametrize(
    ("wrong", "expected"),
    [
        ({}, True),
        ({"l.weight": WORDS[0]}, False),
        ({"l.scales": np.full((4, 3), 120, np.uint8)}, False),
        ({"l.scales": np.full((3, 2), 120, np.uint8)}, False),
        ({"l.scales": np.full((4, 2), 120, np.int8)}, False),
        ({"l.biases": normal(4, 3)}, False),
    ],
)
def test_what_floats_of_mlx_must_have(wrong, expected):
    assert (mlx(FLOATS_MLX | wrong).packing is not None) is expected


def test_words_of_awq_are_read_from_any_row_to_any_other():
    codes = RNG.integers(0, 16, (8, 32))  # inputs, outputs
    order, scales, zeros = [0, 2, 4, 6, 1, 3, 5, 7], floats(2, 32), RNG.integers(0, 16, (2, 32))

    def packed(numbers):
        groups = numbers.reshape(len(numbers), -1, 8)
        whole = sum(groups[:, :, each].astype(np.uint32) << np.uint32(4 * at) for at, each in enumerate(order))
        return np.ascontiguousarray(whole.astype(np.uint32)).view(np.int32)

    made = weights({"l.scales": scales})
    for name, numbers in (("qweight", codes), ("qzeros", zeros)):
        array = packed(numbers)
        made.tensors[f"l.{name}"] = StoredTensor("I32", array.shape, array.nbytes, Values.of(array))
    stored = unpacked(made).tensors["l.weight"]
    expected = ((codes - zeros.repeat(4, 0)) * scales.repeat(4, 0)).T
    assert stored.values.whole() == pytest.approx(expected)
    for first, last in ((0, 8), (9, 17), (16, 32), (13, 14), (31, 32)):
        assert stored.values.numbers(8 * first, 8 * last) == pytest.approx(expected[first:last].reshape(-1))


def words_of_awq():
    found = weights({"l.scales": floats(2, 32)})
    for name, shape in (("qweight", (8, 4)), ("qzeros", (2, 4))):
        array = np.zeros(shape, np.int32)
        found.tensors[f"l.{name}"] = StoredTensor("I32", shape, array.nbytes, Values.of(array))
    return found


def words_of_mlx(tensors):
    found = weights({name: array for name, array in tensors.items() if name != "l.weight"})
    found.tensors["l.weight"] = StoredTensor("U32", WORDS.shape, WORDS.nbytes, Values.of(WORDS))
    return found


LAYERS = {
    "HQQ": lambda: weights(HQQ),
    "quanto in groups": lambda: weights(QUANTO),
    "quanto of 8 bits": lambda: weights(EIGHT),
    "Model Optimizer": lambda: weights({"l.weight": BYTES, "l.weight_scale": FACTORS}),
    "LLM.int8": lambda: weights({"l.weight": EIGHT["l.weight._data"], "l.SCB": floats(4)}),
    "MLX": lambda: words_of_mlx(MLX),
    "floats of MLX": lambda: words_of_mlx(FLOATS_MLX),
    "AWQ": words_of_awq,
}
OPTIONAL = {"l.group_size", "l.view_as_float", "l.quant_zero", "l.quant_scale"}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_of_which_a_tensor_has_no_numbers_is_not_read(layer):
    made = LAYERS[layer]()
    assert unpacked(made).tensors["l.weight"].packing is not None
    for name in set(made.tensors) - OPTIONAL:
        bare = LAYERS[layer]()
        bare.tensors[name] = replace(bare.tensors[name], values=None)
        found = unpacked(bare).tensors["l.weight"]
        assert found.packing is None, name


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_of_which_a_tensor_is_missing_is_not_read(layer):
    for name in set(LAYERS[layer]().tensors) - OPTIONAL:
        bare = LAYERS[layer]()
        del bare.tensors[name]
        found = unpacked(bare).tensors.get("l.weight")
        assert found is None or found.packing is None, name
