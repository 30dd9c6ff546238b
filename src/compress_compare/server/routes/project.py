"""The project as a whole."""

from __future__ import annotations

from ...page import answers
from ...page.wire.project import ProjectAnswer
from ..context import Here
from ..router import API, Router, needs

router = Router(prefix=API, tags=["project"])


@router.get("/project")
@needs("read")
def project(here: Here) -> ProjectAnswer:
    """The project's name and revision, its metrics, operations, datasets and tags."""
    return answers.project(here.project, here.snapshots.latest())
