"""Nodes of ONNX that use codes: which inputs belong together, and what does not fit has no numbers."""

import numpy as np
import pytest

from compress_compare.analysis.layers.values import Values
from compress_compare.readers import onnx_nodes
from compress_compare.readers.onnx_nodes import CodesOf, OnnxNode
from compress_compare.readers.weights import StoredTensor

from .made import RNG, normal, weights

NAMES = [f"i{at}" for at in range(9)]


def node(kind, *inputs, **numbers):
    return OnnxNode(kind, inputs, ("out",), numbers)


def tensors(**arrays):
    found = weights({name: array for name, array in arrays.items() if array.dtype != np.int32}).tensors
    wide = {name: array for name, array in arrays.items() if array.dtype == np.int32}
    return found | {name: StoredTensor("I32", one.shape, one.nbytes, Values.of(one)) for name, one in wide.items()}


def floats(*shape):
    return RNG.uniform(0.5, 2, shape).astype(np.float32)


@pytest.mark.parametrize(
    ("kind", "at", "scale", "zero", "axis"),
    [
        ("QLinearMatMul", 3, 4, 5, -1),
        ("QLinearConv", 3, 4, 5, 0),
        ("QGemm", 3, 4, 5, -1),
        ("DynamicQuantizeMatMul", 1, 2, 3, -1),
        ("MatMulIntegerToFloat", 1, 3, 5, -1),
        ("QAttention", 1, 4, 7, -1),
    ],
)
def test_codes_scales_and_zero_points_of_an_operator(kind, at, scale, zero, axis):
    expected = NAMES[at], CodesOf(NAMES[scale], NAMES[zero], axis)
    assert onnx_nodes.codes(node(kind, *NAMES), set(NAMES)) == expected
    without = [name if place != zero else "" for place, name in enumerate(NAMES)]
    for inputs in (without, NAMES[:zero]):
        if len(inputs) > max(at, scale):
            assert onnx_nodes.codes(node(kind, *inputs), set(NAMES)) == (NAMES[at], CodesOf(NAMES[scale], None, axis))
    assert onnx_nodes.codes(node(kind, *NAMES[:scale]), set(NAMES)) is None
    assert onnx_nodes.codes(node(kind, *NAMES), {NAMES[at]}) is None


@pytest.mark.parametrize(("kind", "axis"), [("MatMulInteger", -1), ("ConvInteger", 0)])
@pytest.mark.parametrize(
    ("name", "scale"), [("w_quantized", "w_scale"), ("w_Q4", "w_scale"), ("w_Q4G32", "w_scale"), ("w", "w_scale")]
)
def test_an_operator_without_scales_has_them_by_name(kind, axis, name, scale):
    assert onnx_nodes.codes(node(kind, "x", name, "xz", "z"), {scale}) == (name, CodesOf(scale, "z", axis))
    assert onnx_nodes.codes(node(kind, "x", name, "xz"), {scale}) == (name, CodesOf(scale, None, axis))
    assert onnx_nodes.codes(node(kind, "x", name), {scale}) == (name, CodesOf(scale, None, axis))
    assert onnx_nodes.codes(node(kind, "x"), {scale}) is None
    assert onnx_nodes.codes(node(kind, "x", name, "xz", "z"), {"z"}) is None


def test_a_product_with_turned_codes_has_its_outputs_first():
    assert onnx_nodes.codes(node("QGemm", *NAMES, transB=1), set(NAMES))[1].axis == 0
    assert onnx_nodes.codes(node("QGemm", *NAMES, transB=0), set(NAMES))[1].axis == -1


def test_what_dequantize_linear_says():
    assert onnx_nodes.codes(node("DequantizeLinear", "q", "s"), {}) == ("q", CodesOf("s", None, 1))
    assert onnx_nodes.codes(node("DequantizeLinear", "q", "s", "z", axis=0, block_size=16), {}) == (
        "q", CodesOf("s", "z", 0, 16),
    )  # fmt: skip
    assert onnx_nodes.codes(node("DequantizeLinear", "q", "s", ""), {}) == ("q", CodesOf("s", None, 1))
    assert onnx_nodes.codes(node("DequantizeLinear", "q"), {}) is None
    assert onnx_nodes.codes(node("MatMul", "q", "s", "z"), {"s"}) is None


