"""A task of lm-evaluation-harness on a model in memory, and its results and samples imported."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from compress_compare import importers
from compress_compare.evaluation.evaluators.harness import Harness
from compress_compare.store.store import Store

pytest.importorskip("lm_eval")
TASK = """
task: capitals
dataset_path: json
dataset_kwargs: {data_files: {test: %s}}
test_split: test
output_type: multiple_choice
doc_to_text: "{{question}}"
doc_to_choice: ["paris", "rome"]
doc_to_target: "{{answer}}"
metric_list: [{metric: acc, aggregation: mean, higher_is_better: true}]
metadata: {version: 1}
"""


@pytest.mark.filterwarnings("ignore")
def test_results_and_samples_of_a_task_are_what_the_importer_reads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path / "cache"))
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    words = ["<end>", "france", "italy", "paris", "rome", "capital", "of"]
    known = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<end>"))
    known.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=known, eos_token="<end>", pad_token="<end>", unk_token="<end>")
    torch.manual_seed(0)
    model = GPT2LMHeadModel(GPT2Config(vocab_size=7, n_embd=8, n_layer=1, n_head=2, n_positions=32, eos_token_id=0))
    rows = [{"question": f"capital of {land}", "answer": number} for number, land in enumerate(("france", "italy"))]
    (tmp_path / "rows.json").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "capitals.yaml").write_text(TASK % (tmp_path / "rows.json"))
    harness = Harness(tokenizer, ["capitals"], include=tmp_path / "tasks")
    out = harness.run(model, tmp_path / "out", name="tiny")
    (results,) = out.rglob("results_*.json")
    wanted = json.loads(results.read_text())["results"]["capitals"]["acc,none"]
    with Store.open(tmp_path / "p") as project:
        read = importers.read("lm-eval", [str(out)], how=importers.ImportHow(), project=project)
        importers.write(read, project)
        (id,) = [model["id"] for model in read.models]
        values = {name: [value.value for value in each] for name, each in project.model(id).metrics.items()}
    assert any(wanted in each for each in values.values()) and len(read.datasets) == 1
