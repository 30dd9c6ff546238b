import torch
from torch import nn

from compress_compare.evaluation import metrics, onnx_runtime
from compress_compare.evaluation.cost import measure_cost
from compress_compare.evaluation.latency import LatencySettings
from compress_compare.evaluation.onnx_runtime import Exports


class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x) if x.sum() > 0 else self.layer(-x)


def test_what_cannot_be_exported_is_told_and_the_rest_is_measured(monkeypatch):
    def refuse(*_args, **_kwargs):
        raise onnx_runtime.InvalidValue("onnx.export", "The model cannot be exported to ONNX.")

    monkeypatch.setattr(onnx_runtime, "measure", refuse)
    timing = LatencySettings(warm_up=1, runs=2)
    found = measure_cost(Branching(), torch.ones(1, 4), timing=timing, exports=Exports())
    assert [problem.code for problem in found.problems] == ["onnx.export"]
    assert found.values["MACs"][0].value == 16
    assert found.values["Peak Memory"][0].value == 4 * (16 + 4 + 4 + 4)
    assert metrics.ONNX_LATENCY.name not in found.values
    assert metrics.LATENCY.name in found.values


def test_without_times_nothing_is_timed():
    found = measure_cost(Branching(), torch.ones(1, 4), timing=None, exports=Exports())
    assert not any("Latency" in name for name in found.values)
    assert found.problems == ()
