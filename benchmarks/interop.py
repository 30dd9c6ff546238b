"""What goes between this product and other tools, checked with the tools themselves, each in an environment of its own.

    python -m benchmarks.interop --mlflow ENV/bin/python --inspect ENV/bin/python --trackio ENV/bin/python
        --optuna ENV/bin/python --lm-eval ENV/bin/python --lighteval ENV/bin/python --wandb ENV/bin/python
        --modelopt ENV/bin/python --model-explorer ENV/bin/python

MLflow: a store written by the tool comes in as it was written, from the file and from a running server; a store that
``export`` wrote is shown by that server. Inspect: logs of both forms, made by a model that needs no network, come in
alike. lm-eval: two models with random weights answer four tasks, all made in place. Lighteval: likewise two tasks, and
one model in two dtypes; version 0.13 runs offline only with xxhash below 4 and without the tasks that come with it, and
its rolling likelihoods fail with transformers 5. W&B: runs that were logged offline, and its own client before a server
of ours, as there is no other. Model Optimizer: a search on a net of two layers. Model Explorer: its own manager of
extensions runs the provider of node data. Prints how many of how many agree.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import compress_compare as cc
from benchmarks.interop_harnesses import lighteval, lm_eval
from benchmarks.interop_tool import tool
from benchmarks.interop_wandb import wandb
from compress_compare import exporters, importers

RUNS = [(f"net-{number}", None if number == 0 else f"net-{(number - 1) // 3}", number / 40) for number in range(20)]
"""Name, parent and accuracy."""
WRITE_MLFLOW = """
import json, sys
from mlflow.tracking import MlflowClient
client = MlflowClient(sys.argv[1])
experiment, ids = client.create_experiment("nets"), {}
for name, base, accuracy in json.loads(sys.argv[2]):
    tags = {"mlflow.parentRunId": ids[base]} if base else {}
    ids[name] = client.create_run(experiment, run_name=name, tags=tags).info.run_id
    client.log_param(ids[name], "operation", "prune")
    client.log_param(ids[name], "amount", accuracy)
    client.log_metric(ids[name], "accuracy", accuracy, step=2)
    client.log_metric(ids[name], "accuracy", 0.0, step=1)
    client.log_metric(ids[name], "loss", float("inf") if accuracy > 0.4 else float("nan"))
    client.set_terminated(ids[name])
"""
WRITE_INSPECT = """
import sys
import tiktoken

class Words:
    def encode(self, text, **_):
        return text.split()

# The tokens of a model that only repeats its lines are counted without the network.
tiktoken.get_encoding = tiktoken.encoding_for_model = lambda *_, **__: Words()
from inspect_ai import Task, eval
from inspect_ai.dataset import Sample
from inspect_ai.model import ModelOutput, get_model
from inspect_ai.scorer import match
from inspect_ai.solver import generate
samples = [Sample(id=f"q{i}", input=f"What is {i}+1?", target=str(i + 1)) for i in range(8)]
for form in ("json", "eval"):
    for name, wrong in (("big", 2), ("small", 5)):
        lines = ["none" if i < wrong else str(i + 1) for i in range(8)]
        outputs = [ModelOutput.from_content("mockllm/" + name, line) for line in lines]
        model = get_model("mockllm/" + name, memoize=False, custom_outputs=outputs)
        eval(Task(dataset=samples, solver=generate(), scorer=match(), name="sums"), model=model, max_samples=1,
             log_dir=f"{sys.argv[1]}/{form}", log_format=form, display="none")
"""
WRITE_TRACKIO = """
import json, os, sys
os.environ["TRACKIO_DIR"] = sys.argv[1]
import trackio
for name, base, accuracy in json.loads(sys.argv[2]):
    trackio.init(project="nets", name=name, config={"operation": "prune", "base": base, "amount": accuracy})
    trackio.log({"accuracy": 0.0, "loss": 1.0}, step=1)
    trackio.log({"accuracy": accuracy, "loss": float("inf") if accuracy > 0.4 else float("nan")}, step=2)
    trackio.finish()
