"""ONNX: float, weights as integers with scales, 4-bit products, and static int8; run by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...analysis.layers.values import Array
from ...errors import MissingExtra, UserError
from ...records.own_key import KEY
from ..base import Format, Runner, Source, Written, cannot_hold
from ..codes import Coded, LookupTables
from ..origin import text
from . import onnx_numbers
from .encoded import encoded, untranslatable
from .onnx_graph import rewrite

if TYPE_CHECKING:
    from torch import nn

FILE = "model.onnx"
OPSET = 21
MOST_BYTES = 1_500_000_000
LOUD = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "torchao")


class OnnxFormat(Format):
    """Holds floats, integers of 2 to 8 bits with scales for tensors, channels and groups, palettes, and static int8.

    Codes and labels take 4 or 8 bits. Zeros are stored like other numbers.
    """

    name = "onnx"
    summary = "ONNX with weights as integers and scales (DequantizeLinear, MatMulNBits) or as tables, for ONNX Runtime"
    extra = "onnx"
    needs_network = True

    def refusal(self, source: Source) -> UserError | None:
        """Refuse more weights than one file takes, and models without a network."""
        _check_installed()
        return too_large(self, source)

    def write(self, source: Source, folder: Path) -> Written:
        """Export the network, put codes in place of quantized weights, and check the result."""
        import onnx

        proto, weights, written = graph_of(self, source)
        if weights and rewrite(proto.graph, weights):
            proto.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
        onnx.helper.set_model_props(proto, {KEY: text({"origin": source.origin})})
        onnx.checker.check_model(proto)
        (folder / FILE).write_bytes(proto.SerializeToString())
        return written

    def read(self, folder: Path, source: Source) -> Mapping[str, Array]:
        """The weights as ONNX Runtime computes them."""
        return onnx_numbers.read(folder / FILE)

    def origin(self, folder: Path) -> Mapping[str, Any]:
        """From the model's metadata."""
        return properties(folder / FILE)

    def runner(self, folder: Path, source: Source) -> tuple[Runner, str] | None:
        """By ONNX Runtime on one thread."""
        import onnxruntime

        return run(folder / FILE), f"ONNX Runtime {onnxruntime.__version__}"

    def checkpoint(self, folder: Path) -> Path | None:
        """The file; ``None`` where it has lookup tables, which this tool does not read."""
        import onnx

        names = {one.name for one in onnx.load(str(folder / FILE), load_external_data=False).graph.initializer}
        tables = any(name.endswith("_labels") and f"{name.removesuffix('_labels')}_table" in names for name in names)
        return None if tables else folder / FILE


def too_large(format: Format, source: Source) -> UserError | None:
    """Refuse more weights than one file of ONNX takes; a source without a network raises."""
    if sum(stored.num_bytes for stored in source.weights.tensors.values()) > MOST_BYTES:
        return cannot_hold(format, "more than 1.5 GB of weights in one file of ONNX", nearest="packed")
    source.needs_network(format.name)
    return None


def graph_of(format: Format, source: Source) -> tuple[Any, dict[str, Coded | LookupTables], Written]:
    """The network of a source as an ONNX model, the codes of its weights, and what is stored otherwise than asked.

    Raises:
        InvalidValue: ``ship.cannot_hold`` where the exporter cannot translate it.
    """
    proto = _translated(format, source)
    there = {one.name for one in proto.graph.initializer}
    unused = _unused_buffers(source, there)
    others = _elsewhere(source, proto.graph, there=there | set(unused))
    weights, notes = encoded(source, there)
    return proto, weights, Written(notes, others, unused)


def _translated(format: Format, source: Source) -> Any:
    """The network of a source as an ONNX model.

    Raises:
        InvalidValue: ``ship.cannot_hold`` where the exporter cannot translate it.
    """
    try:
        return exported(source.needs_network(format.name), source.example)
    except Exception as error:  # the exporter reports what it cannot translate by dozens of exception types
        raise untranslatable(format, error, nearest="packed") from error


def exported(network: nn.Module, example: Any) -> Any:
    """A network as an ONNX model for any number of examples, without notes about its source.

    Args:
        network: in evaluation mode.
        example: one instance.
    """
    import torch
    from torch.fx import GraphModule

    from ...evaluation.inputs import repeated
    from ...operations.parts.quiet import quiet

    inputs = repeated(example, 2)
    named = dict(inputs) if isinstance(inputs, Mapping) else {}
    args = () if named else tuple(inputs) if isinstance(inputs, tuple | list) else (inputs,)
    shapes: Any = {key: _open(value) for key, value in named.items()} or tuple(_open(value) for value in args)
    with quiet(LOUD), torch.no_grad():
        program = torch.onnx.export(
            network, args, kwargs=named, dynamo=True, verbose=False, dynamic_shapes=shapes, opset_version=OPSET,
            optimize=isinstance(network, GraphModule),
        )  # fmt: skip
    proto: Any = program.model_proto  # type: ignore[union-attr]
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        del part.metadata_props[:]
    for part in (*proto.graph.node, *proto.graph.initializer):
        part.doc_string = ""
    return proto


def run(path: Path) -> Runner:
    """A function that runs a model on inputs as its network takes them."""
    import onnxruntime
    import torch

    from ...evaluation.inputs import tensors

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = 1, 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]

    def answered(inputs: Any) -> torch.Tensor:
        if isinstance(inputs, Mapping) and set(names) <= set(inputs):
            feeds = {name: inputs[name].numpy() for name in names}
        else:
            feeds = {name: tensor.numpy() for name, tensor in zip(names, tensors(inputs), strict=False)}
        return torch.from_numpy(session.run(None, feeds)[0])

    return answered


def properties(path: Path) -> Mapping[str, Any]:
    """What a model's metadata say about its origin."""
    import json

    import onnx

    found = {one.key: one.value for one in onnx.load(str(path), load_external_data=False).metadata_props}
    said = json.loads(found.get(KEY, "{}")).get("origin", {})
    return said if isinstance(said, Mapping) else {}


def _open(value: Any) -> dict[int, Any] | None:
    import torch

    if not isinstance(value, torch.Tensor):
        return None
    dimensions = 1 if value.is_floating_point() else value.ndim
    return dict.fromkeys(range(min(dimensions, value.ndim)), torch.export.Dim.AUTO)


def _elsewhere(source: Source, graph: Any, *, there: set[str]) -> dict[str, str]:
    """Tensors that the exporter gave another name, such as one of two equal ones, by their names in the source."""
    from onnx import numpy_helper

    found: dict[str, str] = {}
    known = [(one.name, tuple(one.dims), one) for one in graph.initializer]
    for name, stored in source.logical.tensors.items():
        if name in there or stored.values is None:
            continue
        for other, shape, one in known:
            if shape == stored.shape and np.array_equal(numpy_helper.to_array(one), stored.values.whole()):
                found[name] = other
                break
    return found


def _unused_buffers(source: Source, there: set[str]) -> list[str]:
    """Buffers that the graph has no use for, such as counts of batches, and biases of integer graphs that it folds."""
    buffers = source.weights.extra.get("buffers", [])
    left = {name: stored for name, stored in source.logical.tensors.items() if name not in there}
    return [name for name, one in left.items() if name in buffers or (source.runs_integers and len(one.shape) < 2)]


def _check_installed() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "onnx", purpose="Shipping as onnx", extra="onnx") from error
