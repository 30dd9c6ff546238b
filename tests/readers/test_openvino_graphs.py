"""Graphs of OpenVINO: which constants are codes, what scales and joins them, types, limits, and what is said."""

import ml_dtypes
import numpy as np
import pytest

from compress_compare.errors import InvalidValue
from compress_compare.readers import openvino as reader
from compress_compare.readers import openvino_graph
from compress_compare.readers.openvino_graph import GraphError, OpenVinoGraph

from .test_openvino import read, write

RNG = np.random.default_rng(12)
CODES = RNG.integers(-128, 128, (4, 6)).astype(np.int8)


def floats(*shape):
    return RNG.uniform(0.5, 2, shape).astype(np.float32)


def constant(name, array, kind=None):
    kinds = {"float32": "f32", "float16": "f16", "int8": "i8", "uint8": "u8", "int64": "i64"}
    return name, kind or kinds[str(array.dtype)], array.shape, array.tobytes()


def error(path):
    with pytest.raises(InvalidValue) as caught:
        read(path)
    return caught.value


def only(tmp_path, constants, nodes, name="w"):
    return read(write(tmp_path, constants, nodes)).tensors[name]


@pytest.mark.parametrize("shape", [(4, 1), (1, 6), (4, 6), (1, 1), (6,), (1,), ()])
@pytest.mark.parametrize("zeros", [False, True])
def test_scales_and_zero_points_of_any_shape_that_fits(tmp_path, shape, zeros):
    scales, places = floats(*shape), RNG.integers(-9, 9, shape or (1,)).astype(np.int8).reshape(shape)
    constants = [constant("w", CODES), constant("s", scales), constant("z", places)]
    nodes = [("Convert", [0]), ("Convert", [2]), ("Subtract", [3, 4]), ("Multiply", [5 if zeros else 3, 1])]
    stored = only(tmp_path, constants, nodes)
    expected = (CODES - (places.astype(float) if zeros else 0)) * scales
    assert stored.values.whole() == pytest.approx(expected, rel=1e-6)
    assert stored.values.numbers(7, 20) == pytest.approx(expected.reshape(-1)[7:20], rel=1e-6)
    assert stored.num_bytes == 24 + scales.nbytes + (places.nbytes if zeros else 0)
    assert (stored.dtype, stored.packing.bits, stored.turnable) == ("I8", 8, True)
    is_each = shape[-1:] == (6,)
    assert stored.packing.group_size == (1 if is_each else None)


@pytest.mark.parametrize("shape", [(4,), (2, 1), (1, 4, 6), (4, 3)])
def test_scales_of_a_shape_that_does_not_fit_leave_codes(tmp_path, shape):
    stored = only(tmp_path, [constant("w", CODES), constant("s", floats(*shape))], [("Multiply", [0, 1])])
    assert stored.packing is None and np.array_equal(stored.values.whole(), CODES)


def test_codes_of_one_number_in_a_row(tmp_path):
    codes, scales = CODES[:, :1], floats(4, 1)
    stored = only(tmp_path, [constant("w", codes), constant("s", scales)], [("Multiply", [0, 1])])
    assert stored.values.numbers(1, 3) == pytest.approx((codes * scales)[1:3, 0])
    assert stored.values.whole() == pytest.approx(codes * scales)


@pytest.mark.parametrize(
    ("nodes", "is_read"),
    [
        ([("Multiply", [0, 1])], True),
        ([("Convert", [0]), ("Convert", [2]), ("Multiply", [3, 1])], True),
        ([("Convert", [1]), ("Multiply", [0, 2])], True),
        ([("Multiply", [1, 0])], False),
        ([("Multiply", [0])], False),
        ([("Add", [0, 1])], False),
        ([("Relu", [1]), ("Multiply", [0, 2])], False),
        ([("Relu", [0]), ("Multiply", [2, 1])], False),
        ([("Multiply", [1, 1]), ("Multiply", [0, 2])], True),
        ([("Relu", [1]), ("Multiply", [1, 2]), ("Multiply", [0, 3])], False),
        ([("Multiply", [1]), ("Multiply", [0, 2])], False),
        ([("Subtract", [0]), ("Multiply", [2, 1])], False),
    ],
)
def test_what_makes_numbers_of_codes(tmp_path, nodes, is_read):
    stored = only(tmp_path, [constant("w", CODES), constant("s", floats(4, 1))], nodes)
    assert (stored.packing is not None) is is_read


