"""News of the project as server-sent events."""

from __future__ import annotations

from starlette.responses import Response

from ..context import Here
from ..events import EventStream
from ..router import API, Router, needs_token

router = Router(prefix=API, tags=["events"])


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {
            "description": (
                "Events named `revision`, data `{revision, models}`: one at once, one per change. Events named `jobs`, "
                "data `{revision}`: one per change to a job after that."
            ),
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        }
    },
)
@needs_token
async def events(here: Here) -> EventStream:
    """Tell of every change to the project, whichever process made it."""
    return EventStream(here.feed)
