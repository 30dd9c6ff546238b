"""Whether the server is up: the one endpoint without a token."""

from __future__ import annotations

from ...page.wire.base import Health
from ..router import Router, public

router = Router()


@router.get("/healthz")
@public
async def health() -> Health:
    """Answer as long as the server does."""
    return Health(status="ok")
