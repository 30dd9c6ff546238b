"""Evaluation data and what models answered on it: Parquet files in the artifact store, joined by instance id."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import sqlalchemy as sa

from ..errors import Conflict, NotFound
from ..records import JSON, Dataset, check_name
from . import history, schema
from .artifacts import Artifacts
from .instance_tables import fingerprint
from .models import StoredModel
from .staging import Staging


def store(staging: Staging, table: pa.Table, *, name: str) -> str:
    """Write ``table`` as Parquet with page checksums; returns the SHA-256.

    Vectors, which hardly repeat, go without a dictionary: they are read five times faster. Groups of rows are read side
    by side.
    """
    repeating = [field.name for field in table.schema if not pa.types.is_fixed_size_list(field.type)]
    options = {"compression": "zstd", "write_page_checksum": True, "use_dictionary": repeating, "row_group_size": 2**16}
    return staging.put(name, lambda file: pq.write_table(table, file, **options), needed=table.nbytes).sha256


def load(artifacts: Artifacts, sha256: str, *, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a stored table, or some of its columns.

    Raises:
        StoreError: ``artifact.missing``, ``artifact.hash_mismatch``.
    """
    source = artifacts.table(sha256)
    with artifacts.believed(sha256):
        return pq.read_table(source, columns=list(columns) if columns else None, page_checksum_verification=True)


def same(artifacts: Artifacts, sha256: str, *, table: pa.Table) -> bool:
    """Whether the stored table holds what ``table`` holds; its bytes may differ between versions of Arrow."""
    known = load(artifacts, sha256)
    return bool(known.equals(table)) and (known.schema.metadata or {}) == (table.schema.metadata or {})


def insert_dataset(
    connection: sa.Connection, artifacts: Artifacts, *, name: str, content: tuple[pa.Table, str], new: bool
) -> tuple[Dataset, bool]:
    """Record a dataset; the same content again changes nothing.

    Args:
        connection: that writes.
        artifacts: where stored tables are.
        name: as it is asked for.
        content: its table, and the SHA-256 of the table's file.
        new: whether other content under the name is taken as a version of it: one that is there, or a new one.

    Returns:
        It, or its version with this content, and whether its file is to be put in place.

    Raises:
        Conflict: ``dataset.conflict`` if the name has other content, and no new version is asked for.
    """
    check_name(name, "dataset name")
    table, sha256 = content
    dataset = Dataset(name, fingerprint(table), table.num_rows, tuple(table.column_names))
    versions = _versions(connection, name)
    for known in versions:
        if (new or known.name == name) and (known.sha256 == sha256 or same(artifacts, known.sha256, table=table)):
            return _dataset(known), bool(known.sha256 == sha256)
    if versions and not new:
        (there,) = (known for known in versions if known.name == name)
        raise Conflict(
            "dataset.conflict",
            f"Dataset {name!r} is already logged with other content.",
            detail=f"Fingerprint {there.fingerprint[:12]} there, {dataset.fingerprint[:12]} now.",
            hint="Log it as a version (new_version=True) or under another name: outputs are only comparable on equal "
            "data.",
        )
    if versions:
        dataset = _next_version(connection, dataset, versions)
    _insert(connection, dataset, sha256)
    return dataset, True


def _insert(connection: sa.Connection, dataset: Dataset, sha256: str) -> None:
    key = 1 + (connection.execute(sa.select(sa.func.max(schema.datasets.c.key))).scalar() or 0)
    values = {**asdict(dataset), "key": key, "columns": json.dumps(dataset.columns), "sha256": sha256}
    connection.execute(schema.datasets.insert().values(values))
    if dataset.family is not None:
        said: dict[str, JSON] = {"dataset": dataset.name, "examples": dataset.num_instances}
        history.record(connection, history.Made("new dataset version", {}, {}, said, key))


def _versions(connection: sa.Connection, name: str) -> list[sa.Row[Any]]:
    """A dataset and all its versions; the first one has no family of its own."""
    table = schema.datasets.c
    first = connection.execute(sa.select(sa.func.coalesce(table.family, table.name)).where(table.name == name)).scalar()
    if first is None:
        return []
    query = sa.select(schema.datasets).where((table.name == first) | (table.family == first)).order_by(table.version)
    return list(connection.execute(query))


def _next_version(connection: sa.Connection, dataset: Dataset, versions: list[sa.Row[Any]]) -> Dataset:
    """It is called ``NAME@2`` and so on; a number that another dataset's name has is passed over."""
    family, version = versions[0].family or versions[0].name, versions[-1].version + 1
    names = {known.name for known in datasets(connection)}
    while f"{family}@{version}" in names:
        version += 1
    return replace(dataset, name=f"{family}@{version}", family=family, version=version)


def remove_dataset(connection: sa.Connection, key: int) -> None:
    """Take a dataset out that no model has answered.

    Raises:
        Conflict: ``dataset.answered``.
    """
    table = schema.outputs.c
    count = connection.execute(sa.select(sa.func.count()).where(table.dataset_key == key)).scalar_one()
    if count:
        raise Conflict(
            "dataset.answered",
            f"The dataset cannot be taken back: {count:,} models have outputs on it.",
            hint="Delete those models first, or leave it.",
        )
    connection.execute(schema.datasets.delete().where(schema.datasets.c.key == key))