"""
WRITE_OPTUNA = """
import json, sys
import optuna
optuna.logging.set_verbosity(optuna.logging.CRITICAL)
backend = optuna.storages.journal.JournalFileBackend(sys.argv[1] + "/journal.log")
for storage in (f"sqlite:///{sys.argv[1]}/study.db", optuna.storages.JournalStorage(backend)):
    study = optuna.create_study(storage=storage, study_name="nets", directions=["maximize", "minimize"])
    study.set_metric_names(["accuracy", "size"])
    for name, _, accuracy in json.loads(sys.argv[2]):
        study.enqueue_trial({"amount": accuracy})
    study.optimize(lambda trial: (trial.suggest_float("amount", 0, 1), 1000 - trial.number), n_trials=20)
    study.enqueue_trial({"amount": 0.5})
    def fails(trial):
        trial.suggest_float("amount", 0, 1)
        raise RuntimeError("as runs do")
    study.optimize(fails, n_trials=1, catch=(RuntimeError,))
"""
WRITE_MODELOPT = """
import json, sys
import torch
import modelopt.torch.quantization as mtq
torch.manual_seed(0)
net = torch.nn.Sequential(torch.nn.Linear(16, 32), torch.nn.ReLU(), torch.nn.Linear(32, 16))
batches = [torch.randn(8, 16) for _ in range(4)]
_, state = mtq.auto_quantize(
    net, constraints={"effective_bits": 8.0}, quantization_formats=[mtq.INT8_DEFAULT_CFG, mtq.FP8_DEFAULT_CFG],
    data_loader=batches, forward_step=lambda net, batch: net(batch), loss_func=lambda out, batch: out.square().mean(),
    num_calib_steps=4, num_score_steps=4, verbose=False,
)
torch.save(state, sys.argv[1])
print("SCORES" + json.dumps({
    name.removesuffix(".quant_recipe"): {str(one).split("(")[0]: s for one, s in zip(found["formats"], found["scores"])}
    for name, found in state["candidate_stats"].items()
}))
"""
ASK_MODEL_EXPLORER = """
import json, sys
from model_explorer.extension_manager import ExtensionManager
manager = ExtensionManager(["compress_compare.model_explorer"])
manager.load_extensions()
said = {"project": sys.argv[1], "base": "base", "model": "small", "what": "sparsity"}
command = {"extensionId": "compress_compare", "cmdId": "run", "modelPath": "a", "graphId": "a", "configValues": said}
answer = manager.run_cmd(command)
print(json.dumps({one["name"]: one["results"]["p_fc_weight"]["value"] for one in answer["result"]}))
"""


@contextmanager
def served(python: str, store: Path) -> Iterator[str]:
    """The address of a server of MLflow on a store."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [python, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{store}", "--port", str(port)]
    with subprocess.Popen([*command, "--workers", "1"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(300):
                try:
                    with urllib.request.urlopen(f"{address}/health"):
                        break
                except OSError:
                    time.sleep(1)
            yield address
        finally:
            server.terminate()


def mlflow(python: str, folder: Path) -> None:
    """In from the file and from the server, and out to the server."""
    store = folder / "mlflow.db"
    tool(python, WRITE_MLFLOW, f"sqlite:///{store}", json.dumps(RUNS))
    expected = {name: (base, accuracy) for name, base, accuracy in RUNS}
    with served(python, store) as address:
        for what, place in (("the file", store), ("its server", address)):
            models = importers.load("mlflow", place).models
            found = {one["id"]: (one["base"], one["metrics"]["accuracy"]) for one in models}
            agree = sum(found.get(name) == said for name, said in expected.items())
            print(f"mlflow, in from {what}: {agree} of {len(expected)} runs as MLflow wrote them")
    with cc.open(folder / "p") as project:
        importers.write(importers.load("mlflow", store), project)
        out = folder / "out.db"
        content = exporters.EXPORTERS["mlflow"].write(project)
        assert isinstance(content, bytes)
        out.write_bytes(content)
    with served(python, out) as address:
        runs = _searched(address)
    names = {run["info"]["run_id"]: run["info"]["run_name"] for run in runs}
    found = {}
    for run in runs:
        tags = {one["key"]: one["value"] for one in run["data"].get("tags", [])}
        metrics = {one["key"]: one["value"] for one in run["data"].get("metrics", [])}
        found[run["info"]["run_name"]] = names.get(tags.get("mlflow.parentRunId", "")), metrics["accuracy"]
    agree = sum(found.get(name) == said for name, said in expected.items())
    print(f"mlflow, out to its server: {agree} of {len(expected)} models are shown with parent and metric")


def _searched(address: str) -> list[dict]:
    """All runs, asked as the page of MLflow asks."""

    def ask(path: str, body: dict) -> dict:
        sent = urllib.request.Request(
            f"{address}/api/2.0/mlflow/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(sent) as answer:
            return json.load(answer)

    experiments = ask("experiments/search", {"max_results": 100})["experiments"]
    ids = [one["experiment_id"] for one in experiments]
    return ask("runs/search", {"experiment_ids": ids, "max_results": 1000}).get("runs", [])


def inspect(python: str, folder: Path) -> None:
    """Logs of both forms."""
    tool(python, WRITE_INSPECT, str(folder))
    for form in ("json", "eval"):
        with cc.open(folder / f"p-{form}") as project:
            importers.write(importers.load("inspect", folder / form), project)
            (row,) = project.behaviors("mockllm/big", "mockllm/small", "sums").summary.to_pylist()
            found = (row["base_value"], row["value"], row["right_to_wrong"], row["wrong_to_right"])
            print(f"inspect, {form}: accuracies and flips {found}, expected {(6 / 8, 3 / 8, 3, 0)}")


def trackio(python: str, folder: Path) -> None:
    """The last value of each metric, with values that are no numbers."""
    tool(python, WRITE_TRACKIO, str(folder / "trackio"), json.dumps(RUNS))
    models = importers.load("trackio", folder / "trackio").models
    found = {one["id"]: (one["base"], one["metrics"]["accuracy"], str(one["metrics"]["loss"])) for one in models}
    said = {name: (base, accuracy, "inf" if accuracy > 0.4 else "nan") for name, base, accuracy in RUNS}
    agree = sum(found.get(name) == one for name, one in said.items())
    print(f"trackio: {agree} of {len(RUNS)} runs as Trackio wrote them")


def optuna(python: str, folder: Path) -> None:
    """Trials of both kinds of storage; the one that failed is no model."""
    folder.joinpath("optuna").mkdir()
    tool(python, WRITE_OPTUNA, str(folder / "optuna"), json.dumps(RUNS))
    said = sorted((accuracy, 1000.0 - number) for number, (_, _, accuracy) in enumerate(RUNS))
    for name in ("study.db", "journal.log"):
        place = folder / "optuna" / name
        read = importers.load(importers.recognize(place).source, place)
        found = sorted((one["metrics"]["accuracy"], one["metrics"]["size"]) for one in read.models if one["metrics"])
        agree = sum(a == b for a, b in zip(found, said, strict=False))
        print(f"optuna, {name}: {agree} of {len(said)} trials as Optuna wrote them, {len(found)} models with values")


def modelopt(python: str, folder: Path) -> None:
    """Every score of a search by AutoQuantize but those of no quantization."""
    said = json.loads(tool(python, WRITE_MODELOPT, str(folder / "search.pt")).rpartition("SCORES")[2])
    (model,) = importers.load(importers.recognize(folder / "search.pt").source, folder / "search.pt").models
    found = {
        (one.slice, name.rpartition(" ")[2]): one.value for name, values in model["metrics"].items() for one in values
    }
    expected = {(layer, name): one for layer, by in said.items() for name, one in by.items() if name != "NONE"}
    agree = sum(found.get(key) == one for key, one in expected.items())
    print(f"modelopt: {agree} of {len(expected)} scores as Model Optimizer wrote them, {len(found)} found")


def model_explorer(python: str, folder: Path) -> None:
    """The provider of node data in Model Explorer's own manager of extensions."""
    weights = np.arange(1, 13, dtype=np.float32).reshape(3, 4)
    with cc.open(folder / "layers") as project:
        project.log_model("base", checkpoint={"fc.weight": weights})
        operation = cc.Operation("prune")
        project.log_model("small", base="base", operation=operation, checkpoint={"fc.weight": weights * (weights > 4)})
    found = json.loads(tool(python, ASK_MODEL_EXPLORER, str(folder / "layers")))
    print(f"model explorer: zeros {found['small: zeros']:.4f}, expected {1 / 3:.4f}")


def main() -> None:
    """Run those whose interpreters are given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    checks: dict[str, Callable[[str, Path], None]] = {
        "mlflow": mlflow,
        "inspect": inspect,
        "trackio": trackio,
        "optuna": optuna,
        "lm-eval": lm_eval,
    }
    checks |= {"lighteval": lighteval, "wandb": lambda python, folder: wandb(python, folder, RUNS)}
    checks["modelopt"] = modelopt
    checks["model-explorer"] = model_explorer
    for name in checks:
        parser.add_argument(f"--{name}", help=f"interpreter of an environment with {name}")
    given = vars(parser.parse_args())
    for name, check in checks.items():
        python = given[name.replace("-", "_")]
        if python:
            with tempfile.TemporaryDirectory() as folder:
                check(python, Path(folder))


if __name__ == "__main__":
    main()
