"""Merging another copy of a project over HTTP."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ...store.merging.conflicts import BOTH, MergeConflict
from ...store.merging.merge import MergeReport
from .base import Answer, Ask

Choice = Literal["ours", "theirs", "both"]


class MergeAsk(Ask):
    """What to merge: an archive that was sent, or the path of an archive or project on the machine of the server.

    `choices` decides conflicts by their titles, `rule` those that are left; `both` is for models and notes.
    """

    upload: str | None = None
    path: Annotated[str, Field(max_length=4000)] | None = None
    choices: Annotated[dict[str, Choice], Field(default_factory=dict)]
    rule: Literal["refuse", "ours", "theirs", "both"] = "refuse"


class MergeConflictAnswer(Answer):
    """Something that the two have differently: its title, what it is here and there, and whether both can stay."""

    title: str
    ours: str
    theirs: str
    both: bool


class MergePreviewAnswer(Answer):
    """What a merge would bring: how many models the other has, how many of these are new, and all conflicts."""

    num_models: int
    num_new: int
    conflicts: list[MergeConflictAnswer]


class MergeAnswer(Answer):
    """What a merge brought: rows by kind, and models and datasets that have another name now."""

    added: dict[str, int]
    renamed: dict[str, str]
    num_conflicts: int
    left_out: list[str]


def conflict(one: MergeConflict) -> MergeConflictAnswer:
    """One conflict."""
    return MergeConflictAnswer(title=one.title, ours=one.ours, theirs=one.theirs, both=one.kind in BOTH)


def merged(report: MergeReport) -> MergeAnswer:
    """What a merge did."""
    return MergeAnswer(
        added=report.added,
        renamed=report.renamed,
        num_conflicts=len(report.conflicts),
        left_out=list(report.left_out),
    )
