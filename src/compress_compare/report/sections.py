"""What a report says of behaviors and layers: the parts that a person would show, not all there is."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ..analysis.layers import covered
from ..comparisons.behaviors import Behaviors
from ..comparisons.joining import joined
from ..comparisons.layers.compare import LayerComparisons
from ..errors import UserError
from ..page.answers import rows
from ..page.payloads import Payloads, media_type
from ..store.store import Store
from ..table import Table

MOST_DATASETS = 3
MOST_INSTANCES = 12
MOST_GROUPS = 40
MOST_LAYERS = 60
MOST_JOBS = 100
LONGEST = 300
"""Characters of a text that is shown."""


def behaviors(project: Store, *, base: str, ids: Sequence[str]) -> list[dict[str, Any]]:
    """One section per dataset that the base and another model answered."""
    sections: list[dict[str, Any]] = []
    for dataset in project.datasets():
        answered = set(project.answered(dataset.name))
        models = [id for id in ids if id in answered and id != base]
        if base in answered and models and len(sections) < MOST_DATASETS:
            sections.append(_behaviors(project, base=base, models=models, dataset=dataset.name))
    return sections


def _behaviors(project: Store, *, base: str, models: Sequence[str], dataset: str) -> dict[str, Any]:
    try:
        frame, directions = joined(project, base, models=models, dataset=dataset)
        found = Behaviors(frame, "correct", directions=directions)
    except UserError as error:
        return {"dataset": dataset, "problem": str(error)}
    return {
        "dataset": dataset,
        "problem": None,
        "metric": found.metric,
        "meaning": found.meaning,
        "higher_is_better": found.higher_is_better,
        "num_instances": found.num_instances,
        "summary": rows(found.summary),
        "groups": rows(Table(found.groups.slice(0, MOST_GROUPS * len(models)))) if found.can_group else [],
        "instances": _instances(project, found, dataset=dataset) if found.has_classes else [],
    }


def _instances(project: Store, found: Behaviors, *, dataset: str) -> list[dict[str, Any]]:
    """The instances on which most models disagree with the base, with what each model said."""
    payloads = Payloads(project)
    shown = []
    for row in rows(found.exemplars(limit=MOST_INSTANCES)):
        payload = payloads.get(dataset, row["id"])
        answered = rows(found.instances(where=[("id", "==", payload.id)], limit=1))[0]
        shown.append(
            {
                "id": row["id"],
                "label": row.get("label"),
                "image": _image(payload.image),
                "text": payload.text and payload.text[:LONGEST],
                "predictions": [answered.get(f"prediction[{id}]") for id in (found.base, *found.models)],
            }
        )
    return shown


def jobs(project: Store) -> list[dict[str, Any]]:
    """The newest jobs, newest first: what each does, and how far that is."""
    newest = [job for job in project.jobs() if job.parent is None][:MOST_JOBS]
    return [{"what": job.title, "state": job.state, "progress": job.progress, "message": job.message} for job in newest]


def _image(content: bytes | None) -> str | None:
    """The address of an image that carries it along; none for what is no image of a known kind."""
    kind = media_type(content) if content else ""
    return f"data:{kind};base64,{base64.b64encode(content or b'').decode()}" if kind.startswith("image/") else None


def _partial(table: pa.Table) -> dict[str, str]:
    """How much of each model was compared, of those of which a part is missing."""
    whole = table.filter(pc.equal(table["module"], "")).select(["parameter", "model", *covered.FIELDS.names])
    said = {}
    for row in whole.to_pylist():
        found = covered.Covered(row["num_tensors"], row["num_tensors_compared"], row["share_compared"])
        if row["parameter"] is None and not found.is_whole:
            said[row["model"]] = f"{found} compared"
    return said


def layers(project: Store, *, base: str, ids: Sequence[str]) -> dict[str, Any] | None:
    """The error of each layer of each model that has weights, and the suspects; ``None`` without weights."""
    models = [id for id in ids if id != base and project.model(id).checkpoint is not None]
    if project.model(base).checkpoint is None or not models:
        return None
    try:
        found = LayerComparisons(project).layers(base, models, what="weights")
    except UserError as error:
        return {"problem": str(error)}
    table = rows(Table(found.table.select(["module", "parameter", "model", "num_parameters", "sqnr_db", "num_zeros"])))
    own = {row["module"] for row in table if row["parameter"] is not None}
    modules = [row for row in table if row["parameter"] is None and (row["module"] in own or row["module"] == "")]
    listed = list(dict.fromkeys(row["module"] for row in modules))
    kept = set(listed[: MOST_LAYERS + 1])
    return {
        "problem": None,
        "models": models,
        "rows": [row for row in modules if row["module"] in kept],
        "left_out": len(listed) - len(kept),
        "partial": _partial(found.table.arrow),
        "suspects": rows(Table(found.suspects.slice(0, 10))),
    }
