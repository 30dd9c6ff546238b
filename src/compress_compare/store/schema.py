"""The tables of a project database, for SQLite and PostgreSQL alike."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Ordered by its signs alone on every server, as SQLite does."""

KINDS = ("number", "nan", "inf", "-inf", "-0")
"""A metric value's kind is stored as its index here, since SQLite turns NaN into NULL and loses the sign of zero."""

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("value", TEXT, nullable=False),
)

revisions = sa.Table(
    "revision",
    metadata,
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("jobs", sa.BigInteger, nullable=False, server_default="0"),
)
"""One row: how often anything was written, and how often jobs were, whose progress leaves the models as they are."""

origins = sa.Table(
    "origins",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("content", TEXT, nullable=False, unique=True),
)
"""Who did something, where and with what, as JSON: shared by all that one process writes."""

models = sa.Table(
    "models",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", TEXT, nullable=False, unique=True),
    sa.Column("base_key", sa.BigInteger, sa.ForeignKey("models.key"), index=True),
    sa.Column("operation", TEXT),
    sa.Column("parameters", TEXT, nullable=False, server_default="{}"),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("created_at", TEXT, nullable=False),
    sa.Column("replicate", TEXT),
    sa.Column("archived_at", TEXT),
    sa.Column("origin_key", sa.BigInteger, sa.ForeignKey("origins.key")),
)
"""``replicate`` names one of several models made alike, e.g. by its seed; an archived model is hidden."""

model_references = sa.Table(
    "model_references",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("role", TEXT, primary_key=True),
    sa.Column("parent_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
)

metrics = sa.Table(
    "metrics",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", TEXT, nullable=False, unique=True),
    sa.Column("unit", TEXT, nullable=False),
    sa.Column("format", TEXT, nullable=False),
    sa.Column("higher_is_better", sa.Boolean),
    sa.Column("primary", sa.Boolean, nullable=False),
    sa.Column("min", sa.Float),
    sa.Column("max", sa.Float),
    sa.Column("description", TEXT, nullable=False),
)

metric_values = sa.Table(
    "metric_values",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("metric_key", sa.Integer, sa.ForeignKey("metrics.key"), primary_key=True),
    sa.Column("slice", TEXT, primary_key=True, server_default=""),
    sa.Column("device", TEXT, primary_key=True, server_default=""),
    sa.Column("dataset", TEXT, primary_key=True, server_default=""),
    sa.Column("protocol", TEXT, primary_key=True, server_default=""),
    sa.Column("value", sa.Float),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("count", sa.BigInteger),
    sa.Column("standard_error", sa.Float),
    sa.Index(
        "metric_values_by_metric",
        *("metric_key", "slice", "device", "dataset", "protocol", "model_key", "value", "kind"),
    ),
)
"""``dataset`` is a name, ``protocol`` JSON text with sorted keys; both are empty where nothing was said."""

files = sa.Table(
    "files",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("name", TEXT, primary_key=True),
    sa.Column("format", TEXT, nullable=False),
    sa.Column("sha256", TEXT, nullable=False),
    sa.Column("num_bytes", sa.BigInteger, nullable=False),
)

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", TEXT, nullable=False, unique=True),
    sa.Column("fingerprint", TEXT, nullable=False),
    sa.Column("num_instances", sa.BigInteger, nullable=False),
    sa.Column("columns", TEXT, nullable=False),
    sa.Column("sha256", TEXT, nullable=False),
    sa.Column("family", TEXT),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
)
"""``family`` is the name of the first version of a dataset, for those that came after it."""

outputs = sa.Table(
    "outputs",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("dataset_key", sa.Integer, sa.ForeignKey("datasets.key"), primary_key=True),
    sa.Column("num_instances", sa.BigInteger, nullable=False),
    sa.Column("sha256", TEXT, nullable=False),
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("tag", TEXT, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("text", TEXT, nullable=False),
    sa.Column("origin_key", sa.BigInteger, sa.ForeignKey("origins.key")),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("root", TEXT, primary_key=True),
    sa.Column("path", TEXT, nullable=False),
    sa.Column("options", TEXT, nullable=False),
    sa.Column("folders", TEXT, nullable=False),
)
"""What the models of a root are about: the import path that the user's own program named for it."""

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", TEXT, nullable=False, unique=True),
    sa.Column("parent", TEXT, index=True),
    sa.Column("kind", TEXT, nullable=False),
    sa.Column("title", TEXT, nullable=False),
    sa.Column("state", TEXT, nullable=False, index=True),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("message", TEXT, nullable=False),
    sa.Column("reason", TEXT),
    sa.Column("error", TEXT),
    sa.Column("model", TEXT),
    sa.Column("request", TEXT, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("cancel", sa.Boolean, nullable=False),
    sa.Column("owner", TEXT, nullable=False),
    sa.Column("handle", TEXT, nullable=False),
    sa.Column("created_at", TEXT, nullable=False),
    sa.Column("started_at", TEXT),
    sa.Column("finished_at", TEXT),
    sa.Column("origin_key", sa.BigInteger, sa.ForeignKey("origins.key")),
)
"""``owner`` is the process that runs the job, ``handle`` what runs it there, ``request`` (JSON) what is to be done."""

history = sa.Table(
    "history",
    metadata,
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("at", TEXT, nullable=False),
    sa.Column("origin_key", sa.BigInteger, sa.ForeignKey("origins.key")),
    sa.Column("action", TEXT, nullable=False),
    sa.Column("old", TEXT, nullable=False),
    sa.Column("new", TEXT, nullable=False),
    sa.Column("reason", TEXT, nullable=False, server_default=""),
    sa.Column("undoable", sa.Boolean, nullable=False),
    sa.Column("undone_by", sa.BigInteger, sa.ForeignKey("history.number")),
)
"""What was changed after it was logged; ``old`` and ``new`` are JSON text, of which the action says the form."""

history_models = sa.Table(
    "history_models",
    metadata,
    sa.Column("number", sa.BigInteger, sa.ForeignKey("history.number"), primary_key=True),
    sa.Column("model_key", sa.BigInteger, primary_key=True, index=True),
    sa.Column("model", TEXT, nullable=False),
)
"""Which models a change is about, with their ids of that time; a key stays after its model is gone."""

deleted = sa.Table(
    "deleted",
    metadata,
    sa.Column("model_key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", TEXT, nullable=False, index=True),
    sa.Column("number", sa.BigInteger, sa.ForeignKey("history.number"), nullable=False),
    sa.Column("content", TEXT, nullable=False),
)
"""Deleted models that can be restored: their rows of all tables as JSON, so that no reader meets them."""

kept_files = sa.Table(
    "kept_files",
    metadata,
    sa.Column("number", sa.BigInteger, sa.ForeignKey("history.number"), primary_key=True),
    sa.Column("sha256", TEXT, primary_key=True),
)
"""Stored files that only a change that can be undone still needs."""
