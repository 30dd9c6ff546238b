"""What operations do on average, from matched pairs of models."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from starlette.responses import Response

from ...page.wire.selection import EffectsAnswer
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["effects"])


@router.get("/effects", response_model=EffectsAnswer)
@needs("read")
def effects(
    here: Here,
    metric: Annotated[str | None, Query(description="The only metric to look at; all if not given.")] = None,
    pairs: Annotated[int | None, Query(ge=0, description="List at most so many pairs of an effect.")] = None,
) -> Response:
    """The effect of every operation and parameter change on every metric."""
    return Response(here.snapshots.latest().effects(metric, listed=pairs), media_type="application/json")
