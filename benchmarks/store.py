"""Logging and listing 10,000 models with 20 metrics, against the same rows through the bare SQLite driver.

A thousand are also logged one by one, each kept for good before the next. And what opening a new project, logging a
model into it and listing it takes of processor time, with the statements that an earlier project had compiled and
without them.

Run: python benchmarks/store.py [number of models]
"""

import os
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import compress_compare as cc
from compress_compare.store import statements

METRICS = 20
BATCH = 500
ALONE = 1000
RUNS = 3


def rows(count):
    values = np.random.default_rng(0).random((count, METRICS))
    for i in range(count):
        yield {
            "id": f"model-{i}",
            "base": None if i == 0 else f"model-{(i - 1) // 5}",
            "operation": cc.Operation("magnitude prune", amount=i / count),
            "metrics": {f"metric {j}": values[i, j] for j in range(METRICS)},
        }


def log(directory, listed):
    with cc.open(directory / "project") as project:
        for start in range(0, len(listed), BATCH):
            project.log_models(listed[start : start + BATCH])


def one_by_one(directory, listed):
    with cc.open(directory / "one by one") as project:
        for row in listed[:ALONE]:
            project.log_model(**row)


def bare_one_by_one(directory, listed):
    (directory / "alone").mkdir()
    bare_log(directory / "alone", listed[:ALONE], 1)


def bare_log(directory, listed, size=BATCH):
    connection = sqlite3.connect(directory / "bare.db")
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE models (key INTEGER PRIMARY KEY, id TEXT UNIQUE, base TEXT, operation TEXT, parameters TEXT);"
        "CREATE TABLE points (model INTEGER, metric INTEGER, value REAL, PRIMARY KEY (model, metric));"
    )
    for start in range(0, len(listed), size):
        batch = list(enumerate(listed[start : start + size], start))
        with connection:
            connection.executemany(
                "INSERT INTO models VALUES (?, ?, ?, ?, ?)",
                [(i, r["id"], r["base"], r["operation"].name, r["operation"].parameters_json) for i, r in batch],
            )
            connection.executemany(
                "INSERT INTO points VALUES (?, ?, ?)",
                [(i, j, value) for i, r in batch for j, value in enumerate(r["metrics"].values())],
            )
    connection.close()


def bare_list(directory):
    connection = sqlite3.connect(directory / "bare.db")
    connection.execute("SELECT * FROM models").fetchall()
    np.fromiter(connection.execute("SELECT model, metric, value FROM points"), dtype="i8,i4,f8")
    connection.close()


def list_all(directory):
    with cc.open(directory / "project") as project:
        return project.models()


def new_project(directory, known):
    if not known:
        statements._SHARED.clear()
    with cc.open(directory / f"new {known}") as project:
        project.log_model("base", metrics={"metric": 1.0})
        project.models()


def seconds(function, *arguments):
    """That went by, and of processor time."""
    start, worked = time.perf_counter(), time.process_time()
    function(*arguments)
    return time.perf_counter() - start, time.process_time() - worked


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    listed = list(rows(count))
    figures = {
        name: [] for name in ("log", "bare log", "one by one", "bare one by one", "list", "bare list", "new", "first")
    }
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as temporary:
            directory = Path(temporary)
            figures["log"].append(seconds(log, directory, listed))
            figures["bare log"].append(seconds(bare_log, directory, listed))
            figures["one by one"].append(seconds(one_by_one, directory, listed))
            figures["bare one by one"].append(seconds(bare_one_by_one, directory, listed))
            figures["list"].append(seconds(list_all, directory))
            figures["bare list"].append(seconds(bare_list, directory))
            figures["new"].append(seconds(new_project, directory, True))
            figures["first"].append(seconds(new_project, directory, False))
    best = {name: [min(each) for each in zip(*values, strict=True)] for name, values in figures.items()}
    print(f"load {os.getloadavg()[0]:.1f}")
    print(f"{count:,} models × {METRICS} metrics, batches of {BATCH}, best of {RUNS}")
    for name, many in (("log", count), ("one by one", min(ALONE, count)), ("list", count)):
        (took, worked), (bare, bare_worked) = best[name], best[f"bare {name}"]
        print(
            f"{name:<11} {many / took:9,.0f} models/s ({many / worked:9,.0f} in a second of processor time), "
            f"{took / bare:.1f} × the bare driver ({worked / bare_worked:.1f} × its processor time)"
        )
    known, unknown = best["new"][1], best["first"][1]
    print(f"a new project: {1e3 * known:.1f} ms of processor time, {known / unknown:.2f} × that of the first one")


if __name__ == "__main__":
    main()
