"""Measuring models that are called with several tensors, or by name, and that answer with more than a tensor."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from compress_compare.evaluation import metrics
from compress_compare.evaluation.cost import measure_cost
from compress_compare.evaluation.evaluate import LabelledData, Settings, evaluate
from compress_compare.evaluation.latency import LatencySettings
from compress_compare.evaluation.onnx_runtime import Exports, check_installed
from compress_compare.recipes import Task


@dataclass
class Answer:
    hidden: Tensor
    logits: Tensor


class Two(nn.Module):
    """Words and numbers; 3 words of 4 numbers each, 5 numbers, 2 classes."""

    def __init__(self, *, plain: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.table, self.words, self.numbers, self.plain = nn.Embedding(7, 4), nn.Linear(4, 2), nn.Linear(5, 2), plain

    def forward(self, ids: Tensor, numbers: Tensor) -> Any:
        logits = self.words(self.table(ids)).mean(1) + self.numbers(numbers)
        return logits if self.plain else Answer(numbers, logits)


IDS, NUMBERS = torch.tensor([[1, 2, 3], [4, 5, 6], [0, 1, 0], [2, 2, 2]]), torch.arange(20.0).reshape(4, 5) / 20
NAMED = {"ids": IDS, "numbers": NUMBERS}


@pytest.mark.parametrize("inputs", [NAMED, (IDS, NUMBERS)], ids=["mapping", "tuple"])
def test_cost_counts_every_input(inputs: Any) -> None:
    found = measure_cost(Two(), inputs, timing=LatencySettings(runs=2, batch=3)).values
    macs = found[metrics.MACS.name][0]
    assert macs.value == 4 * (3 * 4 * 2 + 5 * 2)
    named = "input ids 4×3, numbers 4×5" if isinstance(inputs, dict) else "input 4×3, 4×5"
    assert macs.device == named
    assert found[metrics.LATENCY.name][0].value > 0


def test_evaluation_of_named_inputs_is_that_of_the_logits() -> None:
    model = Two()
    labels = np.array([0, 1, 1, 0])
    found = evaluate(model, LabelledData(NAMED, labels), settings=Settings(batch_size=3, latency=None))
    right = model(**NAMED).logits.argmax(1).numpy() == labels
    assert found[metrics.TOP1_ACCURACY.name][0].value == right.mean()


def test_onnx_runtime_takes_named_inputs() -> None:
    try:
        check_installed()
    except Exception as error:
        pytest.skip(str(error))
    cost = measure_cost(Two(plain=True), NAMED, timing=LatencySettings(runs=2), exports=Exports())
    assert not cost.problems and cost.values[metrics.ONNX_LATENCY.name][0].value > 0


def test_an_example_of_a_task_may_have_names() -> None:
    one = Task(create=Two, measure=lambda _: {}, batches=[(NAMED, torch.zeros(4))]).instance()
    assert {key: tuple(value.shape) for key, value in one.items()} == {"ids": (1, 3), "numbers": (1, 5)}
