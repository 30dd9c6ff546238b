"""Exports a model to ONNX and measures it in ONNX Runtime on the CPU. Needs the extra ``onnx``."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.fx import GraphModule

from ..errors import InvalidValue, MissingExtra
from ..operations.parts.data import tensors_of
from ..operations.parts.quiet import quiet
from ..records import MetricValue
from . import latency
from .forward import observing
from .inputs import call, described, each, tensors

FLOATS = ("Conv", "ConvTranspose", "FusedConv", "Gemm", "FusedGemm", "MatMul", "FusedMatMul", "MatMulNBits")
INTEGERS = ("QLinearConv", "ConvInteger", "QLinearMatMul", "MatMulInteger", "QGemm", "DynamicQuantizeMatMul")
MOST_BYTES = 1_000_000_000
"""Limit of the weights in bytes: the model is handed over as one message of a protocol buffer."""
TOLERANCE = 1e-3
_LOUD = ("torch.onnx", "torch.export", "onnxscript", "onnx_ir", "torchao")


@dataclass(frozen=True)
class InOnnxRuntime:
    """The measurements of a model in ONNX Runtime.

    Args:
        size: bytes of the ONNX file without metadata about where its nodes come from.
        median: seconds of a forward pass.
        spread: interquartile range of the same.
        integers: share of matrix products and convolutions on integers after optimization; ``None`` without any.
    """

    size: MetricValue
    median: MetricValue
    spread: MetricValue
    integers: MetricValue | None


@dataclass
class Exports:
    """Exports models to ONNX. Models that differ only in their weights share one export, into which they are filled."""

    _known: dict[tuple[object, ...], Any] = field(default_factory=dict)

    def export(self, model: nn.Module, example: Any) -> bytes:
        """Return the model as an ONNX file for inputs of the shape of ``example``.

        Raises:
            MissingExtra: onnx or onnxscript is not installed.
            InvalidValue: ``onnx.export`` with what the exporter says, or ``onnx.size``.
        """
        if isinstance(model, GraphModule):
            return _file(_exported(model, example, optimize=True))
        state = model.state_dict()
        key = (repr(model), described(example), tuple((name, tensor.shape) for name, tensor in state.items()))
        if key not in self._known:
            self._known[key] = _exported(model, example, optimize=False)
        _fill(self._known[key], state)
        content = _file(self._known[key])
        if _agrees(content, model, example):
            return content
        return _file(_exported(model, example, optimize=True))


def measure(
    model: nn.Module, example: Any, *, settings: latency.LatencySettings, exports: Exports | None = None
) -> InOnnxRuntime:
    """Export a model, let ONNX Runtime optimize it, count its products on integers, and measure its time.

    Args:
        model: left as it was.
        example: inputs ``(instances, …)``; the first is repeated to fill the batch.
        settings: how to measure time.
        exports: earlier exports, to reuse.

    Raises:
        MissingExtra: onnx, onnxscript or onnxruntime is not installed.
        InvalidValue: ``onnx.*`` if the model cannot be exported or run.
    """
    check_installed()
    inputs = each(settings.inputs(example), Tensor.cpu)
    with observing(model):
        content = (exports or Exports()).export(model, inputs)
    session, operators = _optimized(content, threads=settings.threads)
    feeds = _feeds(session, inputs)
    del session

    def times_of(runs: int) -> list[float]:
        own, _ = _optimized(content, threads=settings.threads)
        for _ in range(settings.warm_up):
            own.run(None, feeds)
        return [_timed(own, feeds) for _ in range(runs)]

    times = latency.divided(times_of, settings, device="cpu")
    device = settings.describe("cpu", runtime=_runtime(), processes=len(times))
    median, spread = latency.summary(times, device=device)
    return InOnnxRuntime(MetricValue(len(content)), median, spread, _share(operators))


def check_installed() -> None:
    """Check that the packages of the extra ``onnx`` are installed.

    Raises:
        MissingExtra: if one is missing, with its name.
    """
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise MissingExtra(error.name or "onnxruntime", purpose="Measuring in ONNX Runtime", extra="onnx") from error


def _exported(model: nn.Module, example: Any, *, optimize: bool) -> Any:
    size = sum(tensor.numel() * tensor.element_size() for tensor in model.state_dict().values())
    if size > MOST_BYTES:
        detail = f"It has {size:,} bytes of weights; the limit is {MOST_BYTES:,}."
        raise InvalidValue("onnx.size", "The model is too large to be measured in ONNX Runtime here.", detail=detail)
    try:
        with quiet(_LOUD):
            args, named = _arguments(example)
            program = torch.onnx.export(model, args, kwargs=named, dynamo=True, verbose=False, optimize=optimize)
    except Exception as error:  # the exporter reports what it cannot translate by dozens of exception types
        cause = error.__cause__ or error
        raise InvalidValue(
            "onnx.export",
            "The model cannot be exported to ONNX.",
            detail=f"{type(cause).__name__}: {str(cause).strip().splitlines()[0]:.300}",
            hint="Its latency in PyTorch and everything about its size are measured all the same.",
        ) from error
    proto: Any = program.model_proto  # type: ignore[union-attr]
    _strip(proto)
    return proto


def _arguments(example: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """What is passed by position, and what by name."""
    if isinstance(example, Mapping):
        return (), dict(example)
    return (tuple(example) if isinstance(example, tuple | list) else (example,)), {}


def _feeds(session: Any, example: Any) -> dict[str, Any]:
    """The inputs of a session by their names, which are those of a mapping; else they come in order."""
    names = [entry.name for entry in session.get_inputs()]
    if isinstance(example, Mapping) and set(names) <= set(example):
        return {name: example[name].numpy() for name in names}
    return {name: tensor.numpy() for name, tensor in zip(names, tensors(example), strict=False)}


def _strip(proto: Any) -> None:
    """Leave out where in the Python source each node comes from, which can be more than the weights."""
    for part in (proto, proto.graph, *proto.graph.node, *proto.graph.value_info, *proto.graph.initializer):
        del part.metadata_props[:]
    for function in proto.functions:
        for part in (function, *function.node, *function.value_info):
            del part.metadata_props[:]


def _fill(proto: Any, state: dict[str, Tensor]) -> None:
    for initializer in proto.graph.initializer:
        if initializer.name in state:
            initializer.raw_data = state[initializer.name].detach().cpu().contiguous().numpy().tobytes()


def _file(proto: Any) -> bytes:
    content: bytes = proto.SerializeToString()
    return content


def _agrees(content: bytes, model: nn.Module, example: Any) -> bool:
    """Whether ONNX Runtime answers as the model does."""
    session, _ = _optimized(content, threads=1)
    found = session.run(None, _feeds(session, example))[0]
    with torch.no_grad():
        expected = tensors_of(call(model, example))[0].numpy()
    scale = max(float(np.abs(expected).max(initial=0.0)), 1.0)
    return found.shape == expected.shape and bool((np.abs(found - expected) <= TOLERANCE * scale).all())


def _optimized(content: bytes, *, threads: int) -> tuple[Any, list[str]]:
    """A session, and the operators of the graph that it runs."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    with tempfile.TemporaryDirectory() as folder:
        options.optimized_model_filepath = str(Path(folder) / "optimized.onnx")
        try:
            session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        except Exception as error:  # its exceptions have no common ancestor
            detail = f"{type(error).__name__}: {str(error).strip().splitlines()[0]:.300}"
            raise InvalidValue("onnx.run", "ONNX Runtime cannot run the exported model.", detail=detail) from error
        graph = onnx.load(options.optimized_model_filepath).graph
    return session, [node.op_type for node in graph.node]


def _share(operators: Sequence[str]) -> MetricValue | None:
    integers = sum(operator in INTEGERS for operator in operators)
    total = integers + sum(operator in FLOATS for operator in operators)
    return MetricValue(integers / total, count=total) if total else None


def _timed(session: Any, feeds: dict[str, Any]) -> float:
    start = time.perf_counter()
    session.run(None, feeds)
    return time.perf_counter() - start


def _runtime() -> str:
    import onnxruntime

    return f"ONNX Runtime {onnxruntime.__version__}"