def test_what_matmul_of_n_bits_says():
    said = {"K": 8, "N": 2}
    assert onnx_nodes.codes(node("MatMulNBits", "x", "q", "s", **said), {}) == (
        "q",
        CodesOf("s", None, -1, packed=said),
    )
    assert onnx_nodes.codes(node("MatMulNBits", "x", "q", "s", "z", **said), {})[1].zero == "z"
    assert onnx_nodes.codes(node("MatMulNBits", "x", "q", "s", "", **said), {})[1].zero is None
    assert onnx_nodes.codes(node("MatMulNBits", "x", "q"), {}) is None


@pytest.mark.parametrize(("kind", "at", "first", "second"), [("QLinearConv", 8, 1, 4), ("QGemm", 6, 1, 4)])
def test_a_bias_has_the_product_of_two_scales(kind, at, first, second):
    expected = NAMES[at], CodesOf(NAMES[second], None, 0, times=NAMES[first])
    assert onnx_nodes.bias(node(kind, *NAMES), set(NAMES)) == expected
    assert onnx_nodes.bias(node(kind, *NAMES[: at + 1]), set(NAMES)) == expected
    assert onnx_nodes.bias(node(kind, *NAMES), {NAMES[first], NAMES[second]}) == expected
    assert onnx_nodes.bias(node(kind, *NAMES[:at]), set(NAMES)) is None
    assert onnx_nodes.bias(node(kind, *NAMES[:at], "", *NAMES), set(NAMES)) is None
    assert onnx_nodes.bias(node(kind, *NAMES, scaled=1), set(NAMES)) is None
    assert onnx_nodes.bias(node("QLinearMatMul", *NAMES), set(NAMES)) is None
    for missing in (first, second):
        assert onnx_nodes.bias(node(kind, *NAMES), {*NAMES} - {NAMES[missing]}) is None


CODES = RNG.integers(-128, 128, (6, 4)).astype(np.int8)


def numbers(of, w=CODES, **others):
    known = tensors(w=w, **others)
    return onnx_nodes.numbers(known["w"], known, of=of)


@pytest.mark.parametrize("axis", [0, 1, -1, -2])
@pytest.mark.parametrize("zeros", [None, 1, "each"])
def test_a_scale_for_each_entry_of_a_dimension(axis, zeros):
    count = CODES.shape[axis]
    scales, shape = floats(count), [-1 if at == axis % 2 else 1 for at in range(2)]
    places = None if zeros is None else RNG.integers(-5, 5, count if zeros == "each" else 1).astype(np.int8)
    others = {} if places is None else {"z": places}
    found = numbers(CodesOf("s", None if places is None else "z", axis), s=scales, **others)
    offsets = 0 if places is None else places.reshape(shape) if zeros == "each" else places
    assert found.values.whole() == pytest.approx((CODES - np.asarray(offsets, float)) * scales.reshape(shape), rel=1e-6)
    assert found.values.numbers(5, 15) == pytest.approx(found.values.whole().reshape(-1)[5:15])
    assert found.num_bytes == 24 + 4 * count + (0 if places is None else places.nbytes)
    assert (found.dtype, found.packing.bits, found.turnable) == ("I8", 8, True)


@pytest.mark.parametrize("axis", [0, 1])
def test_a_scale_for_each_block_of_a_dimension(axis):
    shape = (3, 4) if axis == 0 else (6, 2)
    scales = floats(*shape)
    found = numbers(CodesOf("s", None, axis, 2), s=scales)
    assert found.values.whole() == pytest.approx(CODES * scales.repeat(2, axis), rel=1e-6)


