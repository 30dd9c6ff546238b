"""The projects of a server over HTTP."""

from __future__ import annotations

from .base import Answer, Ask


class ProjectEntry(Answer):
    """One of several projects: its number of models, of those that are archived, and when it last changed (ISO 8601).

    ``problem`` says why a project cannot be opened.
    """

    name: str
    num_models: int
    num_archived: int
    changed_at: str | None
    problem: str | None


class ProjectsAnswer(Answer):
    """The projects of a server, by name, and what the caller may do."""

    projects: list[ProjectEntry]
    user: str
    role: str
    version: str


class NewProject(Ask):
    """A project to be made."""

    name: str
