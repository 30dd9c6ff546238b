"""The tables of a project database, for SQLite and PostgreSQL alike."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

KINDS = ("number", "nan", "inf", "-inf", "-0")
"""A metric value's kind is stored as its index here, since SQLite turns NaN into NULL and loses the sign of zero."""

meta = sa.Table(
    "meta",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

revisions = sa.Table(
    "revision",
    metadata,
    sa.Column("number", sa.BigInteger, nullable=False),
    sa.Column("jobs", sa.BigInteger, nullable=False, server_default="0"),
)
"""One row: how often anything was written, and how often jobs were, whose progress leaves the models as they are."""

models = sa.Table(
    "models",
    metadata,
    sa.Column("key", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("base_key", sa.BigInteger, sa.ForeignKey("models.key"), index=True),
    sa.Column("operation", sa.Text),
    sa.Column("parameters", sa.Text, nullable=False, server_default="{}"),
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
)

model_references = sa.Table(
    "model_references",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("role", sa.Text, primary_key=True),
    sa.Column("parent_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
)

metrics = sa.Table(
    "metrics",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("unit", sa.Text, nullable=False),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("higher_is_better", sa.Boolean),
    sa.Column("primary", sa.Boolean, nullable=False),
    sa.Column("min", sa.Float),
    sa.Column("max", sa.Float),
    sa.Column("description", sa.Text, nullable=False),
)

metric_values = sa.Table(
    "metric_values",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("metric_key", sa.Integer, sa.ForeignKey("metrics.key"), primary_key=True),
    sa.Column("slice", sa.Text, primary_key=True, server_default=""),
    sa.Column("device", sa.Text, primary_key=True, server_default=""),
    sa.Column("value", sa.Float),
    sa.Column("kind", sa.SmallInteger, nullable=False),
    sa.Column("count", sa.BigInteger),
    sa.Column("standard_error", sa.Float),
    sa.Index("metric_values_by_metric", "metric_key", "slice", "device", "model_key", "value", "kind"),
)

files = sa.Table(
    "files",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("format", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("num_bytes", sa.BigInteger, nullable=False),
)

datasets = sa.Table(
    "datasets",
    metadata,
    sa.Column("key", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("fingerprint", sa.Text, nullable=False),
    sa.Column("num_instances", sa.BigInteger, nullable=False),
    sa.Column("columns", sa.Text, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

outputs = sa.Table(
    "outputs",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("dataset_key", sa.Integer, sa.ForeignKey("datasets.key"), primary_key=True),
    sa.Column("num_instances", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
)

tags = sa.Table(
    "tags",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("tag", sa.Text, primary_key=True),
    sa.Column("position", sa.Integer, nullable=False),
)

notes = sa.Table(
    "notes",
    metadata,
    sa.Column("model_key", sa.BigInteger, sa.ForeignKey("models.key"), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("root", sa.Text, primary_key=True),
    sa.Column("path", sa.Text, nullable=False),
    sa.Column("options", sa.Text, nullable=False),
    sa.Column("folders", sa.Text, nullable=False),
)
"""What the models of a root are about: the import path that the user's own program named for it."""

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("parent", sa.Text, index=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False, index=True),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("reason", sa.Text),
    sa.Column("error", sa.Text),
    sa.Column("model", sa.Text),
    sa.Column("request", sa.Text, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("cancel", sa.Boolean, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("handle", sa.Text, nullable=False),
    sa.Column("created_at", sa.Text, nullable=False),
    sa.Column("started_at", sa.Text),
    sa.Column("finished_at", sa.Text),
)
"""``owner`` is the process that runs the job, ``handle`` what runs it there, ``request`` (JSON) what is to be done."""
