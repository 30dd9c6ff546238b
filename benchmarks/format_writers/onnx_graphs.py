"""Weights inside the graphs that ONNX Runtime quantizes: the numbers are what it makes of them when it runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from format_writers.written import COLUMNS, NAME, ROWS, Case, Written, base


def floats(folder: Path, op: str) -> Path:
    """A graph of one product, with the weight as PyTorch's exporter stores it (Gemm), or turned (MatMul)."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    options = {"transB": 1} if op == "Gemm" else {}
    weight = base() if op == "Gemm" else np.ascontiguousarray(base().T)
    bias = np.random.default_rng(1).normal(0, 0.1, ROWS).astype(np.float32)
    inputs = ["x", NAME, "l.bias"] if op == "Gemm" else ["x", NAME]
    sizes = {"x": ["n", COLUMNS], "y": ["n", ROWS]}
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, size) for name, size in sizes.items()]
    tensors = [numpy_helper.from_array(weight, NAME), numpy_helper.from_array(bias, "l.bias")][: len(inputs) - 1]
    graph = helper.make_graph([helper.make_node(op, inputs, ["y"], **options)], "g", ends[:1], ends[1:], tensors)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), folder / "f.onnx")
    return folder / "f.onnx"


def static(folder: Path, form: str, op: str, **options: Any) -> Written:
    """``quantize_static``: QOperator with a bias of 32 bits, or pairs of QuantizeLinear and DequantizeLinear."""
    from onnxruntime import quantization

    given = iter([{"x": np.random.default_rng(2).normal(size=(4, COLUMNS)).astype(np.float32)}])

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Any:
            return next(given, None)

    types = {name: quantization.QuantType[kind] for name, kind in options.items() if name.endswith("type")}
    quantization.quantize_static(
        floats(folder, op), folder / "m.onnx", Reader(), quant_format=quantization.QuantFormat[form],
        per_channel=options.get("per_channel", False), **types,
    )  # fmt: skip
    return Written(folder / "m.onnx", {NAME: told(folder / "m.onnx")}, turned=op == "MatMul")


def dynamic(folder: Path, op: str, **options: Any) -> Written:
    """``quantize_dynamic``: MatMulInteger behind DynamicQuantizeLinear."""
    from onnxruntime import quantization

    kind = quantization.QuantType[options.pop("weight_type")]
    quantization.quantize_dynamic(floats(folder, op), folder / "m.onnx", weight_type=kind, **options)
    return Written(folder / "m.onnx", {NAME: told(folder / "m.onnx")}, turned=op == "MatMul")


def n_bits(folder: Path, bits: int, symmetric: bool) -> Written:
    """MatMulNBits: what the operator makes of the identity are the numbers of its weight."""
    import onnx
    import onnxruntime
    from onnxruntime.quantization import matmul_nbits_quantizer as library

    config = library.DefaultWeightOnlyQuantConfig(block_size=32, is_symmetric=symmetric, bits=bits)
    quantizer = library.MatMulNBitsQuantizer(onnx.load(floats(folder, "MatMul")), algo_config=config)
    quantizer.process()
    quantizer.model.save_model_to_file(str(folder / "m.onnx"))
    session = onnxruntime.InferenceSession(folder / "m.onnx", providers=["CPUExecutionProvider"])
    (product,) = session.run(None, {"x": np.eye(COLUMNS, dtype=np.float32)})
    return Written(folder / "m.onnx", {NAME: product}, 1e-6, turned=True)


def told(path: Path) -> np.ndarray:
    """What ONNX Runtime's DequantizeLinear makes of the codes of the weight."""
    import onnx
    import onnxruntime
    from onnx import TensorProto, helper

    graph = onnx.load(path).graph
    codes = next(one for one in graph.initializer if one.name == f"{NAME}_quantized")
    known = {one.name: one for one in graph.initializer}
    parts = [codes, known[f"{NAME}_scale"], known[f"{NAME}_zero_point"]]
    axis = next((at for at, size in enumerate(codes.dims) if list(parts[1].dims) == [size]), 0)
    node = helper.make_node("DequantizeLinear", [one.name for one in parts], ["w"], axis=axis)
    end = helper.make_tensor_value_info("w", TensorProto.FLOAT, list(codes.dims))
    alone = helper.make_graph([node], "g", [], [end], parts)
    model = helper.make_model(alone, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return np.asarray(session.run(None, {})[0])


CASES: dict[str, Case] = {
    **{
        f"ONNX {form}, {op}, {kind}{' per channel' if per else ''}": (
            "onnxruntime",
            "onnxruntime",
            lambda f, o=op, p=per, k=kind, m=form: static(
                f, m, o, per_channel=p, weight_type=k, activation_type="QUInt16" if "16" in k else "QUInt8"
            ),
        )
        for form, op, kind, per in (
            ("QOperator", "Gemm", "QInt8", False),
            ("QOperator", "Gemm", "QInt8", True),
            ("QDQ", "Gemm", "QInt8", True),
            ("QDQ", "Gemm", "QUInt8", False),
            ("QDQ", "MatMul", "QInt8", True),
            ("QDQ", "MatMul", "QInt16", False),
            ("QDQ", "MatMul", "QUInt16", False),
            ("QDQ", "MatMul", "QInt4", False),
            ("QDQ", "MatMul", "QUInt4", True),
        )
    },
    **{
        f"ONNX quantize_dynamic, {kind}{' per channel' if per else ''}": (
            "onnxruntime",
            "onnxruntime",
            lambda f, k=kind, p=per: dynamic(f, "MatMul", weight_type=k, per_channel=p),
        )
        for kind, per in (("QInt8", False), ("QInt8", True), ("QUInt8", False), ("QUInt8", True))
    },
    **{
        f"ONNX MatMulNBits, {bits} bits, {'symmetric' if same else 'asymmetric'}": (
            "onnxruntime",
            "onnxruntime",
            lambda f, b=bits, s=same: n_bits(f, b, s),
        )
        for bits, same in ((4, True), (4, False), (8, True), (8, False))
    },
}