def insert_outputs(
    connection: sa.Connection,
    artifacts: Artifacts,
    *,
    of: tuple[StoredModel, sa.Row[Any]],
    table: pa.Table,
    sha256: str,
) -> bool:
    """Record what a model answered on a dataset (``of``); the same content again changes nothing.

    Returns:
        Whether the file is to be put in place: it is new, or it is the one that is there and may be damaged.

    Raises:
        Conflict: ``outputs.conflict`` if other outputs are there.
    """
    model, dataset = of
    known = known_outputs(connection, model, dataset)
    if known is not None:
        if known != sha256 and not same(artifacts, known, table=table):
            raise _conflict(model, dataset)
        return bool(known == sha256)
    values = {"model_key": model.key, "dataset_key": dataset.key, "num_instances": table.num_rows, "sha256": sha256}
    connection.execute(schema.outputs.insert().values(values))
    return True


def known_outputs(connection: sa.Connection, model: StoredModel, dataset: sa.Row[Any]) -> str | None:
    """The SHA-256 of what is stored of a model's answers on a dataset."""
    columns = schema.outputs.c
    place = (columns.model_key == model.key) & (columns.dataset_key == dataset.key)
    return connection.execute(sa.select(columns.sha256).where(place)).scalar()


def completed(
    artifacts: Artifacts, known: str, *, table: pa.Table, of: tuple[StoredModel, sa.Row[Any]]
) -> pa.Table | None:
    """What is stored with the answers to further examples behind it; None if there are no further ones.

    Raises:
        Conflict: ``outputs.conflict`` if the answers to some examples, or their columns, are others than those there.
    """
    there = load(artifacts, known)
    if there.schema != table.schema or (there.schema.metadata or {}) != (table.schema.metadata or {}):
        raise _conflict(*of)
    place = pc.index_in(table["id"], there["id"])
    again = table.filter(pc.is_valid(place))
    if not again.equals(there.take(place.drop_null())):
        raise _conflict(*of)
    new = table.filter(pc.is_null(place))
    return None if not new.num_rows else pa.concat_tables([there, new]).combine_chunks()


def replace_outputs(
    connection: sa.Connection,
    *,
    of: tuple[StoredModel, sa.Row[Any]],
    count: int,
    sha256: str,
    corrected: str | None = None,
) -> None:
    """Put outputs in the place of those that are there, and write it into the history: completed ones, or others for
    the reason ``corrected``."""
    model, dataset = of
    table = schema.outputs
    mine = (table.c.model_key == model.key) & (table.c.dataset_key == dataset.key)
    old = connection.execute(sa.select(table.c.sha256, table.c.num_instances).where(mine)).one()
    connection.execute(table.update().where(mine).values(sha256=sha256, num_instances=count))
    before, after = ({"dataset": dataset.name, "examples": number} for number in (old.num_instances, count))
    rows = [dataset.key, old.sha256, old.num_instances]
    names = {model.key: model.id}
    action = "complete outputs" if corrected is None else "correct outputs"
    made = history.Made(action, names, before, after, rows, corrected or "", files=[old.sha256])
    history.record(connection, made)


def _conflict(model: StoredModel, dataset: sa.Row[Any]) -> Conflict:
    return Conflict(
        "outputs.conflict",
        f"Model {model.id!r} already has other outputs on {dataset.name!r}.",
        hint="Further examples are added if they have the same columns; project.correct_outputs replaces answers.",
    )


def dataset_row(connection: sa.Connection, name: str) -> sa.Row[Any]:
    """The row of a dataset.

    Raises:
        NotFound: ``dataset.unknown``, listing the names there are.
    """
    row = connection.execute(sa.select(schema.datasets).where(schema.datasets.c.name == name)).first()
    if row is None:
        names = [dataset.name for dataset in datasets(connection)]
        raise NotFound(
            "dataset.unknown",
            f"There is no dataset {name[:80]!r} in this project.",
            hint=f"Choose one of: {', '.join(names) or 'none is logged yet'}.",
        )
    return row


def datasets(connection: sa.Connection) -> list[Dataset]:
    """All datasets in the order of logging."""
    return [_dataset(row) for row in connection.execute(sa.select(schema.datasets).order_by(schema.datasets.c.key))]


def _dataset(row: sa.Row[Any]) -> Dataset:
    columns = tuple(json.loads(row.columns))
    return Dataset(row.name, row.fingerprint, row.num_instances, columns, row.family, row.version)


def datasets_of(connection: sa.Connection, model_key: int) -> tuple[str, ...]:
    """The names of the datasets that a model has outputs on."""
    query = (
        sa.select(schema.datasets.c.name)
        .join(schema.outputs, schema.outputs.c.dataset_key == schema.datasets.c.key)
        .where(schema.outputs.c.model_key == model_key)
        .order_by(schema.datasets.c.key)
    )
    return tuple(connection.execute(query).scalars())


def outputs_sha256(connection: sa.Connection, model: StoredModel, dataset: sa.Row[Any]) -> str:
    """Where the outputs of a model on a dataset are.

    Raises:
        NotFound: ``outputs.unknown``.
    """
    table = schema.outputs
    query = sa.select(table.c.sha256).where(table.c.model_key == model.key, table.c.dataset_key == dataset.key)
    found = connection.execute(query).scalar()
    if found is None:
        raise NotFound("outputs.unknown", f"Model {model.id!r} has no outputs on dataset {dataset.name!r}.")
    return str(found)
