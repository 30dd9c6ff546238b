"""stories260K, a language model with the architecture of Llama, in 36 ways, on 21 stories."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gptq_stories import load, losses, perplexity, sampled
from larger.steps import Step, against, effects, table
from reference_compressions import architectures
from torch import Tensor, nn

from compress_compare.operations import (
    AWQQuantize,
    GPTQQuantize,
    LowRank,
    MagnitudePrune,
    NMPrune,
    Palettize,
    Quantize,
    RandomPrune,
    Restore,
)
from compress_compare.project import Project
from compress_compare.records import Metric, MetricValue

ROOT = "stories260K"
STORIES = "TinyStories, 21"
PERPLEXITY, LOSS = "Perplexity", "Negative Log-Likelihood"
RESAMPLES = 2000


class Stories:
    """What rounding, palettes, pruning and factors do to a small language model."""

    metrics = (
        Metric(PERPLEXITY, format=".3f", higher_is_better=False, primary=True, min=1, description="Per token."),
        Metric(LOSS, unit="nat", format=".3f", higher_is_better=False, min=0, description="Mean per token."),
    )

    def __init__(self, data: Path) -> None:
        self._model, self._stories = load(data)
        tokenizer = architectures(data).Tok512(data / "models" / "tok512.bin")
        self._words = [[tokenizer.decode([token]) for token in story.tolist()] for story in self._stories]
        lines = (data / "datasets" / "tinystories_eval.jsonl").read_text(encoding="utf-8").splitlines()
        self._texts = [json.loads(line)["text"] for line in lines]
        self._calibration = [(batch, batch) for batch in sampled(self._model, 64, length=256).split(16)]

    def roots(self) -> Mapping[str, nn.Module]:
        return {ROOT: self._model}

    def steps(self) -> Iterable[Step]:
        for bits in (8, 6, 5, 4, 3):
            yield Step(f"w{bits}", ROOT, Quantize(bits=bits))
        for bits in (4, 3):
            grouped = {"bits": bits, "strategy": "group", "group_size": 32}
            yield Step(f"w{bits}-g32", ROOT, Quantize(**grouped))
            yield Step(f"gptq{bits}", ROOT, GPTQQuantize(bits=bits))
            yield Step(f"gptq{bits}-g32", ROOT, GPTQQuantize(**grouped))
            yield Step(f"awq{bits}", ROOT, AWQQuantize(bits=bits))
            yield Step(f"w{bits}-embedding", f"w{bits}", Restore(targets=["tok"]))
        for bits in (8, 6, 4, 3, 2):
            yield Step(f"palette{bits}", ROOT, Palettize(bits=bits))
        for percent in (10, 20, 30, 50):
            yield Step(f"p{percent}", ROOT, MagnitudePrune(amount=percent / 100))
            yield Step(f"p{percent}-layers", ROOT, MagnitudePrune(amount=percent / 100, scope="local"))
        yield Step("p30-random", ROOT, RandomPrune(amount=0.3))
        yield Step("p30-embedding", "p30", Restore(targets=["tok"]))
        yield Step("p30-attention", "p30", Restore(targets=[r"re:.*\.w[qkvo]"]))
        yield Step("p30-w4", "p30", Quantize(bits=4))
        yield Step("n2m4", ROOT, NMPrune())
        for percent in (75, 50):
            yield Step(f"rank{percent}", ROOT, LowRank(ratio=percent / 100))

    def calibration(self) -> Any:
        return self._calibration

    def prepare(self, project: Project) -> None:
        project.log_dataset(
            STORIES, ids=np.arange(len(self._texts)), texts=self._texts, tokens=[words[1:] for words in self._words]
        )

    def measure(self, model: nn.Module) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        found = losses(model.eval(), self._stories)
        drawn = np.random.default_rng(0).integers(0, len(found), (RESAMPLES, len(found)))
        each = found[drawn, 0].sum(1) / found[drawn, 1].sum(1)
        count = int(found[:, 1].sum())
        values = {
            PERPLEXITY: MetricValue(perplexity(found), count=count, standard_error=float(np.exp(each).std(ddof=1))),
            LOSS: MetricValue(float(np.log(perplexity(found))), count=count, standard_error=float(each.std(ddof=1))),
        }
        answers = {
            "ids": np.arange(len(self._stories)),
            "metrics": {"nats per token": found[:, 0] / found[:, 1]},
            "tokens": {"log_probability": [_each(model, story) for story in self._stories]},
        }
        return values, {STORIES: answers}

    def tell(self, project: Project) -> None:
        table(project, (PERPLEXITY, "Packed Size"))
        pairs = [
            (ROOT, "w8"), (ROOT, "w4"), ("w4", "gptq4"), ("w4", "awq4"), ("w4", "w4-g32"), ("w3", "gptq3"),
            ("gptq3", "gptq3-g32"), ("w4", "palette4"), ("w4", "w4-embedding"), ("w3", "w3-embedding"),
            ("p30", "p30-layers"), ("p30", "p30-embedding"), ("p30", "p30-attention"), ("p30", "p30-random"),
        ]  # fmt: skip
        against(project, pairs, STORIES, metric="nats per token")
        effects(project, LOSS)


@torch.no_grad()
def _each(model: nn.Module, story: Tensor) -> list[float]:
    chances = model(story[None, :-1])[0].log_softmax(-1)
    return chances.gather(1, story[1:, None])[:, 0].tolist()
