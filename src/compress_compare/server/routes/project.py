"""The project as a whole."""

from __future__ import annotations

from fastapi import Request

from ...page import answers
from ...page.wire.project import ProjectAnswer
from ..context import Here
from ..identity import caller
from ..router import API, Router, needs

router = Router(prefix=API, tags=["project"])


@router.get("/project")
@needs("read")
def project(here: Here, request: Request) -> ProjectAnswer:
    """The project's name and revision, its metrics, operations, datasets and tags, and what the caller may do."""
    who = caller(request.scope)
    found = answers.project(here.project, here.snapshots.latest())
    return found.model_copy(update={"user": who.user, "role": who.role})
