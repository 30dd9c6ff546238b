"""The projects of a database on PostgreSQL: which there are, and how large each is, without opening them one by one."""

from __future__ import annotations

import sqlalchemy as sa

from ..errors import StoreError
from . import migrations, postgres, schema
from .address import PREFIX, ServerAddress
from .postgres_faults import told
from .summary import Summary, summary


def names(address: ServerAddress) -> list[str]:
    """The names of the projects in a database that this user may see, sorted.

    Raises:
        StoreError, NotFound: ``store.*``.
    """
    with _Reader(address) as reader:
        return reader.names()


def summaries(address: ServerAddress) -> dict[str, Summary | StoreError]:
    """By name, how large each project is and when it changed, or why that cannot be read; over one connection.

    Raises:
        StoreError, NotFound: ``store.*``.
    """
    with _Reader(address) as reader:
        return {name: reader.summary(name) for name in reader.names()}


class _Reader:
    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._engine = postgres.engine(address, isolation="REPEATABLE READ", read_only=True)

    def __enter__(self) -> _Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.dispose()

    def names(self) -> list[str]:
        query = sa.text(
            "SELECT schemaname FROM pg_tables WHERE tablename = :table AND schemaname LIKE :like ORDER BY 1"
        )
        with told(self._address), self._engine.connect() as connection:
            like = PREFIX.replace("_", r"\_") + "%"
            found = connection.execute(query, {"table": schema.revisions.name, "like": like}).scalars().all()
        return [name.removeprefix(PREFIX) for name in found]

    def summary(self, name: str) -> Summary | StoreError:
        """The numbers of a project, fewer of one of an older version, in which nothing could be archived."""
        engine = self._engine.execution_options(schema_translate_map={None: PREFIX + name})
        try:
            with told(self._address), engine.connect() as connection:
                if migrations.current_version(connection) < migrations.newest_version():
                    models = schema.models.c
                    found = sa.select(sa.func.count(models.key), sa.func.max(models.created_at))
                    count, changed = connection.execute(found).one()
                    return Summary(count, 0, changed)
                return summary(connection)
        except StoreError as error:
            return error
