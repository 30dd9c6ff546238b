"""Whether the server is up: the one endpoint without a token."""

from __future__ import annotations

from .. import wire
from ..router import Router, public

router = Router()


@router.get("/healthz")
@public
async def health() -> wire.Health:
    """Answer as long as the server does."""
    return wire.Health(status="ok")
