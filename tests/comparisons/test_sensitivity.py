"""Plans for other tools name all names of a tied weight."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from torch import nn

import compress_compare as cc
from compress_compare.comparisons.sensitivity import tied, together, written
from compress_compare.operations import Quantize
from compress_compare.plans.recommend import Plan

TIED = {"head.weight": "embed.weight"}


@pytest.mark.parametrize(
    ("targets", "expected"),
    [
        (("embed.weight",), ("embed.weight", "head.weight")),
        (("head.weight",), ("head.weight", "embed.weight")),
        (("other.weight",), ("other.weight",)),
        (("head.weight", "embed.weight"), ("head.weight", "embed.weight")),
    ],
)
def test_all_names_are_targets(targets: tuple[str, ...], expected: tuple[str, ...]) -> None:
    found = together(Quantize(4, full_range=True, targets=targets), TIED)
    assert found == Quantize(4, full_range=True, targets=expected)


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(8, 4), nn.Linear(4, 8, bias=False)
        self.head.weight = self.embed.weight


def test_a_plan_of_a_project_names_them(tmp_path: Path) -> None:
    levels = (("quantize", '{"bits": 8, "full_range": true}', ("embed.weight",)),)
    plan = Plan(levels=levels, change=0.0, used=0.0, untouched=())
    with cc.open(tmp_path / "p") as project:
        project.log_model("net", checkpoint=Net())
        assert tied(project, "net") == TIED
        text = yaml.safe_load(written(plan, "llm-compressor", store=project, model="net"))
        (group,) = text["quant_stage"]["quant_modifiers"]["QuantizationModifier"]["config_groups"].values()
        assert group["targets"] == ["embed", "head"]
        own = yaml.safe_load(written(plan, "recipe", store=project, model="net"))
        assert own["steps"][0]["quantize"]["targets"] == ["embed.weight"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("ties", [True, False])
def test_a_folder_of_transformers_says_whether_its_head_is_tied(tmp_path: Path, ties: bool) -> None:
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        vocab_size=16, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
        tie_word_embeddings=ties,
    )  # fmt: skip
    transformers.LlamaForCausalLM(config).save_pretrained(tmp_path / "net")
    with cc.open(tmp_path / "p") as project:
        project.log_model("net", checkpoint=tmp_path / "net")
        assert tied(project, "net") == ({"lm_head.weight": "model.embed_tokens.weight"} if ties else {})
