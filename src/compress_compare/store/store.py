"""A project as it is stored: what is written and read, and no analysis of it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from . import location
from .writing import Writer


class Store(Writer):
    """A directory with everything about one family of experiments. Safe to use from several threads and processes."""

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True) -> Self:
        """Open what is in the directory ``path``, or create it there.

        Raises:
            NotFound: ``project.unknown`` if there is none and ``create`` is false.
            StoreError: ``store.*`` if it is damaged or of a newer version.
        """
        return cls(location.prepare(path, create))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"
