"""What a report says first of each model: what was claimed, and what its tensors show."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..analysis.coverage import summary
from ..comparisons import coverage
from ..comparisons.reality import reality
from ..errors import UserError
from ..page.wire.coverage import coverage as coverage_answer
from ..page.wire.reality import RealityAnswer, RealityRow
from ..store.store import Store

MOST_BYTES = 64_000_000
"""Of a checkpoint whose tensors are compared one by one for a report; the page asks before it does more."""

SUSPICIOUS = ("unexpected", "skipped")
MOST_NAMES = 5


def claims(project: Store, ids: Sequence[str]) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """A row for each model with a checkpoint, and the answers that the page would ask the server for.

    Args:
        project: whose models.
        ids: of the models.
    """
    known = [id for id in ids if project.model(id).checkpoint is not None]
    rows: list[dict[str, Any]] = []
    answers: dict[str, Any] = {}
    for id in known:
        try:
            (row,) = reality(project, [id]).to_pylist()
        except UserError as error:
            unknown: dict[str, Any] = {"model": id, "agrees": None, "causes": [], "claim": "", "reason": str(error)}
            rows.append({**unknown, "counts": {}, "names": []})
            continue
        told = RealityAnswer(models=[RealityRow(**row, measurable=False)])
        asked = json.dumps([id], ensure_ascii=False)
        answers[f"POST reality {asked}"] = told.model_dump(mode="json")
        said = {key: row[key] for key in ("model", "agrees", "causes", "claim", "reason")}
        rows.append({**said, **_covered(project, id, answers)})
    return rows, answers


def _covered(project: Store, id: str, answers: dict[str, Any]) -> dict[str, Any]:
    """How many tensors changed as they should, and the names of those that did not."""
    model = project.model(id)
    if model.base is None or model.checkpoint is None or model.checkpoint.num_bytes > MOST_BYTES:
        return {"counts": {}, "names": []}
    try:
        table = coverage.between(project, model.base, child=id).arrow
    except UserError:
        return {"counts": {}, "names": []}
    answers[f"GET model/coverage {id}"] = coverage_answer(model.base, table).model_dump(mode="json")
    names = [row["tensor"] for row in table.to_pylist() if row["status"] in SUSPICIOUS]
    return {"counts": summary(table), "names": names[:MOST_NAMES]}