def test_a_product_of_scales_and_a_zero_point_that_is_no_constant(tmp_path):
    first, second = floats(4, 1), floats(1)
    constants = [constant("w", CODES), constant("s", first), constant("t", second)]
    found = read(write(tmp_path, constants, [("Multiply", [1, 2]), ("Multiply", [0, 3])])).tensors
    assert list(found) == ["w"]
    assert found["w"].values.whole() == pytest.approx(CODES * first * second, rel=1e-6)
    assert found["w"].num_bytes == 24 + 16 + 4
    nodes = [("Relu", [2]), ("Subtract", [0, 3]), ("Multiply", [4, 1])]
    assert only(tmp_path, constants, nodes).packing is None


def test_floats_that_are_multiplied_are_no_codes(tmp_path):
    stored = only(tmp_path, [constant("w", floats(4, 6)), constant("s", floats(4, 1))], [("Multiply", [0, 1])])
    assert stored.packing is None


@pytest.mark.parametrize(
    ("nodes", "shape"),
    [
        ([("Reshape", [4, 2])], (4, 6)),
        ([("Convert", [4]), ("Reshape", [5, 2])], (4, 6)),
        ([("Convert", [4]), ("Convert", [5]), ("Convert", [6]), ("Reshape", [7, 2])], (4, 6)),
        ([("Convert", [4]), ("Convert", [5]), ("Convert", [6]), ("Convert", [7]), ("Reshape", [8, 2])], (4, 2, 3)),
        ([("Reshape", [4, 3])], (4, 2, 3)),
        ([("Reshape", [4])], (4, 2, 3)),
        ([("Relu", [4]), ("Reshape", [5, 2])], (4, 2, 3)),
        ([("Reshape", [4, 2]), ("Relu", [4])], (4, 2, 3)),
        ([], (4, 2, 3)),
    ],
)
def test_groups_are_joined_by_one_reshape(tmp_path, nodes, shape):
    constants = [
        constant("w", CODES.reshape(4, 2, 3)), constant("s", floats(4, 2, 1)),
        constant("to", np.array([4, 6])), constant("wrong", np.array([4, 5])),
    ]  # fmt: skip
    stored = only(tmp_path, constants, [("Multiply", [0, 1]), *nodes])
    assert stored.shape == shape and stored.values.whole().shape == shape
    assert stored.packing.group_size == (3 if shape == (4, 6) else None)
    assert stored.turnable == (shape == (4, 6))


