"""Models of one name that were loaded with different arguments, such as another dtype, and that come in one by one.

A project keeps the arguments of each, so that a later import finds the model that it is about, or makes one of its own.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .base import Imported, plain_arguments

if TYPE_CHECKING:
    from ..store.store import Store

_KEPT = "arguments of models that are called"


def settled(imported: Imported, project: Store | None) -> Imported:
    """An import whose models are called as the project calls those of the same name and arguments.

    One with other arguments than the project's model of its name gets a name that says them. Of models whose arguments
    the project does not know the name alone decides.
    """
    if project is None:
        return imported
    names: dict[str, str] = {}
    for id, variant in imported.variants.items():
        known = {one: said for one, said in _known(project, variant.name).items() if one in project}
        own = plain_arguments(variant.arguments)
        same = next((one for one, arguments in known.items() if arguments == own), None)
        if same is not None:
            names[id] = same
        elif variant.name in known:
            names[id] = variant.called(known[variant.name])
    changed = {id: name for id, name in names.items() if id != name}
    return _renamed(imported, changed) if changed else imported


def keep(imported: Imported, project: Store) -> None:
    """Keep the arguments of the models that have come in."""
    groups: dict[str, dict[str, Any]] = {}
    for id, variant in imported.variants.items():
        if id in project:
            groups.setdefault(variant.name, {})[id] = plain_arguments(variant.arguments)
    for name, arguments in groups.items():
        before = _known(project, name)
        after = {**before, **{id: said for id, said in arguments.items() if id not in before}}
        if after != before:
            project.keep_table_mapping([_KEPT, name], json.dumps(after))


def _known(project: Store, name: str) -> dict[str, dict[str, Any]]:
    kept = project.table_mapping([_KEPT, name])
    found: dict[str, dict[str, Any]] = {} if kept is None else json.loads(kept)
    return found


def _renamed(imported: Imported, names: Mapping[str, str]) -> Imported:
    """The same import with other names of models. One that is named as a base by the name alone stays so."""
    shared = {variant.name for variant in imported.variants.values()}

    def new(id: Any) -> Any:
        return names.get(id, id)

    def base(id: Any) -> Any:
        return id if id in shared else new(id)

    models = [
        {**one, "id": new(one["id"]), **({"base": base(one["base"])} if "base" in one else {})}
        for one in imported.models
    ]
    said = [
        f"Model {old!r} was loaded with other arguments than the project's of that name; it comes in as {now!r}."
        for old, now in names.items()
        if old == imported.variants[old].name
    ]
    return replace(
        imported,
        models=models,
        outputs=[{**one, "model": new(one.get("model"))} for one in imported.outputs],
        corrections=[replace(one, model=new(one.model)) for one in imported.corrections],
        checkpoints={new(id): one for id, one in imported.checkpoints.items()},
        notes={new(id): one for id, one in imported.notes.items()},
        facts={new(id): one for id, one in imported.facts.items()},
        keys={key: new(id) for key, id in imported.keys.items()},
        variants={new(id): one for id, one in imported.variants.items()},
        notices=[*imported.notices, *said],
    )
