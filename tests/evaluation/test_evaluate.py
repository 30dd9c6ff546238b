import numpy as np
import torch
from torch import nn

from compress_compare.evaluation.evaluate import LabelledData, Settings, evaluate
from compress_compare.evaluation.latency import LatencySettings
from compress_compare.evaluation.metrics import METRICS


def example():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(3 * 36, 4))
    data = LabelledData(torch.randn(20, 1, 8, 8), np.arange(20) % 4)
    return model, data, Settings(latency=LatencySettings(runs=3, warm_up=1))


def test_every_standard_metric_is_measured():
    model, data, settings = example()
    measured = evaluate(model, data, settings=settings)
    assert list(measured) == [metric.name for metric in METRICS]
    with torch.no_grad():
        right = model.eval()(data.inputs).argmax(1).numpy() == data.labels
    assert measured["Top-1 Accuracy"][0].value == right.mean()
    assert [value.slice for value in measured["Top-1 Accuracy"]] == [None, "0", "1", "2", "3"]
    assert measured["Parameters"][0].value == 27 + 3 + 6 + 432 + 4
    assert measured["MACs"][0].value == 36 * 27 + 432


def test_a_second_evaluation_gives_the_same_numbers_and_leaves_the_model():
    model, data, _ = example()
    model.train()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    settings = Settings(latency=None)
    first = evaluate(model, data, settings=settings)
    assert first == evaluate(model, data, settings=settings)
    assert "Latency" not in first
    assert model.training
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.state_dict().items())


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.eye(4))

    def forward(self, x):
        return (x.unsqueeze(-1) * self.weight).sum(-2)


def test_what_cannot_be_counted_is_missing_not_zero():
    data = LabelledData(torch.randn(6, 4), np.zeros(6, int))
    measured = evaluate(Scale(), data, settings=Settings(latency=None))
    assert "MACs" not in measured
    assert measured["Sparsity"][0].value == 12 / 16


def test_definitions_are_distinct_and_some_are_primary():
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names)
    primary = {metric.name for metric in METRICS if metric.primary}
    assert primary == {"Top-1 Accuracy", "Packed Size", "Sparsity", "Latency"}
    assert all(metric.description and metric.format for metric in METRICS)


class Counted(nn.Linear):
    sizes: list[int]

    def forward(self, x):
        self.sizes.append(len(x))
        return super().forward(x)


def test_quality_is_measured_on_256_instances_at_once():
    model = Counted(4, 2)
    model.sizes = []
    evaluate(model, LabelledData(torch.randn(600, 4), np.zeros(600, int)), settings=Settings(latency=None))
    assert model.sizes[:3] == [256, 256, 88]
