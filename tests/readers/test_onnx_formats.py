"""Numbers of ONNX of less than a byte, and formats whose numbers are not read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from compress_compare.readers import onnx as reader

onnx = pytest.importorskip("onnx", reason="onnx is not installed")


def written(
    path: Path, tensor: onnx.TensorProto, nodes: tuple[onnx.NodeProto, ...] = (), *more: onnx.TensorProto
) -> Path:
    graph = onnx.helper.make_graph(nodes, "g", [], [], [tensor, *more])
    onnx.save(onnx.helper.make_model(graph), path)
    return path


def read(path: Path) -> dict[str, reader.StoredTensor]:
    return dict(reader.read({path.name: path}, path.name).tensors)


@pytest.mark.parametrize("in_raw", [True, False])
@pytest.mark.parametrize("kind", ["UINT4", "INT4", "UINT2", "INT2", "FLOAT4E2M1", "FLOAT8E8M0"])
def test_numbers_of_a_few_bits_are_those_of_the_package(tmp_path: Path, kind: str, in_raw: bool) -> None:
    number = getattr(onnx.TensorProto, kind)
    dtype = onnx.helper.tensor_dtype_to_np_dtype(number)
    values = np.array(
        [[0.5, 1.0, 2.0], [4.0, 0.5, 1.0], [2.0, 2.0, 4.0]]
        if kind == "FLOAT8E8M0"
        else [[1, 0, 1], [-1, 1, 0], [-2, 1, 1]]
    )
    if kind.startswith("UINT"):
        values = np.abs(values)
    tensor = onnx.numpy_helper.from_array(values.astype(dtype), "w")
    if not in_raw:
        tensor = onnx.helper.make_tensor("w", number, values.shape, values.astype(dtype).reshape(-1))
        assert not tensor.raw_data
    stored = read(written(tmp_path / "m.onnx", tensor))["w"]
    assert stored.values is not None
    assert stored.values.whole().astype(float).tolist() == onnx.numpy_helper.to_array(tensor).astype(float).tolist()
    bits = {"UINT4": 4, "INT4": 4, "UINT2": 2, "INT2": 2, "FLOAT4E2M1": 4, "FLOAT8E8M0": 8}[kind]
    assert stored.num_bytes == -(-9 * bits // 8)


def test_codes_of_two_bits_are_multiplied_by_their_scales(tmp_path: Path) -> None:
    codes = np.array([[1, -2, 0, 1], [-1, 0, 1, -2]])
    dtype = onnx.helper.tensor_dtype_to_np_dtype(onnx.TensorProto.INT2)
    scales = np.array([0.5, 0.25], np.float32)
    node = onnx.helper.make_node("DequantizeLinear", ["w_quantized", "w_scale"], ["w"], axis=0)
    parts = (
        onnx.numpy_helper.from_array(codes.astype(dtype), "w_quantized"),
        onnx.numpy_helper.from_array(scales, "w_scale"),
    )
    found = read(written(tmp_path / "m.onnx", parts[0], (node,), parts[1]))["w"]
    assert found.values is not None and found.values.whole().tolist() == (codes * scales[:, None]).tolist()
    assert found.packing is not None and found.packing.bits == 2


@pytest.mark.parametrize(("kind", "bits"), [("COMPLEX128", 128), ("FLOAT6E2M3", 6), ("FLOAT6E3M2", 6)])
def test_formats_that_are_not_read_have_no_numbers_and_others_have(tmp_path: Path, kind: str, bits: int) -> None:
    size = -(-5 * bits // 8)
    odd = onnx.TensorProto(name="odd", dims=[5], data_type=getattr(onnx.TensorProto, kind), raw_data=bytes(size))
    plain = onnx.numpy_helper.from_array(np.arange(3, dtype=np.float32), "w")
    found = read(written(tmp_path / "m.onnx", odd, (), plain))
    assert (found["odd"].values, found["odd"].num_bytes, found["odd"].shape) == (None, size, (5,))
    assert found["w"].values is not None and found["w"].values.whole().tolist() == [0, 1, 2]
