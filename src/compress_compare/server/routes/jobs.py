"""The jobs of a project."""

from __future__ import annotations

from .. import wire
from ..context import Here
from ..router import API, Router, needs_token

router = Router(prefix=API, tags=["jobs"])


@router.get("/jobs")
@needs_token
def jobs(here: Here) -> wire.Jobs:
    """All jobs, newest first."""
    return wire.Jobs(jobs=[wire.Job.model_validate(job, from_attributes=True) for job in here.project.jobs()])
