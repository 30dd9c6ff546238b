"""The operation of a model that is logged with a folder: what its recipe and configuration claim, unless it is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..readers import made_by
from . import models
from .drafts import ModelDraft

TOLD = "The operation is taken from "
"""How a note begins that says so."""


class ProposedDraft(ModelDraft):
    """A draft whose operation was found in its folder: a model that is there keeps its own."""


def proposed(draft: ModelDraft, weights: Any) -> ModelDraft:
    """The draft with the operation that its folder claims, and with a note that says where, if there is none.

    Args:
        draft: of a model with a base; a root was not made by an operation on another model.
        weights: what was given as its checkpoint.
    """
    given = draft.operation is not None or draft.base is None or not isinstance(weights, str | Path)
    if given or not Path(weights).is_dir():
        return draft
    claimed = made_by.origin(Path(weights))
    if claimed.operation is None:
        return draft
    note = draft.note or f"{TOLD}{claimed.source}."
    return ProposedDraft(**{**vars(draft), "operation": claimed.operation, "note": note})


def standing(connection: sa.Connection, drafts: Sequence[ModelDraft]) -> list[ModelDraft]:
    """The drafts, of which those with a proposal for a model that is there have its operation, and no note of ours."""
    ids = [draft.id for draft in drafts if isinstance(draft, ProposedDraft)]
    there = {row.id: row for row in models.by_ids(connection, ids)}
    return [
        ModelDraft(
            **{
                **vars(draft),
                "operation": there[draft.id].operation,
                "note": "" if draft.note.startswith(TOLD) else draft.note,
            }
        )
        if isinstance(draft, ProposedDraft) and draft.id in there
        else draft
        for draft in drafts
    ]
