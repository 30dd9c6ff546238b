"""Exports real models and runs them in the real ONNX Runtime."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
import torch
from torch import nn

from compress_compare import operations
from compress_compare.errors import InvalidValue, MissingExtra
from compress_compare.evaluation import onnx_runtime
from compress_compare.evaluation.latency import LatencySettings

TIMING = LatencySettings(warm_up=1, runs=5)
EXAMPLE = torch.rand(8, 1, 8, 8, generator=torch.Generator().manual_seed(1))


@pytest.fixture(scope="module", autouse=True)
def needed() -> None:
    """Imported by who runs these tests alone: it takes seconds."""
    pytest.importorskip("onnxruntime", reason="the extra onnx is not installed")
    pytest.importorskip("onnxscript", reason="the extra onnx is not installed")


def network() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 10))
    return nn.Sequential(*layers).eval()


def answers(content: bytes) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    found: np.ndarray = session.run(None, {session.get_inputs()[0].name: EXAMPLE[:1].numpy()})[0]
    return found


def test_models_that_differ_in_weights_alone_share_an_export_and_answer_as_in_torch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    exports, calls = onnx_runtime.Exports(), []
    exported = onnx_runtime._exported
    monkeypatch.setattr(onnx_runtime, "_exported", lambda *a, **k: calls.append(1) or exported(*a, **k))
    for model in (network(), operations.magnitude_prune(network(), amount=0.9), operations.quantize(network(), bits=4)):
        content = exports.export(model, EXAMPLE[:1])
        with torch.no_grad():
            assert np.allclose(answers(content), model(EXAMPLE[:1]).numpy(), atol=1e-5)
    assert len(calls) == 1


def test_says_what_was_measured_and_how() -> None:
    found = onnx_runtime.measure(network(), EXAMPLE, settings=TIMING)
    import onnxruntime

    expected = f"cpu (ONNX Runtime {onnxruntime.__version__}, 1 thread, batch 1, warm-up 1, runs 5, 5 processes)"
    assert found.median.device == found.spread.device == expected
    assert found.median.value > 0
    assert found.median.count == 5
    assert found.integers is not None
    assert (found.integers.value, found.integers.count) == (0.0, 2)
    assert 4 * 1490 < found.size.value < 4 * 1490 + 6000


def test_int8_convolutions_run_on_integers_and_what_falls_back_is_counted() -> None:
    data = [(EXAMPLE, torch.zeros(8, dtype=torch.long))]
    model = operations.QuantizeStatic()(network(), data=data)
    found = onnx_runtime.measure(model, EXAMPLE, settings=TIMING)
    assert found.integers is not None
    assert (found.integers.value, found.integers.count) == (0.5, 2)


class Branching(nn.Module):
    def forward(self, x):
        return x if x.sum() > 0 else -x


def test_what_cannot_be_exported_is_a_sentence() -> None:
    with pytest.raises(InvalidValue, match="cannot be exported to ONNX") as caught:
        onnx_runtime.measure(Branching(), EXAMPLE, settings=TIMING)
    assert caught.value.code == "onnx.export"
    assert caught.value.detail


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = builtins.__import__

    def missing(name, *args, **kwargs):
        if name == "onnxruntime":
            raise ImportError(name=name)
        return plain(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(MissingExtra, match=r"compress-compare\[onnx\]"):
        onnx_runtime.check_installed()


class Answering:
    """A session that gives one answer."""

    def __init__(self, answer: list[float]) -> None:
        self._answer = np.array(answer, np.float32)

    def get_inputs(self) -> list[object]:
        return []

    def run(self, *_: object) -> list[np.ndarray]:
        return [self._answer]


@pytest.mark.parametrize(
    ("answer", "expected", "agrees"),
    [
        ([0.001, -0.001], [0, 0], True),
        ([0.00101, 0], [0, 0], False),
        ([0, -0.00101], [0, 0], False),
        ([1.001], [1], False),  # as float32 these are 1.00102e-3 apart
        ([1.0009], [1], True),
        ([1000, 1], [1000, 0], True),
        ([1000, 1.01], [1000, 0], False),
        ([-1000, 0.9], [-1000, 0], True),
        ([0.5005], [0.5], True),
        ([0, 0], [0], False),
        ([], [], True),
        ([float("nan")], [0], False),
    ],
)
def test_an_export_agrees_within_a_thousandth_of_the_largest_number_or_of_one(
    monkeypatch: pytest.MonkeyPatch, answer: list[float], expected: list[float], agrees: bool
) -> None:
    monkeypatch.setattr(onnx_runtime, "_optimized", lambda content, threads: (Answering(answer), []))
    assert onnx_runtime._agrees(b"", Constant(expected), EXAMPLE[:1]) is agrees


class Constant(nn.Module):
    def __init__(self, answer: list[float]) -> None:
        super().__init__()
        self.register_buffer("answer", torch.tensor(answer, dtype=torch.float32))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.answer


def test_the_share_of_integer_products_is_that_of_all_products() -> None:
    found = onnx_runtime._share(["Relu", "MatMulInteger", "Conv", "MatMul", "Gemm", "Add"])
    assert found is not None and (found.value, found.count) == (0.25, 4)
    assert onnx_runtime._share(["Relu", "Add"]) is None
