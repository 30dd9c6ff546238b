"""News of the project as server-sent events."""

from __future__ import annotations

from starlette.responses import Response

from ...page.wire.project import JobsNews, RevisionNews
from ..context import Here
from ..events import EventStream
from ..router import API, Router, needs

router = Router(prefix=API, tags=["events"])

DATA = {"anyOf": [{"$ref": f"#/components/schemas/{news.__name__}"} for news in (RevisionNews, JobsNews)]}


@router.get(
    "/events",
    response_class=Response,
    responses={
        200: {
            "description": (
                "Events named `revision`, whose data is `RevisionNews`: one at once, one per change. Events named "
                "`jobs`, whose data is `JobsNews`: one per change to a job after that."
            ),
            "content": {"text/event-stream": {"schema": DATA}},
        }
    },
)
@needs("read")
async def events(here: Here) -> EventStream:
    """Tell of every change to the project, whichever process made it."""
    return EventStream(here.feed)
