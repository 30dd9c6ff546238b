"""Models that are one though their ids differ: one side renamed them, or an earlier merge kept both of two."""

from __future__ import annotations

import json
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from itertools import count, takewhile

from .. import relatives
from .contents import ProjectContents, Row, checkpoint


@dataclass(frozen=True)
class SharedIds:
    """What has another id now.

    Args:
        ours: models of ours that the other side renamed, old → new.
        theirs: models of theirs that have another id here, theirs → ours.
    """

    ours: Mapping[str, str]
    theirs: Mapping[str, str]


def align(ours: ProjectContents, theirs: ProjectContents) -> SharedIds:
    """Give each model that both have one id in both, in place, and return what has changed.

    A model is the same if it was logged at the same moment, and renames lead from one id to the other. What they alone
    renamed since has its new id on both sides; otherwise ours stays.
    """
    groups = _groups([*_renames(ours), *_renames(theirs)])
    here, there = _ids(_renames(ours), but=_known(theirs)), _ids(_renames(theirs), but=_known(ours))
    of_ours: dict[str, str] = {}
    of_theirs: dict[str, str] = {}
    for id, row in theirs.models.items():
        group = groups.get(id, set())
        if _is_same(ours.models.get(id), row):
            continue
        known = next((one for one in sorted(group) if _is_same(ours.models.get(one), row)), None)
        if known is None or _is_same(theirs.models.get(known), row):
            continue
        if group & there and not group & here and id not in ours.models:
            of_ours[known] = id
        elif known not in theirs.models:
            of_theirs[id] = known
    rename(ours, of_ours)
    rename(theirs, of_theirs)
    copies = {id: name for id in theirs.models if (name := _copy_of(id, ours, theirs)) is not None}
    rename(theirs, copies)
    return SharedIds(of_ours, {**of_theirs, **copies})


def rename(contents: ProjectContents, names: Mapping[str, str]) -> None:
    """Give models other ids everywhere in what was read of a project."""
    if not names:
        return
    contents.models = {names.get(id, id): row for id, row in contents.models.items()}
    for id, row in contents.models.items():
        row["id"], row["base"] = id, names.get(row["base"], row["base"])
    for table, parts in contents.parts.items():
        for each in parts.values():
            for row in each.values():
                for column in ("model_key", "parent_key"):
                    if column in row:
                        row[column] = names.get(row[column], row[column])
        renamed = {names.get(id, id): each for id, each in parts.items()}
        if table == "model_references":
            renamed = {
                id: {(row["role"], row["parent_key"]): row for row in each.values()} for id, each in renamed.items()
            }
        contents.parts[table] = renamed
    contents.tasks = {names.get(root, root): row for root, row in contents.tasks.items()}
    for root, row in contents.tasks.items():
        row["root"] = root
    for row in contents.about:
        row["id"] = names.get(row["id"], row["id"])


def _renames(contents: ProjectContents) -> list[Row]:
    return [row for row in contents.history if row["action"] == "rename" and row["undone_by"] is None]


def _ids(renames: Iterable[Row], *, but: Container[tuple[str, ...]] = ()) -> set[str]:
    """The ids that renames are about, without those renames that are known."""
    return {id for row in renames if _said(row) not in but for id in _pair(row)}


def _groups(renames: Iterable[Row]) -> dict[str, set[str]]:
    """For each id, all those that renames lead to from there."""
    groups: dict[str, set[str]] = {}
    for row in renames:
        joined = {one for id in _pair(row) for one in groups.get(id, {id})}
        groups |= dict.fromkeys(joined, joined)
    return groups


def _pair(row: Row) -> list[str]:
    """The old id and the new one."""
    found = [_id(row[column]) for column in ("old", "new")]
    return [id for id in found if id is not None] if None not in found else []


def _id(said: str) -> str | None:
    """The id in what the history says; ``None`` where an archive that somebody made says something else."""
    try:
        found = json.loads(said)["said"]["id"]
    except (ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _known(contents: ProjectContents) -> set[tuple[str, ...]]:
    return {_said(row) for row in contents.history}


def _said(row: Row) -> tuple[str, ...]:
    return row["at"], row["action"], row["old"], row["new"]


def _is_same(one: Row | None, other: Row | None) -> bool:
    return one is not None and other is not None and one["created_at"] == other["created_at"]


def _copy_of(id: str, ours: ProjectContents, theirs: ProjectContents) -> str | None:
    """The id under which an earlier merge brought in a model beside another one of the same id."""
    if id not in ours.models or _is_same(ours.models[id], theirs.models[id]):
        return None
    names = takewhile(lambda name: name in ours.models, (f"{id} ({number})" for number in count(2)))
    same = (name for name in names if _is_same(ours.models[name], theirs.models[id]) and name not in theirs.models)
    return next(same, None)


def like(ours: ProjectContents, theirs: ProjectContents) -> dict[str, list[str]]:
    """Which of their weights may share tensors with each other and with ours."""
    sides = (theirs, ours)
    bases = {id: row["base"] for side in reversed(sides) for id, row in side.models.items()}
    files = {
        id: [
            file for side in sides if (rows := side.parts["files"].get(id)) for file in checkpoint(rows.values()).files
        ]
        for id in bases
    }
    return relatives.among(bases, files)
