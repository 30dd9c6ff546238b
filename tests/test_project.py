"""The tracking API on a real project directory."""

import json
import math
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import time

import numpy as np
import polars
import pyarrow as pa
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import compress_compare as cc
from compress_compare.errors import Conflict, InvalidValue, NotFound, StoreError


@pytest.fixture
def project(tmp_path):
    with cc.open(tmp_path / "project") as opened:
        yield opened


def test_the_package_lists_its_names_before_they_are_imported():
    code = "import compress_compare as cc; print(*dir(cc))"
    listed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert {*cc.__all__, "operations", "evaluation", "recipes"} <= set(listed)


def test_models_has_one_row_per_model_and_one_column_per_metric(project):
    project.define_metric("Top-1 Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
    base = project.log_model("cnn", operation=cc.Operation("train", epochs=3), metrics={"Top-1 Accuracy": 0.981})
    project.log_model("cnn-p50", base=base, operation=cc.Operation("magnitude prune", amount=0.5), metrics={"Size": 7})
    table = project.models()
    assert table.column_names == ["id", "base", "operation", "parameters", "step", "Top-1 Accuracy", "Size"]
    assert table.to_pylist() == [
        {"id": "cnn", "base": None, "operation": "train", "parameters": '{"epochs": 3}', "step": 0}
        | {"Top-1 Accuracy": 0.981, "Size": None},
        {"id": "cnn-p50", "base": "cnn", "operation": "magnitude prune", "parameters": '{"amount": 0.5}', "step": 1}
        | {"Top-1 Accuracy": None, "Size": 7.0},
    ]
    assert table.to_pandas()["id"].tolist() == ["cnn", "cnn-p50"]
    assert isinstance(table.to_polars(), polars.DataFrame)
    assert pa.table(table).num_rows == len(table) == 2


def test_an_empty_project_has_an_empty_table(project):
    assert project.models().to_pylist() == []
    assert project.models().column_names == ["id", "base", "operation", "parameters", "step"]
    assert len(project) == 0


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(value=st.floats(allow_nan=True, allow_infinity=True, allow_subnormal=True))
def test_every_float_survives_bit_for_bit(project, value):
    id = f"m{len(project)}"
    project.log_model(id, metrics={"x": value})
    (stored,) = project.model(id).metrics["x"]
    listed = project.models()["x"][-1].as_py()
    for found in (stored.value, listed):
        assert math.isnan(found) if math.isnan(value) else np.float64(found).tobytes() == np.float64(value).tobytes()


def test_missing_is_not_nan(project):
    project.log_models([{"id": "a", "metrics": {"x": math.nan}}, {"id": "b", "metrics": {"x": None}}, {"id": "c"}])
    values = project.models()["x"].to_pylist()
    assert math.isnan(values[0])
    assert values[1:] == [None, None]


def test_slices_devices_counts_and_errors_are_kept(project):
    values = [
        cc.MetricValue(0.9, count=100, standard_error=0.03),
        cc.MetricValue(0.5, slice="digit 8", count=10),
    ]
    latencies = [cc.MetricValue(0.01, device="cpu"), cc.MetricValue(0.002, device="gpu")]
    project.log_model("a", metrics={"Accuracy": values, "Latency": latencies})
    assert project.model("a").metrics == {"Accuracy": tuple(values), "Latency": tuple(latencies)}
    table = project.models()
    assert table["Accuracy"].to_pylist() == [0.9]
    assert table["Latency (cpu)"].to_pylist() == [0.01]
    assert table["Latency (gpu)"].to_pylist() == [0.002]
    assert "Latency" not in table.column_names


def test_a_range_that_what_was_logged_contradicts_is_refused(project):
    project.log_model("a", metrics={"Accuracy": 97.5, "Loss": math.nan})
    project.log_model("b", metrics={"Accuracy": cc.MetricValue(12.0, slice="night")})
    with pytest.raises(InvalidValue, match=r"97\.5 is outside of the range of 'Accuracy', which is 0 to 1") as caught:
        project.define_metric("Accuracy", min=0, max=1)
    assert caught.value.detail == "Model 'a' has it."
    with pytest.raises(InvalidValue, match="12 is outside"):
        project.define_metric("Accuracy", min=20)
    project.define_metric("Loss", min=0)
    project.define_metric("Accuracy", min=0, max=100)
    project.correct("a", {"Accuracy": 0.975})
    project.correct("b", {"Accuracy": cc.MetricValue(0.12, slice="night")})
    assert project.define_metric("Accuracy", min=0, max=1).max == 1


def test_ways_of_measuring_and_metrics_of_the_same_name_have_columns_of_their_own(project):
    places = [("cpu", None), ("gpu", None), ("gpu, x", None), ("gpu", "x")]
    latencies = [cc.MetricValue(n, device=device, dataset=data) for n, (device, data) in enumerate(places)]
    project.log_model("a", metrics={"Latency (cpu)": 7.0, "Latency": latencies})
    found = project.models().select(project.models().column_names[5:]).to_pylist()[0]
    assert found == {
        "Latency (cpu)": 7.0,
        "Latency (device cpu)": 0.0,
        "Latency (device gpu)": 1.0,
        "Latency (device gpu, x)": 2.0,
        "Latency (device gpu, dataset x)": 3.0,
    }


def test_logging_the_same_again_changes_nothing_and_new_metrics_are_added(project):
    weights = {"w": np.arange(6.0).reshape(2, 3)}
    for extra in ({}, {}, {"b": 2.0}):
        project.log_model("m", operation=cc.Operation("train"), metrics={"a": math.nan, **extra}, checkpoint=weights)
    assert len(project) == 1
    assert set(project.model("m").metrics) == {"a", "b"}


@pytest.mark.parametrize(
    ("again", "told"),
    [
        ({"operation": cc.Operation("train", epochs=2)}, "another operation"),
        ({"operation": cc.Operation("train", epochs=1), "base": "root"}, "another base"),
        ({"operation": cc.Operation("train", epochs=1), "metrics": {"a": 2.0}}, "another value of 'a'"),
        ({"operation": cc.Operation("train", epochs=1), "checkpoint": {"w": np.ones(2)}}, "another checkpoint"),
    ],
)
def test_a_contradiction_is_refused_and_nothing_changes(project, again, told):
    project.log_model("root")
    project.log_model("m", operation=cc.Operation("train", epochs=1), metrics={"a": 1.0}, checkpoint={"w": np.zeros(2)})
    before = project.model("m")
    with pytest.raises(Conflict, match=told) as caught:
        project.log_model("m", **again)
    assert caught.value.code == "model.conflict"
    assert project.model("m") == before


def test_an_unknown_base_or_model_is_named(project):
    with pytest.raises(NotFound, match="'nope' of model 'm'"):
        project.log_model("m", base="nope")
    with pytest.raises(NotFound, match="no model 'm'"):
        project.model("m")
    with pytest.raises(InvalidValue, match="itself as its base"):
        project.log_model("m", base="m")


def test_a_failing_batch_leaves_nothing(project):
    with pytest.raises(NotFound), project.batch():
        project.log_model("a")
        project.log_model("b", base="nope")
    assert len(project) == 0


def test_one_call_names_every_model_once(project):
    with pytest.raises(InvalidValue, match="'a' is given more than once"):
        project.log_models([{"id": "a", "metrics": {"x": 1}}, {"id": "a", "metrics": {"y": 1}}])


def test_references_tags_and_notes(project):
    project.log_model("teacher")
    project.log_model("m", references={"teacher": "teacher"}, tags=["b", "a", "b"], note="ok")
    found = project.model("m")
    assert [(reference.role, reference.model) for reference in found.references] == [("teacher", "teacher")]
    assert (found.tags, found.note) == (("b", "a"), "ok")
    project.set_tags("m", ["c"])
    project.set_note("m", "")
    assert (project.model("m").tags, project.model("m").note) == (("c",), "")
    row = project.overview().to_pylist()[1]
    assert (row["tags"], json.loads(row["references"])) == (["c"], [{"role": "teacher", "model": "teacher"}])


def test_the_lineage_runs_from_the_root(project):
    project.log_model("a", operation=cc.Operation("train"))
    project.log_model("b", base="a", operation=cc.Operation("prune", amount=0.5))
    project.log_model("c", base="b", operation=cc.Operation("train"))
    assert [step.model for step in project.model("c").lineage] == ["a", "b", "c"]
    assert [step.operation.name for step in project.model("c").lineage] == ["train", "prune", "train"]
    assert project.models()["step"].to_pylist() == [0, 1, 2]


def test_the_revision_grows_with_every_write(project):
    seen = [project.revision()]
    for write in (
        lambda: project.log_model("a"),
        lambda: project.set_note("a", "x"),
        lambda: project.define_metric("m"),
    ):
        write()
        seen.append(project.revision())
    assert seen == sorted(set(seen))


def test_frontier_uses_the_directions_of_the_metrics(project):
    project.define_metric("size", higher_is_better=False)
    project.define_metric("accuracy", higher_is_better=True)
    project.define_metric("odd")
    points = {"small": (1, 0.5), "middle": (2, 0.8), "bad": (3, 0.7), "big": (4, 0.9)}
    project.log_models({"id": id, "metrics": {"size": x, "accuracy": y}} for id, (x, y) in points.items())
    assert project.frontier(x="size", y="accuracy") == ["small", "middle", "big"]
    assert project.frontier(x="accuracy", y="size") == ["big", "middle", "small"]
    with pytest.raises(InvalidValue, match="'odd' does not say"):
        project.frontier(x="odd", y="size")
    with pytest.raises(NotFound, match="'nope'"):
        project.frontier(x="nope", y="size")


def _log_many(path, worker, count):
    with cc.open(path) as opened:
        for i in range(count):
            opened.log_model(f"w{worker}-{i}", base="root", metrics={"value": worker * 1000 + i})


def test_several_processes_log_at_once_without_loss(project):
    project.log_model("root")
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_log_many, args=(project.path, worker, 25)) for worker in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0, 0, 0, 0]
    values = project.models().to_pandas().set_index("id")["value"].drop("root").to_dict()
    assert values == {f"w{worker}-{i}": worker * 1000 + i for worker in range(4) for i in range(25)}


