"""The metrics of a project."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ...page.wire.project import MetricAnswer, MetricChange
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["metrics"])


@router.patch("/metric")
@needs("log")
def change_metric(
    here: Here, name: Annotated[str, Query(description="The metric's name.")], change: MetricChange
) -> MetricAnswer:
    """Say which direction of a metric is better."""
    metric = here.project.set_direction(name, change.higher_is_better)
    return MetricAnswer.model_validate(metric, from_attributes=True)