@pytest.mark.parametrize(
    ("of", "others"),
    [
        (CodesOf("s", None, 0), {"s": floats(4)}),
        (CodesOf("s", None, 1), {"s": floats(6)}),
        (CodesOf("s", None, 0), {"s": floats(6, 1)}),
        (CodesOf("s", None, 0), {"t": floats(6)}),
        (CodesOf("s", "z", 0), {"s": floats(6), "z": np.zeros(4, np.int8)}),
        (CodesOf("s", None, 0, 2), {"s": floats(3)}),
        (CodesOf("s", None, 0, 2), {"s": floats(5, 4)}),
        (CodesOf("s", None, 0, times="t"), {"s": floats(6), "t": floats(1)}),
    ],
)
def test_scales_that_do_not_fit_give_no_numbers(of, others):
    assert numbers(of, **others) is None


def test_one_number_has_no_dimension_for_scales():
    assert numbers(CodesOf("s", None, 0), w=np.array(3, np.int8), s=floats(1)) is None
    assert numbers(CodesOf("s", None, 0), s=floats(1, 1)).values.whole().shape == (6, 4)


def test_a_bias_is_its_integers_times_both_scales():
    bias, scales, times = np.array([1, -200, 70_000], np.int32), floats(3), floats(1)
    found = numbers(CodesOf("s", None, 0, times="t"), w=bias, s=scales, t=times)
    assert found.values.whole() == pytest.approx(bias * (scales * times[0])) and found.num_bytes == bias.nbytes
    one = numbers(CodesOf("s", None, 0, times="t"), w=bias, s=scales[:1].reshape(()), t=times.reshape(()))
    assert one.values.whole() == pytest.approx(bias * (scales[0] * times[0]))
    assert numbers(CodesOf("s", None, 0, times="t"), w=bias, s=scales, t=floats(2)) is None
    assert numbers(CodesOf("s", None, 0, times="t"), w=bias.reshape(3, 1), s=scales, t=times) is None
    assert numbers(CodesOf("s", None, 0, times="t"), w=bias.astype(np.int64), s=scales, t=times) is None


def bits_packed(codes, bits):
    """Codes of each row bit after bit, the lowest first."""
    flat = codes.reshape(-1, codes.shape[-1])
    single = np.array([[int(code) >> at & 1 for code in row for at in range(bits)] for row in flat], np.uint8)
    return np.packbits(single, axis=1, bitorder="little")


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("zeros", [None, "bytes", "floats"])
@pytest.mark.parametrize("inputs", [48, 41])
def test_matmul_of_n_bits_with_a_last_block_that_may_be_cut_off(bits, zeros, inputs):
    codes, scales = RNG.integers(0, 1 << bits, (5, 48)), floats(5, 3)
    places = RNG.integers(0, 1 << bits, (5, 3))
    said = {"K": inputs, "N": 5, "block_size": 16} | ({} if bits == 4 else {"bits": bits})
    others = {"s": scales.reshape(-1)}
    if zeros == "bytes":
        others["z"] = bits_packed(places, bits).reshape(-1)
    elif zeros == "floats":
        others["z"] = places.astype(np.float32).reshape(-1)
    raw = bits_packed(codes, bits).reshape(5, 3, -1)
    found = numbers(CodesOf("s", "z" if zeros else None, -1, packed=said), w=raw, **others)
    middle = np.full((5, 3), 2.0 ** (bits - 1)) if zeros is None else places
    expected = ((codes - middle.repeat(16, 1)) * scales.repeat(16, 1))[:, :inputs]
    assert found.values.whole() == pytest.approx(expected, rel=1e-6)
    assert found.values.numbers(inputs + 3, 3 * inputs) == pytest.approx(expected.reshape(-1)[inputs + 3 : 3 * inputs])
    assert (found.dtype, found.shape, found.packing.bits, found.packing.group_size) == (
        f"uint{bits}",
        (5, inputs),
        bits,
        16,
    )
    assert found.num_bytes == raw.nbytes + sum(other.nbytes for other in others.values()) and found.turnable