def _log_until_killed(path, acknowledged):
    with cc.open(path) as opened:
        for i in range(100_000):
            opened.log_model(f"m{i}", metrics={"x": i})
            acknowledged.value = i + 1


def test_a_killed_process_loses_nothing_that_was_acknowledged(project):
    context = multiprocessing.get_context("spawn")
    acknowledged = context.Value("i", 0)
    worker = context.Process(target=_log_until_killed, args=(project.path, acknowledged))
    worker.start()
    while acknowledged.value < 20:
        time.sleep(0.01)
    os.kill(worker.pid, signal.SIGKILL)
    worker.join()
    assert len(project) >= acknowledged.value
    project.log_model("after")
    with sqlite3.connect(project.path / "compress-compare.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()


def test_opening_twice_in_one_process_sees_the_same(project):
    with cc.open(project.path) as other:
        other.log_model("a")
        assert project.model("a").id == "a"


def test_reading_a_project_that_is_not_there_creates_nothing(tmp_path):
    with pytest.raises(NotFound, match="There is no project"):
        cc.open(tmp_path / "nope", create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_with_other_files_is_not_taken(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(InvalidValue, match=r"thesis\.tex"):
        cc.open(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", [b"", b"hello world, not a database", b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_damaged_database_is_refused_and_left_as_it_is(tmp_path, content):
    with cc.open(tmp_path / "p") as opened:
        opened.log_model("a", checkpoint={"w": np.zeros(3)})
    database = tmp_path / "p" / "compress-compare.db"
    database.write_bytes(content)
    for name in ("-wal", "-shm"):
        database.with_name(database.name + name).unlink(missing_ok=True)
    with pytest.raises(StoreError) as caught:
        cc.open(tmp_path / "p")
    assert caught.value.code == "store.corrupt"
    assert database.read_bytes() == content


def test_a_missing_database_beside_files_is_not_started_anew(tmp_path):
    with cc.open(tmp_path / "p") as opened:
        opened.log_model("a", checkpoint={"w": np.zeros(3)})
    for path in (tmp_path / "p").glob("compress-compare.db*"):
        path.unlink()
    with pytest.raises(StoreError, match=r"database compress-compare[.]db is missing"):
        cc.open(tmp_path / "p")
    assert not (tmp_path / "p" / "compress-compare.db").exists()


def test_a_database_of_a_newer_version_is_refused(tmp_path):
    cc.open(tmp_path / "p").close()
    with sqlite3.connect(tmp_path / "p" / "compress-compare.db") as connection:
        connection.execute("UPDATE meta SET value = '999' WHERE name = 'schema_version'")
    connection.close()
    with pytest.raises(StoreError, match="newer version") as caught:
        cc.open(tmp_path / "p")
    assert caught.value.code == "store.too_new"


def test_logging_a_model_is_one_transaction_of_few_statements(project):
    statements, commits = [], []

    def note(_connection, _cursor, text, *_rest):
        statements.append(text)

    def end(connection):
        commits.append(connection)

    project.log_model("base", metrics={"accuracy": 0.9})
    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    sa.event.listen(sa.Engine, "commit", end)
    try:
        pruned = cc.Operation("prune", amount=0.5)
        model = project.log_model("child", base="base", operation=pruned, metrics={"accuracy": 0.8})
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
        sa.event.remove(sa.Engine, "commit", end)
    assert model == project.model("child") and [step.model for step in model.lineage] == ["base", "child"]
    assert len(commits) == 1
    assert len(statements) <= 12, statements


def test_models_that_somebody_made_go_in_a_circle_are_shown(tmp_path):
    with cc.open(tmp_path / "p") as project:
        for id, base in (("a", None), ("b", "a"), ("c", "b")):
            project.log_model(id, base=base, operation=cc.Operation("train"))
        assert [step.model for step in project.model("c").lineage] == ["a", "b", "c"]
    with sqlite3.connect(next((tmp_path / "p").rglob("*.db"))) as connection:
        connection.execute("UPDATE models SET base_key = 3 WHERE id = 'a'")
    connection.close()
    with cc.open(tmp_path / "p") as project:
        assert [step.model for step in project.model("c").lineage] == ["a", "b", "c"]
        assert [step.model for step in project.model("a").lineage] == ["b", "c", "a"]
