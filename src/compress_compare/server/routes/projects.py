"""The projects of a server for several."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

from fastapi import Depends, Request

from ...page.wire.projects import NewProject, ProjectEntry, ProjectsAnswer
from ..identity import caller
from ..projects import OpenProjects
from ..router import API, Router, needs

router = Router(prefix=API, tags=["projects"])


async def _projects(request: Request) -> OpenProjects:
    projects: OpenProjects = request.app.state.projects
    return projects


All = Annotated[OpenProjects, Depends(_projects)]


@router.get("/projects")
@needs("read")
def listed(every: All, request: Request) -> ProjectsAnswer:
    """The projects of this server, and what the caller may do."""
    who = caller(request.scope)
    return ProjectsAnswer(projects=every.listed(), user=who.user, role=who.role, version=version("compress-compare"))


@router.post("/projects", status_code=201)
@needs("log")
def create(every: All, new: NewProject) -> ProjectEntry:
    """Make an empty project."""
    return every.create(new.name)
