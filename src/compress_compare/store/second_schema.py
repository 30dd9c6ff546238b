"""From schema 1 to schema 2: changes with their history, archived models, replicates, protocols, and who logged."""

from __future__ import annotations

import sqlalchemy as sa

STATEMENTS = (
    "CREATE TABLE origins (key BIGINT NOT NULL, content TEXT NOT NULL, PRIMARY KEY (key), UNIQUE (content))",
    "ALTER TABLE models ADD COLUMN replicate TEXT",
    "ALTER TABLE models ADD COLUMN archived_at TEXT",
    "ALTER TABLE models ADD COLUMN origin_key BIGINT REFERENCES origins (key)",
    "ALTER TABLE notes ADD COLUMN origin_key BIGINT REFERENCES origins (key)",
    "ALTER TABLE jobs ADD COLUMN origin_key BIGINT REFERENCES origins (key)",
    "ALTER TABLE datasets ADD COLUMN family TEXT",
    "ALTER TABLE datasets ADD COLUMN version INTEGER DEFAULT '1' NOT NULL",
    "ALTER TABLE metric_values RENAME TO metric_values_1",
    "DROP INDEX metric_values_by_metric",
    """CREATE TABLE metric_values (
        model_key BIGINT NOT NULL,
        metric_key INTEGER NOT NULL,
        slice TEXT DEFAULT '' NOT NULL,
        device TEXT DEFAULT '' NOT NULL,
        dataset TEXT DEFAULT '' NOT NULL,
        protocol TEXT DEFAULT '' NOT NULL,
        value FLOAT,
        kind SMALLINT NOT NULL,
        count BIGINT,
        standard_error FLOAT,
        PRIMARY KEY (model_key, metric_key, slice, device, dataset, protocol),
        FOREIGN KEY(model_key) REFERENCES models (key),
        FOREIGN KEY(metric_key) REFERENCES metrics (key)
    )""",
    """INSERT INTO metric_values (model_key, metric_key, slice, device, value, kind, count, standard_error)
        SELECT model_key, metric_key, slice, device, value, kind, count, standard_error FROM metric_values_1""",
    "DROP TABLE metric_values_1",
    """CREATE INDEX metric_values_by_metric
        ON metric_values (metric_key, slice, device, dataset, protocol, model_key, value, kind)""",
    """CREATE TABLE history (
        number BIGINT NOT NULL,
        at TEXT NOT NULL,
        origin_key BIGINT,
        action TEXT NOT NULL,
        old TEXT NOT NULL,
        new TEXT NOT NULL,
        reason TEXT DEFAULT '' NOT NULL,
        undoable BOOLEAN NOT NULL,
        undone_by BIGINT,
        PRIMARY KEY (number),
        FOREIGN KEY(origin_key) REFERENCES origins (key),
        FOREIGN KEY(undone_by) REFERENCES history (number)
    )""",
    """CREATE TABLE history_models (
        number BIGINT NOT NULL,
        model_key BIGINT NOT NULL,
        model TEXT NOT NULL,
        PRIMARY KEY (number, model_key),
        FOREIGN KEY(number) REFERENCES history (number)
    )""",
    "CREATE INDEX ix_history_models_model_key ON history_models (model_key)",
    """CREATE TABLE deleted (
        model_key BIGINT NOT NULL,
        id TEXT NOT NULL,
        number BIGINT NOT NULL,
        content TEXT NOT NULL,
        PRIMARY KEY (model_key),
        FOREIGN KEY(number) REFERENCES history (number)
    )""",
    "CREATE INDEX ix_deleted_id ON deleted (id)",
    """CREATE TABLE kept_files (
        number BIGINT NOT NULL,
        sha256 TEXT NOT NULL,
        PRIMARY KEY (number, sha256),
        FOREIGN KEY(number) REFERENCES history (number)
    )""",
)
"""What SQLite is told, in this order and never otherwise."""


def migrate(connection: sa.Connection) -> None:
    """Bring a database of schema 1 to schema 2."""
    for statement in STATEMENTS:
        connection.exec_driver_sql(statement)
