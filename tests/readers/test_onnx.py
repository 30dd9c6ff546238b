"""ONNX initializers against the ``onnx`` package; files that lie, and numbers beside the model."""

import os
import sys

import numpy as np
import pytest

import compress_compare as cc
from compress_compare.errors import InvalidValue
from compress_compare.readers import onnx as reader

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, external_data_helper, helper, numpy_helper  # noqa: E402

DTYPES = ["f4", "f8", "f2", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?"]


def model(initializers, nodes=()):
    return helper.make_model(helper.make_graph(list(nodes), "g", [], [], list(initializers)))


def write(path, initializers, nodes=()):
    path.write_bytes(model(initializers, nodes).SerializeToString())
    return path


def read(path):
    return reader.read({path.name: path}, path.name)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (), (0, 4), (1,)])
def test_numbers(tmp_path, dtype, shape):
    numbers = np.asarray(np.random.default_rng(0).standard_normal(shape) * 50).astype(dtype)
    path = write(tmp_path / "m.onnx", [numpy_helper.from_array(numbers, "w")])
    stored = read(path).tensors["w"]
    assert stored.shape == shape
    assert np.array_equal(stored.values.whole(), numbers)


@pytest.mark.parametrize("kind", ["FLOAT", "DOUBLE", "INT64", "INT8", "UINT8", "FLOAT16", "INT32", "UINT64"])
def test_numbers_in_fields_of_their_own_type(tmp_path, kind):
    values = [1, 2, 7] if kind.startswith("U") else [1, -2, 7]
    tensor = helper.make_tensor("w", getattr(TensorProto, kind), [3], values)
    assert read(write(tmp_path / "m.onnx", [tensor])).tensors["w"].values.whole().tolist() == values


def test_bfloat16_and_float8(tmp_path):
    for kind in (TensorProto.BFLOAT16, TensorProto.FLOAT8E4M3FN, TensorProto.FLOAT8E5M2, TensorProto.FLOAT4E2M1):
        tensor = helper.make_tensor("w", kind, [4], [0.5, -1.5, 3.0, 0.0])
        expected = numpy_helper.to_array(tensor).astype(np.float32)
        assert np.array_equal(read(write(tmp_path / "m.onnx", [tensor])).tensors["w"].values.whole(), expected)


@pytest.mark.parametrize("axis", [0, 1])
def test_quantized_numbers_are_those_in_use(tmp_path, axis):
    rng = np.random.default_rng(0)
    codes = rng.integers(-128, 128, (4, 6)).astype(np.int8)
    scales = rng.uniform(0.1, 1, codes.shape[axis]).astype(np.float32)
    zeros = rng.integers(-5, 5, codes.shape[axis]).astype(np.int8)
    parts = [("w_quantized", codes), ("w_scale", scales), ("w_zero_point", zeros)]
    node = helper.make_node("DequantizeLinear", [name for name, _ in parts], ["w"], axis=axis)
    path = write(tmp_path / "m.onnx", [numpy_helper.from_array(array, name) for name, array in parts], [node])
    found = read(path).tensors
    shape = (-1, 1) if axis == 0 else (1, -1)
    expected = (codes.astype(float) - zeros.reshape(shape)) * scales.reshape(shape)
    assert list(found) == ["w"]
    assert found["w"].values.whole() == pytest.approx(expected, rel=1e-6)
    assert found["w"].packing.ranges()["num_scales"] == codes.shape[axis]
    assert found["w"].turnable  # as much as the plain matrix in the same place


def beside(tmp_path, location="weights.bin"):
    numbers = np.arange(12, dtype=np.float32).reshape(3, 4)
    tensor = numpy_helper.from_array(numbers, "w")
    external_data_helper.set_external_data(tensor, location, offset=16, length=48)
    tensor.ClearField("raw_data")
    path = write(tmp_path / "m.onnx", [tensor])
    return path, bytes(16) + numbers.tobytes(), numbers


