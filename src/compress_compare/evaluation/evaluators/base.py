"""What an evaluator is: the metrics of a kind of task, and the answers of a model from which they are computed.

An evaluator fits into a task as it is::

    tagging = TokenClassification(batches, names=("O", "PERSON"))
    Task(create, measure=tagging.measure, metrics=tagging.metrics, data=Data("news", columns, tagging.answer))
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import torch
from torch import nn

from ...errors import MissingExtra
from ...operations.parts.devices import placed
from ...records import Metric, MetricValue
from ..forward import observing
from ..inputs import each

Answers = dict[str, Any]
"""What ``project.log_outputs`` takes besides the ids, in the order of the examples."""
EXTRA = "evaluators"


class Evaluator(ABC):
    """Measures models on data that it holds. A subclass is a dataclass whose fields are the data and the settings."""

    metrics: ClassVar[tuple[Metric, ...]]
    """The definitions of what it measures."""
    device: str | None
    """Where models run: ``auto`` for an accelerator if there is one, a name, or none for where the model is."""

    def measure(self, model: nn.Module) -> dict[str, MetricValue]:
        """Return the metrics of a model by name. The model stays as it is.

        Raises:
            MissingExtra: without the library that computes them.
        """
        return self.score(self.run(model))

    def answer(self, model: nn.Module) -> Answers:
        """Return what ``project.log_outputs`` takes of a model. The model stays as it is."""
        return self.describe(self.run(model))

    @abstractmethod
    def run(self, model: nn.Module) -> Answers:
        """Return what a model gives on every example."""

    @abstractmethod
    def score(self, answers: Mapping[str, Any]) -> dict[str, MetricValue]:
        """Return the metrics by name of what :meth:`run` gave."""

    def describe(self, answers: Answers) -> Answers:
        """Return as much of what :meth:`run` gave as can be logged: all, unless there are raw tensors in it."""
        return answers


@contextmanager
def running(model: nn.Module, device: str | None) -> Iterator[Callable[[Any], Any]]:
    """Put a model into evaluation mode on a device; gives what moves inputs there. Afterwards all is as before.

    Args:
        model: on one device.
        device: ``auto``, a name, or none for where the model is.
    """
    with observing(model, threads=torch.get_num_threads()), placed(model, device) as place:
        yield lambda inputs: each(inputs, lambda tensor: tensor.to(place))


def needs(module: str, purpose: str) -> MissingExtra:
    """Return the error for a library that is not installed."""
    return MissingExtra(module, purpose=purpose, extra=EXTRA)
