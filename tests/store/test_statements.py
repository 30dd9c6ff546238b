"""Statements are compiled once for all projects of a process."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.sql.compiler import SQLCompiler

import compress_compare as cc
from compress_compare.store import schema, statements

pytestmark = pytest.mark.usefixtures("each_backend")


def use(path: Path) -> None:
    with cc.open(path) as project:
        project.define_metric("Accuracy", higher_is_better=True)
        project.log_model("base", metrics={"Accuracy": 0.5})
        project.log_model("small", base="base", operation=cc.Operation("prune"), metrics={"Accuracy": 0.25})
        assert project.models()["id"].to_pylist() == ["base", "small"]
        assert project.model("small").metrics["Accuracy"][0].value == 0.25


def test_a_second_project_compiles_nothing_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiled, begin = list[str](), SQLCompiler.__init__

    def noted(self: SQLCompiler, dialect: sa.Dialect, statement: sa.ClauseElement, **options: object) -> None:
        if options.get("cache_key") is not None:
            compiled.append(type(statement).__name__)
        begin(self, dialect, statement, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(statements._SHARED, "_data", {})
    monkeypatch.setattr(SQLCompiler, "__init__", noted)
    use(tmp_path / "first")
    assert len(compiled) > 10
    compiled.clear()
    use(tmp_path / "second")
    assert compiled == []


@pytest.mark.parametrize("kind", ["sqlite+pysqlite", "postgresql+psycopg"])
def test_definitions_are_for_the_kind_of_database(kind: str) -> None:
    made = statements.definitions(schema.metadata, kind)
    assert {text.split()[2] for text in made if "CREATE TABLE" in text} == set(schema.metadata.tables)
    assert sum("INDEX" in text for text in made) == sum(len(t.indexes) for t in schema.metadata.tables.values())
    assert any('COLLATE "C"' in text for text in made) == kind.startswith("postgresql")
