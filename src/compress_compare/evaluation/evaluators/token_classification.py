"""Token classification, such as names in text: accuracy and macro-averaged F1 over the tokens that have a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...operations.parts.data import IGNORED, without_padding
from ...records import Metric, MetricValue
from ..inputs import answer, call
from .base import Answers, Evaluator, needs, running

ACCURACY = Metric("Token Accuracy", format=".1%", higher_is_better=True, primary=True, min=0, max=1)
F1 = Metric("Token F1", format=".3f", higher_is_better=True, min=0, max=1, description="Mean over the classes.")


@dataclass(frozen=True)
class TokenClassification(Evaluator):
    """Tokens with a class each; those of label −100, and padding by ``attention_mask``, count for nothing.

    Args:
        batches: pairs (inputs, labels [texts, tokens]).
        names: of the classes, by index.
        device: see ``Evaluator``.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (ACCURACY, F1)

    batches: Sequence[tuple[Any, Tensor]]
    names: Sequence[str]
    device: str | None = None

    def run(self, model: nn.Module) -> Answers:
        """Return the classes of each text in words, and its share of right tokens."""
        texts: list[str] = []
        shares: list[float | None] = []
        for found, labels in self._texts(model):
            texts.append(" ".join(self.names[index] for index in found.tolist()))
            shares.append(float((found == labels).double().mean()) if len(found) else None)
        return {"texts": texts, "metrics": {ACCURACY.name: shares}}

    def score(self, answers: Mapping[str, Any]) -> dict[str, MetricValue]:
        """Return accuracy and F1 over all tokens, by torchmetrics."""
        try:
            from torchmetrics.functional.classification import multiclass_accuracy, multiclass_f1_score
        except ImportError as error:
            raise needs("torchmetrics", "Scoring token classes") from error
        index = {name: number for number, name in enumerate(self.names)}
        found = torch.tensor([index[word] for text in answers["texts"] for word in text.split()], dtype=torch.long)
        labels = torch.cat([kept for inputs, given in self.batches for kept in _kept(inputs, given)])
        count = len(labels)
        right = multiclass_accuracy(found, labels, len(self.names), average="micro")
        return {
            ACCURACY.name: MetricValue(float(right), count=count),
            F1.name: MetricValue(float(multiclass_f1_score(found, labels, len(self.names))), count=count),
        }

    def _texts(self, model: nn.Module) -> list[tuple[Tensor, Tensor]]:
        found: list[tuple[Tensor, Tensor]] = []
        with running(model, self.device) as placed:
            for inputs, labels in self.batches:
                classes = answer(call(model, placed(inputs))).argmax(-1).cpu()
                counted = without_padding(inputs, labels) != IGNORED
                found += [(classes[i][row], labels[i][row]) for i, row in enumerate(counted)]
        return found


def _kept(inputs: Any, labels: Tensor) -> list[Tensor]:
    """The labels that count, text by text."""
    counted = without_padding(inputs, labels) != IGNORED
    return [row[kept] for row, kept in zip(labels, counted, strict=True)]
