"""What a task says of models: its metrics, its data, and on which version of that data its values were measured."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from ..errors import Conflict, InvalidValue
from ..evaluation import metrics
from ..recipes.task import Answers, Data, Measured, Task
from ..records import MetricValue
from ..store.store import Store

if TYPE_CHECKING:
    from torch import nn

COSTS = frozenset(one.name for one in (*metrics.METRICS, *metrics.ONNX_METRICS)) - {
    metrics.TOP1_ACCURACY.name,
    metrics.NEGATIVE_LOG_LIKELIHOOD.name,
}
"""What a model costs, which is measured on no dataset."""


def define(project: Store, task: Task) -> str | None:
    """Define the metrics of a task and log its data; returns the name of the dataset, or of its version.

    Raises:
        Conflict: ``config.data_changed``.
    """
    known = {metric.name: metric for metric in project.metrics()}
    for metric in task.metrics:
        if known.get(metric.name) != metric:
            project.define_metric(**asdict(metric))
    return None if task.data is None else log_data(project, task.data)


def log_data(project: Store, data: Data) -> str:
    """Log what models are evaluated on; returns the name of the dataset, or of its version with this content.

    Raises:
        Conflict: ``config.data_changed`` if the content is another, and the task takes no new versions.
    """
    try:
        return project.log_dataset(data.name, **data.columns, new_version=data.new_version).name
    except Conflict as error:
        raise Conflict(
            "config.data_changed",
            f"The data {data.name!r} has changed since models of this project were measured on it.",
            detail=error.detail,
            hint="Bring the old data back, or say Data(…, new_version=True) in the task.",
        ) from None


@dataclass(frozen=True)
class Scorer:
    """Measures models of a project as their task says, each value on the version of the data that it is of.

    Args:
        project: has the models.
        task: measures.
        dataset: name of the dataset of the task, or of its version.
    """

    project: Store
    task: Task
    dataset: str | None

    def scored(self, model: nn.Module) -> Measured:
        """What the task measures of a model; where its data is a later version of a dataset, the values say which."""
        measured = self.task.measure(model)
        if not self._of_version:
            return measured
        return {name: self._said(given) if self._depends(name) else given for name, given in measured.items()}

    def lacks(self, id: str, asked: Collection[str]) -> bool:
        """Whether a model lacks a metric of the task, or of those asked for, or outputs; nothing is measured for it."""
        wanted = set(asked) or {metric.name for metric in self.task.metrics}
        return bool(wanted - self._known(id)) or self._unanswered(id, asked) is not None

    def evaluate(self, id: str, model: nn.Module, *, asked: Collection[str]) -> bool:
        """Measure and log what a model lacks, its outputs on the dataset too; whether it lacked anything.

        Raises:
            InvalidValue: ``evaluate.metrics`` for names that the task has not.
        """
        found = self.scored(model)
        for name in sorted(set(asked) - set(found)):
            title = f"The task of {id[:80]!r} measures no {name[:80]!r}."
            raise InvalidValue("evaluate.metrics", title, hint=f"It measures {', '.join(sorted(found))}.")
        left_out = self._known(id)
        lacking = {name: found[name] for name in asked or found if name not in left_out}
        data = self._unanswered(id, asked)
        answers: Answers = data.answer(model) if data is not None else {}
        with self.project.batch():
            self.project.log_metrics(id, lacking)
            if data is not None and self.dataset is not None:
                self.project.log_outputs(id, self.dataset, ids=data.columns["ids"], **answers)
        return bool(lacking) or data is not None

    @property
    def _of_version(self) -> bool:
        """Whether the dataset is a later version: the first has the name that the task gives."""
        return self.task.data is not None and self.dataset is not None and self.dataset != self.task.data.name

    def _known(self, id: str) -> set[str]:
        """The metrics that a model has on the task's data as it is now."""
        found = self.project.model(id).metrics
        if not self._of_version:
            return set(found)
        here = {name for name, values in found.items() if any(one.dataset == self.dataset for one in values)}
        return here | {name for name in found if not self._depends(name)}

    def _unanswered(self, id: str, asked: Collection[str]) -> Data | None:
        """The data on which a model has no outputs yet, where they are wanted."""
        return None if asked or self.dataset in self.project.model(id).datasets else self.task.data

    def _depends(self, metric: str) -> bool:
        """Whether a metric is measured on the data of the task."""
        said = None if self.task.data is None else self.task.data.metrics
        return metric not in COSTS if said is None else metric in said

    def _said(self, given: float | MetricValue | Sequence[MetricValue] | None) -> list[MetricValue]:
        return [replace(one, dataset=one.dataset or self.dataset) for one in _values(given)]


def _values(given: float | MetricValue | Sequence[MetricValue] | None) -> list[MetricValue]:
    if given is None:
        return []
    if isinstance(given, Sequence):
        return list(given)
    return [given if isinstance(given, MetricValue) else MetricValue(given)]
