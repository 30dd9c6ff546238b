"""The Pareto frontier of two metrics."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

from ...comparisons import frontier as comparisons
from ...page.wire.selection import FrontierAnswer
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["frontier"])


@router.get("/frontier")
@needs("read")
def frontier(
    here: Here,
    x: Annotated[str, Query(description="The metric along x.")],
    y: Annotated[str, Query(description="The metric along y.")],
) -> FrontierAnswer:
    """The models that no other model beats on both metrics, best first along x."""
    (first, second), found, notes = comparisons.told(here.project, x, y=y)
    return FrontierAnswer(ids=found["id"].to_pylist(), x=first, y=second, notes=notes)
