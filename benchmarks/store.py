"""Logging and listing 10,000 models with 20 metrics, against the same rows through the bare SQLite driver.

Run: python benchmarks/store.py [number of models]
"""

import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import compress_compare as cc

METRICS = 20
BATCH = 500
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


def bare_log(directory, listed):
    connection = sqlite3.connect(directory / "bare.db")
    connection.executescript(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
        "CREATE TABLE models (key INTEGER PRIMARY KEY, id TEXT UNIQUE, base TEXT, operation TEXT, parameters TEXT);"
        "CREATE TABLE points (model INTEGER, metric INTEGER, value REAL, PRIMARY KEY (model, metric));"
    )
    for start in range(0, len(listed), BATCH):
        batch = list(enumerate(listed[start : start + BATCH], start))
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


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    listed = list(rows(count))
    figures = {"log": [], "bare log": [], "list": [], "bare list": []}
    for _ in range(RUNS):
        with tempfile.TemporaryDirectory() as temporary:
            directory = Path(temporary)
            figures["log"].append(seconds(log, directory, listed))
            figures["bare log"].append(seconds(bare_log, directory, listed))
            figures["list"].append(seconds(list_all, directory))
            figures["bare list"].append(seconds(bare_list, directory))
    best = {name: min(values) for name, values in figures.items()}
    print(f"{count:,} models × {METRICS} metrics, batches of {BATCH}, best of {RUNS}")
    print(f"log   {count / best['log']:8,.0f} models/s   {best['log'] / best['bare log']:.1f} × the bare driver")
    print(f"list  {best['list'] * 1e3:8,.0f} ms         {best['list'] / best['bare list']:.1f} × the bare driver")


if __name__ == "__main__":
    main()
