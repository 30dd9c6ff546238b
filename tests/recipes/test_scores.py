from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from compress_compare.recipes import Data, Task
from compress_compare.recipes.scores import scores_of, value_of
from compress_compare.records import MetricValue

LABELS = np.array([0, 1, 1, 0])


class Constant(nn.Module):
    """Answers the same to everything."""

    def __init__(self, answers: list[int]) -> None:
        super().__init__()
        self.answers = np.array(answers)


FIRST, SECOND = Constant([0, 1, 0, 0]), Constant([1, 0, 0, 0])


def task(*, labels: bool = True, metrics: bool = False) -> Task:
    def answer(model: Any) -> dict[str, Any]:
        found = {"predictions": model.answers}
        return {**found, "metrics": {"cost": model.answers * 2.5, "note": ["a"] * 4}} if metrics else found

    columns = {"ids": range(4), **({"labels": LABELS} if labels else {})}
    return Task(nn.Identity, lambda model: {}, data=Data("d", columns, answer))


def test_the_share_of_right_answers_has_scores() -> None:
    found = scores_of(task(), [FIRST, SECOND], values=[0.75, 0.25])
    assert found is not None and found(FIRST).tolist() == [1, 1, 0, 1] and found(SECOND).tolist() == [0, 0, 0, 1]


def test_a_logged_metric_of_examples_is_found_by_its_mean() -> None:
    found = scores_of(task(metrics=True), [FIRST, SECOND], values=[0.625, 0.625 + 0.0])
    assert found is None  # both models have the same value, which says too little
    third = Constant([1, 1, 0, 0])
    found = scores_of(task(metrics=True), [FIRST, third], values=[0.625, 1.25])
    assert found is not None and found(third).tolist() == [2.5, 2.5, 0, 0]


def test_a_metric_that_is_no_mean_has_none() -> None:
    assert scores_of(task(), [FIRST, SECOND], values=[0.75, 0.3]) is None
    assert scores_of(task(labels=False), [FIRST, SECOND], values=[0.75, 0.25]) is None
    assert scores_of(Task(nn.Identity, lambda model: {}), [FIRST, SECOND], values=[0.75, 0.25]) is None


def test_the_value_of_a_metric_is_that_of_all_data() -> None:
    measured = {
        "plain": 0.5,
        "whole": MetricValue(0.25),
        "sliced": [MetricValue(0.1, slice="a"), MetricValue(0.75)],
        "parts": [MetricValue(0.1, slice="a")],
        "none": None,
    }
    made = Task(nn.Identity, lambda model: measured)
    model = nn.Linear(1, 1)
    values = {name: value_of(made, model, metric=name) for name in [*measured, "other"]}
    assert values == {"plain": 0.5, "whole": 0.25, "sliced": 0.75, "parts": None, "none": None, "other": None}
    assert torch.is_grad_enabled()
