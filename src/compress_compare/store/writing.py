"""The writing half of a project."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .. import checks, late
from ..errors import InvalidValue
from ..records import Metric, Model, Operation, Reference, TaskPath, check_name
from . import changes, location, mappings, metrics, models, notes, views
from .database import Connection
from .drafts import Measured, ModelDraft, check_metrics, check_operation
from .reading import Reader
from .staging import Staging

if TYPE_CHECKING:
    from ..schemes import channels, declared, scheme
    from ..schemes.declared import Scheme
    from . import checkpoints, details, elsewhere, proposals, relatives, tasks, trust, verify
else:
    channels, declared, scheme = late.modules("compress_compare.schemes", "channels", "declared", "scheme")
    checkpoints, details, elsewhere, proposals = late.modules(
        __package__, "checkpoints", "details", "elsewhere", "proposals"
    )
    relatives, tasks, trust, verify = late.modules(__package__, "relatives", "tasks", "trust", "verify")


T = TypeVar("T")


class Writer(Reader):
    """Writes models and metrics into the project in ``directory``."""

    def close(self) -> None:
        """Release the files; the project can be opened again."""
        self._database.close()
        self._artifacts.close()

    @contextmanager
    def batch(self) -> Iterator[None]:
        """Log everything inside the block in one transaction, all or nothing. Other writers wait meanwhile.

        To log thousands of models quickly, use ``log_models``.
        """
        with self._database.write():
            yield

    def define_metric(self, name: str, **definition: Any) -> Metric:
        """Define a metric or replace its definition.

        Args:
            name: as shown.
            definition: the other fields of ``records.Metric``, e.g. ``unit``, ``format``, ``higher_is_better``.

        Raises:
            InvalidValue: ``metric.range`` if a value that was logged lies outside of a new range, ``metric.reserved``.
        """
        unknown = set(definition) - set(Metric.__dataclass_fields__)
        if unknown:
            raise InvalidValue(
                "metric.definition",
                f"A metric has no {min(unknown)!r}.",
                hint=f"It has {', '.join(list(Metric.__dataclass_fields__)[1:])}.",
            )
        metric = Metric(name, **definition)
        with self._database.write() as connection:
            metrics.define(connection, metric)
        return metric

    def set_direction(self, name: str, higher_is_better: bool | None) -> Metric:
        """Set whether higher values of a metric are better; ``None`` for neither. The rest of its definition stays.

        Raises:
            NotFound: ``metric.unknown``.
        """
        with self._database.write() as connection:
            metric = replace(metrics.named(connection, name), higher_is_better=higher_is_better)
            metrics.define(connection, metric)
        return metric

    def keep_table_mapping(self, columns: Iterable[str], text: str) -> None:
        """Keep what the columns of an imported table are, to be used again for tables with the same columns."""
        with self._database.write() as connection:
            mappings.keep(connection, columns, text=text)

    def save_view(self, name: str, address: str) -> None:
        """Save a view of the page under a name. ``address`` is the part of its address from ``#`` on."""
        with self._database.write() as connection:
            views.save(connection, name, address)

    def delete_view(self, name: str) -> None:
        """Delete a saved view of the page.

        Raises:
            NotFound: ``view.unknown``.
        """
        with self._database.write() as connection:
            views.delete(connection, name)

    def log_model(
        self,
        id: str,
        *,
        base: str | Model | None = None,
        operation: Operation | Any | None = None,
        metrics: Mapping[str, Measured] | None = None,
        checkpoint: object | None = None,
        references: Mapping[str, str | Sequence[str]] | None = None,
        scheme: Mapping[str, Scheme] | None = None,
        key: str = "",
        tags: Iterable[str] = (),
        note: str = "",
        replicate: str | None = None,
    ) -> Model:
        """Log a model: one node of the provenance graph.

        Logging the same model again changes nothing and adds new metrics. A contradiction is refused.

        Args:
            id: 1–256 characters.
            base: the model that ``operation`` was applied to; ``None`` for a root.
            operation: an ``Operation``, or one of ``compress_compare.operations``. Where a base and a folder are given
                without one, the one that the recipe or configuration claims is taken; the note says so.
            metrics: by name: a number, a ``MetricValue`` or a list of those (slices, devices). ``None`` is missing.
            checkpoint: a module, a state dict, or the path of a file, a Hugging Face folder or a Core ML package;
                ``cc.Reference(path)`` leaves the weights where they are.
            references: second parents by role, e.g. ``{"teacher": "resnet50"}``.
            scheme: how weights that hold the numbers in use are meant to be packed, by patterns of names:
                ``{"re:.*proj.weight": cc.Scheme(bits=4, group_size=32)}``.
            key: of a PyTorch file with several networks, such as ``state_dict_ema`` beside ``state_dict``, the one that
                is meant; empty for the one that it has.
            tags: short labels.
            note: free text.
            replicate: which of several models made alike it is, e.g. ``seed 3``.

        Raises:
            InvalidValue, NotFound, Conflict: ``model.*``, ``name.invalid``, ``metric.*``, ``checkpoint.*``.
        """
        given = {"id": id, "base": base, "operation": operation, "metrics": metrics, "references": references}
        weights = {"checkpoint": checkpoint, "key": key, "scheme": scheme}
        row = {**given, **weights, "tags": tags, "note": note, "replicate": replicate}
        return self._logged([row], then=lambda connection: details.model(connection, id))

    def log_models(self, rows: Iterable[Mapping[str, Any]]) -> int:
        """Log many models in one transaction. A row has the arguments of ``log_model``; a base precedes its children.

        Returns:
            The number of rows.
        """
        listed = list(rows)
        return self._logged(listed, then=lambda _: len(listed))

    def _logged(self, rows: Iterable[Mapping[str, Any]], *, then: Callable[[Connection], T]) -> T:
        """Log models, and what is asked of the project with them, in one transaction."""
        with self._artifacts.staging() as staging:
            drafts = [draft(staging, row) for row in rows]
            with self._database.write() as connection:
                self._insert(connection, drafts, staging)
                return then(connection)

    def _insert(self, connection: Connection, drafts: Sequence[ModelDraft], staging: Staging) -> None:
        repeated = [id for id, count in Counter(one.id for one in drafts).items() if count > 1]
        if repeated:
            raise InvalidValue("model.duplicate", f"Model {repeated[0]!r:.80} is given more than once in one call.")
        drafts = [checkpoints.settled(connection, self._artifacts, staging, one=one) for one in drafts]
        digests = [file.sha256 for one in drafts if one.checkpoint for file in one.checkpoint.files]
        self._publish(staging, digests, like=relatives.relatives(connection, drafts))
        drafts = proposals.standing(connection, drafts)
        keys, old, under_hidden = models.insert(connection, drafts)
        if under_hidden:
            changes.show_bases(connection, under_hidden)
        known = {keys[one.id]: one.id for one in drafts if keys[one.id] in old}
        metrics.insert(connection, {keys[one.id]: one.metrics for one in drafts if one.metrics}, known)
        for one in drafts:
            key = keys[one.id]
            if one.checkpoint is not None:
                checkpoints.insert(connection, one.checkpoint, key=key, id=one.id)
            models.insert_references(connection, key, one.references)
            if one.tags:
                notes.set_tags(connection, key, one.tags)
            if one.note:
                notes.set_note(connection, key, one.note)

    def log_metrics(self, id: str, values: Mapping[str, Measured]) -> None:
        """Add metric values to a model; see ``log_model``."""
        checked = check_metrics(values)
        with self._database.write() as connection:
            key = models.one(connection, id).key
            metrics.insert(connection, {key: checked}, {key: id})

    def log_task(self, root: str, path: str, *, options: Mapping[str, Any] | None = None) -> None:
        """Attach a task to a root, so that operations can be applied to its models from the page.

        Your own program says so; thus the task may run on this machine, which is noted in your settings.

        Args:
            root: id of the root.
            path: ``package.module:function`` of the task. It is imported when a job needs it.
            options: keyword arguments of that function.

        Raises:
            InvalidValue: ``config.task`` if ``path`` has another form.
        """
        named = TaskPath(path, checks.mapping(options, "Options"))
        task = tasks.TaskRow(named.path, dict(named.options), ())
        with self._database.write(counter="jobs") as connection:
            tasks.remember(connection, root, task)
        trust.Trust().allow(self.path, named)

    def repair(self, places: Iterable[str | Path] = ()) -> list[str]:
        """Put damaged files right from copies of them; returns what was put right, in words.

        Logging the same again does so, too.

        Args:
            places: files and folders to look for copies in, e.g. a backup or where the weights were logged from.
        """
        with self._database.write() as connection:
            if self._database.faults(connection):
                self._database.rebuild_indexes(connection)
            damaged = verify.damaged(connection, self._artifacts)
            found: list[str] = []
            with self._artifacts.staging() as staging:
                look_in = [self._artifacts.root / location.STAGING, *(Path(place) for place in places)]
                for digest, path in verify.copies({one.sha256 for one in damaged}, look_in):
                    self._artifacts.delete(digest)  # what is damaged may have the length of what is whole
                    staged = staging.put_file(path.name, path)
                    if staged.sha256 == digest:
                        staging.publish([digest])
                        found += [one.name for one in damaged if one.sha256 == digest]
        return found

    def _publish(
        self, staging: Staging, digests: Collection[str], *, like: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Put files in their place; the rows that name them are written in the same transaction."""
        made = staging.publish([digest for digest in digests if staging.path(digest) is not None], like=like)
        for digest in made:
            self._database.on_rollback(partial(self._artifacts.delete, digest))


def draft(staging: Staging, fields: Mapping[str, Any]) -> ModelDraft:
    """Check the arguments of ``log_model`` and stage the checkpoint among them.

    Raises:
        InvalidValue: ``model.fields`` for an unknown argument, and the errors of the checks of each.
    """
    unknown = set(fields) - set(ModelDraft.__dataclass_fields__) - {"scheme", "key"}
    if unknown or "id" not in fields:
        raise InvalidValue(
            "model.fields",
            f"A model has no {min(unknown)!r}." if unknown else "A model needs an id.",
            hint=f"It has {', '.join(ModelDraft.__dataclass_fields__)}.",
        )
    base, weights, said = fields.get("base"), fields.get("checkpoint"), fields.get("scheme")
    checked = ModelDraft(
        id=fields["id"],
        base=base.id if isinstance(base, Model) else base,
        operation=check_operation(fields.get("operation")),
        metrics=check_metrics(fields.get("metrics")),
        references=_references(fields.get("references")),
        tags=tuple(checks.texts(fields.get("tags") or (), "Tags")),
        note=checks.text(fields.get("note"), "A note"),
        replicate=fields.get("replicate"),
    )
    if weights is None:
        return checked
    key = checks.text(fields.get("key"), "A key")
    place = elsewhere.place(weights)
    is_path = isinstance(place, str | Path)
    stored = checkpoints.store(staging, weights, extra=None if is_path else _scheme(weights, said), key=key)
    if is_path and said is not None:
        stored = checkpoints.declared(staging, stored, said=said)
    return proposals.proposed(replace(checked, checkpoint=stored), place)


def _references(references: Mapping[str, str | Sequence[str]] | None) -> tuple[Reference, ...]:
    return tuple(
        Reference(check_name(role, "role"), model)
        for role, parents in checks.mapping(references, "References").items()
        for model in checks.texts(parents, f"The models of role {role!r}")
    )


def _scheme(weights: Any, said: Mapping[str, Scheme] | None) -> Mapping[str, Any]:
    """What the operations recorded about each tensor, stored with the weights, or what was said: packing, channels."""
    known = scheme.of(weights)
    if said is not None:
        state: Any = weights.state_dict() if hasattr(weights, "state_dict") else weights
        known |= declared.schemes(said, [str(name) for name in state])
    noted = {"scheme": scheme.to_json(known), "kept": channels.to_json(channels.of(weights))}
    return {key: value for key, value in noted.items() if value}
