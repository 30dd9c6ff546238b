"""Semantic segmentation: intersection over union of the classes of pixels, by torchmetrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ...operations.parts.data import IGNORED
from ...records import Metric, MetricValue
from ..inputs import answer, call
from .base import Answers, Evaluator, needs, running

IOU = Metric("Mean IoU", format=".3f", higher_is_better=True, primary=True, min=0, max=1)
PIXELS = "pixel accuracy"


@dataclass(frozen=True)
class Segmentation(Evaluator):
    """A class for every pixel; pixels of label −100 or ``void`` count for nothing.

    Args:
        batches: pairs (inputs, labels [images, height, width]).
        num_classes: how many there are.
        void: a further label that counts for nothing.
        device: see ``Evaluator``.
        names: of the classes, from class 0 on.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (IOU,)

    batches: Sequence[tuple[Any, Tensor]]
    num_classes: int
    void: int = IGNORED
    device: str | None = None
    names: Sequence[str] | None = None

    def run(self, model: nn.Module) -> Answers:
        """Return the classes of all pixels of each image."""
        masks: list[Tensor] = []
        with running(model, self.device) as placed:
            for inputs, _ in self.batches:
                masks += list(answer(call(model, placed(inputs))).argmax(1).cpu())
        return {"masks": masks}

    def describe(self, answers: Answers) -> Answers:
        """Return the mask of each image, as ``log_outputs`` takes them, and the share of its right pixels."""
        shares: list[float | None] = []
        for found, wanted in zip(answers["masks"], self._labels(), strict=True):
            counted = wanted != IGNORED
            shares.append(float((found == wanted)[counted].double().mean()) if bool(counted.any()) else None)
        masks = [mask.to(torch.int32).numpy() for mask in answers["masks"]]
        named = {} if self.names is None else {"classes": list(self.names)}
        return {"masks": masks, **named, "metrics": {PIXELS: shares}}

    def score(self, answers: Mapping[str, Any]) -> dict[str, MetricValue]:
        """Return the intersection over union, as a mean over classes."""
        try:
            from torchmetrics.functional.classification import multiclass_jaccard_index
        except ImportError as error:
            raise needs("torchmetrics", "Scoring segmentations") from error
        found = torch.cat([mask.flatten() for mask in answers["masks"]])
        labels = torch.cat([mask.flatten() for mask in self._labels()])
        value = multiclass_jaccard_index(found, labels, self.num_classes, ignore_index=IGNORED)
        return {IOU.name: MetricValue(float(value), count=len(answers["masks"]))}

    def _labels(self) -> list[Tensor]:
        return [row.masked_fill(row == self.void, IGNORED) for _, labels in self.batches for row in labels]
