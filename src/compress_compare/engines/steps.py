"""What a worker can do: prepare a project for a recipe, and make one model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from .. import operations, records
from ..errors import InvalidValue
from ..recipes.serial import from_data
from ..recipes.task import Task, load
from ..store.finished import FinishedWeights, finished_weights
from ..store.store import Store
from . import scoring
from .base import THERE

if TYPE_CHECKING:
    from torch import nn

    from ..evaluation.onnx_runtime import Exports
    from ..recipes.rebuild import RebuiltWeights


@dataclass(frozen=True)
class Call:
    """What a step tells while it runs: (share done, one line of text), and once that all libraries are loaded."""

    progress: Callable[[float, str], None]
    ready: Callable[[], None]


Step = Callable[[Mapping[str, Any], Call], str]
"""(request, what to call) → one line about the result."""


def prepare(step: Mapping[str, Any], call: Call) -> str:
    """Define the task's metrics, log its data, and look for the layers that the recipe names.

    Raises:
        InvalidValue: ``config.*``.
        Conflict: ``config.data_changed``.
    """
    from ..recipes import layers

    call.progress(0.0, "loading the task")
    task = _task(step)
    call.ready()
    recipe = from_data(step["recipe"])
    layers.check(task.create(), layers.named(recipe))
    call.progress(0.5, "logging the data")
    with Store.open(step["project"], create=False) as project:
        scoring.define(project, task)
    return "ready"


def make(step: Mapping[str, Any], call: Call) -> str:
    """Make one model, measure it and log it with all that is measured, in one transaction."""
    call.progress(0.0, "loading the task")
    task = _task(step)

    import torch

    torch.set_num_threads(1)
    call.ready()
    with Store.open(step["project"], create=False) as project:
        if step["model"] in project:
            return THERE
        finished = _finished(project, step)
        model = _made(project, task, step=step, call=call, finished=finished)
        call.progress(0.9, "measuring")
        dataset = None if task.data is None else scoring.log_data(project, task.data)
        measured = scoring.Scorer(project, task, dataset).scored(model)
        answers = task.data.answer(model) if task.data is not None else {}
        with project.batch():
            if step["model"] in project:
                return THERE
            project.log_model(
                step["model"],
                base=step["base"],
                operation=_record(step["operation"]),
                references=step["references"],
                metrics=measured,
                checkpoint=model,
            )
            if task.data is not None and dataset is not None:
                project.log_outputs(step["model"], dataset, ids=task.data.columns["ids"], **answers)
    finished.clear()
    return "logged"


def measure(step: Mapping[str, Any], call: Call) -> str:
    """Measure what is not known yet of models that are there. A model that cannot be built ends the job."""
    call.progress(0.0, "loading the task")
    task = _task(step)

    import torch

    from ..evaluation.onnx_runtime import Exports

    torch.set_num_threads(1)
    call.ready()
    exports, problems, count = Exports(), dict[str, None](), 0
    with Store.open(step["project"], create=False) as project:
        for index, id in enumerate(step["models"]):
            call.progress(index / len(step["models"]), f"measuring {id}")
            found = _measured(project, task, exports, id=id)
            count += found is not None
            problems |= dict.fromkeys(found or ())
    said = f"measured {count} of {len(step['models'])} models" if count else "all was known"
    return ". ".join([said, *problems])


def evaluate(step: Mapping[str, Any], call: Call) -> str:
    """Measure what the task measures and models lack: metrics and answers that it gained, or those that are named.

    Raises:
        InvalidValue: ``evaluate.metrics`` for names that the task has not, ``config.*``.
        Conflict: ``config.data_changed``.
    """
    call.progress(0.0, "loading the task")
    task = _task(step)

    import torch

    torch.set_num_threads(1)
    call.ready()
    count = 0
    with Store.open(step["project"], create=False) as project:
        scorer = scoring.Scorer(project, task, scoring.define(project, task))
        for index, id in enumerate(step["models"]):
            call.progress(index / len(step["models"]), f"evaluating {id}")
            if scorer.lacks(id, step["metrics"]):
                count += scorer.evaluate(id, _rebuilt(project, task, id=id), asked=step["metrics"])
    return f"evaluated {count} of {len(step['models'])} models" if count else "all was known"


def compare_activations(step: Mapping[str, Any], call: Call) -> str:
    """Compare what the modules of models put out, on the first examples of the task's batches.

    Raises:
        InvalidValue: ``layers.no_batches``, ``config.*``.
    """
    call.progress(0.0, "loading the task")
    task = _task(step)

    import torch

    from ..comparisons.layers import activation_answers

    torch.set_num_threads(1)
    call.ready()
    if task.batches is None:
        raise InvalidValue(
            "layers.no_batches",
            "The task of these models has no batches to run them on.",
            hint="Give the Task batches=…, pairs of inputs and targets.",
        )
    with Store.open(step["project"], create=False) as project:
        ids = list(step["references"].values())
        networks = {}
        for place, id in enumerate(ids):
            call.progress(0.5 * place / len(ids), f"loading {id}")
            networks[id] = _rebuilt(project, task, id=id)
        call.progress(0.5, f"running {step['examples']:,} examples")
        activation_answers.run(project, step["base"], networks=networks, data=task.batches, examples=step["examples"])
    return "compared"


def sense(step: Mapping[str, Any], call: Call) -> str:
    """Measure how much a metric changes when one layer of a model at a time is compressed, and keep every row.

    Raises:
        InvalidValue: ``sensitivity.*``, ``config.*``.
    """
    call.progress(0.0, "loading the task")
    task = _task(step)

    import torch

    from . import sensing

    torch.set_num_threads(1)
    call.ready()
    with Store.open(step["project"], create=False) as project:
        network = _rebuilt(project, task, id=step["model"])
        return sensing.run(project, task, network=network, step=step, progress=call.progress)


def ship(step: Mapping[str, Any], call: Call) -> str:
    """Ship a model into the project's own folder."""
    call.progress(0.0, "writing and proving")
    from ..shipping.ship import How
    from ..shipping.ship import ship as shipped
    from .releasing import ship_folder

    call.ready()
    with Store.open(step["project"], create=False) as project:
        folder = ship_folder(project.path, step["model"], format=step["format"])
        sample = step["sample"] if step["task"] is not None else 0
        found = shipped(project, step["model"], directory=folder, how=How(step["format"], sample))
    return "; ".join(found.summary())


