"""Whether what was stored is still what it was, and its repair from copies that are at hand."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from ..errors import InvalidValue, StoreError
from ..readers.regular import open_regular
from . import schema
from .artifacts import Artifacts


@dataclass(frozen=True)
class Damaged:
    """A stored file that is gone or has changed.

    Args:
        name: what it is to a person.
        sha256: of what it should hold.
        sentence: what is wrong with it.
    """

    name: str
    sha256: str
    sentence: str


def damage(connection: sa.Connection, artifacts: Artifacts) -> list[str]:
    """A sentence for each stored file that is gone or has changed. Reads all of them."""
    return [one.sentence for one in damaged(connection, artifacts)]


def damaged(connection: sa.Connection, artifacts: Artifacts) -> list[Damaged]:
    """The stored files that are gone or have changed. Reads all of them."""
    found = []
    for name, digest in named(connection):
        try:
            artifacts.check(digest)
        except (StoreError, InvalidValue) as error:
            found.append(Damaged(name, digest, f"{name}: {error.title} {error.detail}".strip()))
    return found


def copies(wanted: Collection[str], places: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Files that hold what is wanted, by SHA-256: among files, and in folders and those below.

    Links are not followed, and nothing but regular files is opened.
    """
    left = set(wanted)
    for path in _files(places):
        if not left:
            return
        with suppress(OSError, InvalidValue), open_regular(path) as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if digest in left:
                left.remove(digest)
                yield digest, path


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if not place.is_dir():
            yield place
            continue
        for folder, _, names in os.walk(place):
            yield from (path for name in sorted(names) if not (path := Path(folder, name)).is_symlink())


def named(connection: sa.Connection) -> Iterator[tuple[str, str]]:
    """What each stored file is to a person, and its SHA-256."""
    models, datasets, files, outputs = schema.models, schema.datasets, schema.files, schema.outputs
    for model, name, digest in connection.execute(
        sa.select(models.c.id, files.c.name, files.c.sha256).join_from(files, models)
    ):
        yield f"{name} of {model}", digest
    for dataset, digest in connection.execute(sa.select(datasets.c.name, datasets.c.sha256)):
        yield f"instances of {dataset}", digest
    for model, dataset, digest in connection.execute(
        sa.select(models.c.id, datasets.c.name, outputs.c.sha256).join_from(outputs, models).join(datasets)
    ):
        yield f"outputs of {model} on {dataset}", digest
