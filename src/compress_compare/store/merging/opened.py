"""What is merged: a project, its directory or an archive."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..archive import unpack
from ..store import Store


@contextmanager
def opened(other: str | Path | Store) -> Iterator[Store]:
    """A project to read; an archive is unpacked for that time."""
    if isinstance(other, Store):
        yield other
        return
    if not Path(other).is_file():
        with Store.open(other, create=False, read_only=True) as store:
            yield store
        return
    with tempfile.TemporaryDirectory(prefix="compress-compare-", ignore_cleanup_errors=True) as folder:
        store = Store.open(unpack(Path(other), Path(folder) / Path(other).stem), create=False, read_only=True)
        with store:
            yield store