@pytest.mark.parametrize(
    ("kind", "dtype", "called"),
    [
        ("f64", "f8", "F64"), ("f32", "f4", "F32"), ("f16", "f2", "F16"), ("i64", "i8", "I64"), ("u64", "u8", "U64"),
        ("i32", "i4", "I32"), ("u32", "u4", "U32"), ("i16", "i2", "I16"), ("u16", "u2", "U16"), ("i8", "i1", "I8"),
        ("u8", "u1", "U8"), ("boolean", "?", "BOOL"), ("bf16", ml_dtypes.bfloat16, "BF16"),
        ("f8e4m3", ml_dtypes.float8_e4m3fn, "F8_E4M3"), ("f8e5m2", ml_dtypes.float8_e5m2, "F8_E5M2"),
        ("f8e8m0", ml_dtypes.float8_e8m0fnu, "F8_E8M0"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("shape", [(3, 2), (6,), (1, 2, 3)])
def test_every_type_of_numbers(tmp_path, kind, dtype, called, shape):
    array = (RNG.uniform(1, 9, shape)).astype(dtype)
    stored = only(tmp_path, [constant("w", array, kind)], [])
    assert np.array_equal(stored.values.whole(), array.astype(np.float64) if kind == "boolean" else array.astype("f8"))
    assert (stored.dtype, stored.shape, stored.num_bytes) == (called, shape, array.nbytes)
    assert stored.turnable == (len(shape) == 2)


@pytest.mark.parametrize(
    ("kind", "levels"), [("u4", range(16)), ("i4", [*range(8), *range(-8, 0)]), ("nf4", reader.NF4)]
)
def test_codes_of_four_bits_stand_low_half_first(tmp_path, kind, levels):
    codes = RNG.permutation(16)
    raw = (codes[0::2] | codes[1::2] << 4).astype(np.uint8)
    stored = only(tmp_path, [("w", kind, (2, 8), raw.tobytes())], [])
    assert stored.values.whole().reshape(-1) == pytest.approx(np.array(levels)[codes])
    assert stored.values.numbers(3, 11) == pytest.approx(np.array(levels)[codes][3:11])
    odd = only(tmp_path, [("w", kind, (3,), raw[:2].tobytes())], [])
    assert odd.values.whole() == pytest.approx(np.array(levels)[codes][:3])


@pytest.mark.parametrize(
    ("kind", "shape", "size", "needed"),
    [("f32", (3,), 11, 12), ("u4", (3,), 3, 2), ("i8", (2, 2), 5, 4), ("f16", (5,), 8, 10)],
)
def test_how_many_bytes_a_shape_needs_is_said(tmp_path, kind, shape, size, needed):
    found = error(write(tmp_path, [("w", kind, shape, b"x" * size)]))
    assert (found.code, found.detail) == ("model.bad_shape", f"Its shape needs {needed} bytes, has {size}.")


def test_texts_have_no_numbers_and_single_ones_are_no_weights(tmp_path):
    constants = [
        ("t", "string", (2,), b"abc"),
        constant("one", floats(1)),
        constant("w", floats(2)),
        ("u", "", (), b""),
    ]
    found = read(write(tmp_path, constants))
    assert (found.tensors["t"].dtype, found.tensors["t"].unread, found.tensors["t"].values) == ("string", "", None)
    assert found.extra == {"order": ["t", "one", "w", "u"], "buffers": ["one", "u"], "graph": "openvino"}
    assert (found.tensors["u"].dtype, found.tensors["u"].unread) == ("string", "OpenVINO as ''")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("self.a.weight", "a.weight"), ("__module.a.weight", "a.weight"), ("a.weight_compressed", "a.weight"),
        ("self.self.a", "self.a"), ("myself.a", "myself.a"), ("self.", "constant"),
        ("a_compressed_b", "a_compressed_b"),
    ],
)  # fmt: skip
def test_what_converters_add_to_names_is_taken_off(tmp_path, name, plain):
    assert list(read(write(tmp_path, [constant(name, floats(2))])).tensors) == [plain]


def test_limits_of_names_and_counts(tmp_path, monkeypatch):
    path = write(tmp_path, [constant("abc", floats(2)), constant("d", floats(2))])
    monkeypatch.setattr(reader, "MAX_NAME_BYTES", 3)
    monkeypatch.setattr(reader, "MAX_TENSORS", 2)
    assert list(read(path).tensors) == ["abc", "d"]
    monkeypatch.setattr(reader, "MAX_TENSORS", 1)
    assert "holds more than 1 constants" in str(error(path)) and error(path).code == "model.too_many_tensors"
    found = error(write(tmp_path, [constant("abcd", floats(2))]))
    assert (found.code, "longer than 3 bytes" in str(found)) == ("model.name_too_long", True)


def test_the_size_of_a_graph_is_limited(tmp_path, monkeypatch):
    path = write(tmp_path, [constant("w", floats(2))])
    size = path.stat().st_size
    monkeypatch.setattr(reader, "MAX_XML", size)
    assert list(read(path).tensors) == ["w"]
    monkeypatch.setattr(reader, "MAX_XML", size - 1)
    assert (error(path).code, error(path).detail) == (
        "model.header_too_large", f"The limit is {size - 1} bytes; found {size}.",
    )  # fmt: skip


def test_a_constant_that_ends_outside_of_the_file_says_where(tmp_path):
    path = write(tmp_path, [constant("w", floats(2))])
    path.with_suffix(".bin").write_bytes(b"1234567")
    assert (error(path).code, error(path).detail) == ("model.truncated", "They end at byte 8; the file has 7.")


def nested(depth):
    return f"<net>{'<a>' * (depth - 1)}{'</a>' * (depth - 1)}</net>".encode()


@pytest.mark.parametrize(("depth", "is_read"), [(64, True), (65, False)])
def test_a_graph_may_be_nested_64_deep(depth, is_read):
    if is_read:
        assert OpenVinoGraph(nested(depth) + b"").layers == {}
    else:
        with pytest.raises(GraphError, match="nested too deeply"):
            OpenVinoGraph(nested(depth))


def test_the_number_of_layers_is_limited(monkeypatch):
    monkeypatch.setattr(openvino_graph, "MAX_LAYERS", 2)
    layers = [f'<layer id="{at}" name="n{at}" type="Const"/>' for at in range(3)]
    assert len(OpenVinoGraph(f"<net>{''.join(layers[:2])}</net>".encode()).layers) == 2
    with pytest.raises(GraphError, match="more than 2 layers"):
        OpenVinoGraph(f"<net>{''.join(layers)}</net>".encode())


def test_a_loop_has_a_graph_of_its_own():
    inner = '<layer id="0" name="in" type="Const"><data a="1"/></layer><layer id="1" name="user" type="Convert"/>'
    edge = '<edge from-layer="0" from-port="0" to-layer="1" to-port="{}"/>'
    body = f"<body><layers>{inner}</layers><edges>{edge.format(3)}</edges></body>"
    outer = f'<layer id="0" name="loop" type="Loop">{body}<data b="2"/></layer><layer id="1" name="out" type="Result"/>'
    graph = OpenVinoGraph(
        f"<net><data c='9'/><layers>{outer}</layers><edges>{edge.format(0)}{edge.format(2)}</edges></net>".encode()
    )
    assert {key: layer.name for key, layer in graph.layers.items()} == {
        (0, "0"): "loop", (1, "0"): "in", (1, "1"): "user", (0, "1"): "out",
    }  # fmt: skip
    assert graph.layers[1, "1"].inputs == {3: (1, "0")} and graph.layers[0, "1"].sources() == [(0, "0"), (0, "0")]
    assert (graph.layers[0, "0"].data, graph.layers[1, "0"].data) == ({"b": "2"}, {"a": "1"})
    assert graph.layers[1, "0"].kind == "Const"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"<other><net/></other>", "It begins with <other>, not with <net>"),
        (b"<!DOCTYPE net><net/>", "It declares entities"),
        (b"<net><layer id='0'/></net>", "'name'"),
        (b"<net><edges><edge from-layer='0' to-layer='1' to-port='0'/></edges></net>", "1"),
        (b"<net>", "no element found"),
        (b"<body/>", ""),
    ],
)
def test_what_is_no_graph(content, sentence):
    if content == b"<body/>":
        assert OpenVinoGraph(content).layers == {}
    else:
        with pytest.raises(GraphError, match=sentence):
            OpenVinoGraph(content)


