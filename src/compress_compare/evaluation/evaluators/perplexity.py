"""Perplexity of a language model: exp of the mean −log p of each token behind those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ...operations.parts.data import IGNORED, without_padding
from ...records import Metric, MetricValue
from ..inputs import answer, call
from .base import Answers, Evaluator, needs, running

PERPLEXITY = Metric("Perplexity", format=".2f", higher_is_better=False, primary=True, min=1)
NAN_TEXTS = Metric(
    "NaN Texts",
    format="d",
    higher_is_better=False,
    min=0,
    description="Texts whose scores are not finite; they are left out of the perplexity.",
)
LOSS = "nll"


@dataclass(frozen=True)
class Perplexity(Evaluator):
    """Texts as tokens, each read from its start; padding by ``attention_mask`` counts for nothing.

    Args:
        batches: inputs of the model: mappings with ``input_ids`` [texts, tokens], or the tokens themselves.
        device: see ``Evaluator``.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (PERPLEXITY, NAN_TEXTS)

    batches: Sequence[Any]
    device: str | None = None

    def run(self, model: nn.Module) -> Answers:
        """Return log p of every token but the first of each text, and the mean of −log p of each text."""
        logs: list[list[float]] = []
        with running(model, self.device) as placed:
            for inputs in self.batches:
                tokens = inputs["input_ids"] if isinstance(inputs, Mapping) else inputs
                targets = without_padding(inputs, tokens)[:, 1:]
                scores = answer(call(model, placed(inputs)))[:, :-1].float().cpu()
                losses = F.cross_entropy(scores.transpose(1, 2), targets, ignore_index=IGNORED, reduction="none")
                logs += [(-row[kept]).tolist() for row, kept in zip(losses, targets != IGNORED, strict=True)]
        means = [-sum(row) / len(row) if row else None for row in logs]
        return {"tokens": {"log_probability": logs}, "metrics": {LOSS: means}}

    def score(self, answers: Mapping[str, Any]) -> dict[str, MetricValue]:
        """Return the perplexity over the tokens of all texts whose scores are numbers, and how many texts are not."""
        try:
            from torchmetrics.text import Perplexity as Total
        except ImportError as error:
            raise needs("torchmetrics", "Scoring perplexity") from error
        rows = [torch.tensor(row, dtype=torch.float64) for row in answers["tokens"]["log_probability"] if row]
        good = [row for row in rows if bool(row.isfinite().all())]
        total = Total()
        for row in good:
            total.update(*_as_scores(row))
        value = float(total.compute()) if good else float("nan")
        return {
            PERPLEXITY.name: MetricValue(value, count=sum(len(row) for row in good)),
            NAN_TEXTS.name: MetricValue(len(rows) - len(good), count=len(rows)),
        }


def _as_scores(logs: Tensor) -> tuple[Tensor, Tensor]:
    """Scores of two classes, the first of which has these log probabilities; and that it is the right one."""
    other = torch.log1p(-logs.exp().clamp(max=1 - 1e-12))
    return torch.stack([logs, other], 1)[None], torch.zeros(1, len(logs), dtype=torch.long)
