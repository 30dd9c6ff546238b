"""Projects that version 0.1 wrote: they open, are brought up whole or not at all, and 0.1 refuses them afterwards."""

import dataclasses
import json
import os
import sqlite3
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

import compress_compare as cc
from compress_compare.errors import StoreError
from compress_compare.records import MetricValue
from compress_compare.store import migrations, schema, second_schema

FROZEN = Path(__file__).parent / "schema_1"
EXPECTED = json.loads((FROZEN / "expected.json").read_text())
NAMES = ("empty", "digits", "jobs")


def unpacked(name: str, folder: Path) -> Path:
    with tarfile.open(FROZEN / f"{name}.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder / name


def version(path: Path) -> str:
    with sqlite3.connect(path / "compress-compare.db") as connection:
        return connection.execute("SELECT value FROM meta WHERE name = 'schema_version'").fetchone()[0]


def tables(path: Path, *, columns: str) -> dict[str, list]:
    """The rows of the tables that a query names."""
    with sqlite3.connect(path / "compress-compare.db") as connection:
        names = [row[0] for row in connection.execute(columns)]
        return {name: connection.execute(f"SELECT * FROM {name} ORDER BY 1, 2").fetchall() for name in names}


def told(project) -> dict:
    """What a project says of itself, in the form of ``expected.json``."""
    values = [project.model(id) for id in project.models()["id"].to_pylist()]
    found = {
        "overview": project.overview().to_pylist(),
        "errors": project.standard_errors().to_pylist(),
        "models": {
            model.id: {
                "tags": list(model.tags),
                "note": model.note,
                "metrics": {
                    name: [[repr(v.value), v.slice, v.device, v.count, v.standard_error] for v in measured]
                    for name, measured in model.metrics.items()
                },
                "files": [file.sha256 for file in model.checkpoint.files] if model.checkpoint else [],
                "datasets": list(model.datasets),
            }
            for model in values
        },
        "metrics": [dataclasses.asdict(metric) for metric in project.metrics()],
        "views": project.views(),
        "jobs": [[job.id, job.kind, job.state, job.title, job.model] for job in project.jobs()],
        "damage": project.damage(),
    }
    return json.loads(json.dumps(found))


@pytest.mark.parametrize("name", NAMES)
def test_a_project_of_version_0_1_says_what_it_said(tmp_path, name):
    path = unpacked(name, tmp_path)
    assert version(path) == "1"
    with cc.open(path) as project:
        assert repr(told(project)) == repr(EXPECTED[name])
    assert version(path) == "2"
    with cc.open(path) as project:
        assert repr(told(project)) == repr(EXPECTED[name])


def test_an_old_project_takes_what_is_new(tmp_path):
    with cc.open(unpacked("digits", tmp_path)) as project:
        assert project.model("cnn").origin is None
        project.log_metrics(
            "cnn", {"Top-1 Accuracy": MetricValue(0.99, count=10, dataset="other", protocol={"limit": 10})}
        )
        made = project.log_model("new", base="cnn", operation=cc.Operation("finetune", epochs=2), replicate="seed 3")
        assert (made.replicate, made.step, made.origin.host != "") == ("seed 3", 1, True)
        answers = project.behaviors(base="cnn", models="cnn-p50", dataset="digits-test")
        assert answers.summary.to_pylist()[0]["count"] == 40


def test_a_migrated_database_is_like_a_new_one(tmp_path):
    """What SQLite says of columns, keys and indexes is the same, whichever way they came to be."""

    def layout(path):
        found = {}
        with sqlite3.connect(path / "compress-compare.db") as connection:
            for (table,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                indexes = []
                for _, _, unique, made_by, _ in connection.execute(f"PRAGMA index_list({table})").fetchall():
                    indexes.append((unique, made_by))
                found[table] = (
                    connection.execute(f"PRAGMA table_info({table})").fetchall(),
                    sorted(row[2:5] for row in connection.execute(f"PRAGMA foreign_key_list({table})")),
                    sorted(indexes),
                )
            named = connection.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
            found["indexes"] = {
                row[0]: [column[2] for column in connection.execute(f"PRAGMA index_info({row[0]})")]
                for row in named.fetchall()
            }
        return found

    old = unpacked("digits", tmp_path)
    cc.open(old).close()
    cc.open(tmp_path / "new").close()
    assert layout(old) == layout(tmp_path / "new")


def test_a_project_that_was_brought_up_is_refused_by_a_program_that_is_older(tmp_path, monkeypatch):
    path = unpacked("digits", tmp_path)
    cc.open(path).close()
    monkeypatch.setattr(migrations, "MIGRATIONS", ())
    with pytest.raises(StoreError, match="newer version of Compress and Compare") as caught:
        cc.open(path)
    assert caught.value.code == "store.too_new"
    assert "version 2; this installation knows up to 1" in caught.value.detail
    assert version(path) == "2"


def test_reading_an_old_project_writes_nothing(tmp_path):
    path = unpacked("digits", tmp_path)
    before = {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in path.rglob("*") if file.is_file()}
    with cc.open(path, read_only=True) as project:
        assert repr(told(project)) == repr(EXPECTED["digits"])
        with pytest.raises(StoreError) as caught:
            project.log_model("mine")
        assert caught.value.code == "store.read_only"
    assert before == {file: (file.stat().st_mtime_ns, file.read_bytes()) for file in path.rglob("*") if file.is_file()}
    assert version(path) == "1"


KILLED = """
import os, shutil, sqlite3, sys
from pathlib import Path
import compress_compare as cc
from compress_compare.store import connections

source, folder = Path(sys.argv[1]), Path(sys.argv[2])
usual = connections._usual

def traced(end, steps):
    '''Connections that end the process at the end-th statement, or at that step of the machine of SQLite.'''
    seen = [0]
    def ended(*_):
        seen[0] += 1
        if seen[0] > end:
            os._exit(9)
        return 0
    def opened(path):
        connection = usual(path)
        if steps:
            connection.set_progress_handler(ended, steps)
        else:
            connection.set_trace_callback(ended)
        return connection
    return opened

for kind, steps in (("statement", 0), ("step", 500)):
    end = 0
    while True:
        path = folder / f"{kind}-{end}"
        shutil.copytree(source, path)
        child = os.fork()
        if child == 0:
            connections._usual = traced(end, steps)
            cc.open(path).close()
            os._exit(0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(kind, end, code, flush=True)
        if code == 0:
            break
        assert code == 9, code
        end += 1
"""


def test_a_migration_killed_at_any_statement_leaves_the_old_or_the_new(tmp_path):
    path = unpacked("digits", tmp_path)
    every = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'metric_values%' ORDER BY 1"
    old = tables(path, columns=every)
    done = subprocess.run([sys.executable, "-c", KILLED, path, tmp_path], capture_output=True, text=True, check=True)
    killed = [line.split() for line in done.stdout.splitlines()]
    versions = []
    for kind, end, _ in killed:
        copy = tmp_path / f"{kind}-{end}"
        versions.append(version(copy))
        if versions[-1] == "1":
            assert tables(copy, columns=every) == old, (kind, end)
        with cc.open(copy) as project:
            assert repr(told(project)) == repr(EXPECTED["digits"]), (kind, end)
        assert version(copy) == "2"
    assert sum(kind == "statement" for kind, *_ in killed) > len(second_schema.STATEMENTS)
    assert set(versions) == {"1", "2"}


def test_of_eight_that_open_an_old_project_at_once_one_brings_it_up(tmp_path):
    path = unpacked("digits", tmp_path)
    program = "import sys, compress_compare as cc; print(len(cc.open(sys.argv[1])))"
    started = [
        subprocess.Popen([sys.executable, "-c", program, path], stdout=subprocess.PIPE, text=True, env=os.environ)
        for _ in range(8)
    ]
    assert [process.communicate()[0] for process in started] == ["4\n"] * 8
    assert version(path) == "2"


def test_every_table_is_created_by_the_migrations_or_was_there(tmp_path):
    path = unpacked("empty", tmp_path)
    cc.open(path).close()
    with sqlite3.connect(path / "compress-compare.db") as connection:
        names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert names == set(schema.metadata.tables)