def test_numbers_beside_the_model(tmp_path):
    path, content, numbers = beside(tmp_path)
    (tmp_path / "weights.bin").write_bytes(content)
    with cc.open(tmp_path / "p") as project:
        checkpoint = project.log_model("m", checkpoint=path).checkpoint
        assert [file.name for file in checkpoint.files] == ["m.onnx", "weights.bin"]
        project.log_model("n", base="m", operation=cc.Operation("none"), checkpoint=path)
        row = project.layers("m", ["n"], "weights").table.to_pylist()[-1]
    assert (row["max"], row["mean_abs"], row["relative_error"]) == (11, numbers.mean(), 0)


def refused(tmp_path, path):
    with cc.open(tmp_path / "project") as project:
        with pytest.raises(InvalidValue) as caught:
            project.log_model("m", checkpoint=path)
        assert len(project) == 0
    return caught.value


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/passwd", "a/../../x", "..\\x", "C:\\x", ""])
def test_b30_numbers_elsewhere(tmp_path, location):
    path, _, _ = beside(tmp_path, location)
    assert refused(tmp_path, path).code == "path.outside_folder"


@pytest.mark.parametrize("kind", ["symbolic link", "hard link"])
def test_b30_links(tmp_path, kind):
    (tmp_path / "model").mkdir()
    path, content, _ = beside(tmp_path / "model")
    (tmp_path / "secret").write_bytes(content)
    place = tmp_path / "model" / "weights.bin"
    place.symlink_to(tmp_path / "secret") if kind == "symbolic link" else os.link(tmp_path / "secret", place)
    assert refused(tmp_path, path).code == "path.outside_folder"


def test_b30_missing_and_short(tmp_path):
    path, content, _ = beside(tmp_path)
    assert refused(tmp_path, path).code == "model.external_data_missing"
    (tmp_path / "weights.bin").write_bytes(content[:-1])
    assert refused(tmp_path, path).code == "model.truncated"