@pytest.mark.parametrize("place", ["codes", "scales", "shape"])
def test_a_constant_of_a_type_that_is_not_read_makes_no_numbers(tmp_path, place):
    """Whole numbers of two bits have no numbers here, whatever they would be used for."""
    unread = ("x", "u2", (4,), b"1")
    constants = [constant("w", CODES), constant("s", floats(1)), constant("to", np.array([6, 4])), unread]
    first, second, third = (3 if place == each else at for at, each in enumerate(("codes", "scales", "shape")))
    found = read(write(tmp_path, constants, [("Multiply", [first, second]), ("Reshape", [4, third])])).tensors
    assert ("x" in found) == (place != "scales")
    assert all(stored.unread == ("OpenVINO as 'u2'" if name == "x" else "") for name, stored in found.items())
    assert found["w"].shape == (4, 6) and (found["w"].packing is not None) == (place == "shape")


@pytest.mark.parametrize(("count", "is_joined"), [(32, True), (33, False)])
def test_a_shape_has_at_most_32_sizes(tmp_path, count, is_joined):
    target = np.array([24] + [1] * (count - 1))
    constants = [constant("w", CODES), constant("s", floats(1)), constant("to", target)]
    stored = only(tmp_path, constants, [("Multiply", [0, 1]), ("Reshape", [3, 2])])
    assert len(stored.shape) == (count if is_joined else 2)


def test_a_constant_may_be_empty(tmp_path):
    stored = only(tmp_path, [constant("w", floats(0, 3)), constant("other", floats(2))], [])
    assert stored.values.whole().shape == (0, 3) and stored.num_bytes == 0


@pytest.mark.parametrize(
    ("sizes", "detail"),
    [
        ((10**15, 10**15 - 1), "Its shape needs 999,999,999,999,999,000,000,000,000,000 bytes, has 1."),
        ((10**15, 10**15), ""),
        ((10**15, 2 * 10**15), ""),
    ],
)
def test_more_bytes_than_there_are_anywhere_are_not_written_out(tmp_path, sizes, detail):
    found = error(write(tmp_path, [("w", "u8", sizes, b"x")]))
    assert found.code == "model.bad_shape" and found.detail == detail
