"""Signing out."""

from __future__ import annotations

from fastapi import Response

from ..context import Here
from ..router import API, Router, needs_token

router = Router(prefix=API, tags=["session"])


@router.post("/logout", status_code=204)
@needs_token
async def logout(here: Here, response: Response) -> None:
    """Make every cookie given out so far worthless and end the open event streams."""
    here.keys.end_sessions()
    here.feed.end_streams()
    response.delete_cookie(here.keys.cookie, path="/", httponly=True, samesite="strict")
