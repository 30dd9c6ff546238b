"""From what an importer has read into a project."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..records import Metric
from . import changes, variants
from .base import Imported
from .places import Progress, untold

if TYPE_CHECKING:
    from ..store.store import Store


@dataclass(frozen=True)
class ImportReport:
    """What came in.

    Args:
        num_models: that were read, with those that were there.
        num_datasets: likewise.
        num_outputs: sets of outputs, likewise.
        warnings: a sentence each.
        num_new_models: that were not in the project.
        num_new_values: of metrics that models of the project did not have.
        notices: a sentence for each thing that was taken from somewhere.
    """

    num_models: int
    num_datasets: int
    num_outputs: int
    warnings: Sequence[str]
    num_new_models: int = 0
    num_new_values: int = 0
    notices: Sequence[str] = ()


def write(
    imported: Imported, project: Store, *, new_versions: bool = False, progress: Progress = untold
) -> ImportReport:
    """Log everything in one transaction. Metrics that the project defines already keep their definition.

    Models in a cycle are left out; a model whose base neither the import nor the project has becomes a root. Outputs
    of models that neither has are left out, as are notes and checkpoints of models that the import does not have. All
    are warned about. Models that the project has keep their tags and notes, and get the metrics that are new.

    Values and answers that differ from those of the project replace them; the old ones stay in its history. Answers
    under another protocol than those there are left out. Datasets that differ from the project's are refused, or become
    new versions beside them.

    Args:
        imported: what was read.
        project: that gets it.
        new_versions: whether datasets that differ become new versions.
        progress: is told how many models, datasets and outputs are logged.

    Raises:
        Conflict: ``model.conflict`` if the project has another base or operation; ``dataset.conflict``,
            ``outputs.conflict`` if answers come twice and differ.
    """
    imported = variants.settled(imported, project)
    warnings = list(imported.warnings)
    listed = wanted(imported, project, warnings=warnings)
    models = _completed(ordered(listed, warnings, known=project), imported, warnings)
    with project.batch():
        found = changes.against(project, models)
        replacing, otherwise = changes.other_answers(project, imported)
        warnings += changes.told(replacing, otherwise)
        known = {metric.name for metric in project.metrics()}
        for metric in imported.metrics:
            if metric.name not in known:
                project.define_metric(**{name: getattr(metric, name) for name in Metric.__dataclass_fields__})
        step = _Steps(progress, len(found.models) + len(imported.datasets) + len(imported.outputs))
        project.log_models(step.each("model", found.models))
        names: dict[str, str] = {}
        for dataset in step.each("dataset", imported.datasets):
            if not changes.has_dataset(project, dataset):
                names[dataset["name"]] = project.log_dataset(**dataset, new_version=new_versions).name
        outputs = [one for one in imported.outputs if _has_model(one, project, warnings)]
        for answers in step.each("answers", outputs):
            place = answers["model"], answers["dataset"]
            if place in replacing:
                project.correct_outputs(**answers, reason="the source has other answers")
            elif place not in otherwise:
                project.log_outputs(**{**answers, "dataset": names.get(answers["dataset"], answers["dataset"])})
        for one in (*imported.corrections, *found.corrections):
            project.correct(one.model, {one.metric: one.measured or one.value}, reason=one.reason)
        variants.keep(imported, project)
    return ImportReport(
        num_models=len(models),
        num_datasets=len(imported.datasets),
        num_outputs=len(outputs),
        warnings=warnings,
        num_new_models=len(models) - len(found.known),
        num_new_values=found.num_new_values,
        notices=imported.notices,
    )


class _Steps:
    """What is logged, counted over all of it."""

    def __init__(self, progress: Progress, total: int) -> None:
        self._progress, self._total, self._done = progress, total, 0

    def each(self, what: str, rows: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """Rows one after the other; progress is told before each."""
        for index, row in enumerate(rows, 1):
            name = row.get("id") or row.get("name") or row.get("model")
            self._progress(self._done / self._total, f"logging {what} {index:,} of {len(rows):,}: {name}")
            self._done += 1
            yield row


def wanted(imported: Imported, project: Store | None, *, warnings: list[str]) -> list[dict[str, Any]]:
    """The models that were read without those that were deleted here, and those that are only named as bases."""
    deleted = set() if project is None else {id for id in project.deleted() if id not in project}
    known = {model["id"] for model in imported.models}
    names = dict.fromkeys(imported.named)
    bare = [{"id": name} for name in names if name not in known and (project is None or name not in project)]
    gone = [model["id"] for model in (*imported.models, *bare) if model["id"] in deleted]
    warnings += [
        f"Model {id!r} was deleted in this project; it is left out. Restoring it brings it back." for id in gone
    ]
    return [model for model in (*imported.models, *bare) if model["id"] not in deleted]


def _completed(models: Sequence[dict[str, Any]], imported: Imported, warnings: list[str]) -> list[dict[str, Any]]:
    """The models with the checkpoints and notes that stand apart from them."""
    ids = {model["id"] for model in models}
    for what, apart in (("checkpoint", imported.checkpoints), ("note", imported.notes)):
        warnings += [f"Model {id!r}: its {what} is left out, as the model is." for id in apart if id not in ids]
    return [
        {
            **model,
            **({"checkpoint": imported.checkpoints[model["id"]]} if model["id"] in imported.checkpoints else {}),
            **({"note": imported.notes[model["id"]]} if model["id"] in imported.notes else {}),
        }
        for model in models
    ]


def _has_model(outputs: Mapping[str, Any], project: Store, warnings: list[str]) -> bool:
    if outputs.get("model") in project:
        return True
    warnings.append(f"Model {outputs.get('model')!r}: there is none; its outputs are left out.")
    return False


def ordered(
    models: Iterable[Mapping[str, Any]], warnings: list[str], *, known: Container[object] = ()
) -> list[dict[str, Any]]:
    """The models with every base before its children; what cannot be placed is told in ``warnings``.

    Args:
        models: in any order.
        warnings: gets a sentence for each model that is left out or becomes a root.
        known: the ids of models that are there already and can be bases.
    """
    by_id: dict[str, dict[str, Any]] = {}
    for model in models:
        if model["id"] in by_id:
            warnings.append(f"Model {model['id']!r}: the id is used twice; the second is left out.")
        else:
            by_id[model["id"]] = dict(model)
    cyclic = {id for id in by_id if _in_cycle(id, by_id)}
    for id in cyclic:
        warnings.append(f"Model {id!r}: it is its own ancestor; it is left out.")
        del by_id[id]
    for id, model in by_id.items():
        if model.get("base") is not None and model["base"] not in by_id and model["base"] not in known:
            warnings.append(f"Model {id!r}: its base {model['base']!r} is missing; it becomes a root.")
            model["base"] = None
    children: dict[str | None, list[str]] = {}
    for id, model in by_id.items():
        base = model.get("base")
        children.setdefault(base if base in by_id else None, []).append(id)
    placed: list[dict[str, Any]] = []
    waiting = children.get(None, [])[::-1]
    while waiting:
        id = waiting.pop()
        placed.append(by_id[id])
        waiting.extend(children.get(id, [])[::-1])
    return placed


def _in_cycle(id: str, by_id: Mapping[str, Mapping[str, Any]]) -> bool:
    slow = fast = id
    while True:
        for _ in range(2):
            base = by_id.get(fast, {}).get("base")
            if base is None:
                return False
            fast = base
            if fast == id:
                return True
        slow = by_id[slow]["base"]
        if slow == fast:
            return False
