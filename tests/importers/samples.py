"""A small source of each importer, written here, with a second model that can be added later.

The files of the tools themselves are in ``test_shared.py``.
"""

import json
import sqlite3
import struct
import zlib
from collections import defaultdict
from pathlib import Path

import torch
import yaml

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


def message(*fields):
    """A message of Protocol Buffers: pairs of a number and an integer, bytes, text, a float or a double."""
    written = b""
    for number, value in fields:
        if isinstance(value, int):
            written += bytes([*varint(number << 3), *varint(value)])
        elif isinstance(value, float):
            written += bytes(varint(number << 3 | 5)) + struct.pack("<f", value)
        else:
            content = value.encode() if isinstance(value, str) else value
            written += bytes([*varint(number << 3 | 2), *varint(len(content))]) + content
    return written


def varint(number):
    written = []
    while number > 127:
        written.append(number & 127 | 128)
        number >>= 7
    return [*written, number]


def wandb_log(path, records):
    """An offline run of W&B, whose records fit into one block."""
    content = b":W&B\x42\xe1\xbe"[:7]
    for record in records:
        checksum = zlib.crc32(record, zlib.crc32(b"\x01"))
        content += struct.pack("<IHB", checksum, len(record), 1) + record
    path.write_bytes(content)


def wandb(folder, *, grown=False, accuracy=0.5):
    runs = [
        ("r1", "big", {"operation": "train"}, 0.75),
        ("r2", "small", {"base": "big", "operation": "prune"}, accuracy),
    ]
    for key, name, config, value in runs[: 2 if grown else 1]:
        items = [(1, message((1, field), (16, json.dumps(said)))) for field, said in config.items()]
        run = message((1, key), (4, message(*items)), (8, name))
        summary = message((1, message((1, "accuracy"), (16, json.dumps(value)))))
        below = folder / f"offline-run-{key}"
        below.mkdir(exist_ok=True)
        records = [message((17, run)), message((3, summary)), message((18, message((1, 0))))]
        wandb_log(below / f"run-{key}.wandb", records)
    return folder


def events(path, summaries):
    """An event file of TensorBoard: a record for each list of values of a summary; checksums are not looked at."""
    content = b""
    for step, values in enumerate(summaries):
        record = message((2, step), (5, message(*((1, value) for value in values))))
        content += struct.pack("<QI", len(record), 0) + record + b"\0\0\0\0"
    path.write_bytes(content)


def hparams(settings):
    entries = [(1, message((1, name), (2, message((3, value))))) for name, value in settings.items()]
    content = message((3, message(*entries)))
    return message((1, "_hparams_/session_start_info"), (9, message((1, message((1, "hparams"), (2, content))))))


def tensorboard(folder, *, grown=False, accuracy=0.5):
    runs = [("big", {"operation": "train"}, 0.75), ("small", {"base": "big", "operation": "prune"}, accuracy)]
    for name, settings, value in runs[: 2 if grown else 1]:
        below = folder / name / "hparams"
        below.mkdir(parents=True, exist_ok=True)
        measured = [[message((1, "accuracy"), (2, one))] for one in (0.0, value)]
        events(below.parent / "events.out.tfevents.1", measured)
        events(below / "events.out.tfevents.2", [[hparams(settings)]])
    return folder


def optuna(folder, *, grown=False, accuracy=0.5):
    lines = [{"op_code": 0, "worker_id": "w", "study_name": "s", "directions": [2]}]
    lines.append({"op_code": 3, "worker_id": "w", "study_id": 0, "system_attr": {"study:metric_names": ["accuracy"]}})
    for trial, value in enumerate([0.75, accuracy][: 2 if grown else 1]):
        lines.append({"op_code": 4, "worker_id": "w", "study_id": 0})
        distribution = json.dumps({"name": "IntDistribution", "attributes": {"low": 2, "high": 8}})
        named = {"param_name": "bits", "param_value_internal": 8.0 - trial, "distribution": distribution}
        lines.append({"op_code": 5, "worker_id": "w", "trial_id": trial, **named})
        if trial:
            lines.append({"op_code": 8, "worker_id": "w", "trial_id": trial, "user_attr": {"base": "s-0"}})
        lines.append({"op_code": 6, "worker_id": "w", "trial_id": trial, "state": 1, "values": [value]})
    path = folder / "journal.log"
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def huggingface(folder, *, grown=False, accuracy=0.5):
    for name, base, value in [("big", "", 0.75), ("small", "base_model: big\n", accuracy)][: 2 if grown else 1]:
        below = folder / name
        below.mkdir(exist_ok=True)
        quantized = {"quantization_config": {"quant_method": "gptq", "bits": 4}} if base else {}
        (below / "config.json").write_text(json.dumps({"model_type": "toy", **quantized}))
        (below / "README.md").write_text(
            f"---\n{base}model-index:\n- name: {name}\n  results:\n  - dataset: {{type: digits}}\n"
            f"    metrics:\n    - {{type: accuracy, value: {value}}}\n---\n# {name}\n"
        )
    return folder


