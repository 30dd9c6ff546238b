"""Measures the sensitivity of a model's layers in a worker, and keeps it in the project row by row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import operations, records
from ..comparisons import sensitivity as kept
from ..errors import InvalidValue
from ..recipes import scores
from ..recipes.serial import record_to_data, task_to_data
from ..recipes.task import Task
from ..store import jobs, models
from ..store.store import Store
from . import measuring
from .base import Engine
from .queue import Queue
from .tasks import known_task, root_of

if TYPE_CHECKING:
    from torch import nn

    from ..operations import BaseOperation

LACKING = "the loss of its layers cannot be measured"
DAMAGE = 0.9
"""Share of the weights of a second model on which the scores of examples must have the metric as their mean, too."""


@dataclass(frozen=True)
class SensitivityQuestion:
    """What is to be measured.

    Args:
        model: id.
        levels: operations with targets, which each layer is tried with.
        metric: by name; the first primary one that is no cost if not given.
        layers: patterns as in ``targets``; empty for all weights that operations take by default.
    """

    model: str
    levels: Sequence[BaseOperation]
    metric: str | None = None
    layers: Sequence[str] = ()


def submit(queue: Queue, asked: SensitivityQuestion) -> str:
    """Queue a measurement; returns the id of the job.

    Raises:
        NotFound: ``model.unknown``.
        InvalidValue: ``sensitivity.levels`` for operations without targets.
        Conflict: ``config.no_task``.
        Untrusted: ``task.untrusted``.
    """
    for level in asked.levels:
        if not hasattr(level, "targets") or level.roles:
            title = f"Sensitivity goes layer by layer, and {level.name!r} cannot be given a layer."
            raise InvalidValue("sensitivity.levels", title, hint="Use operations that have targets.")
    if not asked.levels:
        raise InvalidValue("sensitivity.levels", "There is no level to try.", hint="Name one: quantize bits=4")
    with queue.database.write(counter="jobs") as connection:
        models.one(connection, asked.model)
        task = known_task(connection, root_of(connection, asked.model), lacking=LACKING)
        queue.trust.check(queue.directory, task)
        request = {
            "kind": "sensitivity",
            "project": str(queue.directory),
            "task": task_to_data(task),
            "model": asked.model,
            "levels": [record_to_data(level.record()) for level in asked.levels],
            "metric": asked.metric,
            "layers": list(asked.layers),
        }
        title = f"sensitivity of {asked.model} at {len(asked.levels)} levels"
        (job,) = jobs.create(connection, [jobs.Draft("sensitivity", request, title, asked.model)], owner=queue.owner)
    return job


def sense(
    directory: Path, asked: SensitivityQuestion, *, engine: Engine, progress: measuring.Progress | None = None
) -> records.Job:
    """Measure in a worker of this process, and wait for it; returns the job.

    Raises:
        NotFound, InvalidValue, Conflict, Untrusted: see `submit`.
    """
    (job,) = measuring.finished(directory, lambda queue: [submit(queue, asked)], engine=engine, progress=progress)
    return job


def run(
    project: Store,
    task: Task,
    *,
    network: nn.Module,
    step: Mapping[str, Any],
    progress: Callable[[float, str], None],
) -> str:
    """Do what `submit` asked for, in the worker: measure what is not kept yet, and keep it row by row.

    Raises:
        InvalidValue: ``sensitivity.metric`` if the task does not measure the metric.
    """
    from ..plans.sensitivity import Study, sensitivity

    network = network.eval()
    levels = [operations.from_record(records.Operation(one["name"], **one["parameters"])) for one in step["levels"]]
    progress(0.01, "measuring the model itself")
    metric, scored, before = _measurement(project, task, network=network, name=step["metric"])
    (checkpoint,) = project.checkpoints([step["model"]])
    old = kept.still_valid(project.sensitivities.kept(checkpoint, metric=metric), before)

    def measure(model: nn.Module) -> float:
        found = scores.value_of(task, model, metric=metric)
        return float("nan") if found is None else found

    study = Study(measure, tuple(step["layers"]), task.batches, task.loss, _example(task, network), scores=scored)
    total = _count(network, study) * len(levels)

    def save(table: Any) -> None:
        project.sensitivities.keep(checkpoint, metric=metric, table=kept.merged(old, table))
        last = table.slice(table.num_rows - 1).to_pylist()[0]
        progress(0.02 + 0.97 * table.num_rows / total, f"{table.num_rows} of {total}: {last['layer']}")

    table = sensitivity(network, levels, study=study, done=old, save=save)
    project.sensitivities.keep(checkpoint, metric=metric, table=kept.merged(old, table))
    return f"measured {metric} of {total // len(levels)} layers at {len(levels)} levels"


def _count(network: nn.Module, study: Any) -> int:
    from ..operations.targets import select

    return len(select("sensitivity", network, targets=study.layers))


def _measurement(
    project: Store, task: Task, *, network: nn.Module, name: str | None
) -> tuple[str, scores.Scores | None, float]:
    """The metric, its scores of examples where there are some, and its value for the model itself."""
    from ..evaluation.forward import observing

    metric = kept.quality(project.metrics(), name).name
    damaged = operations.get("magnitude prune").from_parameters({"amount": DAMAGE})(network).eval()
    with observing(network):
        value = scores.value_of(task, network, metric=metric)
    with observing(damaged):
        other = scores.value_of(task, damaged, metric=metric)
    if value is None or other is None:
        raise InvalidValue("sensitivity.metric", f"The task does not measure {metric[:80]!r}.", hint="Name another.")
    with observing(network), observing(damaged):
        found = scores.scores_of(task, [network, damaged], values=[value, other])
        return metric, found, value if found is None else float(found(network).mean())


def _example(task: Task, network: nn.Module) -> Any:
    """One input to count multiply-accumulates on; ``None`` where the task has none, or they cannot be counted."""
    from ..evaluation import compute

    try:
        example = task.instance()
        compute.macs(network, example)
    except InvalidValue:
        return None
    return example
