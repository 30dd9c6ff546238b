"""Checks of ``interop`` with harnesses that evaluate language models: lm-eval and Lighteval."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pyarrow.parquet as pq

import compress_compare as cc
from benchmarks.interop_tool import tool

MAKE_MODELS = """
import json, random, sys
from pathlib import Path
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
folder, draw = Path(sys.argv[1]), random.Random(0)
words = "one two three red blue green cat dog bird runs sits flies".split()
lines = [" ".join(draw.choice(words) for _ in range(12)) for _ in range(200)] + [f"{n}+{n}={n}" for n in range(50)]
letters = Tokenizer(models.BPE())
letters.pre_tokenizer, letters.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
alphabet = pre_tokenizers.ByteLevel.alphabet()
trainer = trainers.BpeTrainer(vocab_size=320, special_tokens=["<s>", "</s>"], initial_alphabet=alphabet)
letters.train_from_iterator(lines, trainer)
tokenizer = PreTrainedTokenizerFast(tokenizer_object=letters, bos_token="<s>", eos_token="</s>", pad_token="</s>")
for seed, name in enumerate(("big", "small")):
    torch.manual_seed(seed)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2}
    LlamaForCausalLM(LlamaConfig(vocab_size=len(tokenizer), **sizes)).save_pretrained(folder / name)
    tokenizer.save_pretrained(folder / name)
tasks = folder / "tasks"
tasks.mkdir()
rows = {
    "choice": [{"question": lines[n], "choices": draw.sample(words, 4), "answer": n % 4} for n in range(60)],
    "last": [{"start": line.rpartition(" ")[0], "end": " " + line.rpartition(" ")[2]} for line in lines[:40]],
    "sums": [{"question": f"{a}+{b}=", "answer": str(a + b)} for a in range(5) for b in range(4)],
    "pages": [{"page": " ".join(lines[n : n + 3])} for n in range(20)],
}
measured = {"choice": ("acc", "acc_norm"), "last": ("acc",), "sums": ("exact_match",)}
measured["pages"] = ("word_perplexity", "byte_perplexity", "bits_per_byte")
asked = {
    "choice": {"output_type": "multiple_choice", "doc_to_text": "{{question}}", "doc_to_choice": "choices",
               "doc_to_target": "answer"},
    "last": {"output_type": "loglikelihood", "doc_to_text": "{{start}}", "doc_to_target": "{{end}}",
             "target_delimiter": ""},
    "pages": {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{page}}"},
}
digit, first = {"function": "regex", "regex_pattern": "([0-9])"}, {"function": "take_first"}
asked["sums"] = {"output_type": "generate_until", "doc_to_text": "{{question}}", "doc_to_target": "answer",
                 "generation_kwargs": {"until": ["\\n"], "max_gen_toks": 4, "do_sample": False},
                 "filter_list": [{"name": "digit", "filter": [digit, first]}, {"name": "whole", "filter": [first]}]}
for name, body in asked.items():
    path = tasks / f"{name}.jsonl"
    path.write_text("".join(json.dumps(row) + "\\n" for row in rows[name]))
    source = {"dataset_path": "json", "dataset_kwargs": {"data_files": {"test": str(path)}}, "test_split": "test"}
    listed = {"metric_list": [{"metric": one} for one in measured[name]], "metadata": {"version": 2.0}}
    (tasks / f"{name}.yaml").write_text(json.dumps({"task": f"our_{name}", **source, **body, **listed}))