def llama_cpp(folder, *, grown=False, accuracy=0.5):
    entries = [
        {"model_filename": f"models/{name}.gguf", "n_prompt": 512, "n_gen": 0, "avg_ts": value, "stddev_ts": 0.5}
        | {"samples_ts": [value] * 4, "gpu_info": "a GPU", "backends": "CUDA", "build_commit": "1"}
        for name, value in [("big", 0.75), ("small", accuracy)][: 2 if grown else 1]
    ]
    path = folder / "bench.json"
    path.write_text(json.dumps(entries))
    return path


def csv(folder, *, grown=False, accuracy=0.5):
    path = folder / "table.csv"
    rows = ["model,base,operation,bits,accuracy", "big,,train,,0.75", f"small,big,quantize,4,{accuracy}"]
    path.write_text("\n".join(rows[: 3 if grown else 2]) + "\n")
    return path


def ai_hub(folder, *, grown=False, accuracy=0.5):
    path = folder / "net.yaml"
    precisions = {
        name: {
            "components": {"net": {"performance_metrics": {"a phone": {"tflite": {"inference_time_milliseconds": ms}}}}}
        }
        for name, ms in [("float", 0.75), ("w8a8", accuracy * 1000)][: 2 if grown else 1]
    }
    path.write_text(yaml.safe_dump({"precisions": precisions}))
    return path


def aimet(folder, *, grown=False, accuracy=0.5):
    path = folder / "net.json"
    tensors = {name: [{"bitwidth": 8}] for name in ("conv.weight", "fc.weight")[: 2 if grown else 1]}
    path.write_text(json.dumps({"version": "0.6.1", "param_encodings": tensors, "activation_encodings": {}}))
    return path


def model_explorer(folder, *, grown=False, accuracy=0.5):
    path = folder / "overlay.json"
    names = ("fc.weight", "p_fc_weight", *(("conv.weight", "p_conv_weight") if grown else ()))
    results = {name: {"value": 0.25} for name in names}
    path.write_text(json.dumps({"name": "net: relative_error", "results": results, "gradient": []}))
    return path


def executorch(folder, *, grown=False, accuracy=0.5):
    path = folder / "net.csv"
    more = "['fc'],['d'],0.75\n" if grown else ""
    path.write_text(f"""aot_ops,runtime_ops,gap\n['conv'],"['a', 'b']",[0.25]\n['relu'],['c'],0.5\n{more}""")
    return path


def gptqmodel(folder, *, grown=False, accuracy=0.5):
    path = folder / "quant_log.csv"
    more = "2,mlp.up_proj,0.75,0.05,1.75\n" if grown else ""  # as the log does while the model is quantized
    rows = f"0,mlp.up_proj,0.25,0.05,1.5\n1,mlp.up_proj,0.5,0.05,1.25\n{more}"
    path.write_text(f"layer,module,loss,samples,damp,time\n{rows}")
    return path


class QuantRecipe:
    """A format of Model Optimizer, as its states hold it."""

    def __init__(self, name, bits):
        self.compression = bits / 16
        self._str_repr = f"{name}(effective-bits: {bits})"


