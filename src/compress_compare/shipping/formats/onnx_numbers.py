"""The weights of an ONNX file as ONNX Runtime computes them: a model of their nodes alone, whose outputs they are."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ...analysis.layers.values import Array

NAMED = "numbers of "
"""What the outputs of the smaller model are called, before the name of the weight."""
SUFFIX = "_quantized"
LABELS = "_labels"


def read(path: Path) -> Mapping[str, Array]:
    """The numbers of every initializer, of codes after their scales, by the name of the weight."""
    import onnx
    import onnxruntime

    model = onnx.load(str(path))
    given = {one.name: one for one in model.graph.initializer}
    parts = _parts(model.graph, given)
    if not parts:
        return {}
    nodes = [node for listed in parts.values() for node in listed]
    made = {name for node in nodes for name in node.output}
    used = {name for node in nodes for name in node.input if name not in made}
    identity = {name: size for name in used if (size := _size_of_identity(name)) is not None}
    initializers = [given[name] for name in sorted(used & given.keys())]
    for name, size in identity.items():
        initializers.append(onnx.numpy_helper.from_array(np.eye(size, dtype=np.float32), name=name))
    outputs = [onnx.ValueInfoProto(name=NAMED + name) for name in parts]
    graph = onnx.helper.make_graph(nodes, "weights", [], outputs, initializers)
    small = onnx.helper.make_model(graph, opset_imports=list(model.opset_import), ir_version=model.ir_version)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(small.SerializeToString(), options, providers=["CPUExecutionProvider"])
    found = dict(zip(parts, session.run(None, {}), strict=True))
    for name, listed in parts.items():
        if listed[-1].op_type == "MatMulNBits":
            found[name] = np.ascontiguousarray(found[name].T)
    return found


def _parts(graph: Any, given: Mapping[str, Any]) -> dict[str, list[Any]]:
    """The nodes that make each weight of initializers, with the last one's output renamed."""
    import onnx

    makers = {output: node for node in graph.node for output in node.output}
    parts: dict[str, list[Any]] = {}
    codes = set[str]()
    for node in graph.node:
        if node.op_type == "MatMulNBits":
            name = node.input[1]
            size = next(one.i for one in node.attribute if one.name == "K")
            copy = _copy(node, output=NAMED + name)
            copy.input[0] = _identity(size)
            parts[name] = [copy]
            codes |= set(node.input[1:])
        elif node.op_type == "DequantizeLinear" or f"{node.output[0]}{LABELS}" in given:
            chain = _constant(node, makers, given)
            name = node.input[0].removesuffix(SUFFIX) if node.op_type == "DequantizeLinear" else node.output[0]
            if chain is not None:
                parts[name] = [*chain[:-1], _copy(node, output=NAMED + name)]
                codes |= {part for one in chain for part in one.input}
    inside = {name for listed in parts.values() for one in listed[:-1] for name in one.output}
    parts = {name: listed for name, listed in parts.items() if name not in inside}
    for name in given.keys() - codes - parts.keys():
        parts[name] = [onnx.helper.make_node("Identity", [name], [NAMED + name])]
    return parts


def _constant(node: Any, makers: Mapping[str, Any], given: Mapping[str, Any]) -> list[Any] | None:
    """A node after all that it depends on; ``None`` where that is more than initializers."""
    chain: list[Any] = []
    for name in node.input:
        if not name or name in given:
            continue
        before = _constant(makers[name], makers, given) if name in makers else None
        if before is None:
            return None
        chain += before
    return [*chain, node]


def _copy(node: Any, *, output: str) -> Any:
    copy = type(node).FromString(node.SerializeToString())
    copy.output[0] = output
    return copy


def _identity(size: int) -> str:
    return f"identity of {size}"


def _size_of_identity(name: str) -> int | None:
    start = "identity of "
    return int(name.removeprefix(start)) if name.startswith(start) else None