group = {"group": "ours", "task": ["our_choice", "our_last"], "metadata": {"version": 1},
         "aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}]}
(tasks / "ours.yaml").write_text(json.dumps(group))
"""
RUN_LM_EVAL = """
import sys
from lm_eval.__main__ import cli_evaluate
cli_evaluate()
"""
OUR_TASKS = """
import os
from lighteval.metrics.metrics import Metrics
from lighteval.tasks.lighteval_task import LightevalTaskConfig
from lighteval.tasks.requests import Doc

def choice(row, name=None):
    choices = [" " + one for one in row["choices"]]
    return Doc(task_name=name, query=row["question"], choices=choices, gold_index=row["answer"])

def sums(row, name=None):
    return Doc(task_name=name, query=row["question"], choices=[row["answer"]], gold_index=0)

def task(name, prompt, metrics, **more):
    place = os.environ["OUR_DATA"] + "/" + name
    return LightevalTaskConfig(name="our_" + name, prompt_function=prompt, hf_repo=place, hf_subset="default",
                               metrics=metrics, hf_avail_splits=["test"], evaluation_splits=["test"], version=2, **more)

TASKS_TABLE = [
    task("choice", choice, [Metrics.loglikelihood_acc, Metrics.mcc]),
    task("sums", sums, [Metrics.exact_match], generation_size=4, stop_sequence=["\\n"]),
]
"""
RUN_LIGHTEVAL = """
from lighteval.tasks.registry import Registry
# The tasks that come with it ask the network as soon as they are loaded.
Registry._load_from_files = Registry._load_from_subdirs = staticmethod(lambda *_: {})
from lighteval.__main__ import app
app()
"""


def lm_eval(python: str, folder: Path) -> None:
    """Every number of its results, and by its samples which documents flip and how often it is right."""
    tool(python, MAKE_MODELS, str(folder))
    for name in ("big", "small"):
        model = ("--model", "hf", "--model_args", f"pretrained={folder / name},dtype=float32", "--device", "cpu")
        tasks = ("--tasks", "ours,our_sums,our_pages", "--include_path", str(folder / "tasks"))
        tool(python, RUN_LM_EVAL, "run", *model, *tasks, "--log_samples", "--output_path", str(folder / "out"))
    command = [Path(sys.executable).with_name("compress-compare"), "import", folder / "out", folder / "p"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    said: dict[tuple[str, str], tuple[float, float | None]] = {}
    right: dict[str, dict[str, bool]] = {"big": {}, "small": {}}
    for path in sorted((folder / "out").rglob("results_*.json")):
        document = json.loads(path.read_text())
        name = Path(document["config"]["model_args"]["pretrained"]).name
        for task, entry in document["results"].items():
            for metric, filter in (key.split(",") for key in entry if "," in key and "_stderr," not in key):
                error = entry.get(f"{metric}_stderr,{filter}")
                full = f"{task} {metric}" if filter == "none" else f"{task} {metric},{filter}"
                said[name, full] = entry[f"{metric},{filter}"], error if isinstance(error, float) else None
        (samples,) = path.parent.glob("samples_our_choice_*.jsonl")
        for row in map(json.loads, samples.read_text().splitlines()):
            right[name][row["doc_hash"]] = bool(row["acc"])
    flips = [(right["big"][one], right["small"][one]) for one in right["big"]]
    with cc.open(folder / "p") as project:
        found = {
            (name, metric): (values[0].value, values[0].standard_error)
            for name in ("big", "small")
            for metric, values in project.model(name).metrics.items()
        }
        (row,) = project.behaviors("big", "small", "our_choice").summary.to_pylist()
        sizes = {one.name: one.num_instances for one in project.datasets()}
    agree = sum(found.get(one) == numbers for one, numbers in said.items())
    print(f"lm-eval: {agree} of {len(said)} values with their standard errors as it wrote them, {len(found)} found")
    expected = (flips.count((True, False)), flips.count((False, True)))
    print(f"lm-eval: flips {(row['right_to_wrong'], row['wrong_to_right'])}, expected {expected}; documents {sizes}")


def lighteval(python: str, folder: Path) -> None:
    """Every number of its results, and by its details which documents flip. A dtype makes another model."""
    tool(python, MAKE_MODELS, str(folder))
    (folder / "tasks.py").write_text(OUR_TASKS)
    for name in ("choice", "sums"):
        (folder / "data" / name).mkdir(parents=True)
        (folder / "tasks" / f"{name}.jsonl").rename(folder / "data" / name / "test.jsonl")
    settings = {"OUR_DATA": str(folder / "data"), "HF_HOME": str(folder / "home")}
    for name, more in (("big", ""), ("small", ""), ("big", ",dtype=bfloat16")):
        model = f"model_name={folder / name},batch_size=8{more}"
        asked = ("accelerate", model, "our_choice,our_sums", "--custom-tasks", str(folder / "tasks.py"))
        tool(python, RUN_LIGHTEVAL, *asked, "--output-dir", str(folder / "out"), "--save-details", **settings)
    command = [Path(sys.executable).with_name("compress-compare"), "import", folder / "out", folder / "p"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    said: dict[tuple[str, str], tuple[float, float]] = {}
    right: dict[str, dict[str, bool]] = {}
    for path in sorted((folder / "out").rglob("results_*.json")):
        document = json.loads(path.read_text())
        config = document["config_general"]["model_config"]
        name = Path(config["model_name"]).name + (f" (dtype={config['dtype']})" if config["dtype"] else "")
        for key, entry in document["results"].items():
            for metric in entry if key != "all" else ():
                if not metric.endswith("_stderr"):
                    said[name, f"{key.split('|')[0]} {metric}"] = entry[metric], entry[f"{metric}_stderr"]
        date = path.stem.removeprefix("results_")
        (details,) = (folder / "out" / "details").rglob(f"details_our_choice*{date}.parquet")
        rows = pq.read_table(details, columns=["doc", "metric"]).to_pylist()
        right[name] = {row["doc"]["query"]: bool(row["metric"]["acc"]) for row in rows}
    with cc.open(folder / "p") as project:
        found = {
            (name, metric): (values[0].value, values[0].standard_error)
            for name in project.models()["id"].to_pylist()
            for metric, values in project.model(name).metrics.items()
        }
        (row,) = project.behaviors("big", "small", "our_choice").summary.to_pylist()
    agree = sum(found.get(one) == numbers for one, numbers in said.items())
    models = len({name for name, _ in found})
    print(f"lighteval: {agree} of {len(said)} values with their standard errors as it wrote them, {models} models")
    flips = [(right["big"][one], right["small"][one]) for one in right["big"]]
    expected = (flips.count((True, False)), flips.count((False, True)))
    print(f"lighteval: flips {(row['right_to_wrong'], row['wrong_to_right'])}, expected {expected}")
