"""A project as it is stored: what is written and read, and no analysis of it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from . import location
from .changing import Changer


class Store(Changer):
    """A directory with everything about one family of experiments. Safe to use from several threads and processes."""

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True, read_only: bool = False) -> Self:
        """Open what is in the directory ``path``, or create it there.

        Args:
            path: of the directory; a relative one is looked for now and never again.
            create: whether it may be made.
            read_only: whether to leave the directory as it is: nothing is written there, and nothing is run.

        Raises:
            NotFound: ``project.unknown`` if there is none and ``create`` is false.
            StoreError: ``store.*`` if it is damaged or of a newer version.
        """
        store = cls(location.prepare(path, create and not read_only), read_only=read_only)
        store._tidy()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"