@pytest.mark.parametrize(
    ("said", "scales", "zeros"),
    [
        ({"bits": 3}, 15, None),
        ({"bits": 1}, 15, None),
        ({"K": 0}, 15, None),
        ({"N": 0}, 15, None),
        ({"N": -5, "K": -48}, 15, None),
        ({"block_size": 0}, 15, None),
        ({"block_size": -16}, 15, None),
        ({"N": 4}, 15, None),
        ({"K": 49}, 15, None),
        ({}, 14, None),
        ({}, 15, 5),
    ],
)
def test_sizes_of_matmul_of_n_bits_that_do_not_fit(said, scales, zeros):
    of = CodesOf("s", "z" if zeros else None, -1, packed={"bits": 4, "K": 48, "N": 5, "block_size": 16} | said)
    others = {"s": floats(scales)} | ({"z": np.zeros(zeros, np.uint8)} if zeros else {})
    assert numbers(of, w=np.zeros((5, 3, 8), np.uint8), **others) is None


def test_floats_that_are_rounded_and_used():
    known = {"w": (4, 4), "one": (1,), "none": ()}
    stored = {name: StoredTensor("F32", shape, 0, None) for name, shape in known.items()}

    def through(name, *more, kind="QuantizeLinear", **said):
        return [
            OnnxNode(kind, (name, "s", *more), ("q",), said),
            OnnxNode("DequantizeLinear", ("q", "s"), ("used",), {}),
        ]

    assert onnx_nodes.pending(through("w"), stored) == {"w": (CodesOf("s", None, 1), 0)}
    said = through("w", "z", axis=0, block_size=2, output_dtype=3)
    assert onnx_nodes.pending(said, stored) == {"w": (CodesOf("s", "z", 0, 2), 3)}
    assert onnx_nodes.pending(through("w", ""), stored) == {"w": (CodesOf("s", None, 1), 0)}
    for nodes in (through("one"), through("none"), through("x"), through("w", kind="Cast"), through("w")[:1]):
        assert onnx_nodes.pending(nodes, stored) == {}
    for broken in (OnnxNode("QuantizeLinear", ("w",), ("q",)), OnnxNode("QuantizeLinear", ("w", "s"), ())):
        assert onnx_nodes.pending([broken, through("w")[1], OnnxNode("DequantizeLinear", (), ())], stored) == {}


@pytest.mark.parametrize(
    ("output", "low", "high"),
    [(0, 0, 255), (2, 0, 255), (3, -128, 127), (4, 0, 65535), (5, -32768, 32767), (21, 0, 15), (22, -8, 7)],
)
def test_numbers_are_rounded_to_even_codes_within_the_ends_of_their_type(output, low, high):
    weight = np.array([[0.5, 1.5, 2.5, -0.5], [low - 9, high + 9, low, high]], np.float32)
    known = tensors(w=weight, s=np.ones((), np.float32))
    found = onnx_nodes.rounded(known["w"], known, of=CodesOf("s", None, 1), output=output)
    expected = np.clip([[0, 2, 2, 0], [low - 9, high + 9, low, high]], low, high)
    assert found.values.whole().tolist() == expected.tolist() and found.num_bytes == 32


@pytest.mark.parametrize(
    ("of", "output", "others"),
    [
        (CodesOf("s", None, 1), 7, {"s": floats(1)}),
        (CodesOf("t", None, 1), 0, {"s": floats(1)}),
        (CodesOf("s", "z", 1), 0, {"s": floats(1)}),
        (CodesOf("s", None, 0), 0, {"s": floats(3)}),
        (CodesOf("s", "z", 0), 0, {"s": floats(4), "z": np.zeros(3, np.int8)}),
        (CodesOf("s", "z", 0), 0, {"s": floats(4), "z": np.zeros(4, np.float32)}),
    ],
)
def test_what_is_rounded_otherwise_has_no_numbers(of, output, others):
    known = tensors(w=normal(4, 4), **others)
    found = onnx_nodes.rounded(known["w"], known, of=of, output=output)
    assert (found.values, found.unread) == (None, "QuantizeLinear in a way that is not read")