def modelopt(folder, *, grown=False, accuracy=0.5):
    formats = [QuantRecipe("INT4", 4.0), QuantRecipe("FP8", 8.0), QuantRecipe("NONE", 16.0)]
    entries = {"q_proj": ["q_proj", "v_proj"], "o_proj": ["o_proj"], **({"up_proj": ["up_proj"]} if grown else {})}
    stats = defaultdict(dict)  # as auto_quantize returns it; in the file of its checkpoint it is a plain dictionary
    for name, names in entries.items():
        stats[f"layers.0.{name}.quant_recipe"] = {
            "formats": formats,
            "scores": [0.5, 0.25, 0],
            "costs": [4.0, 8.0, 16.0],
            "module_names": [f"layers.0.{one}" for one in names],
        }
    weights = {"layers.0.q_proj": {"amax": torch.ones(3)}}
    best = {"recipe": {}, "constraints": {"effective_bits": 6.5}, "score": 0.75, "is_satisfied": True}
    path = folder / "search.pt"
    torch.save({"method": "kl_div", "candidate_stats": stats, "quantizer_states": weights, "best": best}, path)
    return path


def onnx_runtime(folder, *, grown=False, accuracy=0.5):
    path = folder / "net.json"
    more = {"pool": {"qdq_err": 50.5}} if grown else {}
    path.write_text(json.dumps({"conv": {"qdq_err": 30.5, "xmodel_err": 20.25}, "fc": {"qdq_err": 40.5}, **more}))
    return path


def lighteval(folder, *, grown=False, accuracy=0.5):
    for name, value in [("big", 0.75), ("small", accuracy)][: 2 if grown else 1]:
        below = folder / "results" / name
        below.mkdir(parents=True, exist_ok=True)
        metric = {"metric_name": "acc", "higher_is_better": True}
        document = {
            "config_general": {"lighteval_sha": "a1b2", "max_samples": None, "model_name": f"org/{name}"},
            "results": {"suite|questions|5": {"acc": value, "acc_stderr": 0.1}, "all": {"acc": value}},
            "versions": {"suite|questions|5": 1},
            "config_tasks": {"suite|questions": {"metrics": [metric], "effective_num_docs": 40}},
        }
        (below / "results_2026-11-29T10-00-00.json").write_text(json.dumps(document))
    return folder


def inspect(folder, *, grown=False, accuracy=0.5):
    for name, value in [("big", 0.75), ("small", accuracy)][: 2 if grown else 1]:
        right = round(value * 4)
        samples = [
            {"id": f"q{number}", "epoch": 1, "input": "1+1?", "target": "2", "output": {"completion": "2"}}
            | {"scores": {"match": {"value": "C" if number < right else "I", "answer": "2" if number < right else "3"}}}
            for number in range(4)
        ]
        metrics = {"accuracy": {"value": value}, "stderr": {"value": 0.25}}
        score = {"name": "match", "scored_samples": 4, "metrics": metrics}
        document = {
            "version": 2,
            "status": "success",
            "eval": {"eval_id": "e", "task": "sums", "task_version": 0, "model": f"org/{name}"}
            | {"packages": {"inspect_ai": "0.3.285"}, "config": {"epochs": 1}},
            "results": {"scores": [score]},
            "samples": samples,
        }
        (folder / f"{name}.json").write_text(json.dumps(document))
    return folder


NO_BASE = ("llama-cpp", "ai-hub", "lighteval", "inspect")
"""Sources whose tools do not know what a model was made from."""
OF_ONE = ("aimet", "executorch", "gptqmodel", "model-explorer", "modelopt", "onnx-runtime")
"""Sources of one model each: what grows are its layers."""

SAMPLES = {
    "compress-and-compare": compress_and_compare,
    "mlflow": mlflow,
    "olive": olive,
    "trackio": trackio,
    "lm-eval": lm_eval,
    "wandb": wandb,
    "tensorboard": tensorboard,
    "optuna": optuna,
    "huggingface": huggingface,
    "lighteval": lighteval,
    "inspect": inspect,
    "llama-cpp": llama_cpp,
    "csv": csv,
    "ai-hub": ai_hub,
    "aimet": aimet,
    "executorch": executorch,
    "gptqmodel": gptqmodel,
    "model-explorer": model_explorer,
    "modelopt": modelopt,
    "onnx-runtime": onnx_runtime,
}
"""By source: a function that writes it into a folder and returns what to import. It has one model, ``big``; ``grown``
has also ``small``, made from it, whose accuracy can be said."""
