"""A small source of each importer, written here, with a second model that can be added later.

The files of the tools themselves are in ``test_shared.py``.
"""

import json
import sqlite3
from pathlib import Path

SHARED = next(
    (one / "shared" / "data" / "interop" for one in Path(__file__).parents if (one / "shared/data/interop").is_dir()),
    Path("nowhere"),
)


def compress_and_compare(folder, *, grown=False, accuracy=0.5):
    models = [{"id": "big", "metrics": {"accuracy": 0.75}}]
    if grown:
        models.append({"id": "small", "base": "big", "operation": {"name": "prune"}, "metrics": {"accuracy": accuracy}})
    path = folder / "experiments.json"
    document = {"operations": [{"name": "prune"}], "metrics": [{"name": "accuracy"}], "models": models}
    path.write_text(json.dumps(document))
    return path


def mlflow(folder, *, grown=False, accuracy=0.5):
    path = folder / "mlflow.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE experiments (experiment_id INTEGER, name TEXT, lifecycle_stage TEXT);
            CREATE TABLE runs (run_uuid TEXT, name TEXT, status TEXT, start_time INTEGER, lifecycle_stage TEXT,
                               experiment_id INTEGER);
            CREATE TABLE metrics (key TEXT, value REAL, timestamp INTEGER, run_uuid TEXT, step INTEGER, is_nan INTEGER);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            INSERT INTO experiments VALUES (1, 'one', 'active');
            INSERT INTO runs VALUES ('r1', 'big', 'FINISHED', 1, 'active', 1);
            INSERT INTO metrics VALUES ('accuracy', 0.75, 5, 'r1', 0, 0);
            INSERT INTO params VALUES ('operation', 'train', 'r1');
            """
        )
        if grown:
            database.executescript(
                f"""
                INSERT INTO runs VALUES ('r2', 'small', 'FINISHED', 2, 'active', 1);
                INSERT INTO metrics VALUES ('accuracy', {accuracy}, 6, 'r2', 2, 0);
                INSERT INTO metrics VALUES ('accuracy', 0.1, 7, 'r2', 1, 0);
                INSERT INTO params VALUES ('operation', 'prune', 'r2');
                INSERT INTO tags VALUES ('mlflow.parentRunId', 'r1', 'r2');
                """
            )
    database.close()
    return path


def trackio(folder, *, grown=False, accuracy=0.5):
    path = folder / "trackio.db"
    path.unlink(missing_ok=True)
    with sqlite3.connect(path) as database:
        database.executescript(
            """
            CREATE TABLE metrics (id INTEGER PRIMARY KEY, run_id TEXT, timestamp TEXT, run_name TEXT, step INTEGER,
                                  metrics TEXT);
            CREATE TABLE configs (id INTEGER PRIMARY KEY, run_id TEXT, run_name TEXT, config TEXT);
            """
        )
        runs = [("r1", "big", {"operation": "train"}, 0.75)]
        if grown:
            runs.append(("r2", "small", {"base": "big", "operation": "prune"}, accuracy))
        for key, name, config, value in runs:
            database.execute(
                "INSERT INTO configs (run_id, run_name, config) VALUES (?, ?, ?)", (key, name, json.dumps(config))
            )
            database.execute(
                "INSERT INTO metrics (run_id, run_name, step, metrics) VALUES (?, ?, 0, ?)",
                (key, name, json.dumps({"accuracy": value})),
            )
    database.close()
    return path


def olive(folder, *, grown=False, accuracy=0.5):
    def node(id, base, made_by, value):
        metrics = {"value": {"accuracy": {"value": value, "priority": 1, "higher_is_better": True}}}
        return {"parent_model_id": base, "model_id": id, "from_pass": made_by, "metrics": metrics}

    nodes = {"big": node("big", None, None, 0.75)}
    if grown:
        nodes["small"] = node("small", "big", "prune", accuracy)
    path = folder / "footprint.json"
    path.write_text(json.dumps(nodes))
    return path


def lm_eval(folder, *, grown=False, accuracy=0.5):
    for name, value, date in [("big", 0.75, 1), ("small", accuracy, 2)][: 2 if grown else 1]:
        below = folder / name
        below.mkdir(exist_ok=True)
        arguments = {"pretrained": f"./{name}"}
        if name == "small":
            arguments = {"pretrained": "./big", "peft": "./small"}
        document = {
            "results": {"questions": {"acc,none": value, "acc_stderr,none": 0.1, "sample_len": 4}},
            "configs": {"questions": {"output_type": "multiple_choice"}},
            "versions": {"questions": 1.0},
            "n-shot": {"questions": 0},
            "higher_is_better": {"questions": {"acc": True}},
            "config": {"model_args": arguments},
            "date": date,
        }
        (below / f"results_{date}.json").write_text(json.dumps(document))
        right = round(value * 4)
        lines = [
            {
                **{"doc_id": index, "doc": {"question": f"q{index}"}, "target": "0", "filter": "none"},
                **{"doc_hash": f"h{index}", "metrics": ["acc"], "acc": float(index < right)},
                "filtered_resps": [["-1.0", "False"], ["-2.0" if index < right else "-0.5", "False"]],
                "arguments": {"gen_args_0": {}, "gen_args_1": {}},
            }
            for index in range(4)
        ]
        (below / f"samples_questions_{date}.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


SAMPLES = {
    "compress-and-compare": compress_and_compare,
    "mlflow": mlflow,
    "olive": olive,
    "trackio": trackio,
    "lm-eval": lm_eval,
}
"""By source: a function that writes it into a folder and returns what to import. It has one model, ``big``; ``grown``
has also ``small``, made from it, whose accuracy can be said."""
