"""A project as one file: every record and every object, as a ZIP whose bytes follow from what is in it alone.

Nothing is compressed, since weights hardly shrink: a member is the bytes that it was. Times are fixed, names are
sorted, and records are JSON lines with sorted keys, so that equal projects make equal archives.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from ..errors import InvalidValue
from ..records import StoredFile, check_name
from . import garbage, location, migrations, relatives, schema
from .address import ARTIFACTS
from .files import sync_directory
from .reading import Reader
from .staging import CHUNK
from .store import Store

KIND = "compress-compare archive"
VERSION = 1
SUFFIX = ".ccz"
MANIFEST = "MANIFEST.json"
LEFT_OUT = ("logs of jobs", "counters of revisions")
DIGEST = re.compile(r"[0-9a-f]{64}")
RECORDS = re.compile(r"records/([a-z_]+)\.jsonl")
OBJECT = re.compile(r"objects/([0-9a-f]{2})/(\1[0-9a-f]{62})")
ANSWERS = re.compile(r"(activations|sensitivities)/([0-9a-f]{64}\.arrow)")
MOST_RECORDS = 1 << 30
"""Bytes of the records of one table."""
NAMING = tuple(table.name for table in schema.metadata.sorted_tables if "sha256" in table.columns)
"""Tables whose records name objects."""
_SKIPPED = ("revision",)
_TYPES: tuple[tuple[type[Any], tuple[type, ...]], ...] = (
    (sa.Boolean, (bool,)),
    (sa.Integer, (int,)),
    (sa.Float, (float, int)),
    (sa.Text, (str,)),
)


def pack(store: Reader, path: Path) -> int:
    """Write a project to one file; returns its size in bytes. The file appears whole or not at all.

    Raises:
        InvalidValue: ``output.not_written``.
        StoreError: ``artifact.missing``, ``artifact.hash_mismatch`` if an object is not as it was stored.
    """
    with store._database.read() as connection:
        records = {table.name: list(_rows(connection, table)) for table in _tables()}
    texts = {name: "".join(f"{line}\n" for line in lines).encode() for name, lines in records.items()}
    objects = _objects(store, texts)
    manifest = {
        "kind": KIND,
        "version": VERSION,
        "schema": migrations.newest_version(),
        "rows": {name: len(lines) for name, lines in records.items()},
        "objects": len(objects),
        "left_out": LEFT_OUT,
    }
    members: dict[str, bytes | Path] = {MANIFEST: (_canonical(manifest) + "\n").encode()}
    members |= {f"records/{name}.jsonl": text for name, text in texts.items()}
    members |= {f"objects/{digest[:2]}/{digest}": file for digest, file in objects.items()}
    results = store._artifacts.results
    for kind in (location.ACTIVATIONS, location.SENSITIVITIES):
        names = [name for name in results.kept_names(kind) if ANSWERS.fullmatch(name)]
        members |= {name: results.kept(name) or b"" for name in names}
    try:
        return _written(members, path)
    except OSError as error:
        said = f"{str(path)!r} cannot be written: {error.strerror}."
        raise InvalidValue("output.not_written", said, hint="Choose another place.") from error


def unpack(path: Path, directory: Path) -> Path:
    """Make a project of an archive in a directory that is not there or empty; returns the directory.

    Raises:
        InvalidValue: ``archive.*`` for a file that is no archive of ours, or one that is damaged or not safe;
            ``project.not_empty``.
    """
    directory = Path(directory).absolute()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise InvalidValue(
            "project.not_empty", f"{directory.name!r} is there already.", hint="Unpack into a new folder."
        )
    if not path.is_file():
        raise InvalidValue("archive.no_file", f"There is no archive {str(path)[:200]!r}.")
    directory.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=directory.parent, prefix=f".{directory.name}-"))
    try:
        with zipfile.ZipFile(path) as archive:
            members = _checked(archive, path)
            _fill(made, archive, members)
        if directory.exists():
            directory.rmdir()
        made.replace(directory)
        sync_directory(directory.parent)
    except zipfile.BadZipFile as error:
        raise _refused("It is damaged.", str(error)) from error
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return directory


def _tables() -> list[sa.Table]:
    """All tables of which the rows are kept, each after those that it refers to."""
    return [table for table in schema.metadata.sorted_tables if table.name not in _SKIPPED]


def _rows(connection: sa.Connection, table: sa.Table) -> Iterator[str]:
    """The rows of a table in the order of its key, as canonical JSON."""
    names = [column.name for column in table.columns]
    for row in connection.execute(sa.select(table).order_by(*table.primary_key.columns)):
        if table is schema.meta and row.name in (garbage.LOOKED, ARTIFACTS):
            continue
        yield _canonical(dict(zip(names, row, strict=True)))


def _canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _objects(store: Reader, texts: dict[str, bytes]) -> dict[str, Path]:
    """The objects that records name, also those of what was deleted and can be restored."""
    needed = {row["sha256"] for name in NAMING for row in map(json.loads, _lines(texts[name]))}
    return {digest: store._artifacts.verify(digest) for digest in needed}


def _written(members: dict[str, bytes | Path], path: Path) -> int:
    handle = tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}-", delete=False)  # noqa: SIM115
    temporary = Path(handle.name)
    try:
        with handle, zipfile.ZipFile(handle, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for name in sorted(members):
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.create_system, info.external_attr, info.compress_type = 3, 0o100600 << 16, zipfile.ZIP_STORED
                content = members[name]
                size = len(content) if isinstance(content, bytes) else content.stat().st_size
                with archive.open(info, "w", force_zip64=size >= 1 << 31) as target:
                    if isinstance(content, bytes):
                        target.write(content)
                    else:
                        with content.open("rb") as source:
                            shutil.copyfileobj(source, target, CHUNK)
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path.stat().st_size


def _checked(archive: zipfile.ZipFile, path: Path) -> dict[str, zipfile.ZipInfo]:
    """The members by name, after looking at all of them: no links, no other places, nothing larger than the file."""
    found: dict[str, zipfile.ZipInfo] = {}
    for info in archive.infolist():
        name = info.filename
        allowed = name == MANIFEST or any(kind.fullmatch(name) for kind in (RECORDS, OBJECT, ANSWERS))
        if not allowed or name in found:
            raise _refused("It holds a file that does not belong there.", f"{name[:80]!a}")
        if (info.external_attr >> 28) not in (0, 0o10):
            raise _refused("It holds something else than files.", f"{name[:80]!a}")
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size or info.flag_bits & 1:
            raise _refused("It holds a compressed or encrypted file.", f"{name[:80]!a}")
        found[name] = info
    if sum(info.file_size for info in found.values()) > path.stat().st_size:
        raise _refused("Its files are larger than itself.", "")
    if MANIFEST not in found:
        raise _refused("It is not one of this tool.", f"There is no {MANIFEST}.")
    manifest = _json(_read(archive, found[MANIFEST]))
    if not isinstance(manifest, dict) or manifest.get("kind") != KIND:
        raise _refused("It is not one of this tool.", "")
    if (manifest.get("version"), manifest.get("schema")) != (VERSION, migrations.newest_version()):
        detail = f"Its schema is {manifest.get('schema')}, and that of this version is {migrations.newest_version()}."
        raise InvalidValue(
            "archive.version",
            "The archive was made by another version.",
            detail=detail,
            hint="Unpack it with that one.",
        )
    return found


def _fill(directory: Path, archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo]) -> None:
    store = Store.open(directory)
    try:
        tables = {table.name: table for table in _tables()}
        rows: dict[str, list[dict[str, Any]]] = {}
        for name, info in members.items():
            if match := RECORDS.fullmatch(name):
                if match[1] not in tables:
                    raise _refused("It has records that are not known here.", match[1])
                rows[match[1]] = [_row(tables[match[1]], line) for line in _lines(_read(archive, info))]
        _check(rows)
        with store._artifacts.staging() as staging, store._database.write() as connection:
            store._database.defer_foreign_keys(connection)
            present = _publish(store, archive, members=members, staging=staging, like=_like(rows))
            missing = {row["sha256"] for name in NAMING for row in rows.get(name, ())} - present
            if missing:
                raise _refused("An object that its records name is missing.", min(missing))
            for table in reversed(_tables()):
                connection.execute(table.delete())
            for table in _tables():
                if rows.get(table.name):
                    connection.execute(table.insert(), rows[table.name])
        for name, info in members.items():
            if ANSWERS.fullmatch(name):
                store._artifacts.results.keep(name, _read(archive, info))
    except sa.exc.IntegrityError as error:
        raise _refused("Its records contradict each other.", str(error.orig)[:200]) from error
    finally:
        store.close()


def _like(rows: dict[str, list[dict[str, Any]]]) -> dict[str, list[str]]:
    """Which weights may share tensors, so that each is stored once again."""
    files: dict[int, list[StoredFile]] = {}
    for row in rows.get("files", ()):
        files.setdefault(row["model_key"], []).append(StoredFile(row["name"], row["sha256"], row["num_bytes"]))
    return relatives.among({row["key"]: row["base_key"] for row in rows.get("models", ())}, files)


def _publish(
    store: Store,
    archive: zipfile.ZipFile,
    *,
    members: dict[str, zipfile.ZipInfo],
    staging: Any,
    like: dict[str, list[str]],
) -> set[str]:
    present = set()
    for name, info in members.items():
        if match := OBJECT.fullmatch(name):
            with archive.open(info) as source:
                staged = staging.put(match[2], lambda file: shutil.copyfileobj(source, file, CHUNK))
            if staged.sha256 != match[2]:
                raise _refused("An object has changed since it was packed.", f"objects/{match[2]}")
            present.add(match[2])
    store._publish(staging, [*(digest for digest in like if digest in present), *sorted(present)], like=like)
    return present


def _row(table: sa.Table, line: str) -> dict[str, Any]:
    """A record with the columns and types of its table, and no others."""
    found = _json(line.encode())
    if not isinstance(found, dict) or set(found) - {column.name for column in table.columns}:
        raise _refused("A record cannot be read.", f"{table.name}: {line[:80]!a}")
    for column in table.columns:
        value = found.get(column.name)
        types = next(types for kind, types in _TYPES if isinstance(column.type, kind))
        if (type(value) not in types) if value is not None else not column.nullable:
            raise _refused("A record cannot be read.", f"{table.name}.{column.name}: {value!r:.80}")
    return {column.name: found.get(column.name) for column in table.columns}


def _check(rows: dict[str, list[dict[str, Any]]]) -> None:
    """What names files or people must be what a project could have recorded itself."""
    for name in NAMING:
        for row in rows.get(name, ()):
            _check_file(row)
    for name, columns in (("deleted", ("content",)), ("history", ("old", "new"))):
        for row in rows.get(name, ()):
            for column in columns:
                _check_inside(_json(row[column].encode()))
    for table, column in (("models", "id"), ("metrics", "name"), ("datasets", "name"), ("tags", "tag")):
        for row in rows.get(table, ()):
            check_name(row[column], f"{table} {column}")


def _check_inside(value: Any) -> None:
    """The same of rows that are kept as JSON, to be put back."""
    if isinstance(value, dict):
        if "sha256" in value:
            _check_file(value)
        for each in value.values():
            _check_inside(each)
    elif isinstance(value, list):
        for each in value:
            _check_inside(each)


def _check_file(row: dict[str, Any]) -> None:
    if not isinstance(row["sha256"], str) or not DIGEST.fullmatch(row["sha256"]):
        raise _refused("A record does not name an object.", f"{row['sha256']!a:.80}")
    name = row.get("name", "name")
    parts = name.split("/") if isinstance(name, str) and "fingerprint" not in row else ["name"]
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part for part in parts):
        raise _refused("A file has a name that leads elsewhere.", f"{name!a:.80}")


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    if info.file_size > MOST_RECORDS:
        raise _refused("Its records are too large.", f"{info.filename}: {info.file_size:,} bytes")
    return archive.read(info)


def _lines(text: bytes) -> list[str]:
    """Lines as they were written; a text may hold other signs that end lines, such as U+2028."""
    try:
        return [line for line in text.decode().split("\n") if line]
    except UnicodeDecodeError as error:
        raise _refused("A record cannot be read.", "It is not UTF-8.") from error


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _refused("A record cannot be read.", str(error)[:120]) from error


def _refused(why: str, detail: str) -> InvalidValue:
    return InvalidValue("archive.refused", f"The archive cannot be unpacked: {why}", detail=detail)
