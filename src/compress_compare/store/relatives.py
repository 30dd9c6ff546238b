"""Stored weights that a new checkpoint may share tensors with: those of its bases, and of other models of its base."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from ..records import Checkpoint, StoredFile
from . import checkpoints, models, shared
from .drafts import ModelDraft

SIBLINGS = 8
"""How many other models of the same base are looked at, the latest first."""


def relatives(connection: sa.Connection, drafts: Sequence[ModelDraft]) -> dict[str, list[str]]:
    """For the SHA-256 of each file of weights that is about to be stored, those of files that may be like it.

    Args:
        connection: to read with.
        drafts: what is logged in one call; a base precedes its children.
    """
    by_id = {one.id: one for one in drafts}
    return {
        digest: found
        for one in drafts
        if one.base is not None and (digests := _weights(one.checkpoint)) and (found := _near(connection, one, by_id))
        for digest in digests
    }


def among(bases: Mapping[Any, Any], files: Mapping[Any, Iterable[StoredFile]]) -> dict[str, list[str]]:
    """The same for models that come in together, those of a base before those of what was made from it.

    Args:
        bases: for each model, the one that it comes from, or None.
        files: of their checkpoints.
    """
    lineages = {model: _lineage(model, bases) for model in bases}
    children: dict[Any, list[Any]] = {}
    found: dict[str, list[str]] = {}
    for model in sorted(bases, key=lambda model: len(lineages[model])):
        siblings = children.setdefault(bases[model], [])
        near = [*lineages[model], *(siblings[::-1][:SIBLINGS] if bases[model] is not None else ())]
        for digest in _large(files.get(model, ())):
            found.setdefault(digest, [one for each in near for one in _large(files.get(each, ()))])
        siblings.append(model)
    return found


def _lineage(model: Any, bases: Mapping[Any, Any]) -> list[Any]:
    """What a model comes from, the nearest first; an archive that somebody made may go in a circle."""
    found: dict[Any, None] = {}
    base = bases.get(model)
    while base is not None and base not in found:
        found[base] = None
        base = bases.get(base)
    return list(found)


def _near(connection: sa.Connection, draft: ModelDraft, drafts: dict[str, ModelDraft]) -> list[str]:
    found, seen, base = list[str](), set[str](), draft.base
    while base is not None and base in drafts and base not in seen:
        seen.add(base)
        found += _weights(drafts[base].checkpoint)
        base = drafts[base].base
    for row in models.by_ids(connection, [] if base is None else [base]):
        near = models.lineage(connection, row)[::-1] + models.children(connection, [row.key])[::-1][:SIBLINGS]
        for one in near:
            found += _weights(checkpoints.of_model(connection, one.key))
    return found


def _weights(checkpoint: Checkpoint | None) -> list[str]:
    """Files that are large enough to be looked into."""
    return _large(checkpoint.files if checkpoint is not None else ())


def _large(files: Iterable[StoredFile]) -> list[str]:
    return [one.sha256 for one in files if one.name.endswith(".safetensors") and one.num_bytes >= shared.LEAST_SAVED]
