"""Signing out."""

from __future__ import annotations

from fastapi import Request, Response

from ..context import Here
from ..identity import caller
from ..router import API, Router, needs

router = Router(prefix=API, tags=["session"])


@router.post("/logout", status_code=204)
@needs("read")
async def logout(here: Here, request: Request, response: Response) -> None:
    """Make every cookie given out so far for the caller's token worthless, and end the open event streams."""
    here.keys.end_sessions(caller(request.scope))
    here.feed.end_streams()
    response.delete_cookie(here.keys.cookie, path="/", httponly=True, samesite="strict")
