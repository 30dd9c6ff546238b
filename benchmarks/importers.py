"""How long importers take: 10,000 runs of MLflow with 20 metrics, and the samples of 100,000 documents of lm-eval.

    python -m benchmarks.importers

The sources are written here in the layout of the tools: a SQLite database, and results with a line for each document.
"""

from __future__ import annotations

import json
import resource
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import compress_compare as cc
from compress_compare import importers

NUM_RUNS, NUM_METRICS, NUM_DOCUMENTS = 10_000, 20, 100_000
LIMITS = {"mlflow": (60.0, None), "lm-eval": (20.0, 500.0)}
"""Seconds, and MB of memory beside what the program takes before."""

MLFLOW = """
CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INTEGER, lifecycle_stage TEXT,
                   experiment_id INTEGER);
CREATE TABLE latest_metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan INTEGER);
CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan INTEGER);
CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
INSERT INTO experiments VALUES (1, 'one', 'active');
"""


def write_mlflow(path: Path) -> None:
    """A database of runs in a tree of ten children each."""
    with sqlite3.connect(path) as database:
        database.executescript(MLFLOW)
        ids = [f"{number:032x}" for number in range(NUM_RUNS)]
        runs = [(id, f"run-{number}", "FINISHED", number, "active", 1) for number, id in enumerate(ids)]
        database.executemany("INSERT INTO runs VALUES (?, ?, ?, ?, ?, ?)", runs)
        metrics = [(f"accuracy_{m}", n / NUM_RUNS, n, id, m, 0) for n, id in enumerate(ids) for m in range(NUM_METRICS)]
        database.executemany("INSERT INTO latest_metrics VALUES (?, ?, ?, ?, ?, ?)", metrics)
        params = [row for n, id in enumerate(ids) for row in (("operation", "prune", id), ("amount", str(n), id))]
        database.executemany("INSERT INTO params VALUES (?, ?, ?)", params)
        tags = [("mlflow.parentRunId", ids[(number - 1) // 10], id) for number, id in enumerate(ids) if number]
        database.executemany("INSERT INTO tags VALUES (?, ?, ?)", tags)
    database.close()


def write_lm_eval(folder: Path) -> None:
    """The results and samples of one model in one multiple-choice task."""
    folder.mkdir()
    results = {
        "results": {"task": {"acc,none": 0.75, "acc_stderr,none": 0.001, "sample_len": NUM_DOCUMENTS}},
        "configs": {"task": {"output_type": "multiple_choice"}},
        "versions": {"task": 1.0},
        "n-shot": {"task": 0},
        "higher_is_better": {"task": {"acc": True, "acc_norm": True}},
        "config": {"model_args": {"pretrained": "toy"}},
        "date": 1.0,
    }
    (folder / "results_1.json").write_text(json.dumps(results))
    question = "Which of these animals lives in a barn and says what is asked for here, "
    with (folder / "samples_task_1.jsonl").open("w") as file:
        for number in range(NUM_DOCUMENTS):
            text = question + str(number)
            right = number % 4 != 0
            answers = [[str(-1.5 - choice - (not right and choice == 0)), "False"] for choice in range(4)]
            answers[1][0] = "-0.5" if not right else answers[1][0]
            sample = {
                "doc_id": number,
                "doc": {
                    "question": text,
                    "choices": ["moos", "meows", "quacks", "roars"],
                    "answer": 0,
                    "place": "barn",
                },
                "target": "0",
                "arguments": {f"gen_args_{choice}": {"arg_0": text, "arg_1": " moos"} for choice in range(4)},
                "resps": [[answer] for answer in answers],
                "filtered_resps": answers,
                "filter": "none",
                "metrics": ["acc", "acc_norm"],
                "doc_hash": f"{number:064x}",
                "acc": float(right),
                "acc_norm": float(right),
            }
            file.write(json.dumps(sample) + "\n")


def timed(source: str, place: Path, project_path: Path) -> None:
    """Import, and once more, and print how long each took and how much memory was taken at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    with cc.open(project_path) as project:
        for which in ("first", "again"):
            start = time.perf_counter()
            report = importers.write(importers.load(source, place), project)
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 - before
            limit = LIMITS[source][0]
            print(
                f"{source}, {which}: {report.num_models:,} models, {report.num_outputs:,} sets of outputs in "
                f"{seconds:.1f} s (limit {limit:.0f} s), {peak:,.0f} MB above {before:,.0f} MB"
            )


def main() -> None:
    """Run those that the command line names, or both."""
    wanted = sys.argv[1:] or list(LIMITS)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        if "mlflow" in wanted:
            write_mlflow(path / "mlflow.db")
            timed("mlflow", path / "mlflow.db", path / "runs")
        if "lm-eval" in wanted:
            write_lm_eval(path / "results")
            timed("lm-eval", path / "results", path / "samples")


if __name__ == "__main__":
    main()
