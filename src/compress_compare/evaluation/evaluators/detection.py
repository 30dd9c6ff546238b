"""Object detection: average precision as COCO defines it, and which objects each model finds, by pycocotools."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from torch import Tensor, nn

from ...records import Metric, MetricValue
from .base import Answers, Evaluator, needs, running

AP = Metric(
    "Average Precision",
    format=".3f",
    higher_is_better=True,
    primary=True,
    min=0,
    max=1,
    description="COCO's: mean over classes and over the overlaps 0.5, 0.55, …, 0.95.",
)
AP50 = Metric("Average Precision 50", format=".3f", higher_is_better=True, min=0, max=1)
FOUND, MISSED, FALSE = "objects found", "objects missed", "false detections"
_OVERLAP = 0.5

Detected = Sequence[Mapping[str, Tensor]]
"""For each image ``boxes`` [objects, 4] as left, top, right, bottom in pixels, ``labels`` and ``scores`` [objects]; for
``kind="masks"`` also ``masks`` [objects, height, width]. As torchvision's detectors answer."""


def _call(model: nn.Module, images: Any) -> Detected:
    detected: Detected = model(images)
    return detected


@dataclass(frozen=True)
class Detection(Evaluator):
    """Boxes, or masks, that a detector finds in images.

    Args:
        batches: pairs (images, targets); a target per image, with ``boxes`` and ``labels``, and ``masks`` if those are
            asked for.
        names: of the classes, by label.
        kind: what is compared with the target.
        detect: (model, images) → what it finds; for models that do not answer as torchvision's.
        device: see ``Evaluator``.
    """

    metrics: ClassVar[tuple[Metric, ...]] = (AP, AP50)

    batches: Sequence[tuple[Any, Sequence[Mapping[str, Tensor]]]]
    names: Mapping[int, str] | Sequence[str]
    kind: Literal["boxes", "masks"] = "boxes"
    detect: Callable[[nn.Module, Any], Detected] = _call
    device: str | None = None

    def run(self, model: nn.Module) -> Answers:
        """Return what the model finds in each image."""
        found: list[Mapping[str, Tensor]] = []
        with running(model, self.device) as placed:
            for images, _ in self.batches:
                answers = self.detect(model, placed(images))
                found += [{key: value.cpu() for key, value in each.items()} for each in answers]
        return {"detected": found}

    def describe(self, answers: Answers) -> Answers:
        """Return the boxes of each image, and masks if those are asked for, as ``log_outputs`` takes them, and how many
        objects were found and missed.

        An object counts as found where a box of its class and score of 0.5 or more overlaps it by half.
        """
        detected = answers["detected"]
        counts = _counts(self._coco(detected, least=_OVERLAP))
        masks = {"object_masks": [self._masks(each) for each in detected]} if self.kind == "masks" else {}
        return {
            "boxes": [self._named(each) for each in detected],
            **masks,
            "metrics": {name: [row[name] for row in counts] for name in (FOUND, MISSED, FALSE)},
        }

    def score(self, answers: Mapping[str, Any]) -> dict[str, MetricValue]:
        """Return both average precisions."""
        coco = self._coco(answers["detected"])
        with contextlib.redirect_stdout(io.StringIO()):
            coco.accumulate()
            coco.summarize()
        count = sum(len(target["labels"]) for _, targets in self.batches for target in targets)
        return {
            metric.name: MetricValue(float(value), count=count)
            for metric, value in zip((AP, AP50), coco.stats[:2], strict=True)
            if value >= 0
        }

    def _named(self, found: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        rows = zip(found["labels"].tolist(), found["boxes"].tolist(), found["scores"].tolist(), strict=True)
        return [{"class": self.names[label], "box": box, "score": score} for label, box, score in rows]

    def _masks(self, found: Mapping[str, Tensor]) -> list[dict[str, Any]]:
        return [self._mask(found, row)["segmentation"] for row in range(len(found["labels"]))]

    def _coco(self, found: Detected, *, least: float = 0.0) -> Any:
        """pycocotools' evaluation of what was found, image by image."""
        try:
            from pycocotools.coco import COCO
            from pycocotools.cocoeval import COCOeval
        except ImportError as error:
            raise needs("pycocotools", "Scoring detections") from error
        targets = [target for _, each in self.batches for target in each]
        labels = range(len(self.names)) if not isinstance(self.names, Mapping) else self.names
        with contextlib.redirect_stdout(io.StringIO()):
            truth = COCO()
            truth.dataset = {
                "images": [{"id": number, **_size(target)} for number, target in enumerate(targets)],
                "categories": [{"id": label} for label in labels],
                "annotations": self._entries(targets, least=0.0),
            }
            truth.createIndex()
            entries = self._entries(found, least=least)
            detected = truth.loadRes(entries) if entries else COCO()
            if not entries:
                detected.dataset = {**truth.dataset, "annotations": []}
                detected.createIndex()
            coco = COCOeval(truth, detected, "bbox" if self.kind == "boxes" else "segm")
            coco.evaluate()
        return coco

    def _entries(self, images: Sequence[Mapping[str, Tensor]], *, least: float) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = []
        for image, each in enumerate(images):
            scores = each["scores"].tolist() if "scores" in each else [1.0] * len(each["labels"])
            for row, (label, score) in enumerate(zip(each["labels"].tolist(), scores, strict=True)):
                if score >= least:
                    left, top, right, bottom = each["boxes"][row].tolist()
                    size = {"bbox": [left, top, right - left, bottom - top], "area": (right - left) * (bottom - top)}
                    entry = {"id": len(entries) + 1, "image_id": image, "category_id": label, "iscrowd": 0, **size}
                    entries.append({**entry, "score": score, **self._mask(each, row)})
        return entries

    def _mask(self, found: Mapping[str, Tensor], row: int) -> dict[str, Any]:
        if self.kind == "boxes":
            return {}
        from pycocotools import mask

        pixels = found["masks"][row].squeeze(0).numpy(force=True) >= _OVERLAP
        coded = mask.encode(np.asfortranarray(pixels.astype(np.uint8)))
        return {"segmentation": coded, "area": float(mask.area(coded))}


def _size(target: Mapping[str, Tensor]) -> dict[str, int]:
    height, width = target["masks"].shape[-2:] if "masks" in target else (0, 0)
    return {"height": height, "width": width}


def _counts(coco: Any) -> list[dict[str, int]]:
    """Objects found and missed, and boxes that are on none, of each image over all classes, at an overlap of half."""
    rows: dict[int, dict[str, int]] = {image: dict.fromkeys((FOUND, MISSED, FALSE), 0) for image in coco.params.imgIds}
    every = coco.params.areaRng[0]
    for each in coco.evalImgs:
        if each is None or each["aRng"] != every:
            continue
        matched = int((each["gtMatches"][0] > 0).sum())
        row = rows[each["image_id"]]
        row[FOUND] += matched
        row[MISSED] += len(each["gtIds"]) - matched
        row[FALSE] += int((each["dtMatches"][0] == 0).sum())
    return [rows[image] for image in sorted(rows)]
