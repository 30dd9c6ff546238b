"""Where a project on a database server is: the address of the database, its name there, and where its files go.

Everything else that a project has on this machine (logs of jobs, locks) lies in a folder of this user, made from the
address. That folder can be opened like any project, which is how worker processes find theirs.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import sqlalchemy as sa

from ..errors import InvalidValue
from . import user_folders
from .files import write_atomically

SCHEMES = ("postgresql", "postgresql+psycopg")
POINTER = "project.json"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,47}")
DEFAULT = "main"
PREFIX = "cc_"
"""Of the names of the schemas that are projects."""

ARTIFACTS = "artifacts"
"""The row of the table ``meta`` that says where the files of a project are."""

PASSED_ON = re.compile(r"PG[A-Z]+|AWS_[A-Z0-9_]+|XDG_(STATE|CACHE)_HOME|COMPRESS_COMPARE_CACHE(_BYTES)?")
"""What a process needs of the environment to open such a project."""

_PASSWORDS: dict[Path, str] = {}
"""By folder, the passwords that stood in addresses; they are never written down."""


@dataclass(frozen=True)
class ServerAddress:
    """A project on a database server.

    Args:
        url: of the database.
        project: its name there.
        artifacts: where its files go: ``s3://bucket/prefix`` or a folder; None for where the project says.
    """

    url: sa.URL
    project: str
    artifacts: str | None = None

    @property
    def schema(self) -> str:
        """The schema of the database that holds its tables."""
        return PREFIX + self.project

    @property
    def shown(self) -> str:
        """The address without its password."""
        return self.url.set(password=None).update_query_dict({"project": self.project}).render_as_string()

    @property
    def location(self) -> str:
        """The address as `parsed` reads it, with its password."""
        url = self.url.update_query_dict({"project": self.project})
        return url.render_as_string(hide_password=False)

    def of(self, project: str) -> ServerAddress:
        """The address of another project in the same database.

        Raises:
            InvalidValue: ``project.name``.
        """
        return replace(self, project=checked_name(project))

    @property
    def server(self) -> str:
        """Which server it is, in words."""
        return f"{self.url.host or 'this machine'}:{self.url.port or 5432}"

    @property
    def directory(self) -> Path:
        """The folder for what this machine keeps of it."""
        mark = hashlib.sha256(self.shown.encode()).hexdigest()[:16]
        return folder() / f"{self.project}-{mark}"

    def remember(self) -> Path:
        """Write down where the project is, without its password; returns its folder."""
        directory = self.directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        content = json.dumps({"url": self.shown}).encode()
        pointer = directory / POINTER
        if not pointer.exists() or pointer.read_bytes() != content:
            write_atomically(pointer, content)
        if self.url.password:
            _PASSWORDS[directory] = str(self.url.password)
        return directory


def is_server(location: object) -> bool:
    """Whether a project is asked for by the address of a database server."""
    return isinstance(location, str) and location.split("://")[0] in SCHEMES and "://" in location


def parsed(location: str, artifacts: str | Path | None = None) -> ServerAddress:
    """An address as a person writes it: ``postgresql+psycopg://user@host/database?project=NAME``.

    Raises:
        InvalidValue: ``project.url``, ``project.name``, ``project.artifacts``.
    """
    try:
        url = sa.make_url(location)
    except (sa.exc.ArgumentError, ValueError) as error:
        raise _unreadable("It is not the address of a database.") from error
    if not url.database:
        raise _unreadable("It does not name a database.")
    name = checked_name(url.query.get("project", DEFAULT))
    plain = url.difference_update_query(["project", "password"]).set(drivername="postgresql+psycopg")
    if "password" in url.query:
        plain = plain.set(password=str(url.query["password"]))
    return ServerAddress(plain, name, None if artifacts is None else checked_artifacts(artifacts))


def checked_name(name: object) -> str:
    """The name of a project in a database.

    Raises:
        InvalidValue: ``project.name``.
    """
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidValue(
            "project.name",
            "A project on a server is named by at most 48 small letters, digits, '-' and '_'.",
            detail=f"Found {name!r:.80}.",
        )
    return name


def checked_artifacts(artifacts: str | Path) -> str:
    """Where files go, in the one way in which it is recorded.

    Raises:
        InvalidValue: ``project.artifacts``.
    """
    text = str(artifacts)
    if re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]{1,62}(/[\w.=+@ -]+)*/?", text) and "/../" not in f"{text}/":
        return text.rstrip("/")
    if "://" in text or not text or "\0" in text:
        raise InvalidValue(
            "project.artifacts",
            "Files go to s3://bucket/prefix or to a folder.",
            detail=f"Found {text.split('://')[0][:40]!a}.",
        )
    return str(Path(text).expanduser().absolute())


def of_directory(directory: Path) -> ServerAddress | None:
    """The project that a folder of ours stands for. Such a file in any other folder is not believed: it would have
    this user's password sent to whatever server it names.
    """
    if directory.parent != folder():
        return None
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads((directory / POINTER).read_bytes())
        address = parsed(said["url"])
        password = _PASSWORDS.get(directory)
        return address if password is None else replace(address, url=address.url.set(password=password))
    return None


def environment(directory: Path, own: Mapping[str, str]) -> dict[str, str]:
    """What another process of this machine needs of our environment to open a project by its folder.

    Nothing for an ordinary directory. A password that stood in the address is passed on, too.
    """
    if of_directory(directory) is None:
        return {}
    kept = {name: value for name, value in own.items() if PASSED_ON.fullmatch(name)}
    if directory in _PASSWORDS:
        kept["PGPASSWORD"] = _PASSWORDS[directory]
    return kept


def folder() -> Path:
    """Where this user's folders of such projects lie."""
    return user_folders.state() / "projects"


def cache() -> Path:
    """Where copies of files of object stores lie."""
    given = os.environ.get("COMPRESS_COMPARE_CACHE", "")
    return Path(given).absolute() if given else user_folders.cache() / "objects"


def _unreadable(detail: str) -> InvalidValue:
    return InvalidValue(
        "project.url",
        "This address of a project cannot be read.",
        detail=detail,
        hint="Write it as postgresql+psycopg://user@host:5432/database?project=NAME",
    )