@pytest.mark.parametrize("zeros", [1, 4])
def test_codes_that_stand_for_zero_move_the_ends(zeros):
    weight, scales = normal(4, 4) * 200, floats(4)
    places = RNG.integers(-20, 20, zeros).astype(np.int8)
    known = tensors(w=weight, s=scales, z=places)
    found = onnx_nodes.rounded(known["w"], known, of=CodesOf("s", "z", 0), output=0).values.whole()
    offset = places.reshape(-1, 1).astype(float)
    expected = (np.clip(np.round(weight / scales[:, None]) + offset, -128, 127) - offset) * scales[:, None]
    assert found == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    ("shape", "is_single"), [((), True), ((1,), True), ((1, 1), True), ((2,), False), ((0,), True)]
)
def test_one_number_is_no_weight(shape, is_single):
    assert onnx_nodes.is_constant(shape) is is_single


@pytest.mark.parametrize(("given", "is_read"), [(8, False), (9, True)])
def test_zero_points_take_as_many_bytes_as_their_bits(given, is_read):
    said = {"bits": 8, "K": 144, "N": 1, "block_size": 16}
    codes, zeros = RNG.integers(0, 256, (1, 144)).astype(np.uint8), np.arange(given, dtype=np.uint8)
    found = numbers(CodesOf("s", "z", -1, packed=said), w=codes, s=np.ones(9, np.float32), z=zeros)
    assert (found is not None) == is_read
    if is_read:
        assert np.array_equal(found.values.whole(), codes - np.arange(9.0).repeat(16))


@pytest.mark.parametrize("has_zeros", [False, True])
@pytest.mark.parametrize(
    ("shape", "axis", "block"),
    [
        *(((6, 9), 1, block) for block in (1, 2, 4, 8, 9, 32)), *(((6, 9), 0, block) for block in (1, 4, 5, 6, 7)),
        ((9, 6), -1, 4), ((9, 6), -2, 4), ((2, 7, 3), 1, 4), ((2, 7, 3), -1, 2), ((4, 4), 0, 4), ((4, 4), 1, 4),
        ((5,), 0, 2),
    ],
)  # fmt: skip
def test_blocks_along_a_dimension_share_a_scale_and_the_last_may_be_shorter(shape, axis, block, has_zeros):
    parts = list(shape)
    parts[axis] = -(-shape[axis] // block)
    codes, scales = RNG.integers(-128, 128, shape).astype(np.int8), floats(*parts)
    zeros = RNG.integers(-9, 10, parts).astype(np.int8) if has_zeros else np.zeros(parts, np.int8)
    wide, places = (np.repeat(part, block, axis).take(range(shape[axis]), axis) for part in (scales, zeros))
    known = {"w": codes, "s": scales} | ({"z": zeros} if has_zeros else {})
    found = numbers(CodesOf("s", "z" if has_zeros else None, axis, block), **known)
    assert np.array_equal(found.values.whole(), (codes - places.astype(np.float32)) * wide)
    weight = tensors(w=(codes * wide).astype(np.float32), s=scales)
    used = onnx_nodes.rounded(weight["w"], weight, of=CodesOf("s", None, axis, block), output=3)
    assert used.values.whole() == pytest.approx(codes * wide, rel=1e-6)


@pytest.mark.parametrize("parts", [(6, 2), (6, 4), (2, 3), (6,), (6, 3, 1), ()])
def test_scales_that_are_not_one_for_each_block_do_not_fit(parts):
    codes = RNG.integers(-128, 128, (6, 9)).astype(np.int8)
    assert numbers(CodesOf("s", None, 1, 4), w=codes, s=floats(*parts)) is None
    assert numbers(CodesOf("s", None, 1, 4), w=codes, s=floats(6, 3)) is not None
