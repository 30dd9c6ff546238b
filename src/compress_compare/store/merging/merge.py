"""Merging one project into another, all or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from ...errors import Conflict, InvalidValue, StoreError
from .. import changes, same_weights, schema
from .. import models as store_models
from ..reading import Reader
from ..staging import Staging
from ..store import Store
from .aligning import align, like
from .conflicts import Choice, Decision, MergeConflict, conflicting_models, conflicting_parts, decided
from .contents import OF_MODELS, ProjectContents, Row, checkpoint, contents

LEFT_OUT = ("jobs", "deleted models", "stored comparisons of activations")


@dataclass
class MergeReport:
    """What a merge did, or would do.

    Args:
        added: how many rows of each kind came in.
        conflicts: what differed, with what was decided.
        renamed: models and datasets that came in under another name.
        left_out: what is never merged.
    """

    added: dict[str, int] = field(default_factory=dict)
    conflicts: dict[MergeConflict, Choice] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = LEFT_OUT

    def as_dict(self) -> dict[str, Any]:
        """As JSON data."""
        conflicts = [
            {"conflict": each.title, "ours": each.ours, "theirs": each.theirs, "choice": choice}
            for each, choice in self.conflicts.items()
        ]
        return {"added": self.added, "conflicts": conflicts, "renamed": self.renamed, "left_out": list(self.left_out)}


@dataclass(frozen=True)
class MergePreview:
    """What a merge is about, before anything is decided.

    Args:
        num_models: of the other project.
        num_new: those of them that this one does not have.
        conflicts: everything in which the two contradict each other.
    """

    num_models: int
    num_new: int
    conflicts: tuple[MergeConflict, ...]


def preview(store: Reader, other: Reader) -> MergePreview:
    """Lay two projects side by side."""
    with store._database.read() as connection, other._database.read() as reading:
        ours, theirs = contents(connection), contents(reading)
    align(ours, theirs)
    found = list(conflicting_models(ours, theirs, same=_Same(store, other, ours=ours, theirs=theirs)))
    _set_aside(theirs, [each.name for each in found])
    new = len(theirs.models.keys() - ours.models.keys())
    return MergePreview(len(theirs.models), new, (*found, *conflicting_parts(ours, theirs)))


def merge(store: Store, other: Reader, *, on_conflict: Decision = "refuse") -> MergeReport:
    """See ``Project.merge``."""
    if store.path.resolve() == other.path.resolve():
        raise InvalidValue("merge.self", "A project is not merged with itself.")
    report = MergeReport()
    with other._database.read() as reading:
        theirs = contents(reading)
    with store._artifacts.staging() as staging, store._database.write() as connection:
        store._database.defer_foreign_keys(connection)
        ours = contents(connection)
        aligned = align(ours, theirs)
        for old, new in aligned.ours.items():
            changes.give_id(connection, old, new)
        report.renamed |= aligned.theirs
        found = list(conflicting_models(ours, theirs, same=_Same(store, other, ours=ours, theirs=theirs)))
        # what hangs on a model that is another one here is no conflict of its own
        aside = _set_aside(theirs, [each.name for each in found])
        all_ = [*found, *conflicting_parts(ours, theirs)]
        report.conflicts = decided(all_, on_conflict)
        for id, parts in aside.items():
            for table, rows in parts.items():
                theirs.parts[table][id] = rows
        writing = _Writing(connection, ours, theirs=theirs, report=report)
        writing.settle_models({each.name: choice for each, choice in report.conflicts.items() if each.kind == "model"})
        writing.write()
        _copy(store, other, staging=staging, digests=writing.digests, like=like(ours, theirs))
    return report


def _set_aside(theirs: ProjectContents, ids: list[str]) -> dict[str, dict[str, dict[tuple[Any, ...], Row]]]:
    return {id: {table: theirs.parts[table].pop(id) for table in OF_MODELS if id in theirs.parts[table]} for id in ids}


class _Same:
    """Whether the weights of a model, which lie in other files there, hold the same tensors."""

    def __init__(self, store: Reader, other: Reader, *, ours: ProjectContents, theirs: ProjectContents) -> None:
        self._stores, self._contents = (store, other), (ours, theirs)

    def __call__(self, id: str) -> bool:
        mine, other = (checkpoint(each.parts["files"][id].values()) for each in self._contents)
        ours, theirs = (each._artifacts.verify for each in self._stores)
        return same_weights.same(mine, other, paths=(ours, theirs))


class _Writing:
    """Puts what is new into the tables."""

    def __init__(
        self, connection: sa.Connection, ours: ProjectContents, *, theirs: ProjectContents, report: MergeReport
    ) -> None:
        self._connection, self._ours, self._theirs, self._report = connection, ours, theirs, report
        self._origins: dict[int, int] = {}
        self.digests: set[str] = set()

    def settle_models(self, choices: Mapping[str, Choice]) -> None:
        """Carry out what was decided about models: keep ours, take theirs in its place, or keep both."""
        theirs = self._theirs
        for id, choice in choices.items():
            if choice == "ours":
                _set_aside(theirs, [id])
                theirs.models[id] = self._ours.models[id]
            elif choice == "theirs":
                self._replace(id)
            else:
                name = _free(id, {**self._ours.models, **theirs.models})
                self._report.renamed[id] = name
                theirs.models = {name if key == id else key: row for key, row in theirs.models.items()}
                theirs.models[name]["id"] = name
                for table in OF_MODELS:
                    if id in theirs.parts[table]:
                        theirs.parts[table][name] = theirs.parts[table].pop(id)
        renamed = {id: name for id, name in self._report.renamed.items() if choices.get(id) == "both"}
        for row in theirs.models.values() if renamed else ():
            if row is not self._ours.models.get(row["id"]):
                row["base"] = renamed.get(row["base"], row["base"])
        for rows in theirs.parts["model_references"].values() if renamed else ():
            for row in rows.values():
                row["parent_key"] = renamed.get(row["parent_key"], row["parent_key"])

    def _replace(self, id: str) -> None:
        key = self._ours.models[id]["key"]
        for table in OF_MODELS:
            rows = schema.metadata.tables[table]
            self._connection.execute(rows.delete().where(rows.c.model_key == key))
            self._ours.parts[table].pop(id, None)
        self._ours.models[id] = {**self._ours.models[id], "replaced": True}

    def write(self) -> None:
        """Write everything that is new, in the order in which tables refer to each other."""
        metrics = self._named("metrics", self._theirs.metrics, self._ours.metrics)
        datasets = self._datasets()
        models = self._models()
        keys = {"model_key": models, "parent_key": models, "metric_key": metrics, "dataset_key": datasets}
        for table in OF_MODELS:
            self._parts(table, keys)
        self._decide()
        self._rest(models)
        self._steps()
        shown = [
            id for id, row in self._theirs.models.items() if id not in self._ours.models and not row["archived_at"]
        ]
        changes.show_bases(self._connection, [models[id] for id in shown])

    def _models(self) -> dict[str, int]:
        """The key of every model by id, after the new ones are in."""
        ours, theirs = self._ours.models, self._theirs.models
        keys = {id: row["key"] for id, row in ours.items()}
        new = [id for id in theirs if id not in ours]
        first = 1 + store_models.last_key(self._connection)
        keys |= {id: first + place for place, id in enumerate(new)}
        self._insert("models", [self._model(theirs[id], keys) for id in new])
        for id, row in ours.items():
            if row.get("replaced"):
                values = self._model(theirs[id], keys)
                self._connection.execute(schema.models.update().where(schema.models.c.key == row["key"]).values(values))
        return keys

    def _model(self, row: Row, keys: Mapping[str, int]) -> Row:
        base = None if row["base"] is None else keys[row["base"]]
        return self._own({**row, "key": keys[row["id"]], "base_key": base}, schema.models)

    def _own(self, row: Row, table: sa.Table) -> Row:
        """A row of theirs with the columns of its table, and where it was written from as a key of ours."""
        found = {column.name: row[column.name] for column in table.columns}
        if found.get("origin_key") is not None:
            found["origin_key"] = self._origin(found["origin_key"])
        return found

    def _origin(self, key: int) -> int:
        if key not in self._origins:
            content = self._theirs.origins[key]
            known = {text: one for one, text in self._ours.origins.items()}
            if content not in known:
                new = 1 + max(self._ours.origins, default=0)
                self._connection.execute(schema.origins.insert().values(key=new, content=content))
                self._ours.origins[new] = content
                known[content] = new
            self._origins[key] = known[content]
        return self._origins[key]

    def _named(self, table: str, theirs: Mapping[str, Row], ours: Mapping[str, Row]) -> dict[str, int]:
        keys = {name: row["key"] for name, row in ours.items()}
        first = 1 + max(keys.values(), default=0)
        new = [name for name in theirs if name not in ours]
        keys |= {name: first + place for place, name in enumerate(new)}
        self._insert(
            table, [self._own({**theirs[name], "key": keys[name]}, schema.metadata.tables[table]) for name in new]
        )
        return keys

    def _datasets(self) -> dict[str, int]:
        """Equal data under another name is the same; other data under the same name comes in under another one.

        A later version comes in as the next version of its first one, whatever that is called here.
        """
        taken: set[str] = set()
        newest: dict[str, int] = {}
        for row in self._ours.datasets.values():
            taken.add(row["name"])
            first = row["family"] or row["name"]
            newest[first] = max(row["version"], newest.get(first, 1))
        names: dict[str, str] = {}
        for fingerprint, row in self._theirs.datasets.items():
            if fingerprint in self._ours.datasets:
                names[row["name"]] = self._ours.datasets[fingerprint]["name"]
                continue
            self.digests.add(row["sha256"])
            name = row["name"]
            if row["family"] is not None:
                row["family"] = names.get(row["family"], row["family"])
                row["version"] = max(row["version"], 1 + newest.get(row["family"], 1))
                newest[row["family"]] = row["version"]
                row["name"] = f"{row['family']}@{row['version']}"
            if row["name"] in taken:
                row["name"] = _free(row["name"], taken)
            if row["name"] != name:
                self._report.renamed[f"dataset {name}"] = row["name"]
            names[name] = row["name"]
            taken.add(row["name"])
        return self._named("datasets", self._theirs.datasets, self._ours.datasets)

    def _parts(self, table: str, keys: Mapping[str, Mapping[str, int]]) -> None:
        new = []
        for id, rows in self._theirs.parts[table].items():
            mine = self._ours.parts[table].get(id, {})
            if table == "files" and mine:
                continue
            for key, row in rows.items():
                if key not in mine:
                    named = {name: keys[name][row[name]] for name in keys if name in row and name != "model_key"}
                    found = {**row, **named, "model_key": keys["model_key"][id]}
                    if table == "tags":
                        found["position"] = 1000 + row["position"] if mine else row["position"]
                    new.append(self._own(found, schema.metadata.tables[table]))
        self.digests |= {row["sha256"] for row in new if "sha256" in row}
        self._insert(table, new)

    def _decide(self) -> None:
        """Carry out what was decided about values, outputs, notes, definitions, views and tasks."""
        for conflict, choice in self._report.conflicts.items():
            if choice == "ours" or conflict.kind == "model":
                continue
            if conflict.kind in ("metric", "view", "task"):
                self._redefine(conflict)
                continue
            id, table, key = conflict.place
            mine, row = self._ours.parts[table][id][key], self._theirs.parts[table][id][key]
            values = {name: row[name] for name in row if not name.endswith("_key")}
            if choice == "both":
                values["text"] = f"{mine['text']}\n\n{row['text']}"
            if "sha256" in row:
                self.digests.add(row["sha256"])
            self._connection.execute(self._at(table, mine).values(values))

    def _redefine(self, conflict: MergeConflict) -> None:
        tables = {
            "metric": (schema.metrics, "name", self._theirs.metrics),
            "view": (schema.meta, "name", self._theirs.views),
            "task": (schema.tasks, "root", self._theirs.tasks),
        }
        table, column, rows = tables[conflict.kind]
        row = rows[conflict.place[0]]
        values = {name: value for name, value in row.items() if name not in ("key", column)}
        self._connection.execute(table.update().where(table.c[column] == conflict.place[0]).values(values))

    def _at(self, table: str, row: Row) -> sa.Update:
        of = schema.metadata.tables[table]
        keys = {
            "model_key": self._ours.models[row["model_key"]]["key"],
            **({"metric_key": self._ours.metrics[row["metric_key"]]["key"]} if "metric_key" in row else {}),
            **({"dataset_key": self._ours.datasets[row["dataset_key"]]["key"]} if "dataset_key" in row else {}),
        }
        place = {**{column.name: row[column.name] for column in of.primary_key.columns}, **keys}
        return of.update().where(*(of.c[name] == value for name, value in place.items()))

    def _rest(self, models: Mapping[str, int]) -> None:
        """Views, tasks, and what was done there, which cannot be undone here."""
        self._insert("meta", [row for name, row in self._theirs.views.items() if name not in self._ours.views])
        self._insert("tasks", [row for root, row in self._theirs.tasks.items() if root not in self._ours.tasks])
        known = {(row["at"], row["action"], row["old"], row["new"]) for row in self._ours.history}
        first = 1 + max((row["number"] for row in self._ours.history), default=0)
        new = [row for row in self._theirs.history if (row["at"], row["action"], row["old"], row["new"]) not in known]
        rows = [
            self._own({**row, "number": first + place, "undoable": False, "undone_by": None}, schema.history)
            for place, row in enumerate(new)
        ]
        self._insert("history", rows)
        numbers = {row["number"]: first + place for place, row in enumerate(new)}
        about = [
            {**row, "number": numbers[row["number"]], "model_key": models[row["id"]]}
            for row in self._theirs.about
            if row["number"] in numbers and row["id"] in models
        ]
        self._insert("history_models", [self._own(row, schema.history_models) for row in about])

    def _steps(self) -> None:
        """Count the steps from the roots anew, and find circles that two changes of bases make together."""
        table = schema.models
        query = sa.select(table.c.key, table.c.base_key, table.c.step)
        found = {key: (base, step) for key, base, step in self._connection.execute(query)}
        steps: dict[int, int] = {}
        for start in found:
            path: dict[int, None] = {}
            key: int | None = start
            while key is not None and key not in steps:
                if key in path:
                    raise Conflict("merge.cycle", "Together, the bases of the two projects form a circle.")
                path[key] = None
                key = found[key][0]
            depth = -1 if key is None else steps[key]
            for place in reversed(path):
                depth += 1
                steps[place] = depth
        changed = [(key, step) for key, step in steps.items() if step != found[key][1]]
        for key, step in changed:
            self._connection.execute(table.update().where(table.c.key == key).values(step=step))

    def _insert(self, table: str, rows: list[Row]) -> None:
        if rows:
            self._connection.execute(schema.metadata.tables[table].insert(), rows)
            self._report.added[table] = len(rows)


def _copy(store: Store, other: Reader, *, staging: Staging, digests: set[str], like: dict[str, list[str]]) -> None:
    """Bring the objects that new rows name, those that are not there yet."""
    wanted = []
    for digest in sorted(digests):
        try:
            store._artifacts.path(digest)
        except StoreError:
            staged = staging.put_file(digest, other._artifacts.path(digest))
            if staged.sha256 != digest:
                raise StoreError(
                    "artifact.hash_mismatch",
                    "A stored file of the other project has changed since it was logged.",
                    detail=f"objects/{digest[:2]}/{digest}",
                    hint="Repair that project first: compress-compare doctor",
                ) from None
            wanted.append(digest)
    order = {digest: place for place, digest in enumerate(like)}
    store._publish(staging, sorted(wanted, key=lambda digest: order.get(digest, len(order))), like=like)


def _free(name: str, taken: Any) -> str:
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"
