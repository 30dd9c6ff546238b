"""What comparisons read of the database: counted in statements, not in seconds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import sqlalchemy as sa

import compress_compare as cc
from compress_compare.project import Project

TABLE = re.compile(r"\b(?:FROM|JOIN)\s+(\w+)")


@contextmanager
def statements(project: Project) -> Iterator[list[str]]:
    """The statements that are run while the block is, in order."""
    seen: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        seen.append(statement)

    engines = [project._database._readers, project._database._writer]
    for engine in engines:
        sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        for engine in engines:
            sa.event.remove(engine, "before_cursor_execute", note)


def tables(seen: list[str]) -> set[str]:
    return {name for statement in seen for name in TABLE.findall(statement)}


def chain(project: Project, length: int) -> None:
    """Models one from another, with all that a project can have, and weights."""
    project.define_metric("accuracy", higher_is_better=True)
    project.log_dataset("test", ids=[1, 2], labels=[0, 1])
    for step in range(length):
        project.log_model(
            f"m{step}",
            base=f"m{step - 1}" if step else None,
            operation=cc.Operation("prune", amount=step / 100) if step else None,
            metrics={"accuracy": 0.5},
            checkpoint={"fc.weight": np.full((4, 4), step, np.float32)},
            tags=["tag"],
            note="a note",
        )
        project.log_outputs(f"m{step}", "test", ids=[1, 2], predictions=[0, 1])


@pytest.fixture
def project(tmp_path) -> Iterator[Project]:
    with cc.open(tmp_path / "project") as opened:
        chain(opened, 12)
        yield opened


def test_everything_about_a_model_reads_lineage_notes_and_data(project: Project) -> None:
    with statements(project) as seen:
        project.model("m11")
    assert {"notes", "tags", "outputs", "metric_values"} <= tables(seen)
    assert sum("RECURSIVE" in statement for statement in seen) == 1, "the lineage, whatever its length"


@pytest.mark.parametrize("what", ["weights", "sparsity", "storage"])
def test_layers_find_checkpoints_without_lineage_notes_or_data(project: Project, what: str) -> None:
    counts = []
    for base, models in (("m0", ["m1"]), ("m10", ["m11"])):
        with statements(project) as seen:
            found = project.layers(base=base, models=models, what=what)
        assert len(found.table)
        assert tables(seen) <= {"models", "files"}
        counts.append(len(seen))
    assert counts[0] == counts[1], "a model far from its root takes more statements than one near it"


def test_effects_of_all_metrics_read_the_graph_once(project: Project) -> None:
    with statements(project) as one:
        project.effects()
    for name in ("size", "latency", "loss"):
        project.define_metric(name, higher_is_better=False)
        for step in range(12):
            project.log_metrics(f"m{step}", {name: float(step)})
    with statements(project) as four:
        found = project.effects()
    assert len(set(found["metric"].to_pylist())) == 4
    assert len(four) == len(one) + 3, "one more for each metric"
    of_models = [sum("FROM models" in statement for statement in seen) for seen in (one, four)]
    assert of_models[0] == of_models[1] <= 2
