"""Looks for the numbers, one per example, whose mean is a metric of a task: with them a change has an interval."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..records import MetricValue
from .task import Answers, Data, Task

if TYPE_CHECKING:
    from torch import nn

Scores = Callable[["nn.Module"], NDArray[np.float64]]
CLOSE = 1e-6
"""Means of single and of double precision differ by less than this share."""


def value_of(task: Task, model: nn.Module, *, metric: str) -> float | None:
    """The value that a task measures of a model over all data, on no device in particular; ``None`` without one."""
    found = task.measure(model).get(metric)
    if found is None or isinstance(found, int | float):
        return None if found is None else float(found)
    values: Sequence[Any] = [found] if isinstance(found, MetricValue) else found
    whole = [one for one in values if not isinstance(one, MetricValue) or one.slice is None]
    value = whole[0].value if whole and isinstance(whole[0], MetricValue) else None
    return None if value is None else float(value)


def scores_of(task: Task, models: Sequence[nn.Module], *, values: Sequence[float]) -> Scores | None:
    """The scores of examples whose mean is the metric on each of these models; ``None`` if there are none.

    Args:
        task: whose data and answers they are looked for in: right and wrong, and the metrics of examples.
        models: in evaluation mode. That the mean is the metric is believed if it is so for all of them.
        values: of the metric, one per model.
    """
    if task.data is None or len(set(values)) < 2:
        return None
    data = task.data
    columns = [dict(_columns(data, data.answer(model))) for model in models]
    for name in columns[0]:
        means = [column[name].mean() if name in column else np.nan for column in columns]
        if np.allclose(means, values, rtol=CLOSE, atol=CLOSE * 1e-3):
            return _scorer(data, name)
    return None


def _scorer(data: Data, name: str) -> Scores:
    return lambda model: dict(_columns(data, data.answer(model)))[name]


def _columns(data: Data, answers: Answers) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """All that is said of each example as a number: whether it is right, and its metrics."""
    labels, predictions = data.columns.get("labels"), answers.get("predictions")
    if labels is not None and predictions is not None and len(labels) == len(predictions):
        right = [str(one) == str(other) for one, other in zip(labels, predictions, strict=True)]
        yield "correct", np.array(right, dtype=np.float64)
    for name, values in (answers.get("metrics") or {}).items():
        try:
            column = np.asarray(values, dtype=np.float64)
        except (TypeError, ValueError):
            continue
        if column.ndim == 1 and len(column):
            yield f"metric {name}", column