def bring(step: Mapping[str, Any], call: Call) -> str:
    """Import what another tool wrote: all of it, or nothing."""
    from .. import importers

    call.ready()
    how = importers.ImportHow.of(step["how"])
    with Store.open(step["project"], create=False) as project:
        read = importers.read(step["source"], step["paths"], how=how, project=project, progress=_part(call, 0.0, 0.5))
        with project.batch():
            logged = _part(call, 0.5, 0.99)
            report = importers.write(read, project, new_versions=how.new_versions, progress=logged)
            call.progress(0.99, "committing")
            if how.mapping is not None and read.columns:
                project.keep_table_mapping(read.columns, read.mapping)
    return f"imported {report.num_models:,} models, {report.num_new_models:,} of them new"


def _part(call: Call, start: float, end: float) -> Callable[[float, str], None]:
    """Progress of a part of a step as that of the whole."""
    return lambda share, text: call.progress(start + (end - start) * share, text)


KINDS: Mapping[str, Step] = {
    "prepare": prepare,
    "operation": make,
    "measure": measure,
    "evaluate": evaluate,
    "activations": compare_activations,
    "sensitivity": sense,
    "ship": ship,
    "import": bring,
}


def _measured(project: Store, task: Task, exports: Exports, *, id: str) -> list[str] | None:
    """Measure and log what a model lacks; returns what could not be measured, or ``None`` if it lacks nothing."""
    from ..evaluation import cost, metrics
    from ..evaluation.latency import LatencySettings

    known = {name for name, values in project.model(id).metrics.items() if any(one.slice is None for one in values)}
    if known >= {metrics.LATENCY.name, metrics.PEAK_MEMORY.name, metrics.PACKED_SIZE.name, metrics.ONNX_LATENCY.name}:
        return None
    model = _rebuilt(project, task, id=id)
    timing = LatencySettings(warm_up=20, runs=200)
    found = cost.measure_cost(model, task.instance(), timing=timing, exports=exports)
    defined = {metric.name for metric in project.metrics()}
    with project.batch():
        for metric in (*metrics.METRICS, *metrics.ONNX_METRICS):
            if metric.name in found.values and metric.name not in defined:
                project.define_metric(**asdict(metric))
        project.log_metrics(id, {name: values for name, values in found.values.items() if name not in known})
    return [f"{id}: {problem.title} {problem.detail}".strip() for problem in found.problems]


def _task(step: Mapping[str, Any]) -> Task:
    found = step["task"]
    return load(records.TaskPath(found["path"], found["options"], tuple(found["folders"])))


def _made(project: Store, task: Task, *, step: Mapping[str, Any], call: Call, finished: FinishedWeights) -> nn.Module:
    base = task.create() if step["base"] is None else _rebuilt(project, task, id=step["base"])
    record = _record(step["operation"])
    if record is None:
        return base
    from ..recipes.rebuild import apply

    operation = operations.from_record(record)
    references = {role: _rebuilt(project, task, id=id) for role, id in step["references"].items()}

    def part(share: float, text: str) -> None:
        call.progress(0.1 + 0.8 * share, text)

    return apply(task, operation, model=base, references=references, progress=part, finished=finished)


def _finished(project: Store, step: Mapping[str, Any]) -> FinishedWeights:
    """What an earlier run of the same step kept before it was killed."""
    base = None if step["base"] is None else project.model(step["base"]).checkpoint
    said = {key: step[key] for key in ("model", "base", "operation", "references", "task")}
    return finished_weights(project.working_folder, work={**said, "weights": None if base is None else str(base)})


def _rebuilt(project: Store, task: Task, *, id: str) -> nn.Module:
    from ..recipes.rebuild import rebuild

    lineage = project.model(id).lineage
    return rebuild(task, lineage, weights=lambda one: _weights(project, one), operations=operations.from_record)


def _weights(project: Store, id: str) -> RebuiltWeights:
    from ..recipes.rebuild import RebuiltWeights

    model = project.model(id)
    checkpoint = model.checkpoint
    if checkpoint is None:
        raise InvalidValue(
            "config.no_checkpoint",
            f"Nothing can be made from {id[:80]!r}: its weights are not in the project.",
            hint="Log it with checkpoint=model.",
        )
    schemes = project.checkpoint_notes(checkpoint).get("scheme", {})
    logged = records.LoggedCheckpoint(id, checkpoint, model.created_at)
    return RebuiltWeights(project.load_checkpoint(id), schemes, lambda: project.open_checkpoint(logged))


def _record(found: Mapping[str, Any] | None) -> records.Operation | None:
    return None if found is None else records.Operation(found["name"], **found["parameters"])
