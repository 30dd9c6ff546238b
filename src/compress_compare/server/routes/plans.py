"""What each layer of a model loses, and plans to a budget that follow from it."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ...page import plans
from ...page.wire.plans import PlanExport, PlanFile, SensitivityAnswer
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["plans"])


@router.get("/sensitivity")
@needs("read")
def sensitivity(
    here: Here,
    model: Annotated[str, Query(description="The model's id.")],
    metric: Annotated[str | None, Query(description="The metric; the first primary one that is no cost.")] = None,
) -> SensitivityAnswer:
    """What is known of a model's layers, and the plans of every budget; without rows if nothing was measured."""
    return plans.answer(here.project, model, metric=metric)


@router.post("/plans/export")
@needs("read")
def export(here: Here, ask: PlanExport) -> PlanFile:
    """The plan of some rows, as a recipe of this tool or as the configuration of another one."""
    return plans.exported(here.project, ask)