BAD = {
    "B31 empty": (b"", "model.empty_graph", "(0 bytes)"),
    "B31 no node": (model([]).SerializeToString(), "model.empty_graph", "no node and no initializer"),
    "B31 text": (b"hello world, this is text", "model.not_onnx", "is not an ONNX model"),
    "nodes alone": (
        model([], [helper.make_node("Relu", ["x"], ["y"])]).SerializeToString(), "model.no_tensors", "no tensor"
    ),
    "twice": (
        model([numpy_helper.from_array(np.ones(2, np.float32), "w")] * 2).SerializeToString(),
        "model.duplicate_tensor",
        "twice",
    ),
    "shape": (
        model([TensorProto(name="w", dims=[3], data_type=1, raw_data=bytes(8))]).SerializeToString(),
        "model.bad_shape",
        "needs 12 bytes, has 8",
    ),
    "overflow": (
        model([TensorProto(name="w", dims=[1 << 61, 1 << 61], data_type=1, raw_data=bytes(8))]).SerializeToString(),
        "model.bad_shape",
        "about",
    ),
    "negative": (
        model([TensorProto(name="w", dims=[-1], data_type=1)]).SerializeToString(), "model.bad_shape", "from 0 on"
    ),
    "type": (model([TensorProto(name="w", dims=[1], data_type=99)]).SerializeToString(), "model.bad_dtype", "99"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file(tmp_path, case):
    raw, code, sentence = BAD[case]
    (tmp_path / "m.onnx").write_bytes(raw)
    error = refused(tmp_path, tmp_path / "m.onnx")
    assert error.code == code
    assert sentence in str(error)


def test_cut_at_every_byte(tmp_path):
    whole = model([numpy_helper.from_array(np.ones((3, 4), np.float32), "w")]).SerializeToString()
    for end in range(1, len(whole)):
        (tmp_path / "m.onnx").write_bytes(whole[:end])
        try:
            read(tmp_path / "m.onnx")
        except InvalidValue as error:
            assert error.code.startswith("model.")


def test_the_package_is_not_imported():
    command = "import sys, compress_compare.readers.onnx; sys.exit('onnx' in sys.modules)"
    assert os.spawnv(os.P_WAIT, sys.executable, [sys.executable, "-c", command]) == 0


def test_quantized_in_blocks_of_four_bits(tmp_path):
    rng = np.random.default_rng(2)
    codes, scales = rng.integers(-8, 8, (64, 6)), rng.uniform(0.1, 1, (2, 6)).astype(np.float32)
    flat = codes.reshape(-1) & 15
    raw = (flat[0::2] | flat[1::2] << 4).astype(np.uint8).tobytes()
    node = helper.make_node("DequantizeLinear", ["w_quantized", "s"], ["w"], axis=0, block_size=32)
    tensors = [
        helper.make_tensor("w_quantized", TensorProto.INT4, [64, 6], raw, raw=True),
        numpy_helper.from_array(scales, "s"),
    ]
    stored = numbers(tmp_path, [node], tensors)["w"]
    expected = [[int(codes[i, j]) * float(scales[i // 32, j]) for j in range(6)] for i in range(64)]
    assert stored.values.whole() == pytest.approx(np.array(expected), rel=1e-6)
    assert (stored.packing.bits, stored.num_bytes) == (4, 192 + 48)


def test_integers_that_an_operator_takes_itself(tmp_path):
    rng = np.random.default_rng(3)
    codes, scales = rng.integers(0, 256, (8, 3)).astype(np.uint8), np.array([0.5, 0.25, 2], np.float32)
    zeros = np.array([128, 7, 0], np.uint8)
    node = helper.make_node("MatMulInteger", ["x", "w_quantized", "z", "w_zero_point"], ["y"])
    named = {"w_quantized": codes, "w_scale": scales, "w_zero_point": zeros}
    found = numbers(tmp_path, [node], [numpy_helper.from_array(array, name) for name, array in named.items()])
    expected = [[(int(codes[i, j]) - int(zeros[j])) * float(scales[j]) for j in range(3)] for i in range(8)]
    assert list(found) == ["w"]
    assert found["w"].values.whole() == pytest.approx(np.array(expected), rel=1e-6)


def test_matmul_of_n_bits(tmp_path):
    rng = np.random.default_rng(4)
    codes, scales = rng.integers(0, 16, (5, 64)), rng.uniform(0.1, 1, (5, 2)).astype(np.float32)
    packed = (codes[:, 0::2] | codes[:, 1::2] << 4).astype(np.uint8).reshape(5, 2, 16)
    node = helper.make_node(
        "MatMulNBits", ["x", "w_Q4", "w_scales"], ["y"], domain="com.microsoft", K=64, N=5, bits=4, block_size=32
    )
    tensors = [numpy_helper.from_array(packed, "w_Q4"), numpy_helper.from_array(scales.reshape(-1), "w_scales")]
    found = numbers(tmp_path, [node], tensors)
    expected = [[(int(codes[i, j]) - 8) * float(scales[i, j // 32]) for j in range(64)] for i in range(5)]
    assert list(found) == ["w"]
    assert found["w"].values.whole() == pytest.approx(np.array(expected), rel=1e-6)


def test_weights_in_constants_are_read_and_single_numbers_are_not_weights(tmp_path):
    weight = np.arange(6, dtype=np.float32).reshape(2, 3)
    nodes = [
        helper.make_node("Constant", [], ["w"], value=numpy_helper.from_array(weight)),
        helper.make_node("Constant", [], ["shape"], value=numpy_helper.from_array(np.array([1, 6]))),
        helper.make_node("MatMul", ["x", "w"], ["y"]),
    ]
    found = numbers(tmp_path, nodes, [numpy_helper.from_array(np.float32(2), "two")])
    assert sorted(found) == ["two", "w"]
    assert np.array_equal(found["w"].values.whole(), weight)
    assert read(tmp_path / "m.onnx").extra["buffers"] == ["two"]


def numbers(tmp_path, nodes, tensors):
    return read(write(tmp_path / "m.onnx", tensors, nodes)).tensors


@pytest.mark.parametrize("sizes", [[-1], [0, 1 << 62], [0, (1 << 62) + 1]])
def test_sizes_that_nothing_can_have_are_refused(tmp_path, sizes):
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=sizes, raw_data=b"")
    with pytest.raises(InvalidValue) as caught:
        read(write(tmp_path / "m.onnx", [tensor]))
    assert caught.value.code == "model.bad_shape"


def quantized_by_onnxruntime(tmp_path, per_channel, trans):
    """A convolution and a Gemm that onnxruntime quantizes to integer operators, and the numbers that its codes mean."""
    quantization = pytest.importorskip("onnxruntime.quantization")
    random = np.random.default_rng(3)
    named = {"c.weight": (8, 3, 3, 3), "c.bias": (8,), "g.weight": (4, 8) if trans else (8, 4), "g.bias": (4,)}
    plain = {name: random.normal(size=shape).astype(np.float32) for name, shape in named.items()}
    nodes = [
        helper.make_node("Conv", ["x", "c.weight", "c.bias"], ["y"], pads=[1, 1, 1, 1]),
        helper.make_node("GlobalAveragePool", ["y"], ["z"]),
        helper.make_node("Flatten", ["z"], ["f"]),
        helper.make_node("Gemm", ["f", "g.weight", "g.bias"], ["o"], transB=trans),
    ]
    ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in (("x", [1, 3, 8, 8]), ("o", [1, 4]))]
    tensors = [numpy_helper.from_array(array, name) for name, array in plain.items()]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, tmp_path / "f.onnx")
    batches = iter([{"x": random.normal(size=(1, 3, 8, 8)).astype(np.float32)} for _ in range(2)])

    class Reader(quantization.CalibrationDataReader):
        def get_next(self):
            return next(batches, None)

    quantization.quantize_static(
        tmp_path / "f.onnx",
        tmp_path / "q.onnx",
        Reader(),
        quant_format=quantization.QuantFormat.QOperator,
        per_channel=per_channel,
        weight_type=quantization.QuantType.QInt8,
    )
    return plain, onnx.load(tmp_path / "q.onnx")


@pytest.mark.parametrize("trans", [0, 1])
@pytest.mark.parametrize("per_channel", [False, True])
def test_weights_and_biases_of_integer_operators(tmp_path, per_channel, trans):
    plain, model = quantized_by_onnxruntime(tmp_path, per_channel, trans)
    known = {one.name: numpy_helper.to_array(one).astype(np.float32) for one in model.graph.initializer}
    found = read(tmp_path / "q.onnx").tensors
    for start, node in (("c", "QLinearConv"), ("g", "QGemm")):
        inputs = next(one.input for one in model.graph.node if one.op_type == node)
        scale, fed = known[f"{start}.weight_scale"], known[inputs[1]]
        axis = 0 if start == "c" or trans else 1
        shape = [-1 if at == axis else 1 for at in range(plain[f"{start}.weight"].ndim)]
        weight = known[f"{start}.weight_quantized"] * scale.reshape(shape if scale.size > 1 else ())
        assert np.array_equal(found[f"{start}.weight"].values.whole(), weight)
        bias = known[f"{start}.bias_quantized"] * (scale.reshape(-1) * fed)
        assert np.array_equal(found[f"{start}.bias"].values.whole(), bias)
        for name, right in ((f"{start}.weight", weight), (f"{start}.bias", bias)):
            assert np.abs(right - plain[name]).max() < 0.05 * np.abs(plain[name]).max()


def test_a_bias_whose_scale_has_another_factor_is_no_number(tmp_path):
    _, model = quantized_by_onnxruntime(tmp_path, False, 0)
    node = next(one for one in model.graph.node if one.op_type == "QGemm")
    node.attribute.append(helper.make_attribute("alpha", 2.0))
    onnx.save(model, tmp_path / "q.onnx")
    found = read(tmp_path / "q.onnx").tensors
    assert found["g.bias_quantized"].dtype == "I32"
    assert found["g.bias_quantized"].packing is None


@pytest.mark.parametrize(
    ("kind", "axis", "block", "zero"),
    [
        ("INT8", 0, 0, True),
        ("INT8", 1, 0, True),
        ("UINT8", None, 0, True),
        ("UINT8", None, 0, False),
        ("INT16", 1, 0, True),
        ("INT4", 0, 4, True),
    ],
)
def test_floats_that_the_graph_rounds_are_the_rounded_ones(tmp_path, kind, axis, block, zero):
    """As ONNX itself evaluates QuantizeLinear and DequantizeLinear."""
    from onnx.reference import ReferenceEvaluator

    rng = np.random.default_rng(7)
    weight = rng.normal(size=(8, 6)).astype(np.float32)
    shape = () if axis is None else tuple(s // (block or s) if a == axis else s for a, s in enumerate(weight.shape))
    shape = shape if block or axis is None else (weight.shape[axis],)
    scale = rng.uniform(0.02, 0.3, shape).astype(np.float32)
    codes = np.full(shape, 3 if kind.startswith("U") else -1).astype(int)
    said = {} if axis is None else {"axis": axis} | ({"block_size": block} if block else {})
    tensors = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(scale, "s")]
    tensors += [helper.make_tensor("z", getattr(TensorProto, kind), shape, codes.reshape(-1))] if zero else []
    inputs = ["s", "z"] if zero else ["s"]
    nodes = [
        helper.make_node("QuantizeLinear", ["w", *inputs], ["q"], **said),
        helper.make_node("DequantizeLinear", ["q", *inputs], ["used"], **said),
    ]
    output = helper.make_tensor_value_info("used", TensorProto.FLOAT, None)
    made = helper.make_model(
        helper.make_graph(nodes, "g", [], [output], tensors), opset_imports=[helper.make_opsetid("", 21)]
    )
    (tmp_path / "m.onnx").write_bytes(made.SerializeToString())
    (expected,) = ReferenceEvaluator(made).run(None, {})
    found = read(tmp_path / "m.onnx").tensors
    assert list(found) == ["w"]
    assert found["w"].values.whole() == pytest.approx(expected, abs=1e-6)
    assert found["w"].num_bytes == weight.nbytes


def test_floats_that_the_graph_rounds_in_another_way_have_no_numbers(tmp_path):
    weight, scale = np.ones((4, 4), np.float32), np.ones(3, np.float32)
    nodes = [
        helper.make_node("QuantizeLinear", ["w", "s"], ["q"], axis=0),
        helper.make_node("DequantizeLinear", ["q", "s"], ["used"], axis=0),
    ]
    tensors = [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(scale, "s")]
    found = read(write(tmp_path / "m.onnx", tensors, nodes)).tensors["w"]
    assert found.values is None
    assert "QuantizeLinear" in found.unread


@pytest.mark.parametrize("entry", ["offset", "length"])
@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "", "1" * 19])
def test_a_place_beside_the_model_that_is_no_number(tmp_path, entry, text):
    path, content, _ = beside(tmp_path)
    (tmp_path / "weights.bin").write_bytes(content)
    graph = onnx.load(path, load_external_data=False)
    for each in graph.graph.initializer[0].external_data:
        each.value = text if each.key == entry else each.value
    path.write_bytes(graph.SerializeToString())
    error = refused(tmp_path, path)
    assert error.code == "model.not_onnx" and "The place of external data is no number" in str(error)
    assert reader._number("9" * 18) == 10**18 - 1 and reader._number("0") == 0
