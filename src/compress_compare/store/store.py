"""A project as it is stored: what is written and read, and no analysis of it."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from ..errors import InvalidValue
from . import address, location
from .receiving import Receiver


class Store(Receiver):
    """A directory with everything about one family of experiments. Safe to use from several threads and processes."""

    @classmethod
    def open(
        cls,
        path: str | Path,
        *,
        create: bool = True,
        read_only: bool = False,
        artifacts: str | Path | None = None,
        group_readable: bool = False,
    ) -> Self:
        """Open what is in the directory ``path`` or on a database server, or create it there.

        Args:
            path: of the directory; a relative one is looked for now and never again. Or the address of a database:
                ``postgresql+psycopg://user@host/database?project=NAME``.
            create: whether it may be made.
            read_only: whether to leave the project as it is: nothing is written there, and nothing is run.
            artifacts: for a database, where the files of a new project go: ``s3://bucket/prefix`` or a folder that all
                can reach. The project remembers it.
            group_readable: whether the group of a new directory may read the project; its owner alone may else.

        Raises:
            NotFound: ``project.unknown`` if there is none and ``create`` is false.
            StoreError: ``store.*`` if it is damaged or of a newer version.
        """
        create = create and not read_only
        place = _place(path, create, artifacts=artifacts, group_readable=group_readable)
        store = cls(place, read_only=read_only, create=create)
        store._tidy()
        return store

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shown_place!r})"


def _place(
    path: str | Path, create: bool, *, artifacts: str | Path | None, group_readable: bool
) -> Path | address.ServerAddress:
    if group_readable and "://" in str(path):
        raise InvalidValue("project.group", "Who may read a project on a server is said there, by roles.")
    if address.is_server(path):
        return address.parsed(str(path), artifacts)
    directory = Path(path) if isinstance(path, str | Path) and str(path) else None
    if directory is not None and address.of_directory(directory) is not None:
        return directory
    if artifacts is not None and "://" not in str(path):
        said = "The files of a project in a directory lie in it."
        raise InvalidValue("project.artifacts", said, hint="Leave artifacts out.")
    return location.prepare(path, create, group_readable=group_readable)
