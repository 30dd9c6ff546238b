"""What operations do on average, from matched pairs of models."""

from __future__ import annotations

from .. import wire
from ..context import Here
from ..router import API, Router, needs_token

router = Router(prefix=API, tags=["effects"])


@router.get("/effects")
@needs_token
def effects(here: Here) -> wire.Effects:
    """The effect of every operation and parameter change on every metric."""
    return wire.Effects(effects=[wire.effect(row) for row in here.project.effects().to_pylist()])
